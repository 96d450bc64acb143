//! What the workers and the monitor share.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Instant;

use gateway_core::server::{Ahead, Limits, LiveBodies, Spool, Timeouts, Trouble};
use gateway_core::{Address, CancelReason, Delivery, Endpoint, Gateway, Scheme};

use crate::connection::Connection;
use crate::deadline::Phase;
use crate::gate::Gate;
use crate::host::ThreadedHost;
use crate::lending::{Calls, Lending};
use crate::listener::Listener;
use crate::log::Sight;
use crate::monitor::Alarm;
use crate::predictor::{Measured, Predictor};
use crate::rules::Rules;
use crate::seat::{Seat, Sweep};
use crate::seating::Seating;
use crate::socket::Socket;

/// Connections taken from a listener in one go, before those that are ready get their turn.
const ACCEPTS: usize = 64;

/// What the workers and the monitor share.
pub(crate) struct Shared<A> {
    pub(crate) application: A,
    pub(crate) seats: Arc<[Seat]>,
    pub(crate) seating: Seating,
    pub(crate) predictor: Predictor,
    pub(crate) gate: Gate,
    pub(crate) alarm: Arc<Alarm>,
    pub(crate) limits: Limits,
    pub(crate) rules: Arc<Rules>,
    pub(crate) timeouts: Arc<Timeouts>,
    /// Leave for threads to read bodies that are still arriving.
    pub(crate) lending: Arc<Lending>,
    /// Leave for calls.
    pub(crate) calls: Calls,
    pub(crate) threads: usize,
    pub(crate) spool: Arc<Spool>,
    /// How bodies are delivered that say nothing of it.
    pub(crate) delivery: Delivery,
    gateway: Gateway,
    /// Empty once the server takes no more connections.
    listeners: RwLock<Vec<Listener>>,
    connections: AtomicUsize,
    /// Listeners are not watched: too many connections, or out of descriptors. Locked while they
    /// are watched or not watched any more, so that the flag says what is the case.
    paused: Mutex<bool>,
    /// The same, for who only wants a hint.
    is_paused: AtomicBool,
    /// There are as many connections as are allowed.
    crowd: Trouble,
    /// Accepting fails, mostly for want of descriptors.
    starved: Trouble,
    stopping: Arc<AtomicBool>,
    ended: AtomicBool,
}

impl<A> Shared<A> {
    #[expect(
        clippy::too_many_arguments,
        reason = "made in one place, from what the builder has"
    )]
    pub(crate) fn new(
        application: A,
        host: ThreadedHost,
        listeners: Vec<Listener>,
        seats: usize,
        threads: usize,
        queue: usize,
        limits: Limits,
        timeouts: Timeouts,
        spool: Arc<Spool>,
        delivery: Delivery,
        live_bodies: LiveBodies,
        alarm: Arc<Alarm>,
        stopping: Arc<AtomicBool>,
    ) -> io::Result<Self> {
        let mut http1 = gateway_http1::Limits::default();
        http1.request_line = limits.request_line;
        http1.head = limits.head;
        http1.headers = limits.headers;
        http1.body = limits.body;
        let shared = Self {
            application,
            seats: (0..seats).map(|_| Seat::new()).collect::<io::Result<_>>()?,
            seating: Seating::new(seats),
            predictor: Predictor::new(),
            gate: Gate::new(seats),
            alarm,
            rules: Arc::new(Rules {
                http1: Arc::new(http1),
                buffer: limits.buffer,
                ahead: Ahead::new(&limits, &timeouts),
                live_bodies,
            }),
            limits,
            timeouts: Arc::new(timeouts),
            lending: Lending::new((threads / 2).max(1)),
            calls: Calls {
                leave: Lending::new(threads),
                queue,
            },
            threads,
            spool,
            delivery,
            gateway: Gateway::new(host),
            listeners: RwLock::new(listeners),
            connections: AtomicUsize::new(0),
            paused: Mutex::new(false),
            is_paused: AtomicBool::new(false),
            crowd: Trouble::default(),
            starved: Trouble::default(),
            stopping,
            ended: AtomicBool::new(false),
        };
        shared.watch(&shared.listeners())?;
        Ok(shared)
    }

    /// Whether the server is to stop: answers say so, nothing new is begun.
    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }

    /// Whether the workers are to go home.
    pub(crate) fn has_ended(&self) -> bool {
        self.ended.load(Ordering::Acquire)
    }

    /// Connections that are open.
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::Acquire)
    }

    /// Takes the connections that wait at a listener. True if there may be more.
    pub(crate) fn accept(&self, number: usize) -> bool {
        let listeners = self.listeners();
        let Some(listener) = listeners.get(number) else {
            return false;
        };
        for _ in 0..ACCEPTS {
            // Who is in the backlog when the server stops is answered, whatever the limit.
            if self.is_full() && !self.is_stopping() {
                self.pause(&listeners);
                self.tell_crowd();
                if !self.is_full() {
                    self.resume(&listeners); // the last to leave came before the pause
                }
                return false;
            }
            match self.accept_one(listener) {
                Some(Ok(())) => {}
                Some(Err(error)) => {
                    self.starve(&error);
                    self.pause(&listeners);
                    return false;
                }
                None => return false,
            }
        }
        true
    }

    /// Takes a connection; `None` if none waits. The error is not of a connection, but of all of them.
    fn accept_one(&self, listener: &Listener) -> Option<io::Result<()>> {
        match listener.accept() {
            Ok(Some((socket, remote))) => {
                self.admit(listener, socket, remote);
                Some(Ok(()))
            }
            Ok(None) => None,
            Err(error) if is_of_the_connection(&error) => Some(Ok(())),
            Err(error) => Some(Err(error)),
        }
    }

    /// Watches the listeners again, if there is room.
    fn resume_if_paused(&self) {
        if self.is_paused.load(Ordering::Relaxed) && !self.is_full() && !self.is_stopping() {
            self.resume(&self.listeners());
        }
    }

    /// A connection is closed and gone.
    pub(crate) fn forget(&self, seat: usize, slot: usize) {
        if self.seats[seat].forget(slot) {
            let before = self.connections.fetch_sub(1, Ordering::AcqRel);
            if before == 1 && self.is_stopping() {
                self.alarm.ring();
            }
            self.resume_if_paused();
        }
    }

    /// Takes what the kernel has accepted already, then listens no more.
    pub(crate) fn close_listeners(&self) {
        // First no longer watched: where others listen on the same socket, the kernel wakes one of us for
        // a connection, and who was woken last must still come for it.
        self.unwatch(&self.listeners());
        let listeners = std::mem::take(&mut *self.listeners_to_close());
        for listener in listeners {
            while let Some(accepted) = self.accept_one(&listener) {
                if let Err(error) = accepted {
                    self.starve(&error);
                    break;
                }
            }
            drop(listener); // at once: who comes after the last one is reset
        }
    }

    /// Takes a seat from a thread that is stuck in a call, and notes that such calls wait.
    pub(crate) fn take_away(&self, number: usize, pulse: u64) {
        let seat = &self.seats[number];
        let entry = seat.entry();
        if seat.vacate(pulse) {
            self.predictor.learn(entry, Measured::Waited);
            self.leave_seat(number);
        }
    }

    /// Leaves a seat to a spare. If there is none, those who sleep at other seats look after it. What its holder
    /// has left to be sent is sent.
    pub(crate) fn leave_seat(&self, number: usize) {
        self.seats[number].send_unsent();
        if !self.seating.leave(number) {
            self.seats[number].stand_free();
            self.seats.iter().for_each(Seat::rouse);
        }
    }

    /// Looks at all deadlines, and at whether there is room again.
    pub(crate) fn sweep(&self, now: Instant) {
        self.tell_room(now);
        self.resume_if_paused();
        for seat in &*self.seats {
            seat.sweep(Sweep::Overdue, CancelReason::Deadline, |_, deadline| {
                deadline.overdue(now).is_some()
            });
        }
    }

    /// Has connections closed that have asked for nothing, or lingered, for a while.
    pub(crate) fn close_idle(&self, now: Instant) {
        let Timeouts {
            idle_at_stop,
            linger,
            ..
        } = *self.timeouts;
        for seat in &*self.seats {
            seat.sweep(Sweep::Idle, CancelReason::Shutdown, |phase, deadline| {
                let age = now.saturating_duration_since(deadline.since);
                match phase {
                    Phase::Idle | Phase::Head => age >= idle_at_stop,
                    Phase::Lingering => age >= linger,
                    _ => false,
                }
            });
        }
    }

    /// Ends everything that is still open: calls are cancelled, connections cut.
    pub(crate) fn cut_all(&self) {
        for seat in &*self.seats {
            seat.sweep(Sweep::Cut, CancelReason::Shutdown, |_, _| true);
            seat.cut_all();
        }
    }

    /// Sends the workers home.
    pub(crate) fn end(&self) {
        self.ended.store(true, Ordering::Release);
        self.seating.close();
        self.seats.iter().for_each(|seat| seat.poller.ring());
    }

    /// What the connections are doing.
    pub(crate) fn sights(&self) -> Vec<Sight> {
        self.seats.iter().flat_map(Seat::sights).collect()
    }

    /// Gives a connection to the seat that has the fewest.
    fn admit(&self, listener: &Listener, socket: Socket, remote: Address) {
        let local = listener.local_address(&socket);
        socket.keep_unsent(self.limits.buffer);
        let endpoint = Endpoint::new(remote, local, Scheme::Http, self.gateway.clone());
        let endpoint = Arc::new(endpoint);
        let connection = Connection::new(
            Arc::new(socket),
            Arc::clone(&endpoint),
            &self.rules,
            &self.timeouts,
            Instant::now(),
        );
        self.connections.fetch_add(1, Ordering::AcqRel);
        let seat = self.seats.iter().min_by_key(|seat| seat.population());
        let Some(seat) = seat else { return };
        if let Err(error) = seat.admit(Box::new(connection)) {
            self.connections.fetch_sub(1, Ordering::AcqRel);
            tracing::error!(remote = %endpoint.remote, %error, "cannot watch a connection");
        }
    }

    fn listeners(&self) -> RwLockReadGuard<'_, Vec<Listener>> {
        self.listeners
            .read()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn listeners_to_close(&self) -> RwLockWriteGuard<'_, Vec<Listener>> {
        self.listeners
            .write()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn is_full(&self) -> bool {
        self.connections() >= self.limits.connections
    }

    fn tell_crowd(&self) {
        if self.crowd.occurs(Instant::now()) {
            let connections = self.connections();
            tracing::warn!(
                connections,
                "the limit of connections is reached: the rest wait in the backlog"
            );
        }
    }

    /// Accepting fails, mostly for want of descriptors. It is tried again when a connection is closed,
    /// and with each sweep.
    fn starve(&self, error: &io::Error) {
        if self.starved.occurs(Instant::now()) {
            let connections = self.connections();
            tracing::error!(%error, connections, "cannot accept connections: the rest wait in the backlog");
        }
    }

    /// Says that nobody has waited in the backlog for a while, who did before.
    fn tell_room(&self, now: Instant) {
        if self.is_paused.load(Ordering::Relaxed) {
            self.crowd.lasts(now);
            self.starved.lasts(now);
        }
        if self.crowd.is_over(now) | self.starved.is_over(now) {
            tracing::info!("accepting connections again");
        }
    }

    /// Leaves the listeners alone.
    fn pause(&self, listeners: &[Listener]) {
        let mut paused = self.paused.lock().unwrap_or_else(PoisonError::into_inner);
        if !std::mem::replace(&mut *paused, true) {
            self.is_paused.store(true, Ordering::Relaxed);
            self.unwatch(listeners);
        }
    }

    fn resume(&self, listeners: &[Listener]) {
        let mut paused = self.paused.lock().unwrap_or_else(PoisonError::into_inner);
        if !*paused {
            return;
        }
        match self.watch(listeners) {
            Ok(()) => {
                *paused = false;
                self.is_paused.store(false, Ordering::Relaxed);
            }
            Err(error) => tracing::error!(%error, "cannot watch the listeners"),
        }
    }

    fn unwatch(&self, listeners: &[Listener]) {
        for listener in listeners {
            for seat in &*self.seats {
                if let Err(error) = seat.poller.remove(listener) {
                    tracing::warn!(%error, "cannot end the watch on a listener");
                }
            }
        }
    }

    fn watch(&self, listeners: &[Listener]) -> io::Result<()> {
        for (number, listener) in listeners.iter().enumerate() {
            for seat in &*self.seats {
                seat.poller.add_listener(listener, number)?;
            }
        }
        Ok(())
    }
}

/// Errors of `accept` that concern the one connection, which is gone (accept(2), "Error handling").
fn is_of_the_connection(error: &io::Error) -> bool {
    use io::ErrorKind::*;
    matches!(
        error.kind(),
        ConnectionAborted
            | ConnectionReset
            | Interrupted
            | HostUnreachable
            | NetworkUnreachable
            | NetworkDown
    )
}

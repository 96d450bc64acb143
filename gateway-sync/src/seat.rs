//! A seat: what a core works on. An epoll set, the connections registered with it, and those of
//! them that can go on.
//!
//! A connection is here, in its slot, or out, with the worker that turns it; nobody else touches it
//! then, and what happens meanwhile is noted in the slot. Who holds the seat is a number: it changes
//! with each change of hands, so that a worker that comes back from a call sees whether the seat is
//! still its own.

use std::collections::VecDeque;
use std::io;
use std::net::Shutdown;
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use gateway_core::CancelReason;
use gateway_core::server::Call;
use slab::Slab;

use crate::connection::Connection;
use crate::deadline::{Deadline, Phase};
use crate::log::{Current, Sight};
use crate::poller::{Batch, Poller, Ready, Signs};
use crate::predictor::{AtomicEntry, Entry};
use crate::socket::Socket;
use crate::unsent::{Rest, Unsent};

pub(crate) struct Seat {
    pub(crate) poller: Poller,
    /// Odd while the holder is in a call.
    pulse: AtomicU64,
    tenure: AtomicU64,
    entry: AtomicEntry,
    /// Where its holder leaves what others are to send meanwhile.
    unsent: Mutex<Arc<Unsent>>,
    population: AtomicUsize,
    state: Mutex<State>,
}

struct State {
    /// The holder sleeps in the poller, or is about to.
    asleep: bool,
    ready: VecDeque<usize>,
    slots: Slab<Slot>,
}

struct Slot {
    /// `None` while it is out.
    connection: Option<Box<Connection>>,
    /// It stands in `ready`, or will when it is back.
    queued: bool,
    signs: Signs,
    swept: Option<Sweep>,
    socket: Arc<Socket>,
    current: Arc<Current>,
    /// The connection's call, while it is out.
    call: Option<Call>,
    /// Where what is unsent of it may lie, while it is out.
    unsent: Option<Arc<Unsent>>,
    /// The client had closed its sending side when the connection was taken out.
    half_closed: bool,
    /// Only a reset tells the client that the response at hand is truncated.
    undelimited: bool,
    deadline: Deadline,
}

/// Why a connection was swept up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sweep {
    /// Its deadline has passed.
    Overdue,
    /// The server stops, and it is idle.
    Idle,
    /// The server has waited long enough.
    Cut,
}

/// A connection that is out.
pub(crate) struct Out {
    pub(crate) slot: usize,
    pub(crate) connection: Box<Connection>,
    /// What the kernel has said since it was out last.
    pub(crate) signs: Signs,
    /// Why it was swept up, if it was.
    pub(crate) swept: Option<Sweep>,
    /// Its call has served no request yet, and is known to the seat.
    pub(crate) call_is_fresh: bool,
    /// When it was taken out.
    pub(crate) now: Instant,
}

/// What the holder of a seat does next.
pub(crate) enum Next {
    Turn(Out),
    /// The client of a connection that is out may take more of what is unsent.
    Send(Arc<Unsent>),
    Poll,
    /// The seat has changed hands.
    Lost,
}

impl Seat {
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self {
            poller: Poller::new()?,
            pulse: AtomicU64::new(0),
            tenure: AtomicU64::new(0),
            entry: AtomicEntry::default(),
            unsent: Mutex::default(),
            population: AtomicUsize::new(0),
            state: Mutex::new(State {
                asleep: false,
                ready: VecDeque::new(),
                slots: Slab::new(),
            }),
        })
    }

    /// A new holder sits down; the one before loses the seat.
    pub(crate) fn sit(&self, unsent: &Arc<Unsent>) -> u64 {
        *self.unsent() = Arc::clone(unsent);
        let mut state = self.state();
        state.asleep = false;
        self.tenure.fetch_add(1, Ordering::SeqCst) + 1
    }

    /// Takes the seat from whoever holds it, if they are still in the call that `pulse` stands for.
    pub(crate) fn vacate(&self, pulse: u64) -> bool {
        let _state = self.state();
        let (order, ignored) = (Ordering::SeqCst, Ordering::Relaxed);
        // The pulse goes on: the call that goes on without the seat is not found stuck again.
        let stuck = self
            .pulse
            .compare_exchange(pulse, pulse + 1, order, ignored)
            .is_ok();
        if stuck {
            self.tenure.fetch_add(1, Ordering::SeqCst);
        }
        stuck
    }

    /// Sends what the holder has left to be sent, or who held it last.
    pub(crate) fn send_unsent(&self) {
        let unsent = Arc::clone(&self.unsent());
        self.send_of(&unsent);
    }

    /// Sends what a worker has left to be sent; has whoever holds the seat go on with it.
    pub(crate) fn send_of(&self, unsent: &Unsent) {
        if let Rest::More(slot) | Rest::Refill(slot) = unsent.send() {
            self.send_on(slot);
        }
    }

    /// Has whoever holds the seat send what is left of the response of a connection that is out.
    pub(crate) fn send_on(&self, slot: usize) {
        let wake = {
            let mut state = self.state();
            state.queue_unsent(slot);
            state.must_wake()
        };
        if wake {
            self.poller.ring();
        }
    }

    /// Says where what is unsent of a connection that is out lies from now on, at times, until it is back.
    pub(crate) fn share(&self, slot: usize, unsent: &Arc<Unsent>) {
        if let Some(slot) = self.state().slots.get_mut(slot) {
            slot.unsent = Some(Arc::clone(unsent));
        }
    }

    /// The holder's sign of life: odd while it is in a call, another number for each call.
    pub(crate) fn pulse(&self) -> u64 {
        self.pulse.load(Ordering::SeqCst)
    }

    /// The holder goes into a call. Returns the pulse to end it with.
    pub(crate) fn begin(&self, entry: Entry) -> u64 {
        self.entry.store(entry, Ordering::Relaxed);
        let pulse = (self.pulse.load(Ordering::SeqCst) + 1) | 1;
        self.pulse.store(pulse, Ordering::SeqCst);
        pulse
    }

    /// Whoever began the call is back. False if the seat was taken from them meanwhile.
    pub(crate) fn end(&self, pulse: u64) -> bool {
        let (order, ignored) = (Ordering::SeqCst, Ordering::Relaxed);
        let ended = self
            .pulse
            .compare_exchange(pulse, pulse + 1, order, ignored);
        ended.is_ok()
    }

    /// What the holder has called last.
    pub(crate) fn entry(&self) -> Entry {
        self.entry.load(Ordering::Relaxed)
    }

    /// How many connections live here.
    pub(crate) fn population(&self) -> usize {
        self.population.load(Ordering::Relaxed)
    }

    /// Gives a new connection a slot, and watches it.
    pub(crate) fn admit(&self, connection: Box<Connection>) -> io::Result<()> {
        let socket = Arc::clone(&connection.socket);
        self.population.fetch_add(1, Ordering::Relaxed);
        let slot = self.state().slots.insert(Slot {
            queued: false,
            signs: Signs::default(),
            swept: None,
            socket: Arc::clone(&socket),
            current: Arc::clone(&connection.current),
            call: None,
            unsent: None,
            half_closed: false,
            undelimited: false,
            deadline: connection.deadline,
            connection: Some(connection),
        });
        let watched = self.poller.add_connection(socket.as_fd(), slot);
        if watched.is_err() {
            self.forget(slot);
        }
        watched
    }

    /// Puts a connection back, and takes the next: one turn of the lock for each turn of a
    /// connection.
    pub(crate) fn next(&self, tenure: u64, back: Option<(usize, Box<Connection>)>) -> Next {
        let mut state = self.state();
        if let Some((slot, connection)) = back {
            state.put_back(slot, connection);
        }
        if self.tenure.load(Ordering::SeqCst) != tenure {
            return Next::Lost;
        }
        match state.take() {
            Some(next) => next,
            None => {
                state.asleep = true;
                Next::Poll
            }
        }
    }

    /// Takes a connection out of its slot, without holding the seat; `None` if another has it.
    pub(crate) fn take_out(&self, slot: usize) -> Option<Out> {
        self.state().take_out(slot)
    }

    /// Puts a connection back, without holding the seat.
    pub(crate) fn put_back(&self, slot: usize, connection: Box<Connection>) {
        let wake = {
            let mut state = self.state();
            state.put_back(slot, connection);
            state.must_wake()
        };
        if wake {
            self.poller.ring();
        }
    }

    /// Forgets a connection that is closed. True if it was known.
    pub(crate) fn forget(&self, slot: usize) -> bool {
        let forgotten = self.state().slots.try_remove(slot);
        if forgotten.is_some() {
            self.population.fetch_sub(1, Ordering::Relaxed);
        }
        forgotten.is_some()
    }

    /// Whether a connection can go on, as far as has been noted.
    pub(crate) fn has_ready(&self) -> bool {
        !self.state().ready.is_empty()
    }

    /// Nobody has the seat: whoever looks after it is to be woken for what becomes ready.
    pub(crate) fn stand_free(&self) {
        self.state().asleep = true;
    }

    /// Wakes the holder, if it sleeps.
    pub(crate) fn rouse(&self) {
        let asleep = std::mem::take(&mut self.state().asleep);
        if asleep {
            self.poller.ring();
        }
    }

    /// Waits for events, unless not to `wait`, and notes them. Adds the numbers of the
    /// listeners that have connections to `listeners`.
    pub(crate) fn poll(
        &self,
        batch: &mut Batch,
        wait: bool,
        listeners: &mut Vec<usize>,
    ) -> io::Result<()> {
        self.poller.wait(batch, wait)?;
        let mut left = Vec::new();
        {
            let mut state = self.state();
            state.asleep = false;
            for ready in batch.ready() {
                match ready {
                    Ready::Listener(number) => listeners.push(number),
                    Ready::Connection { slot, signs } => left.extend(state.note(slot, signs)),
                }
            }
        }
        // With the lock released: wakers are the application's code.
        left.iter()
            .for_each(|call: &Call| call.cancel(CancelReason::Disconnected));
        Ok(())
    }

    /// The connection can go on, for reasons the kernel does not know of.
    pub(crate) fn nudge(&self, slot: usize) {
        let wake = {
            let mut state = self.state();
            state.note(slot, Signs::default());
            state.must_wake()
        };
        if wake {
            self.poller.ring();
        }
    }

    /// Marks what `applies` to, and queues it; calls that are out are cancelled for `reason`, of which
    /// there is a line in the log.
    pub(crate) fn sweep(
        &self,
        sweep: Sweep,
        reason: CancelReason,
        mut applies: impl FnMut(Phase, &Deadline) -> bool,
    ) {
        let mut cancelled = Vec::new();
        let wake = {
            let mut state = self.state();
            let State { slots, ready, .. } = &mut *state;
            for (at, slot) in slots.iter_mut() {
                if !applies(slot.phase(), &slot.deadline) {
                    continue;
                }
                if slot.connection.is_some() {
                    slot.swept = Some(sweep);
                    slot.queue(at, ready);
                } else if let Some(call) = &slot.call {
                    cancelled.push((call.clone(), slot.sight(), Arc::clone(&slot.current)));
                }
            }
            state.must_wake()
        };
        if wake {
            self.poller.ring();
        }
        // With the lock released: wakers are the application's code.
        for (call, sight, current) in cancelled {
            if call.cancelled().reason().is_none() {
                sight.log_cut(&format!("its call is cancelled: {reason}"), Instant::now());
            }
            if reason == CancelReason::Shutdown {
                current.tell(); // whatever its input says now
            }
            call.cancel(reason);
        }
    }

    /// Says what call a connection that is out makes now. Tells what the kernel has said until now:
    /// it is not said again.
    pub(crate) fn set_call(&self, slot: usize, call: &Call) -> Signs {
        let (before, signs) = match self.state().slots.get_mut(slot) {
            Some(slot) => {
                slot.half_closed |= slot.signs.half_closed;
                (slot.call.replace(call.clone()), slot.signs)
            }
            None => (None, Signs::default()),
        };
        drop(before); // with the lock released: its end may be the application's code
        signs
    }

    /// Says that only a reset tells the client that the response at hand is truncated.
    pub(crate) fn set_undelimited(&self, slot: usize) {
        if let Some(slot) = self.state().slots.get_mut(slot) {
            slot.undelimited = true;
        }
    }

    /// Sets by when a call that is out must have answered.
    pub(crate) fn set_due(&self, slot: usize, since: Instant, due: Instant) {
        if let Some(slot) = self.state().slots.get_mut(slot) {
            slot.deadline = Deadline::of_call(since, Some(due));
        }
    }

    /// Cuts every connection: who has it, or should take its turn, may not come back.
    pub(crate) fn cut_all(&self) {
        for (_, slot) in &self.state().slots {
            // A close in good order would pass the truncated response for a whole one.
            if slot.undelimited {
                slot.socket.reset_on_close();
                slot.socket.shutdown(Shutdown::Read);
            } else {
                slot.socket.shutdown(Shutdown::Both);
            }
        }
    }

    /// What one connection is doing, if it is known.
    pub(crate) fn sight(&self, slot: usize) -> Option<Sight> {
        self.state().slots.get(slot).map(Slot::sight)
    }

    /// What the connections are doing.
    pub(crate) fn sights(&self) -> Vec<Sight> {
        let state = self.state();
        state.slots.iter().map(|(_, slot)| slot.sight()).collect()
    }

    fn unsent(&self) -> MutexGuard<'_, Arc<Unsent>> {
        self.unsent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn take(&mut self) -> Option<Next> {
        loop {
            let at = self.ready.pop_front()?;
            let Some(slot) = self.slots.get(at) else {
                continue;
            };
            if slot.connection.is_some() {
                return self.take_out(at).map(Next::Turn);
            }
            if let Some(unsent) = &slot.unsent {
                return Some(Next::Send(Arc::clone(unsent)));
            }
        }
    }

    /// Takes a connection out of its slot, if it is there.
    fn take_out(&mut self, at: usize) -> Option<Out> {
        let slot = self.slots.get_mut(at)?;
        let mut connection = slot.connection.take()?;
        slot.queued = false;
        // A call that has been used is replaced with the lock released.
        let call_is_fresh = connection.has_fresh_call();
        let is_set = call_is_fresh || connection.response.is_some();
        slot.call = is_set.then(|| connection.call().clone());
        // What was due before is not due of the call.
        let now = Instant::now();
        slot.deadline = Deadline::of_call(now, None);
        let signs = std::mem::take(&mut slot.signs);
        slot.half_closed = connection.is_half_closed() || signs.half_closed;
        let swept = std::mem::take(&mut slot.swept);
        Some(Out {
            slot: at,
            connection,
            signs,
            swept,
            call_is_fresh,
            now,
        })
    }

    fn put_back(&mut self, at: usize, connection: Box<Connection>) {
        let State { slots, ready, .. } = self;
        let Some(slot) = slots.get_mut(at) else {
            return;
        };
        slot.deadline = connection.deadline;
        slot.call = None;
        slot.unsent = None;
        let again = std::mem::take(&mut slot.queued) || connection.wants_turn();
        slot.connection = Some(connection);
        if again {
            slot.queue(at, ready);
        }
    }

    /// Notes what the kernel says. Returns the call whose client has left.
    fn note(&mut self, at: usize, signs: Signs) -> Option<Call> {
        self.queue_unsent(at);
        let State { slots, ready, .. } = self;
        let slot = slots.get_mut(at)?;
        slot.signs |= signs;
        slot.queue(at, ready);
        if signs.is_leaving(slot.half_closed) {
            slot.call.clone()
        } else {
            None
        }
    }

    /// Queues a connection that is out and has left something to be sent.
    fn queue_unsent(&mut self, at: usize) {
        let State { slots, ready, .. } = self;
        let is_left = |slot: &Slot| slot.connection.is_none() && slot.unsent.is_some();
        if slots.get(at).is_some_and(is_left) {
            ready.push_back(at);
        }
    }

    /// Whether the holder must be woken for what has become ready.
    fn must_wake(&mut self) -> bool {
        !self.ready.is_empty() && std::mem::take(&mut self.asleep)
    }
}

impl Slot {
    /// Queues the connection, or has it queued when it is back.
    fn queue(&mut self, at: usize, ready: &mut VecDeque<usize>) {
        if !std::mem::replace(&mut self.queued, true) && self.connection.is_some() {
            ready.push_back(at);
        }
    }

    fn sight(&self) -> Sight {
        let since = self.deadline.since;
        match &self.connection {
            Some(connection) => connection.sight(self.deadline.phase, since),
            None => self.current.sight_of_call(since),
        }
    }

    fn phase(&self) -> Phase {
        if self.connection.is_none() {
            Phase::Application
        } else {
            self.deadline.phase
        }
    }
}

//! [`Server`]: from addresses and an application to a running server.

use std::io;
use std::net::{SocketAddr, TcpListener, ToSocketAddrs};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use gateway_core::server::{Host, Limits, LiveBodies, Spool, Timeouts, catch, check_requirements};
use gateway_core::{Address, Application, Delivery};

use crate::drain::Drain;
use crate::host::ThreadedHost;
use crate::listener::Listener;
use crate::monitor::{Alarm, Look, Rhythm, Watch};
use crate::reactor::Reactor;
use crate::shared::Shared;
use crate::worker::Worker;

/// Threads for each core, where the number is not set: enough for a service that waits now and
/// then, few enough for a database to have a connection for each.
const THREADS_PER_CORE: usize = 16;

/// How long threads that are still in a call are waited for once everything is cut.
const LAST_WAIT: Duration = Duration::from_secs(1);

/// A threaded server: bound, and not yet serving.
#[derive(Debug)]
pub struct Server {
    listeners: Vec<Listener>,
    addresses: Vec<Address>,
    threads: usize,
    queue: usize,
    limits: Limits,
    timeouts: Timeouts,
    reactor: Reactor,
    delivery: Delivery,
    live_bodies: LiveBodies,
    spool_in: Option<PathBuf>,
    handle: Handle,
}

/// Stops a server, from any thread.
#[derive(Clone, Debug)]
pub struct Handle {
    stopping: Arc<AtomicBool>,
    alarm: Arc<Alarm>,
}

impl Handle {
    /// Stops the server: what the kernel has accepted is taken, nothing more; what runs is finished
    /// and answered with `Connection: close`; idle connections are closed. What is not done after
    /// [`Timeouts::drain`] is cut. [`Server::serve`] then returns.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::SeqCst);
        self.alarm.ring();
    }
}

impl Server {
    /// A server on a TCP address, such as `127.0.0.1:8000`; with port 0 the kernel chooses one.
    ///
    /// # Errors
    ///
    /// The address cannot be resolved, or not be bound: it is in use, or not ours.
    pub fn bind(address: impl ToSocketAddrs) -> io::Result<Self> {
        Ok(Self::on(Listener::bind(address)?))
    }

    /// A server on a Unix socket. A socket file on which nobody listens any more is replaced.
    ///
    /// # Errors
    ///
    /// The path cannot be bound: somebody listens there, it is another kind of file, the directory
    /// is missing or not writable.
    pub fn bind_unix(path: impl AsRef<Path>) -> io::Result<Self> {
        Ok(Self::on(Listener::bind_unix(path.as_ref())?))
    }

    /// A server on a socket that is bound already, as under socket activation.
    ///
    /// # Errors
    ///
    /// None at present; later, if the socket cannot be used.
    pub fn from_listener(listener: TcpListener) -> io::Result<Self> {
        Ok(Self::on(Listener::Tcp(listener)))
    }

    /// A server on a Unix socket that is bound already.
    ///
    /// # Errors
    ///
    /// As [`from_listener`](Self::from_listener).
    pub fn from_unix_listener(listener: UnixListener) -> io::Result<Self> {
        Ok(Self::on(Listener::Unix(listener)))
    }

    /// Adds a TCP address.
    ///
    /// # Errors
    ///
    /// As [`bind`](Self::bind).
    pub fn and_bind(self, address: impl ToSocketAddrs) -> io::Result<Self> {
        Ok(self.and(Listener::bind(address)?))
    }

    /// Adds a Unix socket.
    ///
    /// # Errors
    ///
    /// As [`bind_unix`](Self::bind_unix).
    pub fn and_bind_unix(self, path: impl AsRef<Path>) -> io::Result<Self> {
        Ok(self.and(Listener::bind_unix(path.as_ref())?))
    }

    /// How many calls may run at once, at least 1. Default: 16 for each core, enough for a service that waits
    /// now and then, few enough for a database to have a connection for each (gunicorn: 1; nginx runs no
    /// applications).
    ///
    /// A thread is taken by a call that runs, not by a connection: see the
    /// [front page](crate#threads) for how many are enough. There is one more, so that one is always in no call:
    /// it reads requests, notices who leaves, and cuts what is overdue while all others are in calls.
    #[must_use]
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = threads.max(1);
        self
    }

    /// How many requests may wait for a thread when all are in calls; beyond it the answer is 503 with
    /// `Retry-After`. Default: as many as there are connections ([`Limits::connections`]; gunicorn:
    /// `backlog`, 2048; uWSGI: `listen`, 100).
    ///
    /// By default nobody is refused: a request that waits here costs its connection's memory and no thread, and
    /// connections are bounded themselves. A bound is for clients that rather go elsewhere than wait, such as
    /// a balancer. Requests that wait for a core to compute on are counted apart, with the same bound.
    #[must_use]
    pub fn queue(mut self, calls: usize) -> Self {
        self.queue = calls;
        self
    }

    /// How much of anything the server takes.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// How long the server waits for anything.
    #[must_use]
    pub fn timeouts(mut self, timeouts: Timeouts) -> Self {
        self.timeouts = timeouts;
        self
    }

    /// Hands request bodies over as they come, where `wants` says so of the head: the application is
    /// called when the head is here, and reads while the client sends. For uploads with progress, bodies
    /// that are answered before they end, and what is too large to be kept. Default: none; the
    /// application is called when the body is here (nginx: `proxy_request_buffering on`; gunicorn: all).
    ///
    /// Such a call takes a thread for as long as its client takes to send, within
    /// [`Timeouts::body_stall`] and [`Timeouts::min_rate`]. Half of the threads may be in such calls, at
    /// least one; beyond that they wait, in order, and [`queue`](Self::queue) refuses none of them. What the application leaves unread is read and thrown
    /// away if it is at most 64 KiB, else the connection is closed.
    ///
    /// ```no_run
    /// # use gateway_core::{Environ, Result, blocking, text};
    /// # fn app(_environ: Environ) -> Result { Ok(text("")) }
    /// # fn main() -> std::io::Result<()> {
    /// gateway_sync::Server::bind("127.0.0.1:8000")?
    ///     .live_bodies(|head| head.uri.path().starts_with("/upload/"))
    ///     .serve(blocking(app))
    /// # }
    /// ```
    #[must_use]
    pub fn live_bodies(
        mut self,
        wants: impl Fn(&http::request::Parts) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.live_bodies = LiveBodies::new(wants);
        self
    }

    /// Whether response bodies are made ahead of their clients, where neither the response nor the
    /// nature of its body says anything: this is for iterators. Default: they are, so that the application is
    /// done early (nginx: `proxy_buffering on`; gunicorn: they are not).
    #[must_use]
    pub fn delivery(mut self, delivery: Delivery) -> Self {
        self.delivery = delivery;
        self
    }

    /// Where temporary files are made: for what is more than [`Limits::buffer`] of a request body, or of
    /// a response that its client takes slowly. They have no names, and go with what they are for.
    /// Default: where the system has its temporary files (`TMPDIR`, else `/tmp`), as it is always there; where
    /// that is memory, a directory on a disk is better (nginx: `client_body_temp_path` and `proxy_temp_path`,
    /// directories of its own; gunicorn: keeps nothing in files).
    #[must_use]
    pub fn spool_in(mut self, directory: impl Into<PathBuf>) -> Self {
        self.spool_in = Some(directory.into());
        self
    }

    /// Polls async applications inside a tokio runtime, for those that use its timers and sockets.
    /// The runtime is the program's own, and must outlive the server; the application runs on the
    /// server's threads all the same. With it the host has
    /// [`Capabilities::TOKIO`](gateway_core::Capabilities::TOKIO).
    #[cfg(feature = "tokio")]
    #[must_use]
    pub fn tokio(mut self, handle: tokio::runtime::Handle) -> Self {
        self.reactor = Reactor::tokio(handle);
        self
    }

    /// The addresses bound, in the order in which they were given.
    pub fn local_addrs(&self) -> &[Address] {
        &self.addresses
    }

    /// The first TCP address bound.
    pub fn local_addr(&self) -> Option<SocketAddr> {
        self.addresses.iter().find_map(Address::socket)
    }

    /// What stops the server.
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// Serves `application` until [`Handle::stop`] is called, and what runs then is finished.
    ///
    /// # Errors
    ///
    /// The application needs what this host cannot do; threads or epoll sets cannot be made; a
    /// socket cannot be listened on.
    pub fn serve(self, application: impl Application) -> io::Result<()> {
        let host = ThreadedHost::new(self.reactor.capabilities());
        check_requirements(&application, host.capabilities())?;
        for listener in &self.listeners {
            listener.listen(&self.limits)?;
        }
        let seats = cores().min(self.threads);
        let directory = self.spool_in.unwrap_or_else(tempfile::env::temp_dir);
        let spool = Spool::new(self.limits.spool, move || tempfile::tempfile_in(&directory));
        let shared = Arc::new(Shared::new(
            application,
            host,
            self.listeners,
            seats,
            self.threads,
            self.queue,
            self.limits,
            self.timeouts,
            spool,
            self.delivery,
            self.live_bodies,
            Arc::clone(&self.handle.alarm),
            Arc::clone(&self.handle.stopping),
        )?);
        // One is always free to look after the others: it makes no call.
        let threads = self.threads.saturating_add(1);
        let workers = start(&shared, threads, &self.reactor);
        if workers.is_ok() {
            // A defect of the monitor must not leave workers behind that serve for ever.
            if let Err(panic) = catch(|| watch(&shared, &self.handle.alarm)) {
                tracing::error!(%panic, "the server ends by a defect of its own");
            }
        }
        shared.end();
        join(workers?);
        Ok(())
    }

    fn on(listener: Listener) -> Self {
        Self {
            addresses: vec![listener.address()],
            listeners: vec![listener],
            threads: THREADS_PER_CORE * cores(),
            queue: usize::MAX,
            limits: Limits::default(),
            timeouts: Timeouts::default(),
            reactor: Reactor::default(),
            delivery: Delivery::Buffered,
            live_bodies: LiveBodies::default(),
            spool_in: None,
            handle: Handle {
                stopping: Arc::default(),
                alarm: Arc::default(),
            },
        }
    }

    fn and(mut self, listener: Listener) -> Self {
        self.addresses.push(listener.address());
        self.listeners.push(listener);
        self
    }
}

/// Cores that this process may use: affinity and cgroup quota are heeded.
fn cores() -> usize {
    thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

fn start<A: Application>(
    shared: &Arc<Shared<A>>,
    threads: usize,
    reactor: &Reactor,
) -> io::Result<Vec<JoinHandle<()>>> {
    let worker = |number: usize| {
        let (shared, reactor) = (Arc::clone(shared), reactor.clone());
        let name = format!("gateway-{number}");
        thread::Builder::new()
            .name(name)
            .spawn(move || reactor.within(|| Worker::new(&shared).run()))
    };
    (0..threads).map(worker).collect()
}

/// The tick, until everything is drained.
fn watch<A: Application>(shared: &Shared<A>, alarm: &Alarm) {
    let mut watches = vec![Watch::default(); shared.seats.len()];
    let mut rhythm = Rhythm::new(Instant::now());
    let mut drain: Option<Drain> = None;
    loop {
        let now = Instant::now();
        let mut active = false;
        for (number, (watch, seat)) in watches.iter_mut().zip(&*shared.seats).enumerate() {
            let look = watch.look(seat.pulse());
            active |= look != Look::Quiet;
            if let Look::Stuck(pulse) = look {
                shared.take_away(number, pulse);
            }
        }
        active |= shared.gate.review(now);
        if rhythm.sweeps(now) {
            shared.sweep(now);
        }
        if shared.is_stopping() {
            let drain = drain.get_or_insert_with(|| Drain::new(now, shared.timeouts.drain));
            if drain.step(shared, now) {
                return;
            }
        }
        let pulses = || {
            watches
                .iter()
                .zip(&*shared.seats)
                .all(|(watch, seat)| watch.is_at(seat.pulse()))
        };
        let awake = active || (shared.is_stopping() && drain.is_some());
        rhythm.rest(alarm, awake, pulses);
    }
}

/// Waits for the threads to end. One that is in a call which does not return is left behind.
fn join(workers: Vec<JoinHandle<()>>) {
    let until = Instant::now() + LAST_WAIT;
    let mut left = 0;
    for worker in workers {
        while !worker.is_finished() && Instant::now() < until {
            thread::sleep(Duration::from_millis(1));
        }
        if worker.is_finished() {
            let _ = worker.join(); // its panic, if any, has been logged
        } else {
            left += 1;
        }
    }
    if left > 0 {
        tracing::error!(
            threads = left,
            "threads are left behind in calls that do not return"
        );
    }
}

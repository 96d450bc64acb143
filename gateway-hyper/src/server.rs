//! [`Server`]: what it listens on, what it was told, and serving.

use std::fmt;
use std::future::{Future, pending};
use std::io;
use std::net::{SocketAddr, TcpListener, ToSocketAddrs};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::pin::{Pin, pin};
use std::sync::Arc;

use gateway_core::server::{Limits, LiveBodies, Timeouts, check_requirements};
use gateway_core::{Address, Application};

use crate::accept::{accept, take_backlog};
use crate::drain::{drain, wake_all};
use crate::host::capabilities;
use crate::listener::{Bound, Listener};
use crate::settings::{Settings, bounded};
use crate::shared::{Phase, Shared, Stop};

/// An async server that listens already, but does not accept connections yet.
///
/// Made by [`bind`](Self::bind); serves with [`run`](Self::run), or inside a tokio runtime with
/// [`serve`](Self::serve). Stops by its [`handle`](Self::handle).
pub struct Server {
    bound: Vec<Bound>,
    addresses: Vec<Address>,
    settings: Settings,
    stop: Arc<Stop>,
    stop_when: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
}

impl Server {
    /// Binds a TCP address; the first that can be bound, where the name has several. Port 0 lets the
    /// system choose, and [`local_addr`](Self::local_addr) tells.
    ///
    /// # Errors
    ///
    /// Whatever the system says: the address is in use, or not one of this machine.
    pub fn bind(addr: impl ToSocketAddrs) -> io::Result<Self> {
        Self::listening_on(Bound::tcp(addr)?)
    }

    /// Binds one more TCP address.
    ///
    /// # Errors
    ///
    /// As [`bind`](Self::bind).
    pub fn and_bind(self, addr: impl ToSocketAddrs) -> io::Result<Self> {
        self.and(Bound::tcp(addr)?)
    }

    /// Binds a Unix socket. A socket file that nobody listens on is removed first.
    ///
    /// # Errors
    ///
    /// Whatever the system says: somebody listens there, or the folder is not writable.
    pub fn bind_unix(path: impl AsRef<Path>) -> io::Result<Self> {
        Self::listening_on(Bound::unix(path.as_ref())?)
    }

    /// Binds one more Unix socket.
    ///
    /// # Errors
    ///
    /// As [`bind_unix`](Self::bind_unix).
    pub fn and_bind_unix(self, path: impl AsRef<Path>) -> io::Result<Self> {
        self.and(Bound::unix(path.as_ref())?)
    }

    /// Takes a TCP socket that listens already, as one handed over by a supervisor or by the server
    /// that this one replaces.
    ///
    /// # Errors
    ///
    /// If the socket has no address.
    pub fn from_listener(listener: TcpListener) -> io::Result<Self> {
        Self::listening_on(Bound::Tcp(listener))
    }

    /// Takes a Unix socket that listens already.
    ///
    /// # Errors
    ///
    /// If the socket has no address.
    pub fn from_unix_listener(listener: UnixListener) -> io::Result<Self> {
        Self::listening_on(Bound::Unix(listener))
    }

    /// How much of anything it takes; of a request head 16 MiB and 20 000 fields at most.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.settings.limits = bounded(limits);
        self
    }

    /// How long it waits for anything.
    #[must_use]
    pub fn timeouts(mut self, timeouts: Timeouts) -> Self {
        self.settings.timeouts = timeouts;
        self
    }

    /// Most threads for blocking calls, started when they are needed, at least 1. Default 40, few enough for
    /// a database to have a connection for each (Starlette: 40; tokio: 512; gunicorn: 1; nginx runs no
    /// applications).
    ///
    /// The async code runs on the runtime's threads, which are not counted here.
    #[must_use]
    pub fn threads(mut self, threads: usize) -> Self {
        self.settings.threads = threads;
        self
    }

    /// Most blocking calls that wait for a thread; beyond it the answer is 503 with `Retry-After`.
    /// Default 1024, as many as connections wait in the backlog ([`Limits::backlog`]; gunicorn:
    /// `backlog`, 2048; uWSGI: `listen`, 100). Calls that wait for their turn in a budget
    /// ([`Blocking::limit`](gateway_core::Blocking::limit)) are counted apart, with the same bound.
    #[must_use]
    pub fn queue(mut self, calls: usize) -> Self {
        self.settings.queue = calls;
        self
    }

    /// Most HTTP/2 requests at once on a connection; a client is told, and what is beyond is refused so
    /// that it may be tried again (`REFUSED_STREAM`). Default 128 (nginx: 128), at least 1.
    ///
    /// It bounds what a connection can hold: 64 KiB of each response that its client does not take, and
    /// 1 MiB of all request bodies that the application does not read.
    #[must_use]
    pub fn streams(mut self, requests: u32) -> Self {
        self.settings.streams = requests;
        self
    }

    /// Hands request bodies over to blocking code as they come, where `wants` says so of the head: it
    /// is called when the head is here, and reads while the client sends. For uploads with progress, bodies
    /// that are answered before they end, and what is too large to be kept. Default: none; blocking code is
    /// called when the body is here (nginx: `proxy_request_buffering on`; gunicorn: all). Async code always reads
    /// while the client sends.
    ///
    /// Such a call takes a thread for as long as its client takes to send, within
    /// [`Timeouts::body_stall`] and [`Timeouts::min_rate`]. Half of the threads may be in such calls, at
    /// least one; beyond that they wait, in order, and [`queue`](Self::queue) refuses none of them.
    ///
    /// ```no_run
    /// # use gateway_core::{Environ, Result, blocking, text};
    /// # fn app(_environ: Environ) -> Result { Ok(text("")) }
    /// # fn main() -> std::io::Result<()> {
    /// gateway_hyper::Server::bind("127.0.0.1:8000")?
    ///     .live_bodies(|head| head.uri.path().starts_with("/upload/"))
    ///     .run(blocking(app))
    /// # }
    /// ```
    #[must_use]
    pub fn live_bodies(
        mut self,
        wants: impl Fn(&http::request::Parts) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.settings.live_bodies = LiveBodies::new(wants);
        self
    }

    /// Where temporary files are made: for what is more than [`Limits::buffer`] of a request body on its way
    /// to blocking code. They have no names, and go with what they are for.
    /// Default: where the system has its temporary files (`TMPDIR`, else `/tmp`), as it is always there; where
    /// that is memory, a directory on a disk is better (nginx: `client_body_temp_path`, a directory of its own;
    /// gunicorn: keeps nothing in files).
    #[must_use]
    pub fn spool_in(mut self, directory: impl Into<PathBuf>) -> Self {
        self.settings.spool_in = Some(directory.into());
        self
    }

    /// Stops, as [`Handle::stop`] does, when `signal` is ready.
    #[must_use]
    pub fn with_graceful_shutdown(
        mut self,
        signal: impl Future<Output = ()> + Send + 'static,
    ) -> Self {
        self.stop_when = Some(Box::pin(signal));
        self
    }

    /// Where it listens, in the order of binding.
    pub fn local_addrs(&self) -> &[Address] {
        &self.addresses
    }

    /// Where the first TCP listener listens.
    pub fn local_addr(&self) -> Option<SocketAddr> {
        self.addresses.iter().find_map(Address::socket)
    }

    /// What stops the server, from anywhere.
    pub fn handle(&self) -> Handle {
        Handle(Arc::clone(&self.stop))
    }

    /// Serves `app` until the server is stopped and what ran is finished. To be called inside a
    /// tokio runtime with I/O and time enabled.
    ///
    /// Dropped before it is ready, it cuts off all connections.
    ///
    /// # Errors
    ///
    /// If the application needs what this host cannot do
    /// ([`Unsupported`](io::ErrorKind::Unsupported)), or a socket cannot be listened on.
    pub async fn serve(self, app: impl Application) -> io::Result<()> {
        check_requirements(&app, capabilities())?;
        let limits = &self.settings.limits;
        let listeners: io::Result<Vec<Listener>> = self
            .bound
            .into_iter()
            .map(|bound| bound.listen(limits))
            .collect();
        let listeners = listeners?;
        let shared = Shared::new(self.settings, Arc::clone(&self.stop));
        let _cut = CutOnDrop(&shared);
        let app = Arc::new(app);
        for address in &self.addresses {
            tracing::info!(%address, "listening");
        }
        accept_until(&shared, &listeners, &app, self.stop_when).await;
        tracing::info!("stopping: no longer listening");
        take_backlog(&shared, listeners, &app);
        drain(&shared).await;
        tracing::info!("stopped");
        Ok(())
    }

    /// Serves `app` as [`serve`](Self::serve) does, for those who have no runtime yet: makes one
    /// with a thread for each core, and blocks until the server is stopped.
    ///
    /// # Errors
    ///
    /// As `serve`, and if no runtime can be made.
    pub fn run(self, app: impl Application) -> io::Result<()> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()?;
        let served = runtime.block_on(self.serve(app));
        // What the application has started and not ended is not waited for.
        runtime.shutdown_background();
        served
    }

    fn listening_on(bound: Bound) -> io::Result<Self> {
        let server = Self {
            bound: Vec::new(),
            addresses: Vec::new(),
            settings: Settings::default(),
            stop: Arc::default(),
            stop_when: None,
        };
        server.and(bound)
    }

    fn and(mut self, bound: Bound) -> io::Result<Self> {
        self.addresses.push(bound.address()?);
        self.bound.push(bound);
        Ok(self)
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("addresses", &self.addresses)
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

/// Accepts until the handle says stop, or `stop_when` is ready.
async fn accept_until<A: Application>(
    shared: &Arc<Shared>,
    listeners: &[Listener],
    app: &Arc<A>,
    stop_when: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
) {
    let mut accepting = pin!(accept(shared, listeners, app));
    let mut signal = stop_when.unwrap_or_else(|| Box::pin(pending()));
    std::future::poll_fn(|cx| {
        if signal.as_mut().poll(cx).is_ready() {
            shared.stop.advance(Phase::Draining);
            return std::task::Poll::Ready(());
        }
        accepting.as_mut().poll(cx)
    })
    .await;
}

/// Cuts off all connections when the server is dropped while it serves.
struct CutOnDrop<'a>(&'a Arc<Shared>);

impl Drop for CutOnDrop<'_> {
    fn drop(&mut self) {
        self.0.stop.advance(Phase::Cutting);
        self.0.pool.close();
        wake_all(self.0);
    }
}

/// Stops a server, from any thread or task.
#[derive(Clone, Debug)]
pub struct Handle(Arc<Stop>);

impl Handle {
    /// Stops: accepts nothing more, finishes what runs, closes what is idle, and cuts off what is
    /// left after [`Timeouts::drain`]. Returns at once; [`Server::serve`] returns when all is over.
    pub fn stop(&self) {
        self.0.advance(Phase::Draining);
    }

    /// Stops without waiting for what runs.
    pub fn abort(&self) {
        self.0.advance(Phase::Cutting);
    }
}

//! [`TestHost`]: how the suite starts a host, and [`Running`]: what it has of one that runs.

use std::io;
use std::net::TcpListener;
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use gateway_core::server::{Limits, Timeouts};
use gateway_core::{Address, BoxApplication};

use super::part::Part;
use crate::client::Client;
use crate::{DidNotHappen, Event};

/// A host that the suite can start.
pub trait TestHost: Send + Sync {
    /// How the host is called, in the names of tests.
    fn name(&self) -> &str;

    /// Binds, and serves `application` on threads of its own.
    ///
    /// # Errors
    ///
    /// Whatever keeps the host from starting.
    fn start(&self, application: BoxApplication, setup: Setup) -> io::Result<Running>;

    /// The parts of the suite that the host has; all of them, unless it says otherwise.
    fn parts(&self) -> &[Part] {
        Part::ALL
    }
}

/// How a host is to be set up.
#[derive(Debug)]
#[non_exhaustive]
pub struct Setup {
    /// How much it takes.
    pub limits: Limits,
    /// How long it waits.
    pub timeouts: Timeouts,
    /// How many calls of blocking code it can run at once: workers of a threaded host, the pool
    /// of an async one.
    pub threads: usize,
    /// Where it listens, at least one place; [`Running::addresses`] has the same order.
    pub listen: Vec<Listen>,
}

/// The defaults of hosts, but for four threads; one TCP listener.
impl Default for Setup {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            timeouts: Timeouts::default(),
            threads: 4,
            listen: vec![Listen::Tcp],
        }
    }
}

/// A place to listen.
#[derive(Debug)]
#[non_exhaustive]
pub enum Listen {
    /// A free port of 127.0.0.1.
    Tcp,
    /// This address.
    TcpAt(std::net::SocketAddr),
    /// A listener that is bound already.
    TcpBound(TcpListener),
    /// A Unix socket at this path.
    Unix(PathBuf),
    /// A Unix listener that is bound already.
    UnixBound(UnixListener),
}

/// A host that runs. Dropping it asks it to stop and does not wait.
pub struct Running {
    addresses: Vec<Address>,
    stop: Box<dyn Fn() + Send + Sync>,
    ended: Event,
    result: Arc<Mutex<Option<io::Result<()>>>>,
}

/// A host did not end well.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HostError {
    /// It did not end at all.
    #[error("the host did not stop: {0}")]
    RunsOn(#[from] DidNotHappen),
    /// It gave an error.
    #[error("the host ended with an error: {0}")]
    Failed(io::Error),
    /// Its thread panicked, or its end was already looked at.
    #[error("the host ended without a result")]
    NoResult,
}

impl Running {
    /// Runs `serve`, which returns when the host has stopped, on a thread of its own. `stop` asks
    /// for that.
    pub fn spawn(
        addresses: impl Into<Vec<Address>>,
        stop: impl Fn() + Send + Sync + 'static,
        serve: impl FnOnce() -> io::Result<()> + Send + 'static,
    ) -> Self {
        let running = Self {
            addresses: addresses.into(),
            stop: Box::new(stop),
            ended: Event::new(),
            result: Arc::default(),
        };
        let end = SetOnDrop(running.ended.clone());
        let result = Arc::clone(&running.result);
        thread::spawn(move || {
            let served = serve();
            *result.lock().unwrap_or_else(PoisonError::into_inner) = Some(served);
            drop(end); // also in a panic
        });
        running
    }

    /// Where the host listens.
    pub fn addresses(&self) -> &[Address] {
        &self.addresses
    }

    /// A client connected to the first address.
    ///
    /// # Errors
    ///
    /// As [`Client::connect`].
    pub fn client(&self) -> io::Result<Client> {
        Client::connect(self.addresses.first().unwrap_or(&Address::Unknown))
    }

    /// Asks the host to stop, and does not wait.
    pub fn stop(&self) {
        (self.stop)();
    }

    /// Whether the host has ended.
    pub fn has_ended(&self) -> bool {
        self.ended.is_set()
    }

    /// Waits until the host has ended.
    ///
    /// # Errors
    ///
    /// If it does not end within [`PATIENCE`](crate::PATIENCE), or not well.
    pub fn ended(&self) -> Result<(), HostError> {
        self.ended.wait()?;
        let mut result = self.result.lock().unwrap_or_else(PoisonError::into_inner);
        match result.take() {
            Some(Ok(())) => {
                *result = Some(Ok(()));
                Ok(())
            }
            Some(Err(error)) => Err(HostError::Failed(error)),
            None => Err(HostError::NoResult),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop();
    }
}

impl std::fmt::Debug for Running {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Running")
            .field("addresses", &self.addresses)
            .field("ended", &self.has_ended())
            .finish_non_exhaustive()
    }
}

struct SetOnDrop(Event);

impl Drop for SetOnDrop {
    fn drop(&mut self) {
        self.0.set();
    }
}

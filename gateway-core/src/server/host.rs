//! [`Host`]: what a host tells the interface about itself.

use std::any::Any;
use std::future::{Future, ready};
use std::pin::Pin;

use crate::{Capabilities, Environ, Error, UnblockError};

/// Blocking work on its way to a thread of the host's.
pub type Job = Box<dyn FnOnce() + Send>;

/// A request whose body is on its way in, to blocking code.
pub type Gathering = Pin<Box<dyn Future<Output = Result<Environ, Error>> + Send>>;

/// The place of a call among those that wait for their turn; dropped, it is given up.
pub type Place = Box<dyn Any + Send>;

/// What a host tells the interface about itself; applications see it as
/// [`Gateway`](crate::Gateway).
pub trait Host: Send + Sync + 'static {
    /// Name and version, such as `gateway-sync/0.1.0`.
    fn software(&self) -> &str;

    /// What this host can do.
    fn capabilities(&self) -> Capabilities;

    /// Whether the thread that polls an application may block. If so, blocking code runs right
    /// there and [`unblock`](Self::unblock) is never called.
    fn may_block(&self) -> bool;

    /// Queues `job` for a thread that may block. A job that will not be run is dropped.
    ///
    /// # Errors
    ///
    /// [`UnblockError::Overloaded`] if the queue is full.
    fn unblock(&self, job: Job) -> Result<(), UnblockError>;

    /// A call is about to wait for its turn in a budget ([`Blocking::limit`](crate::Blocking::limit)), and does so as long
    /// as it has the place. A host that bounds how many calls wait for a thread bounds these too; by default they are not
    /// counted, as on a host on whose threads they wait.
    ///
    /// # Errors
    ///
    /// [`UnblockError::Overloaded`] if too many wait. The call fails with it, and is not begun.
    fn queue(&self) -> Result<Place, UnblockError> {
        Ok(Box::new(()))
    }

    /// Reads what is still arriving of the request body, before blocking code is called with it on a thread of the
    /// host's: a client that sends slowly is to hold none. Asked by [`blocking`](crate::blocking()), where
    /// [`may_block`](Self::may_block) is false. Where bodies are to be handed over as they come, the environ is
    /// given back as it is; so it is by default, for hosts whose bodies are whole before the call.
    ///
    /// # Errors
    ///
    /// The body cannot be read to its end ([`InputError`](crate::InputError)), or not be kept. The call fails with
    /// it, and is not begun.
    fn gather(&self, environ: Environ) -> Gathering {
        Box::pin(ready(Ok(environ)))
    }
}

/// No host at all: for environs that are made by hand, in tests and in doctests. Blocking code runs
/// where it is called.
#[derive(Clone, Copy, Debug, Default)]
pub struct Detached;

impl Host for Detached {
    fn software(&self) -> &str {
        concat!("gateway-core/", env!("CARGO_PKG_VERSION"))
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::NONE
    }

    fn may_block(&self) -> bool {
        true
    }

    fn unblock(&self, job: Job) -> Result<(), UnblockError> {
        job();
        Ok(())
    }
}

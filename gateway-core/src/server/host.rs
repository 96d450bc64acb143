//! [`Host`]: what a host tells the interface about itself.

use crate::{Capabilities, UnblockError};

/// Blocking work on its way to a thread of the host's.
pub type Job = Box<dyn FnOnce() + Send>;

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

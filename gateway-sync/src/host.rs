//! The threaded server as applications see it.

use gateway_core::server::{Host, Job};
use gateway_core::{Capabilities, UnblockError};

/// What this host can do, whatever it is given.
const CAPABILITIES: Capabilities = Capabilities::MULTITHREAD
    .with(Capabilities::STREAMING)
    .with(Capabilities::TRAILERS)
    .with(Capabilities::CANCELLATION);

/// The threaded server as applications see it: its threads may block.
#[derive(Debug)]
pub(crate) struct ThreadedHost(Capabilities);

impl ThreadedHost {
    /// The host, with what it has been given besides.
    pub(crate) fn new(besides: Capabilities) -> Self {
        Self(CAPABILITIES | besides)
    }
}

impl Host for ThreadedHost {
    fn software(&self) -> &str {
        concat!("gateway-sync/", env!("CARGO_PKG_VERSION"))
    }

    fn capabilities(&self) -> Capabilities {
        self.0
    }

    fn may_block(&self) -> bool {
        true
    }

    fn unblock(&self, job: Job) -> Result<(), UnblockError> {
        job();
        Ok(())
    }
}

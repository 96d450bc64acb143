//! The threaded server as applications see it.

use gateway_core::server::{Host, Job};
use gateway_core::{Capabilities, UnblockError};

/// What this host can do.
pub(crate) const CAPABILITIES: Capabilities = Capabilities::MULTITHREAD
    .with(Capabilities::STREAMING)
    .with(Capabilities::TRAILERS)
    .with(Capabilities::CANCELLATION);

/// The threaded server as applications see it: its threads may block.
#[derive(Debug)]
pub(crate) struct ThreadedHost;

impl Host for ThreadedHost {
    fn software(&self) -> &str {
        concat!("gateway-sync/", env!("CARGO_PKG_VERSION"))
    }

    fn capabilities(&self) -> Capabilities {
        CAPABILITIES
    }

    fn may_block(&self) -> bool {
        true
    }

    fn unblock(&self, job: Job) -> Result<(), UnblockError> {
        job();
        Ok(())
    }
}

//! [`tokio_gateway`]: tokio as the host of an application that no gateway host serves.

use gateway_core::server::{Host, Job};
use gateway_core::{Capabilities, Gateway, UnblockError};
use tokio::runtime::Handle;

/// tokio as the host of an application that no gateway host serves: its blocking code runs on tokio's
/// threads for that. For [`IntoService::gateway`](crate::IntoService::gateway).
///
/// Outside of a runtime, blocking work is given up.
pub fn tokio_gateway() -> Gateway {
    Gateway::new(Tokio)
}

struct Tokio;

impl Host for Tokio {
    fn software(&self) -> &str {
        concat!("gateway-tower/", env!("CARGO_PKG_VERSION"))
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::MULTITHREAD | Capabilities::STREAMING | Capabilities::TOKIO
    }

    fn may_block(&self) -> bool {
        false
    }

    fn unblock(&self, job: Job) -> Result<(), UnblockError> {
        let runtime = Handle::try_current().map_err(|_| UnblockError::Cancelled)?;
        runtime.spawn_blocking(job);
        Ok(())
    }
}

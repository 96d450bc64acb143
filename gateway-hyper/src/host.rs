//! What this host tells the interface about itself.

use std::sync::Arc;

use gateway_core::server::{Gathering, Host, Job, Place, Stage};
use gateway_core::{Capabilities, Environ, UnblockError};

use crate::gather::Bodies;
use crate::pool::{Pool, Waiting, may_block_here};
use crate::progress::Progress;

/// The face of the server that applications see.
pub(crate) struct HyperHost {
    pub(crate) pool: Arc<Pool>,
    pub(crate) bodies: Arc<Bodies>,
}

impl Host for HyperHost {
    fn software(&self) -> &str {
        concat!("gateway-hyper/", env!("CARGO_PKG_VERSION"))
    }

    fn capabilities(&self) -> Capabilities {
        capabilities()
    }

    /// Not on the runtime's threads; on the pool's it may.
    fn may_block(&self) -> bool {
        may_block_here()
    }

    fn unblock(&self, job: Job) -> Result<(), UnblockError> {
        let Some(request) = Progress::here() else {
            return self.pool.call(job);
        };
        request.set_stage(Stage::Queued);
        let begun = Arc::clone(&request);
        let job = Box::new(move || {
            begun.set_stage(Stage::InApplication);
            job();
        });
        self.pool
            .call(job)
            .inspect_err(|_| request.set_stage(Stage::InApplication))
    }

    fn queue(&self) -> Result<Place, UnblockError> {
        let _waiting = self.pool.wait()?;
        let request = Progress::here();
        if let Some(request) = &request {
            request.set_stage(Stage::Queued);
        }
        Ok(Box::new(Queued { _waiting, request }))
    }

    fn gather(&self, environ: Environ) -> Gathering {
        let bodies = Arc::clone(&self.bodies);
        Box::pin(bodies.gather(environ, Progress::here()))
    }
}

/// A call that waits for its turn, and counts among the queued meanwhile.
struct Queued {
    _waiting: Waiting,
    request: Option<Arc<Progress>>,
}

impl Drop for Queued {
    fn drop(&mut self) {
        if let Some(request) = &self.request {
            request.set_stage(Stage::InApplication);
        }
    }
}

/// What this host can do. Interim responses and upgrades are not among it: hyper sends no 1xx but
/// `100 Continue`, and an upgrade has no face in the interface yet.
pub(crate) fn capabilities() -> Capabilities {
    Capabilities::MULTITHREAD
        | Capabilities::STREAMING
        | Capabilities::TRAILERS
        | Capabilities::CANCELLATION
        | Capabilities::TOKIO
}

//! What every connection of a server goes by.

use std::fmt;
use std::sync::Arc;

use gateway_core::server::catch;
use gateway_http1::{Limits, RequestHead};
use http::request::Parts;

/// What every connection of a server goes by.
#[derive(Debug)]
pub(crate) struct Rules {
    pub(crate) http1: Arc<Limits>,
    /// How much of a request body is kept in memory, in bytes.
    pub(crate) buffer: usize,
    pub(crate) live_bodies: LiveBodies,
}

/// Which request bodies are handed over as they come: none, if nothing is said.
#[derive(Clone, Default)]
pub(crate) struct LiveBodies(Option<Arc<Wants>>);

type Wants = dyn Fn(&Parts) -> bool + Send + Sync;

impl LiveBodies {
    pub(crate) fn new(wants: impl Fn(&Parts) -> bool + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(wants)))
    }

    /// Whether that of this request is; not if it has none.
    pub(crate) fn wants(&self, head: &RequestHead) -> bool {
        let Some(wants) = &self.0 else { return false };
        if head.framing.is_empty() {
            return false;
        }
        let parts = head.clone().into_parts();
        catch(|| wants(&parts)).unwrap_or_else(|panic| {
            tracing::error!(%panic, "who says which bodies are live panicked");
            false
        })
    }
}

impl fmt::Debug for LiveBodies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "some" } else { "none" })
    }
}

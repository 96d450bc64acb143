//! What every connection of a server goes by.

use std::sync::Arc;

use gateway_core::server::{Ahead, LiveBodies};
use gateway_http1::{Limits, RequestHead};

/// What every connection of a server goes by.
#[derive(Debug)]
pub(crate) struct Rules {
    pub(crate) http1: Arc<Limits>,
    /// How much of a request body is kept in memory, in bytes.
    pub(crate) buffer: usize,
    /// For whom the kernel runs ahead.
    pub(crate) ahead: Arc<Ahead>,
    pub(crate) live_bodies: LiveBodies,
}

impl Rules {
    /// Whether the body of this request is handed over as it comes; not if it has none.
    pub(crate) fn is_live(&self, head: &RequestHead) -> bool {
        if self.live_bodies.is_none() || head.framing.is_empty() {
            return false;
        }
        let wanted = self.live_bodies.wants(&head.clone().into_parts());
        wanted.unwrap_or_else(|panic| {
            tracing::error!(%panic, "who says which bodies are live panicked");
            false
        })
    }
}

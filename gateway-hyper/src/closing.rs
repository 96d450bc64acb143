//! The end of what an application has made, which is the application's code too.

use gateway_core::server::catch;

use crate::progress::Progress;

/// Drops a body, or what is left of it. If that panics the log says so, and nobody is harmed.
pub(crate) fn close<T>(body: T, request: &Progress) {
    if let Err(panic) = catch(|| drop(body)) {
        tracing::error!(%request, %panic, "the body's drop panicked");
    }
}

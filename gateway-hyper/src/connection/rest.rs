//! An HTTP/1 connection on which nothing is asked.
//!
//! hyper keeps two buffers of 8 KiB and its state for each connection. One that is idle for a while is
//! taken from hyper, and given back when something comes: meanwhile it is a socket, a timer, and a task.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;

use tokio::time::sleep_until;

use super::State;
use super::deadline::after;
use super::io::Io;
use crate::shared::Phase;

/// Waits until something comes, the connection has been idle for too long, or the server stops. Whether
/// it may rest again before its next request.
pub(super) async fn rest(io: &Io, state: &State) -> bool {
    let shared = &state.shared;
    tracing::debug!(remote = %state.endpoint.remote, "idle connection rests");
    let due = after(state.waits().turned_at, shared.settings.timeouts.idle);
    let mut alarm = pin!(sleep_until(shared.clock.instant(due).into()));
    poll_fn(|cx| {
        if io.poll_readable(cx).is_ready() {
            return Poll::Ready(true);
        }
        if shared.stop.phase() != Phase::Serving {
            return Poll::Ready(false);
        }
        alarm.as_mut().poll(cx).map(|()| false)
    })
    .await
}

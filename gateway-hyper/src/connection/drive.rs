//! Drives hyper through a connection, with one lazy timer for all its deadlines.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::Poll;

use tokio::time::sleep_until;

use super::State;
use super::deadline::{Overdue, Waits};
use super::opening::Protocol;
use crate::cause::Cause;
use crate::shared::Phase;

/// Polls `connection` to its end, or cuts it off when it is overdue or the server must stop.
/// `begin_to_end` has hyper take no further request, and end at once if none runs.
///
/// When the server stops, an HTTP/1 connection ends with the next answer, which says so, or when it has
/// been idle for a while: a request that is on its way is answered. An HTTP/2 connection is told at once,
/// as its end loses nothing (GOAWAY, RFC 9113 §6.8).
///
/// The timer is not moved with each request: it is let go off, finds that the deadline has moved
/// on, and is set anew. So a busy connection pays for a timer once in a few seconds.
///
/// `may_rest` says whether it returns when the connection has been idle for a while.
pub(super) async fn drive<C>(
    mut connection: Pin<&mut C>,
    begin_to_end: impl Fn(Pin<&mut C>),
    protocol: Protocol,
    may_rest: bool,
    state: &State,
) -> Driven
where
    C: Future<Output = hyper::Result<()>>,
{
    let shared = &state.shared;
    let rested_since = state.waits().requests;
    let mut ending = None;
    let mut armed = shared.clock.now();
    let mut is_set = false;
    let mut alarm = pin!(sleep_until(shared.clock.instant(armed).into()));
    let ended = poll_fn(|cx| {
        state.set_waker(cx.waker());
        loop {
            if let Poll::Ready(ended) = connection.as_mut().poll(cx) {
                return Poll::Ready(ended.map(|()| Driven::Ended));
            }
            let phase = shared.stop.phase();
            if phase == Phase::Cutting {
                return Poll::Ready(Ok(Driven::Ended));
            }
            let waits = state.waits();
            let waits = Waits {
                ending,
                multiplexed: protocol == Protocol::Http2,
                may_rest: may_rest || waits.requests > rested_since,
                ..waits
            };
            let asked_to_end = phase == Phase::Draining && protocol == Protocol::Http2;
            if ending.is_none() && (asked_to_end || state.is_last()) {
                ending = Some(shared.clock.now());
                begin_to_end(connection.as_mut());
                continue;
            }
            let Some((due, what)) = waits.due(&shared.settings.timeouts) else {
                return Poll::Pending;
            };
            if due < armed || alarm.is_elapsed() {
                armed = due;
                alarm.as_mut().reset(shared.clock.instant(due).into());
                is_set = false;
            }
            // Set once, it wakes this task: there is no need to ask it each time.
            if is_set || alarm.as_mut().poll(cx).is_pending() {
                is_set = true;
                return Poll::Pending;
            }
            if shared.clock.now() < due {
                continue;
            }
            if let Some(cause) = cause_of(what) {
                state.cut(cause);
            }
            match what {
                Overdue::Idle if ending.is_none() => {
                    ending = Some(shared.clock.now());
                    log_idle(state, &waits);
                    begin_to_end(connection.as_mut());
                }
                // Told or answered once; then it is over.
                Overdue::Head if !state.is_head_overdue() => {
                    state.set_head_overdue();
                    log_head(state, &waits);
                    if waits.multiplexed {
                        ending = Some(shared.clock.now());
                        begin_to_end(connection.as_mut());
                    }
                }
                Overdue::Rest => return Poll::Ready(Ok(Driven::Resting)),
                Overdue::Leaving => state.set_left(),
                Overdue::Idle | Overdue::Head | Overdue::Write | Overdue::Slow | Overdue::Gone => {
                    return Poll::Ready(Ok(Driven::Ended));
                }
            }
        }
    })
    .await;
    ended.unwrap_or_else(|error| {
        tracing::debug!(remote = %state.endpoint.remote, %error, "connection ended");
        Driven::Ended
    })
}

/// What became of a connection that was driven.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Driven {
    Ended,
    /// Nothing is asked, and nothing is on its way: hyper can be let go.
    Resting,
}

/// Why a connection is cut that is overdue; nothing where the client has left by itself.
fn cause_of(what: Overdue) -> Option<Cause> {
    match what {
        Overdue::Write => Some(Cause::NotTaken),
        Overdue::Slow => Some(Cause::TakenTooSlowly),
        Overdue::Head => Some(Cause::HeadTooLate),
        Overdue::Idle => Some(Cause::Idle),
        Overdue::Rest | Overdue::Leaving | Overdue::Gone => None,
    }
}

fn log_idle(state: &State, waits: &Waits) {
    let remote = &state.endpoint.remote;
    let age = state.shared.clock.age(waits.turned_at);
    tracing::debug!(%remote, ?age, why = %Cause::Idle, "idle connection closed");
}

/// A head that is not whole is answered; who has not begun one has asked for nothing.
fn log_head(state: &State, waits: &Waits) {
    match waits.head_since {
        Some(since) => state.log_head_cut(since, (!waits.multiplexed).then_some(408)),
        None => log_idle(state, waits),
    }
}

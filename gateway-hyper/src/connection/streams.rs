//! HTTP/2 streams, and the deadline that each has by itself: a client that opens its window for the
//! others may leave one response lying.

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll};

use hyper::rt::Executor;
use tokio::time::{Sleep, sleep_until};

use super::State;
use super::deadline::after;

/// No time.
const NEVER: u64 = u64::MAX;

tokio::task_local! {
    static TAKING: Arc<Taking>;
}

/// Whether the client takes the response of a stream. Shared by the body, and the task that drives the
/// stream.
#[derive(Debug)]
pub(crate) struct Taking {
    /// Since when a piece of the body waits for room.
    since: AtomicU64,
    stalled: AtomicBool,
}

impl Taking {
    fn new() -> Self {
        Self {
            since: AtomicU64::new(NEVER),
            stalled: AtomicBool::new(false),
        }
    }

    /// Of the stream whose task this is; none over HTTP/1.
    pub(crate) fn of_stream() -> Option<Arc<Self>> {
        TAKING.try_with(Arc::clone).ok()
    }

    /// A piece has been handed over at `now`, and waits for room until the next is asked for.
    pub(crate) fn hand(&self, now: u64) {
        self.since.store(now, Ordering::Relaxed);
    }

    /// Nothing waits for room: it is the application that is waited for.
    pub(crate) fn rest(&self) {
        self.since.store(NEVER, Ordering::Relaxed);
    }

    /// Whether the stream ends because the client took nothing.
    pub(crate) fn has_stalled(&self) -> bool {
        self.stalled.load(Ordering::Relaxed)
    }

    fn since(&self) -> Option<u64> {
        match self.since.load(Ordering::Relaxed) {
            NEVER => None,
            since => Some(since),
        }
    }
}

/// Has hyper's streams driven, each in a task of its own.
#[derive(Clone)]
pub(super) struct Streams(pub(super) Arc<State>);

impl<F> Executor<F> for Streams
where
    F: Future + Send + 'static,
    F::Output: Send,
{
    fn execute(&self, stream: F) {
        let taking = Arc::new(Taking::new());
        let driven = drive(stream, Arc::clone(&self.0), Arc::clone(&taking));
        tokio::spawn(TAKING.scope(taking, driven));
    }
}

/// Polls a stream to its end, or lets it go, which resets it, when the client takes nothing of it for
/// too long. The timer is there only once something waits, and is let go off like the connection's.
async fn drive<F: Future>(stream: F, state: Arc<State>, taking: Arc<Taking>) {
    let mut stream = pin!(stream);
    let mut alarm: Option<Pin<Box<Sleep>>> = None;
    std::future::poll_fn(|cx: &mut Context<'_>| {
        if stream.as_mut().poll(cx).is_ready() {
            return Poll::Ready(());
        }
        poll_stall(&state, &taking, &mut alarm, cx)
    })
    .await;
}

/// Ready once a piece has waited for too long.
fn poll_stall(
    state: &State,
    taking: &Taking,
    alarm: &mut Option<Pin<Box<Sleep>>>,
    cx: &mut Context<'_>,
) -> Poll<()> {
    let clock = state.shared.clock;
    while let Some(since) = taking.since() {
        let due = after(since, state.shared.settings.timeouts.write_stall);
        let at = || clock.instant(due).into();
        let alarm = alarm.get_or_insert_with(|| Box::pin(sleep_until(at())));
        if alarm.as_mut().poll(cx).is_pending() {
            return Poll::Pending;
        }
        if clock.now() >= due {
            taking.stalled.store(true, Ordering::Relaxed);
            return Poll::Ready(());
        }
        alarm.as_mut().reset(at());
    }
    Poll::Pending
}

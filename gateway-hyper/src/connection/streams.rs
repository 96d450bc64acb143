//! HTTP/2 streams, and the deadlines that each has by itself: a client that opens its window for the
//! others may leave one response lying.

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::task::{Context, Poll};

use hyper::rt::Executor;
use tokio::time::{Sleep, sleep_until};

use super::State;
use super::deadline::after;
use crate::cause::Cause;

/// No time.
const NEVER: u64 = u64::MAX;

/// How much is handed on at once. hyper asks for the next piece only when the client has room for this
/// one, and so a response is not taken for sent while the client has yet to take it.
const PIECE: usize = 16 * 1024;

/// The same for a client that has let a piece wait for [`LONG`]: else it could not be seen that it
/// takes a little all the time.
const SMALL_PIECE: usize = 1024;

/// How long, in milliseconds, the client of a line that is not slow does not let a piece wait.
const LONG: u64 = 1000;

/// The HTTP/2 frames that ask for nothing which a client may send for each piece, and for each so many
/// bytes: it opens two windows, and some do so for every few hundred bytes.
const WORTH: u64 = 10;
const BYTES_OF_A_FRAME: u64 = 128;

tokio::task_local! {
    static TAKING: Arc<Taking>;
}

/// Whether the client takes the response of a stream. Shared by the body, and the task that drives the
/// stream.
pub(crate) struct Taking {
    state: Arc<State>,
    /// Since when a piece of the body waits for room, and how long that is.
    since: AtomicU64,
    piece: AtomicU64,
    /// Whether a piece has waited for long.
    is_slow: AtomicBool,
    /// Whether a response is on its way.
    begun: AtomicBool,
    /// Why the stream is reset.
    reset: AtomicU8,
}

impl Taking {
    fn new(state: Arc<State>) -> Self {
        Self {
            state,
            since: AtomicU64::new(NEVER),
            piece: AtomicU64::new(0),
            is_slow: AtomicBool::new(false),
            begun: AtomicBool::new(false),
            reset: AtomicU8::new(0),
        }
    }

    /// Of the stream whose task this is; none over HTTP/1.
    pub(crate) fn of_stream() -> Option<Arc<Self>> {
        TAKING.try_with(Arc::clone).ok()
    }

    /// How much to hand over at once.
    pub(crate) fn piece(&self) -> usize {
        match self.is_slow.load(Ordering::Relaxed) {
            false => PIECE,
            true => SMALL_PIECE,
        }
    }

    /// A response is on its way.
    pub(crate) fn begin(&self) {
        self.state.earn(WORTH);
        if !self.begun.swap(true, Ordering::Relaxed) {
            self.state.outgoing.begin();
        }
    }

    /// A piece of so many bytes has been handed over, and waits for room until the next is asked for.
    pub(crate) fn hand(&self, bytes: u64) {
        let now = self.state.shared.clock.now();
        self.piece.store(bytes, Ordering::Relaxed);
        self.since.store(now, Ordering::Relaxed);
        self.state.earn(WORTH + bytes / BYTES_OF_A_FRAME);
        self.state
            .outgoing
            .wait(self.state.shared.clock.instant(now));
    }

    /// Nothing waits for room: it is the application that is waited for.
    pub(crate) fn rest(&self) {
        let since = self.since.swap(NEVER, Ordering::Relaxed);
        if since == NEVER {
            return;
        }
        let clock = self.state.shared.clock;
        let now = clock.now();
        let is_slow = now.saturating_sub(since) > LONG;
        self.is_slow.store(is_slow, Ordering::Relaxed);
        let taken = self.piece.load(Ordering::Relaxed);
        self.state.outgoing.go_on(taken, clock.instant(now));
    }

    /// Why the stream is reset, if the client does not take its response.
    pub(crate) fn why_reset(&self) -> Option<Cause> {
        Cause::of_code(self.reset.load(Ordering::Relaxed))
    }

    /// By when the client must have room, and what the stream is reset for if it has not.
    fn due(&self) -> Option<(u64, Cause)> {
        let since = match self.since.load(Ordering::Relaxed) {
            NEVER => return None,
            since => since,
        };
        let (clock, timeouts) = (
            self.state.shared.clock,
            &self.state.shared.settings.timeouts,
        );
        let stalled = after(since, timeouts.write_stall);
        let slow = self.state.outgoing.due(clock.instant(since), timeouts);
        Some(match slow.map(|slow| clock.ticks(slow)) {
            Some(slow) if slow < stalled => (slow, Cause::TakenTooSlowly),
            _ => (stalled, Cause::NotTaken),
        })
    }

    fn reset(&self, cause: Cause) {
        if cause == Cause::TakenTooSlowly {
            let clock = self.state.shared.clock;
            self.state.outgoing.cut(clock.instant(clock.now()));
        }
        self.reset.store(cause as u8, Ordering::Relaxed);
    }
}

impl Drop for Taking {
    fn drop(&mut self) {
        self.rest();
        if *self.begun.get_mut() {
            self.state.outgoing.end();
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
        let taking = Arc::new(Taking::new(Arc::clone(&self.0)));
        let driven = drive(stream, Arc::clone(&taking));
        tokio::spawn(TAKING.scope(taking, driven));
    }
}

/// Polls a stream to its end, or lets it go, which resets it, when the client takes nothing of it for
/// too long. The timer is there only once something waits, and is let go off like the connection's.
async fn drive<F: Future>(stream: F, taking: Arc<Taking>) {
    let mut stream = pin!(stream);
    let mut alarm: Option<Pin<Box<Sleep>>> = None;
    std::future::poll_fn(|cx: &mut Context<'_>| {
        if stream.as_mut().poll(cx).is_ready() {
            return Poll::Ready(());
        }
        poll_stall(&taking, &mut alarm, cx)
    })
    .await;
}

/// Ready once a piece has waited for too long.
fn poll_stall(
    taking: &Taking,
    alarm: &mut Option<Pin<Box<Sleep>>>,
    cx: &mut Context<'_>,
) -> Poll<()> {
    let clock = taking.state.shared.clock;
    while let Some((due, cause)) = taking.due() {
        let at = || clock.instant(due).into();
        let alarm = alarm.get_or_insert_with(|| Box::pin(sleep_until(at())));
        if alarm.deadline() > at() {
            alarm.as_mut().reset(at()); // what was to be waited for before may have been longer
        }
        if alarm.as_mut().poll(cx).is_pending() {
            return Poll::Pending;
        }
        if clock.now() >= due {
            taking.reset(cause);
            return Poll::Ready(());
        }
        alarm.as_mut().reset(at());
    }
    Poll::Pending
}

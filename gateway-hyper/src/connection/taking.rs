//! [`Taking`]: whether the client takes the response of an HTTP/2 stream, and how fast.

use std::future::Future;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use super::State;
use super::deadline::after;
use crate::cause::Cause;
use crate::exchange::Exchange;

/// The HTTP/2 frames that ask for nothing which a client may send for each chunk, and for each so many
/// bytes: it opens two windows, and some do so for every few hundred bytes.
const WORTH: u64 = 10;
const BYTES_OF_A_FRAME: u64 = 100;

tokio::task_local! {
    static TAKING: Arc<Taking>;
}

/// Whether the client takes the response of a stream. Shared by the body, its chunks on their way
/// through h2, and the task that drives the stream.
pub(crate) struct Taking {
    state: Arc<State>,
    on_its_way: Mutex<OnItsWay>,
    /// The exchange, once hyper has let go of it and h2 has its response.
    kept: Mutex<Option<Exchange>>,
    /// Why the stream is reset.
    reset: AtomicU8,
}

/// What hyper and h2 have of the response, and the socket has not.
#[derive(Default)]
struct OnItsWay {
    /// Whether the response has begun.
    begun: bool,
    bytes: u64,
    /// Since when the client has taken none of them.
    since: u64,
    /// Bytes that were let go before they were sent.
    lost: u64,
    /// Bytes that were sent and are on no account yet.
    uncounted: u64,
    /// Who waits until all of them are taken.
    waiting: Option<Waker>,
}

impl Taking {
    pub(super) fn new(state: Arc<State>) -> Self {
        Self {
            state,
            on_its_way: Mutex::default(),
            kept: Mutex::default(),
            reset: AtomicU8::new(0),
        }
    }

    /// Runs `task` as that of the stream.
    pub(super) fn scope<F: Future>(
        self: Arc<Self>,
        task: F,
    ) -> impl Future<Output = F::Output> + use<F> {
        TAKING.scope(self, task)
    }

    /// Of the stream whose task this is; none over HTTP/1.
    pub(crate) fn of_stream() -> Option<Arc<Self>> {
        TAKING.try_with(Arc::clone).ok()
    }

    /// A response is on its way.
    pub(crate) fn begin(&self) {
        self.state.earn(WORTH);
        if !std::mem::replace(&mut self.lock().begun, true) {
            self.state.outgoing.begin();
        }
    }

    /// A chunk of so many bytes is handed over.
    pub(crate) fn hand(&self, bytes: u64) {
        self.state.earn(WORTH);
        let mut on_its_way = self.lock();
        if on_its_way.bytes == 0 && bytes > 0 {
            let now = self.state.shared.clock.now();
            on_its_way.since = now;
            let now = self.state.shared.clock.instant(now);
            self.state.outgoing.wait(now);
        }
        on_its_way.bytes += bytes;
    }

    /// The socket has so many bytes more.
    pub(crate) fn take(&self, bytes: u64) {
        let mut on_its_way = self.lock();
        on_its_way.uncounted += bytes;
        let frames = on_its_way.uncounted / BYTES_OF_A_FRAME;
        on_its_way.uncounted %= BYTES_OF_A_FRAME;
        self.state.earn(frames);
        self.go_on(on_its_way, bytes, bytes);
    }

    /// So many bytes will never be sent.
    pub(crate) fn lose(&self, bytes: u64) {
        let mut on_its_way = self.lock();
        on_its_way.lost += bytes;
        self.go_on(on_its_way, bytes, 0);
    }

    /// So many bytes are no more on their way, of which some were `taken`.
    fn go_on(&self, mut on_its_way: MutexGuard<'_, OnItsWay>, bytes: u64, taken: u64) {
        let now = self.state.shared.clock.now();
        on_its_way.bytes -= bytes; // handed over before
        on_its_way.since = now;
        if on_its_way.bytes > 0 {
            return self.state.outgoing.add(taken);
        }
        let now = self.state.shared.clock.instant(now);
        self.state.outgoing.go_on(taken, now);
        let waiting = on_its_way.waiting.take();
        drop(on_its_way);
        if let Some(waker) = waiting {
            waker.wake();
        }
    }

    /// Bytes that were handed over, and that the socket does not have.
    pub(crate) fn unsent(&self) -> u64 {
        let on_its_way = self.lock();
        on_its_way.bytes + on_its_way.lost
    }

    /// Whether something is on its way, and nothing of it is lost, nor will be by a reset.
    pub(crate) fn is_with_h2(&self) -> bool {
        let on_its_way = self.lock();
        on_its_way.bytes > 0 && on_its_way.lost == 0 && self.why_reset().is_none()
    }

    /// Keeps the exchange until its response is taken.
    pub(crate) fn keep(&self, exchange: Exchange) {
        let before = self.lock_kept().replace(exchange);
        drop(before); // there is none: a stream is one exchange
    }

    /// The exchange that is kept.
    pub(super) fn kept(&self) -> Option<Exchange> {
        self.lock_kept().take()
    }

    /// Ready when nothing is on its way: all was taken, or is lost.
    pub(crate) fn poll_none(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut on_its_way = self.lock();
        if on_its_way.bytes == 0 {
            return Poll::Ready(());
        }
        match &mut on_its_way.waiting {
            Some(waker) => waker.clone_from(cx.waker()),
            none => *none = Some(cx.waker().clone()),
        }
        Poll::Pending
    }

    /// Why the stream is reset, if the client does not take its response.
    pub(crate) fn why_reset(&self) -> Option<Cause> {
        Cause::of_code(self.reset.load(Ordering::Relaxed))
    }

    /// By when the client must take more, and what the stream is reset for if it does not.
    pub(super) fn due(&self) -> Option<(u64, Cause)> {
        let since = match &*self.lock() {
            OnItsWay { bytes: 0, .. } => return None,
            OnItsWay { since, .. } => *since,
        };
        let shared = &self.state.shared;
        let (clock, timeouts) = (shared.clock, &shared.settings.timeouts);
        let stalled = after(since, timeouts.write_stall);
        let slow = self.state.outgoing.due(clock.instant(since), timeouts);
        Some(match slow.map(|slow| clock.ticks(slow)) {
            Some(slow) if slow < stalled => (slow, Cause::TakenTooSlowly),
            _ => (stalled, Cause::NotTaken),
        })
    }

    /// The stream is to be reset.
    pub(super) fn reset(&self, cause: Cause) {
        if cause == Cause::TakenTooSlowly {
            let clock = self.state.shared.clock;
            self.state.outgoing.cut(clock.instant(clock.now()));
        }
        self.reset.store(cause as u8, Ordering::Relaxed);
    }

    pub(super) fn now(&self) -> u64 {
        self.state.shared.clock.now()
    }

    pub(super) fn instant(&self, ticks: u64) -> Instant {
        self.state.shared.clock.instant(ticks)
    }

    fn lock_kept(&self) -> MutexGuard<'_, Option<Exchange>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock(&self) -> MutexGuard<'_, OnItsWay> {
        self.on_its_way
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Taking {
    fn drop(&mut self) {
        // Every chunk that was on its way held this; none is left.
        if self.lock().begun {
            self.state.outgoing.end();
        }
    }
}

//! [`Cancelled`]: the word that nobody waits for the answer any more.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

use crate::server::call::CallState;
use crate::server::catch;

/// Why a call was cancelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CancelReason {
    /// The client left.
    Disconnected,
    /// The deadline of the request passed.
    Deadline,
    /// The host stops, and its bound on the wait has run out.
    Shutdown,
}

impl CancelReason {
    fn code(self) -> u8 {
        match self {
            Self::Disconnected => 1,
            Self::Deadline => 2,
            Self::Shutdown => 3,
        }
    }

    fn from_code(code: u8) -> Option<Self> {
        match code {
            1 => Some(Self::Disconnected),
            2 => Some(Self::Deadline),
            3 => Some(Self::Shutdown),
            _ => None,
        }
    }
}

impl fmt::Display for CancelReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Disconnected => "the client left",
            Self::Deadline => "the deadline passed",
            Self::Shutdown => "the host stops",
        })
    }
}

/// What both sides look at: set once, by the host.
#[derive(Default)]
pub(crate) struct CancelState {
    reason: AtomicU8,
    wakers: Mutex<Vec<Waker>>,
}

impl CancelState {
    pub(crate) fn reason(&self) -> Option<CancelReason> {
        CancelReason::from_code(self.reason.load(Ordering::Acquire))
    }

    /// Sets the reason, if none is set, and wakes who waits for it.
    pub(crate) fn set(&self, reason: CancelReason) {
        let first = self
            .reason
            .compare_exchange(0, reason.code(), Ordering::AcqRel, Ordering::Acquire)
            .is_ok();
        if first {
            for waker in std::mem::take(&mut *self.lock()) {
                // A waker's panic is its own, and must not end the thread that cancels.
                let _ = catch(|| waker.wake());
            }
        }
    }

    /// Whether it can serve another call as it is.
    pub(crate) fn is_untouched(&mut self) -> bool {
        self.reason().is_none() && self.lock().is_empty()
    }

    fn register(&self, waker: &Waker) {
        let mut wakers = self.lock();
        if !wakers.iter().any(|known| known.will_wake(waker)) {
            wakers.push(waker.clone());
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Waker>> {
        self.wakers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Tells whether the call is cancelled; blocking code asks, async code awaits.
///
/// Set when the client leaves, when the deadline passes, and when the host must stop. How promptly
/// depends on the host ([`Capabilities::CANCELLATION`](crate::Capabilities::CANCELLATION)).
///
/// ```
/// # let environ = gateway_core::Environ::default();
/// let cancelled = environ.cancelled();
/// for _page in 0..1000 {
///     if cancelled.is_cancelled() {
///         break; // nobody waits for the rest
///     }
/// }
/// ```
#[derive(Clone)]
pub struct Cancelled(pub(crate) Arc<CallState>);

impl Cancelled {
    /// Whether the call is cancelled.
    pub fn is_cancelled(&self) -> bool {
        self.reason().is_some()
    }

    /// Why the call is cancelled, if it is.
    pub fn reason(&self) -> Option<CancelReason> {
        self.0.cancel.reason()
    }
}

impl Future for Cancelled {
    type Output = CancelReason;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<CancelReason> {
        if let Some(reason) = self.reason() {
            return Poll::Ready(reason);
        }
        self.0.cancel.register(cx.waker());
        // Set between the look and the registration: whoever set it has not seen this waker.
        self.reason().map_or(Poll::Pending, Poll::Ready)
    }
}

impl fmt::Debug for Cancelled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Cancelled").field(&self.reason()).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::task::Wake;

    use super::*;
    use crate::server::Call;

    #[derive(Default)]
    struct Count(AtomicU8);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn the_first_reason_stays_and_every_waiter_is_woken_once() {
        let call = Call::default();
        let (mut first, mut second) = (call.cancelled(), call.cancelled());
        let count = Arc::new(Count::default());
        let waker = Waker::from(Arc::clone(&count));
        let mut cx = Context::from_waker(&waker);
        assert!(Pin::new(&mut first).poll(&mut cx).is_pending());
        assert!(Pin::new(&mut first).poll(&mut cx).is_pending());

        call.cancel(CancelReason::Deadline);
        call.cancel(CancelReason::Shutdown);

        assert_eq!(count.0.load(Ordering::Relaxed), 1);
        assert_eq!(
            Pin::new(&mut second).poll(&mut cx),
            Poll::Ready(CancelReason::Deadline)
        );
        assert_eq!(first.reason(), Some(CancelReason::Deadline));
    }
}

//! [`Cancelled`]: the word that nobody waits for the answer any more.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
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
    waiting: Mutex<Waiting>,
}

/// Who is to be woken, each by a key of its own.
#[derive(Default)]
struct Waiting {
    next_key: u64,
    wakers: Vec<(u64, Waker)>,
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
            for (_, waker) in std::mem::take(&mut self.lock().wakers) {
                // A waker's panic is its own, and must not end the thread that cancels.
                let _ = catch(|| waker.wake());
            }
        }
    }

    /// Whether it can serve another call as it is.
    pub(crate) fn is_untouched(&mut self) -> bool {
        let waiting = self.waiting.get_mut();
        let waiting = waiting.unwrap_or_else(PoisonError::into_inner);
        *self.reason.get_mut() == 0 && waiting.wakers.is_empty()
    }

    /// Has `waker` woken; a key that was given before takes the place of its last one.
    fn register(&self, key: Option<u64>, waker: &Waker) -> u64 {
        let mut waiting = self.lock();
        let known = key.and_then(|key| waiting.wakers.iter_mut().find(|(known, _)| *known == key));
        if let Some((key, known)) = known {
            known.clone_from(waker);
            return *key;
        }
        let key = waiting.next_key;
        waiting.next_key += 1;
        waiting.wakers.push((key, waker.clone()));
        key
    }

    fn unregister(&self, key: u64) {
        self.lock().wakers.retain(|(known, _)| *known != key);
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
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
pub struct Cancelled {
    call: Arc<CallState>,
    key: Option<u64>,
}

impl Cancelled {
    pub(crate) fn new(call: Arc<CallState>) -> Self {
        Self { call, key: None }
    }

    /// Whether both tell of one call.
    pub(crate) fn is_of_the_call_of(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.call, &other.call)
    }

    /// Whether the call is cancelled.
    pub fn is_cancelled(&self) -> bool {
        self.reason().is_some()
    }

    /// Why the call is cancelled, if it is.
    pub fn reason(&self) -> Option<CancelReason> {
        self.call.cancel.reason()
    }
}

impl Future for Cancelled {
    type Output = CancelReason;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<CancelReason> {
        if let Some(reason) = self.reason() {
            return Poll::Ready(reason);
        }
        let key = self.call.cancel.register(self.key, cx.waker());
        self.key = Some(key);
        // Set between the look and the registration: whoever set it has not seen this waker.
        self.reason().map_or(Poll::Pending, Poll::Ready)
    }
}

impl Clone for Cancelled {
    fn clone(&self) -> Self {
        Self::new(Arc::clone(&self.call))
    }
}

impl Drop for Cancelled {
    fn drop(&mut self) {
        if let Some(key) = self.key {
            self.call.cancel.unregister(key);
        }
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

    #[test]
    fn who_waits_no_more_is_forgotten() {
        let mut call = Call::default();
        let mut cancelled = call.cancelled();
        let mut cx = Context::from_waker(Waker::noop());
        assert!(Pin::new(&mut cancelled).poll(&mut cx).is_pending());
        drop(cancelled);
        assert!(call.is_fresh());
    }
}

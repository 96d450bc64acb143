//! [`Call`]: the host's handle to a request in progress.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use super::caught::catch;
use crate::cancel::{CancelReason, CancelState, Cancelled};
use crate::finish::{Ending, OnFinish, Outcome};

/// The host's handle to a request in progress: it cancels the call, and ends it.
///
/// The host keeps one and gives a clone to [`Environ::new`](crate::Environ::new). When the last
/// clone goes and nobody called [`finish`](Self::finish), those who wait for the outcome are told
/// [`Ending::Abandoned`].
#[derive(Clone, Default)]
pub struct Call(pub(crate) Arc<CallState>);

/// What the host's [`Call`], the environ and its [`Cancelled`]s share.
#[derive(Default)]
pub(crate) struct CallState {
    pub(crate) cancel: CancelState,
    on_finish: Mutex<Vec<OnFinish>>,
}

impl Call {
    /// A handle for a new request.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets `environ.cancelled()` and wakes who awaits it. The first reason stays.
    pub fn cancel(&self, reason: CancelReason) {
        self.0.cancel.set(reason);
    }

    /// What the application sees of [`cancel`](Self::cancel).
    pub fn cancelled(&self) -> Cancelled {
        Cancelled::new(Arc::clone(&self.0))
    }

    /// Why the call is cancelled, if it is.
    pub fn reason(&self) -> Option<CancelReason> {
        self.0.cancel.reason()
    }

    /// Tells the outcome to who asked with [`Environ::on_finish`](crate::Environ::on_finish),
    /// in the order in which they asked; each is told once, whatever comes later. A callback that
    /// panics does not keep the others from being told.
    pub fn finish(&self, outcome: &Outcome) {
        self.0.finish(outcome);
    }

    /// Whether the handle can serve another request: nobody else has it, it was not cancelled, and
    /// nobody waits for it. A host that keeps one for a connection saves an allocation a request.
    pub fn is_fresh(&mut self) -> bool {
        Arc::get_mut(&mut self.0).is_some_and(CallState::is_untouched)
    }

    /// Whether anyone waits for the outcome: [`finish`](Self::finish) then runs the application's
    /// code.
    pub fn is_awaited(&self) -> bool {
        !self.0.lock().is_empty()
    }

    pub(crate) fn on_finish(&self, callback: OnFinish) {
        self.0.lock().push(callback);
    }
}

impl CallState {
    fn finish(&self, outcome: &Outcome) {
        // Taken out first: a callback may ask for another, which is told in the next round.
        loop {
            let callbacks = std::mem::take(&mut *self.lock());
            if callbacks.is_empty() {
                return;
            }
            for callback in callbacks {
                // A callback's panic is its own; the hook has printed it.
                let _ = catch(|| callback(outcome));
            }
        }
    }

    fn is_untouched(&mut self) -> bool {
        let waiting = self.on_finish.get_mut();
        let waiting = waiting.unwrap_or_else(PoisonError::into_inner);
        self.cancel.is_untouched() && waiting.is_empty()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<OnFinish>> {
        self.on_finish
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for CallState {
    fn drop(&mut self) {
        // Nobody else has it: there is no lock to be taken where nobody waits.
        let waiting = self.on_finish.get_mut();
        if !waiting.unwrap_or_else(PoisonError::into_inner).is_empty() {
            self.finish(&Outcome::new(None, 0, Ending::Abandoned));
        }
    }
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call")
            .field("cancelled", &self.0.cancel.reason())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    fn counting(call: &Call) -> Arc<AtomicUsize> {
        let told = Arc::new(AtomicUsize::new(0));
        let inside = Arc::clone(&told);
        call.on_finish(Box::new(move |outcome| {
            assert_eq!(outcome.ending, Ending::Abandoned);
            inside.fetch_add(1, Ordering::Relaxed);
        }));
        told
    }

    #[test]
    fn an_abandoned_call_is_told_once() {
        let call = Call::new();
        let told = counting(&call);
        let clone = call.clone();
        drop(call);
        assert_eq!(told.load(Ordering::Relaxed), 0);
        drop(clone);
        assert_eq!(told.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn a_panicking_callback_does_not_silence_the_others() {
        let call = Call::new();
        call.on_finish(Box::new(|_| panic!("of the callback")));
        let told = counting(&call);
        call.finish(&Outcome::new(None, 0, Ending::Abandoned));
        drop(call);
        assert_eq!(told.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn a_call_that_was_cancelled_or_is_still_held_serves_no_other_request() {
        let mut call = Call::new();
        assert!(call.is_fresh());
        let held = call.cancelled();
        assert!(!call.is_fresh());
        drop(held);
        assert!(call.is_fresh());
        call.on_finish(Box::new(|_| ()));
        assert!(call.is_awaited() && !call.is_fresh());
        call.finish(&Outcome::new(None, 0, Ending::Abandoned));
        assert!(!call.is_awaited() && call.is_fresh());
        call.cancel(CancelReason::Deadline);
        assert!(!call.is_fresh());
    }
}

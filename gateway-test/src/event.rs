//! [`Event`] and [`Log`]: what tests wait for instead of sleeping.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};
use std::time::{Duration, Instant};

/// How long anything here waits before it gives up: a failure's end, not a pace. Long enough for a
/// loaded machine with two cores.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// Something was waited for that did not happen within [`PATIENCE`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("waited {PATIENCE:?} for something that did not happen")]
#[non_exhaustive]
pub struct DidNotHappen;

/// Something that happens once. Threads and async code wait for it; clones are the same event.
///
/// ```
/// use gateway_test::Event;
///
/// let event = Event::new();
/// let other = event.clone();
/// std::thread::spawn(move || other.set());
/// event.wait()?;
/// # Ok::<(), gateway_test::DidNotHappen>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Event(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    set: bool,
    wakers: Vec<Waker>,
}

impl Event {
    /// An event that has not happened.
    pub fn new() -> Self {
        Self::default()
    }

    /// It happens; setting it again does nothing.
    pub fn set(&self) {
        let mut state = lock(&self.0.state);
        state.set = true;
        let wakers = std::mem::take(&mut state.wakers);
        drop(state);
        self.0.changed.notify_all();
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Whether it has happened.
    pub fn is_set(&self) -> bool {
        lock(&self.0.state).set
    }

    /// Blocks until it has happened.
    ///
    /// # Errors
    ///
    /// [`DidNotHappen`] after [`PATIENCE`].
    pub fn wait(&self) -> Result<(), DidNotHappen> {
        let state = lock(&self.0.state);
        let (state, _) = self
            .0
            .changed
            .wait_timeout_while(state, PATIENCE, |state| !state.set)
            .unwrap_or_else(PoisonError::into_inner);
        if state.set { Ok(()) } else { Err(DidNotHappen) }
    }

    /// Waits until it has happened, for async code. Without a bound: it is the test, which waits
    /// for the answer, that has one.
    pub async fn happened(&self) {
        poll_fn(|cx| {
            let mut state = lock(&self.0.state);
            if state.set {
                return Poll::Ready(());
            }
            if !state.wakers.iter().any(|known| known.will_wake(cx.waker())) {
                state.wakers.push(cx.waker().clone());
            }
            Poll::Pending
        })
        .await;
    }
}

/// What has been noted, in order, by applications and their bodies; tests take it out. Clones are
/// the same log.
#[derive(Debug)]
pub struct Log<T>(Arc<(Mutex<VecDeque<T>>, Condvar)>);

impl<T> Log<T> {
    /// Nothing noted yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Notes something.
    pub fn note(&self, entry: T) {
        lock(&self.0.0).push_back(entry);
        self.0.1.notify_all();
    }

    /// Takes the oldest entry out; waits for one.
    ///
    /// # Errors
    ///
    /// [`DidNotHappen`] after [`PATIENCE`].
    pub fn next(&self) -> Result<T, DidNotHappen> {
        let end = Instant::now() + PATIENCE;
        let mut entries = lock(&self.0.0);
        loop {
            if let Some(entry) = entries.pop_front() {
                return Ok(entry);
            }
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(DidNotHappen);
            }
            (entries, _) = self
                .0
                .1
                .wait_timeout(entries, left)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// How many entries have not been taken out.
    pub fn len(&self) -> usize {
        lock(&self.0.0).len()
    }

    /// Whether there is nothing to take out.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<T> Default for Log<T> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<T> Clone for Log<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use gateway_core::server::block_on;

    use super::*;

    #[test]
    fn an_event_wakes_threads_and_async_code_alike() {
        let event = Event::new();
        assert!(!event.is_set());
        std::thread::scope(|scope| {
            let blocking = scope.spawn(|| event.wait());
            scope.spawn(|| block_on(event.happened()));
            event.set();
            assert_eq!(blocking.join().unwrap(), Ok(()));
        });
        block_on(event.happened());
    }

    #[test]
    fn a_log_gives_its_entries_in_order_and_waits_for_the_next() {
        let log = Log::new();
        log.note(1);
        let other = log.clone();
        let later = std::thread::spawn(move || other.note(2));
        assert_eq!((log.next(), log.next()), (Ok(1), Ok(2)));
        later.join().unwrap();
        assert!(log.is_empty());
    }
}

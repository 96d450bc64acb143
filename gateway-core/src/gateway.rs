//! [`Gateway`]: the host as the application sees it.

use std::any::Any;
use std::fmt;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

use crate::budget::{Budget, Permit};
use crate::server::Host;
use crate::{Capabilities, Environ, Error, UnblockError};

/// The host as the application sees it: PEP 3333's `wsgi.*` keys, and a place for blocking work.
#[derive(Clone)]
pub struct Gateway(Arc<dyn Host>);

impl Gateway {
    /// The face of `host`; for hosts.
    pub fn new(host: impl Host) -> Self {
        Self(Arc::new(host))
    }

    /// Name and version of the host, as in `SERVER_SOFTWARE` (RFC 3875 §4.1.17).
    pub fn software(&self) -> &str {
        self.0.software()
    }

    /// What the host can do.
    pub fn capabilities(&self) -> Capabilities {
        self.0.capabilities()
    }

    /// Whether the thread that polls the application may block: true on a threaded host, false on
    /// an async one. Who has blocking work and is async itself calls [`unblock`](Self::unblock)
    /// and need not ask.
    pub fn may_block(&self) -> bool {
        self.0.may_block()
    }

    /// Has the host read what is still arriving of the request body, where blocking code would wait for it on a
    /// thread of the host's.
    pub(crate) async fn gather(mut environ: Environ) -> Result<Environ, Error> {
        if environ.gateway().may_block() || !environ.input().is_arriving() {
            return Ok(environ);
        }
        let host = Arc::clone(&environ.gateway().0);
        host.gather(environ).await
    }

    /// Waits for a permit, among the calls that the host lets wait.
    pub(crate) async fn take_turn(&self, budget: &Arc<Budget>) -> Result<Permit, UnblockError> {
        if let Some(permit) = budget.try_acquire() {
            return Ok(permit);
        }
        let _place = self.0.queue()?;
        Ok(budget.acquire().await)
    }

    /// Runs blocking work where it holds nobody up: at once on a thread that may block, on the
    /// host's pool of threads otherwise.
    ///
    /// Nothing happens before the future is polled. Dropping it before the work began keeps it from
    /// beginning; work that runs is never interrupted.
    ///
    /// ```
    /// use gateway_core::{Environ, Result, text};
    ///
    /// async fn app(environ: Environ) -> Result {
    ///     let passwords = environ.gateway().unblock(|| std::fs::read_to_string("/etc/passwd")).await??;
    ///     Ok(text(format!("{} accounts\n", passwords.lines().count())))
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// [`UnblockError::Overloaded`] if the host's queue is full, [`UnblockError::Cancelled`] if the
    /// host gave the work up before it began. A panic in the work goes on in the caller.
    pub fn unblock<T, F>(
        &self,
        work: F,
    ) -> impl Future<Output = Result<T, UnblockError>> + Send + use<T, F>
    where
        T: Send + 'static,
        F: FnOnce() -> T + Send + 'static,
    {
        let host = Arc::clone(&self.0);
        async move {
            if host.may_block() {
                return Ok(work());
            }
            let slot = Arc::new(Slot {
                state: Mutex::new(SlotState::Empty(None)),
            });
            let ticket = Ticket(Arc::clone(&slot));
            host.unblock(Box::new(move || ticket.run(work)))?;
            Waiting(slot).await
        }
    }
}

impl fmt::Debug for Gateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gateway")
            .field("software", &self.software())
            .field("capabilities", &self.capabilities())
            .finish_non_exhaustive()
    }
}

/// Waits for work on its way through the host's pool.
struct Waiting<T>(Arc<Slot<T>>);

impl<T> Future for Waiting<T> {
    type Output = Result<T, UnblockError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.0.poll(cx.waker()) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Ok(value)) => Poll::Ready(Ok(value)),
            Poll::Ready(Err(Failure::Panicked(payload))) => resume_unwind(payload),
            Poll::Ready(Err(Failure::GivenUp)) => Poll::Ready(Err(UnblockError::Cancelled)),
        }
    }
}

impl<T> Drop for Waiting<T> {
    fn drop(&mut self) {
        self.0.abandon();
    }
}

/// Where the result of the work is handed over.
struct Slot<T> {
    state: Mutex<SlotState<T>>,
}

enum SlotState<T> {
    Empty(Option<Waker>),
    Full(Result<T, Failure>),
    Abandoned,
}

enum Failure {
    Panicked(Box<dyn Any + Send>),
    GivenUp,
}

impl<T> Slot<T> {
    fn poll(&self, waker: &Waker) -> Poll<Result<T, Failure>> {
        let mut state = self.lock();
        match std::mem::replace(&mut *state, SlotState::Abandoned) {
            SlotState::Full(result) => Poll::Ready(result),
            SlotState::Empty(_) => {
                *state = SlotState::Empty(Some(waker.clone()));
                Poll::Pending
            }
            SlotState::Abandoned => Poll::Ready(Err(Failure::GivenUp)),
        }
    }

    fn fill(&self, result: Result<T, Failure>) {
        let waker = match &mut *self.lock() {
            state @ SlotState::Empty(_) => {
                match std::mem::replace(state, SlotState::Full(result)) {
                    SlotState::Empty(waker) => waker,
                    _ => None,
                }
            }
            _ => None,
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    fn abandon(&self) {
        *self.lock() = SlotState::Abandoned;
    }

    fn is_abandoned(&self) -> bool {
        matches!(*self.lock(), SlotState::Abandoned)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, SlotState<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The pool's end of the slot. Dropped unrun, it says so.
struct Ticket<T>(Arc<Slot<T>>);

impl<T> Ticket<T> {
    fn run(self, work: impl FnOnce() -> T) {
        if self.0.is_abandoned() {
            return;
        }
        self.0
            .fill(catch_unwind(AssertUnwindSafe(work)).map_err(Failure::Panicked));
    }
}

impl<T> Drop for Ticket<T> {
    fn drop(&mut self) {
        // Does nothing if the slot is already full.
        self.0.fill(Err(Failure::GivenUp));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::{Job, block_on};

    /// Keeps jobs until the test runs them.
    #[derive(Clone, Default)]
    struct Pool(Arc<Mutex<Vec<Job>>>);

    impl Host for Pool {
        fn software(&self) -> &str {
            "pool"
        }
        fn capabilities(&self) -> Capabilities {
            Capabilities::NONE
        }
        fn may_block(&self) -> bool {
            false
        }
        fn unblock(&self, job: Job) -> Result<(), UnblockError> {
            let mut jobs = self.0.lock().unwrap();
            if jobs.len() == 1 {
                return Err(UnblockError::Overloaded);
            }
            jobs.push(job);
            Ok(())
        }
    }

    /// Polls once, which queues the work.
    fn started<F: Future>(work: F) -> Pin<Box<F>> {
        let mut work = Box::pin(work);
        let poll = work.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        assert!(poll.is_pending());
        work
    }

    #[test]
    fn work_runs_on_the_pool_and_its_result_comes_back() {
        let pool = Pool::default();
        let gateway = Gateway::new(pool.clone());
        let work = started(gateway.unblock(|| 6 * 7));
        let runner = std::thread::spawn(move || pool.0.lock().unwrap().pop().unwrap()());
        assert_eq!(block_on(work), Ok(42));
        runner.join().unwrap();
    }

    #[test]
    fn a_full_queue_and_a_dropped_job_are_errors() {
        let pool = Pool::default();
        let gateway = Gateway::new(pool.clone());
        let queued = started(gateway.unblock(|| ()));
        assert_eq!(
            block_on(gateway.unblock(|| ())),
            Err(UnblockError::Overloaded)
        );
        pool.0.lock().unwrap().clear();
        assert_eq!(block_on(queued), Err(UnblockError::Cancelled));
    }

    #[test]
    fn work_nobody_waits_for_is_not_begun() {
        let pool = Pool::default();
        let gateway = Gateway::new(pool.clone());
        drop(gateway.unblock(|| panic!("must not even be queued")));
        assert!(pool.0.lock().unwrap().is_empty());
        drop(started(gateway.unblock(|| panic!("must not run"))));
        pool.0.lock().unwrap().pop().unwrap()();
    }

    #[test]
    fn a_panic_goes_on_in_the_caller() {
        let pool = Pool::default();
        let gateway = Gateway::new(pool.clone());
        let work = started(gateway.unblock(|| panic!("of the work")));
        pool.0.lock().unwrap().pop().unwrap()();
        let caught = catch_unwind(AssertUnwindSafe(|| block_on(work)));
        assert_eq!(
            *caught.unwrap_err().downcast_ref::<&str>().unwrap(),
            "of the work"
        );
    }
}

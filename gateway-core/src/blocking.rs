//! [`blocking()`]: blocking code as an application.

use std::sync::Arc;

use crate::budget::Budget;
use crate::{Application, Environ, Error, Gateway, Result, UnblockError};

/// The blocking face of an application: functions and closures `fn(Environ) -> Result`, and
/// structs that implement it. [`blocking()`] makes an [`Application`] of it.
pub trait BlockingApplication: Send + Sync + 'static {
    /// Answers one request, on a thread that may block.
    ///
    /// # Errors
    ///
    /// Whatever it likes; see [`Application`] for what the host makes of it.
    fn call(&self, environ: Environ) -> Result;
}

impl<F> BlockingApplication for F
where
    F: Fn(Environ) -> Result + Send + Sync + 'static,
{
    fn call(&self, environ: Environ) -> Result {
        self(environ)
    }
}

/// Makes an application of blocking code.
///
/// A threaded host calls it on the thread that has read the request: nothing is allocated, nothing
/// is handed over. An async host moves it to its bounded pool of threads, when the request body is here: who
/// sends it slowly holds no thread, and no place in the [budget](Blocking::limit).
///
/// ```
/// use gateway_core::{Environ, Result, blocking, text};
///
/// fn hello(environ: Environ) -> Result {
///     Ok(text(format!("Hello from {}\n", environ.path_info())))
/// }
/// let app = blocking(hello).limit(20); // a connection pool of 20 stands behind it, say
/// # use gateway_core::{Application, server::block_on};
/// # assert_eq!(block_on(app.call(Environ::default()))?.status(), 200);
/// # Ok::<(), gateway_core::Error>(())
/// ```
pub fn blocking<B: BlockingApplication>(application: B) -> Blocking<B> {
    Blocking {
        application: Arc::new(application),
        budget: None,
    }
}

/// Blocking code as an application; made by [`blocking()`].
#[derive(Debug)]
pub struct Blocking<B> {
    application: Arc<B>,
    budget: Option<Arc<Budget>>,
}

impl<B> Blocking<B> {
    /// At most `n` calls at once; further calls wait for their turn, in order. A call counts until
    /// it returns, its response body does not. Clones share the budget.
    ///
    /// Who waits takes no thread of an async host's pool; on a threaded host the call waits on its
    /// worker. Where too many wait for the host's queue, the answer is 503.
    ///
    /// # Panics
    ///
    /// If `n` is 0: nothing would ever run.
    #[must_use]
    pub fn limit(mut self, n: usize) -> Self {
        assert!(n > 0, "a budget of 0 calls lets nothing run");
        self.budget = Some(Budget::new(n));
        self
    }
}

impl<B> Clone for Blocking<B> {
    fn clone(&self) -> Self {
        Self {
            application: Arc::clone(&self.application),
            budget: self.budget.clone(),
        }
    }
}

impl<B: BlockingApplication> Application for Blocking<B> {
    async fn call(&self, environ: Environ) -> Result {
        let environ = Gateway::gather(environ).await?;
        let permit = match &self.budget {
            Some(budget) => Some(environ.gateway().take_turn(budget).await?),
            None => None,
        };
        if environ.gateway().may_block() {
            refuse_abandoned(&environ)?;
            let result = self.application.call(environ);
            drop(permit);
            return result;
        }
        let application = Arc::clone(&self.application);
        let gateway = environ.gateway().clone();
        let call = move || {
            let _permit = permit;
            refuse_abandoned(&environ)?;
            application.call(environ)
        };
        gateway.unblock(call).await?
    }
}

/// Work for a client that has left while the call was queued is not begun.
fn refuse_abandoned(environ: &Environ) -> Result<(), Error> {
    match environ.cancel_reason() {
        None => Ok(()),
        Some(_) => Err(UnblockError::Cancelled.into()),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::server::{Call, block_on};
    use crate::{CancelReason, text};

    #[test]
    fn runs_on_the_calling_thread_where_that_may_block() {
        let here = std::thread::current().id();
        let app = blocking(move |_environ| {
            assert_eq!(std::thread::current().id(), here);
            Ok(text("inline"))
        });
        assert_eq!(
            block_on(app.call(Environ::default())).unwrap().status(),
            200
        );
    }

    #[test]
    fn keeps_its_budget() {
        let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let (inside, highest) = (Arc::clone(&running), Arc::clone(&most));
        let pair = Arc::new(Barrier::new(2));
        let app = blocking(move |_environ| {
            highest.fetch_max(inside.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            pair.wait(); // two must be inside at once for any to leave
            inside.fetch_sub(1, Ordering::SeqCst);
            Ok(text("done"))
        })
        .limit(2);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| block_on(app.call(Environ::default())).unwrap());
            }
        });
        assert_eq!(most.load(Ordering::SeqCst), 2);
    }

    #[test]
    fn does_not_begin_for_a_client_that_has_left() {
        let call = Call::new();
        let environ = Environ::default().with_call(&call);
        call.cancel(CancelReason::Disconnected);
        let app = blocking(|_environ| panic!("must not run"));
        assert!(block_on(app.call(environ)).is_err());
    }
}

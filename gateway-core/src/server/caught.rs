//! [`Caught`]: a call whose panic is an answer.

use std::any::Any;
use std::future::Future;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

/// A future whose panic is an error of the caller's, and not the end of its thread.
///
/// Not to be polled again after it was ready.
#[derive(Debug)]
pub struct Caught<F>(F);

impl<F: Future + Unpin> Caught<F> {
    /// Wraps a pinned future, as from [`std::pin::pin!`].
    pub fn new(future: F) -> Self {
        Self(future)
    }
}

impl<F: Future + Unpin> Future for Caught<F> {
    type Output = Result<F::Output, Panic>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match catch(|| Pin::new(&mut self.0).poll(cx)) {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(output)) => Poll::Ready(Ok(output)),
            Err(panic) => Poll::Ready(Err(panic)),
        }
    }
}

/// Runs `code`, and makes its panic an error.
///
/// # Errors
///
/// [`Panic`] if it panicked.
pub fn catch<T>(code: impl FnOnce() -> T) -> Result<T, Panic> {
    // What the code leaves half done is the application's, and is not looked at again.
    catch_unwind(AssertUnwindSafe(code)).map_err(|payload| {
        let panic = Panic::of(payload.as_ref());
        discard(payload);
        panic
    })
}

/// Drops a payload, which is the application's code too. What that panics with is dropped by nobody.
fn discard(payload: Box<dyn Any + Send>) {
    if let Err(another) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
        mem::forget(another);
    }
}

/// The application panicked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("panicked: {0}")]
pub struct Panic(String);

impl Panic {
    /// The panic behind a payload, as `catch_unwind` and threads give it.
    pub fn of(payload: &(dyn Any + Send)) -> Self {
        let text = payload
            .downcast_ref::<&str>()
            .map(|text| (*text).to_owned())
            .or_else(|| payload.downcast_ref::<String>().cloned());
        Self(text.unwrap_or_else(|| "with something that is not text".to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::block_on;

    #[test]
    fn a_payload_that_panics_in_its_drop_is_one_panic() {
        struct Bomb;
        impl Drop for Bomb {
            fn drop(&mut self) {
                std::panic::panic_any(Bomb);
            }
        }
        let result = catch(|| std::panic::panic_any(Bomb));
        let panic: Panic = result.map(|(): ()| ()).unwrap_err();
        assert_eq!(
            panic.to_string(),
            "panicked: with something that is not text"
        );
    }

    #[test]
    fn a_panic_in_a_future_is_an_error() {
        let future = std::pin::pin!(async { panic!("number {}", 7) });
        let result: Result<(), Panic> = block_on(Caught::new(future));
        assert_eq!(result.unwrap_err().to_string(), "panicked: number 7");
        assert_eq!(block_on(Caught::new(std::pin::pin!(async { 1 }))), Ok(1));
    }
}

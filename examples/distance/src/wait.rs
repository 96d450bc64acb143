//! Waiting on a thread.

use std::{
    future::Future,
    pin::pin,
    sync::Arc,
    task::{Context, Wake, Waker},
    thread::{self, Thread},
    time::{Duration, Instant},
};

use gateway_core::{Cancelled, StatusError};
use http::StatusCode;

/// Blocks the thread for `time`, or until nobody waits for the answer any more.
///
/// The wait stands for a driver or a client library that blocks, which is what most of those that
/// services are made of do. Async code would need a timer, and with it a runtime, which
/// applications of gateway do not have to name.
///
/// # Errors
///
/// 503 if the call was cancelled; the client will hardly see it.
pub(crate) fn wait(time: Duration, cancelled: Cancelled) -> Result<(), StatusError> {
    let until = Instant::now() + time;
    let waker = Waker::from(Arc::new(Unparker(thread::current())));
    let mut cx = Context::from_waker(&waker);
    let mut cancelled = pin!(cancelled);
    loop {
        if let std::task::Poll::Ready(reason) = cancelled.as_mut().poll(&mut cx) {
            let message = format!("given up while waiting: {reason}");
            return Err(StatusError::new(StatusCode::SERVICE_UNAVAILABLE, message));
        }
        match until.checked_duration_since(Instant::now()) {
            None | Some(Duration::ZERO) => return Ok(()),
            Some(left) => thread::park_timeout(left),
        }
    }
}

struct Unparker(Thread);

impl Wake for Unparker {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

#[cfg(test)]
mod tests {
    use gateway_core::{CancelReason, server::Call};

    use super::*;

    #[test]
    fn waits_as_long_as_it_is_told() {
        let (begin, time) = (Instant::now(), Duration::from_millis(20));
        wait(time, Call::default().cancelled()).unwrap();
        assert!(begin.elapsed() >= time);
    }

    #[test]
    fn ends_when_the_call_is_cancelled() {
        let call = Call::default();
        let cancelled = call.cancelled();
        thread::scope(|scope| {
            let waiting = scope.spawn(|| wait(Duration::from_secs(3600), cancelled));
            call.cancel(CancelReason::Disconnected);
            assert_eq!(waiting.join().unwrap().unwrap_err().status(), 503);
        });
    }
}

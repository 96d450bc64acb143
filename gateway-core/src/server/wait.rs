//! [`block_on`], [`Parker`]: a thread that waits for a future.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

/// Polls `future` on this thread, which sleeps in between, until it is ready.
///
/// Must not be called on a thread that runs an async runtime.
pub fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let parker = Parker::here();
    let waker = Waker::from(Arc::clone(&parker));
    let mut cx = Context::from_waker(&waker);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut cx) {
            return output;
        }
        parker.wait();
    }
}

/// Wakes a thread that waits for a future. The flag tells a wake of ours from somebody else's use of
/// the thread's one token.
#[derive(Debug)]
pub struct Parker {
    thread: Thread,
    woken: AtomicBool,
}

impl Parker {
    /// Wakes the calling thread. A [`Waker`] is made of it by `Waker::from`.
    pub fn here() -> Arc<Self> {
        Arc::new(Self {
            thread: thread::current(),
            woken: AtomicBool::new(false),
        })
    }

    /// Sleeps until woken; returns at once if that has happened since the last wait. For the thread
    /// that called [`here`](Self::here).
    pub fn wait(&self) {
        while !self.woken.swap(false, Ordering::Acquire) {
            thread::park();
        }
    }
}

impl Wake for Parker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.woken.swap(true, Ordering::Release) {
            self.thread.unpark();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    #[test]
    fn a_future_woken_from_another_thread_is_polled_again() {
        let waker: Arc<Mutex<Option<Waker>>> = Arc::default();
        let seen = Arc::clone(&waker);
        let mut polls = 0;
        let future = std::future::poll_fn(move |cx| {
            polls += 1;
            if polls == 2 {
                return Poll::Ready(polls);
            }
            *seen.lock().unwrap() = Some(cx.waker().clone());
            Poll::Pending
        });
        let other = thread::spawn(move || {
            loop {
                if let Some(waker) = waker.lock().unwrap().take() {
                    return waker.wake();
                }
                thread::yield_now();
            }
        });
        assert_eq!(block_on(future), 2);
        other.join().unwrap();
    }
}

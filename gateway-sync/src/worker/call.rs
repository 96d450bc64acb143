//! Calling the application, with a seat or without one.

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use gateway_core::server::{Call, Caught, Panic};
use gateway_core::{Application, CancelReason, Environ, Response};
use http::{Method, StatusCode};
use rustix::time::{ClockId, clock_gettime};

use super::{Flow, Turn, Worker};
use crate::log::RequestName;
use crate::predictor::{Entry, Forecast, Measured};
use crate::request::{Complete, RequestBody};

/// A call that came back sooner need not have left its seat.
const QUICK: Duration = Duration::from_millis(1);

/// How a call ended.
pub(super) enum Ended {
    /// The application answered, or failed.
    Answered(gateway_core::Result<Response>),
    Panicked(Panic),
    /// Nobody waits for the answer; an async application was dropped.
    Cancelled(CancelReason),
}

impl<A: Application> Worker<'_, A> {
    /// Has a request answered.
    pub(super) fn serve(&mut self, turn: &mut Turn, complete: Complete) -> Flow {
        let Complete { head, body } = complete;
        let exchange = head.exchange();
        if head.method == Method::CONNECT {
            // An origin server has no tunnels (RFC 9110 §9.3.6); what follows is for one.
            return self.answer_and_close(turn, StatusCode::NOT_IMPLEMENTED, exchange);
        }
        let parts = head.into_parts();
        let name = RequestName {
            method: parts.method.clone(),
            uri: parts.uri.clone(),
        };
        let entry = self
            .shared
            .predictor
            .entry(name.method.as_str(), name.uri.path());
        let (live, input) = match body {
            RequestBody::Whole(input) => (None, input),
            RequestBody::Awaited => {
                self.shared.lent.fetch_add(1, Ordering::Relaxed);
                let (live, input) = turn.connection.lend(&self.shared.timeouts);
                (Some(live), input)
            }
        };
        let call = turn.connection.current_call().clone();
        let endpoint = Arc::clone(&turn.connection.endpoint);
        let ended = match Environ::new(parts, input, endpoint, &call) {
            Ok(environ) => {
                let environ = self.with_times(turn, environ);
                self.call(environ, entry, live.is_some(), &call)
            }
            Err(error) => Ended::Answered(Err(error.into())),
        };
        drop(call);
        self.respond(turn, name, entry, exchange, ended, live)
    }

    /// Says when the request was here, and by when the answer is due.
    fn with_times(&self, turn: &Turn, environ: Environ) -> Environ {
        let now = Instant::now();
        let due = self
            .shared
            .timeouts
            .request
            .and_then(|time| now.checked_add(time));
        if let Some(due) = due {
            self.shared.seats[turn.seat].set_due(turn.slot, now, due);
        }
        environ.with_times(now, due)
    }

    /// Calls the application: on the seat if it is expected to be back at once, without it if not.
    fn call(&mut self, environ: Environ, entry: Entry, lent: bool, call: &Call) -> Ended {
        let shared = self.shared;
        let forecast = if lent {
            Forecast::Waits
        } else {
            shared.predictor.forecast(entry)
        };
        let watch = (forecast != Forecast::Short).then(Stopwatch::start);
        if watch.is_some() {
            self.leave_seat();
        }
        let mut future = pin!(async move { shared.application.call(environ).await });
        let mut future = Caught::new(future.as_mut());
        let waker = self.waker.clone();
        let mut cx = Context::from_waker(&waker);
        let seated = self.held.is_some();
        let first = self.seated(|| Pin::new(&mut future).poll(&mut cx));
        let (ended, pending) = match first {
            Poll::Ready(Ok(result)) => (Ended::Answered(result), false),
            Poll::Ready(Err(panic)) => (Ended::Panicked(panic), false),
            Poll::Pending => {
                self.leave_seat();
                (self.wait(&mut future, &mut cx, call), true)
            }
        };
        let measured = match watch {
            Some(watch) if !lent => Some(watch.measure()),
            None if !pending && seated && self.held.is_none() => Some(Measured::Waited),
            None if !pending => Some(Measured::Quick),
            _ => None,
        };
        if let Some(measured) = measured {
            shared.predictor.learn(entry, measured);
        }
        ended
    }

    /// Runs application code while the monitor watches. Afterwards the seat may be gone.
    pub(super) fn seated<T>(&mut self, code: impl FnOnce() -> T) -> T {
        let Some(held) = self.held else { return code() };
        let seat = &self.shared.seats[held.seat];
        let pulse = seat.begin();
        self.shared.alarm.rouse();
        let value = code();
        seat.end(pulse);
        if !seat.is_held(held.tenure) {
            self.held = None;
        }
        value
    }

    /// Gives the seat to another thread.
    pub(super) fn leave_seat(&mut self) {
        if let Some(held) = self.held.take() {
            self.shared.seating.leave(held.seat);
        }
    }

    /// Sleeps until the future is ready, or nobody waits for it any more.
    fn wait<F>(&self, future: &mut Caught<F>, cx: &mut Context<'_>, call: &Call) -> Ended
    where
        F: Future<Output = gateway_core::Result<Response>> + Unpin,
    {
        let mut cancelled = call.cancelled();
        loop {
            if let Poll::Ready(reason) = Pin::new(&mut cancelled).poll(cx) {
                return Ended::Cancelled(reason);
            }
            self.parker.wait();
            match Pin::new(&mut *future).poll(cx) {
                Poll::Ready(Ok(result)) => return Ended::Answered(result),
                Poll::Ready(Err(panic)) => return Ended::Panicked(panic),
                Poll::Pending => {}
            }
        }
    }
}

/// Wall time and processor time of a call: alike to the clock, computing and waiting are told apart
/// by the processor.
pub(super) struct Stopwatch {
    wall: Instant,
    cpu: Duration,
}

impl Stopwatch {
    pub(super) fn start() -> Self {
        Self {
            wall: Instant::now(),
            cpu: thread_time(),
        }
    }

    pub(super) fn measure(&self) -> Measured {
        let wall = self.wall.elapsed();
        if wall < QUICK {
            return Measured::Quick;
        }
        let cpu = thread_time().saturating_sub(self.cpu);
        if cpu * 2 >= wall {
            Measured::Computed
        } else {
            Measured::Waited
        }
    }
}

fn thread_time() -> Duration {
    Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).unwrap_or_default()
}

/// Wakes a worker that waits with a future.
pub(super) struct Parker {
    thread: Thread,
    woken: AtomicBool,
}

impl Parker {
    /// Wakes the calling thread.
    pub(super) fn here() -> Arc<Self> {
        Arc::new(Self {
            thread: thread::current(),
            woken: AtomicBool::new(false),
        })
    }

    fn wait(&self) {
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

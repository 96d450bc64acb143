//! [`Arriving`]: a request body on its way in, with the host's limit and its patience.

use std::error::Error as _;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};
use std::time::{Duration, Instant};

use bytes::Bytes;
use gateway_core::server::Stage;
use gateway_core::{Input, InputError};
use http::Version;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::time::{Sleep, sleep_until};

use crate::cause::Cause;
use crate::connection::State;
use crate::exchange::Exchange;
use crate::fault;
use crate::progress::Progress;
use crate::refusal::Refusal;
use crate::strict;

/// As good as never: a year.
const FAR: Duration = Duration::from_secs(365 * 24 * 3600);

/// The request body as the application reads it.
pub(crate) fn input(body: Incoming, exchange: &mut Exchange) -> Input {
    if body.is_end_stream() {
        exchange.keep_ended(body);
        return Input::empty();
    }
    let state = Arc::clone(&exchange.state);
    state.incoming.begin();
    Input::live(Arriving {
        body,
        left: state.shared.settings.limits.body,
        alarm: None,
        waits_since: None,
        ended: false,
        is_stream: exchange.version >= Version::HTTP_2,
        progress: Arc::clone(&exchange.progress),
        state,
    })
}

/// A request body on its way in.
struct Arriving {
    body: Incoming,
    left: u64,
    /// Runs while the application waits for the client; made when it first has to.
    alarm: Option<Pin<Box<Sleep>>>,
    waits_since: Option<Instant>,
    ended: bool,
    /// Whether it is of an HTTP/2 stream.
    is_stream: bool,
    progress: Arc<Progress>,
    state: Arc<State>,
}

impl Arriving {
    /// Checks a frame against the limits. (The trailers of HTTP/1 have been looked at before hyper read them.)
    fn take(&mut self, frame: Frame<Bytes>) -> Result<Frame<Bytes>, InputError> {
        let limits = &self.state.shared.settings.limits;
        if let (true, Some(trailers)) = (self.is_stream, frame.trailers_ref()) {
            if let Err(refusal) = strict::check_trailers(trailers, limits) {
                self.progress.refuse(refusal);
                return Err(refusal.of_input());
            }
        }
        let length = frame.data_ref().map_or(0, |data| data.len() as u64);
        match self.left.checked_sub(length) {
            Some(left) => {
                self.left = left;
                Ok(frame)
            }
            None => {
                let refusal = Refusal::BodyTooLarge(limits.body);
                self.progress.refuse(refusal);
                Err(refusal.of_input())
            }
        }
    }

    /// The application waits for the client: not longer than it may.
    fn poll_patience(&mut self, cx: &mut Context<'_>) -> Poll<InputError> {
        let since = self.begin_to_wait();
        loop {
            let (due, cause) = self.due(since);
            let alarm = self.alarm.get_or_insert_with(|| {
                // Blocking code waits on a thread that is none of the runtime's.
                let _inside = self.state.shared.runtime.enter();
                Box::pin(sleep_until(due.into()))
            });
            if alarm.deadline() != due.into() {
                alarm.as_mut().reset(due.into());
            }
            ready!(alarm.as_mut().poll(cx));
            // Another body of the connection may have come meanwhile, to the good of this one.
            if self.due(since).0 <= Instant::now() {
                if cause == Cause::BodyTooSlow {
                    self.state.incoming.cut(Instant::now());
                }
                self.progress.log_cut(&self.state.endpoint.remote, cause);
                return Poll::Ready(InputError::TimedOut);
            }
        }
    }

    /// By when the client must send more, and what it is cut off by then.
    fn due(&self, since: Instant) -> (Instant, Cause) {
        let timeouts = &self.state.shared.settings.timeouts;
        let stalled = since.checked_add(timeouts.body_stall);
        let stalled = stalled.unwrap_or_else(|| since + FAR);
        match self.state.incoming.due(since, timeouts) {
            Some(slow) if slow < stalled => (slow, Cause::BodyTooSlow),
            _ => (stalled, Cause::BodyStalled),
        }
    }

    /// Notes what its stream has ended by, if it has: once the body is gone nobody can tell. (Over HTTP/1
    /// the connection tells.)
    fn note_end(&mut self) {
        if self.is_stream {
            let mut cx = Context::from_waker(Waker::noop());
            if let Poll::Ready(Some(Err(error))) = Pin::new(&mut self.body).poll_frame(&mut cx) {
                self.note_fault(&error);
            }
        }
    }

    fn note_fault(&self, error: &hyper::Error) {
        if self.is_stream {
            if let Some(cause) = fault::cause(error) {
                self.progress.set_fault(cause);
            }
        }
    }

    fn begin_to_wait(&mut self) -> Instant {
        if let Some(since) = self.waits_since {
            return since;
        }
        let now = Instant::now();
        self.waits_since = Some(now);
        self.progress.set_stage(Stage::ReadingBody);
        self.state.incoming.wait(now);
        now
    }

    /// So many bytes came, or the end did.
    fn go_on(&mut self, bytes: u64) {
        if self.waits_since.take().is_none() {
            return self.state.incoming.add(bytes);
        }
        self.progress.set_stage(Stage::InApplication);
        self.state.incoming.go_on(bytes, Instant::now());
    }
}

impl Drop for Arriving {
    fn drop(&mut self) {
        if !self.ended {
            self.state.drop_body();
            self.note_end();
        }
        if self.waits_since.is_some() {
            self.state.incoming.go_on(0, Instant::now());
            // Where it is not the application that lets go of it, the request ends where it stands.
            if Progress::here().is_some() {
                self.progress.set_stage(Stage::InApplication);
            }
        }
        self.state.incoming.end();
    }
}

impl Body for Arriving {
    type Data = Bytes;
    type Error = InputError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, InputError>>> {
        match Pin::new(&mut self.body).poll_frame(cx) {
            Poll::Pending => self.poll_patience(cx).map(|error| Some(Err(error))),
            Poll::Ready(frame) => {
                if let Some(Err(error)) = &frame {
                    self.note_fault(error);
                }
                let data = frame.as_ref().and_then(|it| it.as_ref().ok()?.data_ref());
                let bytes = data.map_or(0, |data| data.len() as u64);
                self.go_on(bytes);
                self.ended = frame.is_none() || self.body.is_end_stream();
                Poll::Ready(frame.map(|frame| match frame {
                    Ok(frame) => self.take(frame),
                    Err(error) => Err(reason(&error)),
                }))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// Why hyper could not read the body to its end.
fn reason(error: &hyper::Error) -> InputError {
    if error.is_timeout() {
        return InputError::TimedOut;
    }
    let mut source = error.source();
    while let Some(error) = source {
        if let Some(error) = error.downcast_ref::<io::Error>() {
            if let Some(found) = error.get_ref().and_then(|inner| inner.downcast_ref()) {
                return *found;
            }
            // The chunked decoder's complaints are of these kinds.
            return match error.kind() {
                io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => InputError::Malformed,
                _ => InputError::Disconnected,
            };
        }
        source = error.source();
    }
    InputError::Disconnected
}

//! [`Arriving`]: a request body on its way in, with the host's limit and its patience.

use std::error::Error as _;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use gateway_core::{Input, InputError};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::time::{Instant, Sleep, sleep};

use crate::connection::State;

/// The request body as the application reads it.
pub(crate) fn input(body: Incoming, state: &Arc<State>) -> Input {
    if body.is_end_stream() {
        return Input::empty();
    }
    let shared = &state.shared;
    Input::live(Arriving {
        body,
        limit: shared.settings.limits.body,
        left: shared.settings.limits.body,
        patience: shared.settings.timeouts.body_stall,
        alarm: None,
        is_waiting: false,
        ended: false,
        state: Arc::clone(state),
    })
}

/// A request body on its way in.
struct Arriving {
    body: Incoming,
    limit: u64,
    left: u64,
    patience: Duration,
    /// Runs while the application waits for the client; made when it first has to.
    alarm: Option<Pin<Box<Sleep>>>,
    is_waiting: bool,
    ended: bool,
    state: Arc<State>,
}

impl Arriving {
    /// Checks a frame against the limit.
    fn take(&mut self, frame: Frame<Bytes>) -> Result<Frame<Bytes>, InputError> {
        let length = frame.data_ref().map_or(0, |data| data.len() as u64);
        match self.left.checked_sub(length) {
            Some(left) => {
                self.left = left;
                Ok(frame)
            }
            None => Err(InputError::TooLarge { limit: self.limit }),
        }
    }

    /// The application waits for the client: not longer than it may.
    fn poll_patience(&mut self, cx: &mut Context<'_>) -> Poll<InputError> {
        let alarm = self.alarm.get_or_insert_with(|| {
            // Blocking code waits on a thread that is none of the runtime's.
            let _inside = self.state.shared.runtime.enter();
            Box::pin(sleep(self.patience))
        });
        if !std::mem::replace(&mut self.is_waiting, true) {
            alarm.as_mut().reset(Instant::now() + self.patience);
        }
        alarm.as_mut().poll(cx).map(|()| InputError::TimedOut)
    }
}

impl Drop for Arriving {
    fn drop(&mut self) {
        if !self.ended {
            self.state.drop_body();
        }
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
                self.is_waiting = false;
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

//! I: what an input is, as the host makes it.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};

use super::trailers;
use super::violation::{Check, must};
use super::watch::Watch;
use crate::{Environ, Input, InputError};

/// Puts the input into one that is checked.
pub(super) fn wrap(environ: &mut Environ, watch: &Watch) {
    let input = environ.take_input();
    if input.is_end_stream() {
        return environ.set_input(input);
    }
    environ.set_input(Input::live(Watched {
        left: input.remaining(),
        input,
        watch: watch.clone(),
    }));
}

struct Watched {
    input: Input,
    /// Bytes that are still to come, where the input has said so.
    left: Option<u64>,
    watch: Watch,
}

impl Watched {
    fn check(&mut self, frame: Option<&Frame<Bytes>>) -> Check {
        let data = frame.and_then(Frame::data_ref);
        let length = data.map_or(0, |data| data.len() as u64);
        let over = frame.is_none() || self.input.is_end_stream();
        self.watch
            .judge_input(keeps_its_length(self.left, length, over))?;
        self.left = self.left.map(|left| left - length);
        let remaining = self.input.remaining();
        self.watch.judge_input(counts_down(self.left, remaining))?;
        match frame.and_then(Frame::trailers_ref) {
            Some(fields) => self.watch.judge_input(trailer_fields(fields)),
            None => Ok(()),
        }
    }
}

/// **I1.** An input that says how many bytes remain MUST give exactly those.
///
/// *Why*: An application sizes what it stores by it. Fewer bytes that pass for all of them are half an upload
/// stored as a whole one.
///
/// *Source*: RFC 9112 §6.3; PEP 3333, "Input and Error Streams".
fn keeps_its_length(left: Option<u64>, length: u64, over: bool) -> Check {
    let Some(left) = left else { return Ok(()) };
    let kept = length <= left && (!over || length == left);
    must("I1", kept, || {
        format!("{left} bytes were to come; {length} came, at the end: {over}")
    })
}

/// **I2.** What remains of an input MUST go down by what was read.
///
/// *Why*: It is asked for in the middle too, by whoever takes the rest.
fn counts_down(left: Option<u64>, remaining: Option<u64>) -> Check {
    let kept = left.is_none() || remaining.is_none() || left == remaining;
    must("I2", kept, || {
        format!("{left:?} bytes are to come, and it says {remaining:?}")
    })
}

/// **I3.** Trailer fields MUST NOT frame or route the message, nor change how it is read.
///
/// *Why*: They come after all that was decided by the head; who merges them would decide again.
///
/// *Source*: RFC 9110 §6.5.1.
fn trailer_fields(fields: &HeaderMap) -> Check {
    let found = trailers::forbidden(fields);
    must("I3", found.is_none(), || format!("a trailer is {found:?}"))
}

impl Body for Watched {
    type Data = Bytes;
    type Error = InputError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, InputError>>> {
        let frame = match ready!(Pin::new(&mut self.input).poll_frame(cx)) {
            Some(Err(error)) => return Poll::Ready(Some(Err(error))),
            Some(Ok(frame)) => Some(frame),
            None => None,
        };
        match self.check(frame.as_ref()) {
            Ok(()) => Poll::Ready(frame.map(Ok)),
            Err(_) => Poll::Ready(Some(Err(InputError::Malformed))),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.input.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.input.size_hint()
    }
}

//! The request body of a service's request, as an application's input.

use std::error::Error as StdError;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Buf, Bytes};
use gateway_core::{Error, Input, InputError};
use http_body::{Body, Frame, SizeHint};
use http_body_util::LengthLimitError;

use crate::same::same;

/// The input of an application behind a service. An input that nobody wrapped stays the one it was.
pub(crate) fn input_of<B>(body: B) -> Input
where
    B: Body + Send + 'static,
    B::Error: Into<Error>,
{
    match same(body) {
        Ok(input) => input,
        Err(body) if body.is_end_stream() => Input::empty(),
        Err(body) => Input::live(Arriving {
            body: Box::pin(body),
            length: 0,
        }),
    }
}

/// A body whose errors name the status that they deserve.
struct Arriving<B> {
    body: Pin<Box<B>>,
    /// Bytes that came so far.
    length: u64,
}

impl<B> Body for Arriving<B>
where
    B: Body,
    B::Error: Into<Error>,
{
    type Data = Bytes;
    type Error = InputError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, InputError>>> {
        let frame = match self.body.as_mut().poll_frame(cx) {
            Poll::Pending => return Poll::Pending,
            Poll::Ready(frame) => frame,
        };
        Poll::Ready(frame.map(|frame| match frame {
            Ok(frame) => Ok(frame.map_data(|mut data| {
                self.length += data.remaining() as u64;
                data.copy_to_bytes(data.remaining()) // no copy where it is `Bytes`
            })),
            Err(error) => Err(named(error.into().as_ref(), self.length)),
        }))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// What an error of some body means: what it says itself, anywhere in its chain of sources, else what
/// the connection's error looks like.
fn named(error: &(dyn StdError + 'static), length: u64) -> InputError {
    let mut current = Some(error);
    while let Some(error) = current {
        if let Some(error) = error.downcast_ref::<InputError>() {
            return *error;
        }
        if error.is::<LengthLimitError>() {
            return InputError::TooLarge { limit: length };
        }
        let io = error.downcast_ref::<io::Error>();
        if let Some(kind) = io.and_then(of_kind) {
            return kind;
        }
        // What an `io::Error` wraps is not its source but itself.
        current = match io.and_then(io::Error::get_ref) {
            Some(inner) => Some(inner),
            None => error.source(),
        };
    }
    InputError::Malformed
}

fn of_kind(error: &io::Error) -> Option<InputError> {
    if error
        .get_ref()
        .is_some_and(|inner| inner.is::<InputError>())
    {
        return None; // says more itself
    }
    match error.kind() {
        io::ErrorKind::TimedOut => Some(InputError::TimedOut),
        io::ErrorKind::UnexpectedEof
        | io::ErrorKind::ConnectionReset
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::BrokenPipe => Some(InputError::Disconnected),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use gateway_core::server::block_on;
    use http_body_util::{BodyExt, Full, Limited};

    use super::*;

    fn failing(error: impl Into<Error>) -> Input {
        let error = error.into();
        let body = Full::new(Bytes::from_static(b"12345")).map_err(|never| match never {});
        input_of(body.with_trailers(async { Some(Err(error)) }))
    }

    #[test]
    fn errors_keep_their_name_or_are_given_one() {
        let limit = InputError::TooLarge { limit: 3 };
        for (error, named) in [
            (Error::from(limit), limit),
            (io::Error::from(limit).into(), limit),
            (
                io::Error::from(io::ErrorKind::ConnectionReset).into(),
                InputError::Disconnected,
            ),
            (
                io::Error::from(io::ErrorKind::TimedOut).into(),
                InputError::TimedOut,
            ),
            ("anything".into(), InputError::Malformed),
        ] {
            assert_eq!(failing(error).blocking_read_all(100), Err(named));
        }
    }

    #[test]
    fn a_body_cut_by_a_limit_is_too_large() {
        let mut input = input_of(Limited::new(Full::new(Bytes::from_static(b"12345")), 3));
        let error = input.blocking_read_all(100).unwrap_err();
        assert_eq!(error.status(), 413);
    }

    #[test]
    fn an_input_that_nobody_wrapped_is_the_same() {
        let mut input = input_of(Input::from("whole"));
        assert_eq!(input.remaining(), Some(5));
        assert_eq!(input.blocking_read_all(5).unwrap(), "whole");
        let empty = input_of(Full::new(Bytes::new()));
        assert_eq!(empty.remaining(), Some(0));
    }

    #[test]
    fn trailers_come_after_the_data() {
        let mut fields = http::HeaderMap::new();
        fields.insert("x-sum", http::HeaderValue::from_static("7"));
        let body = Full::new(Bytes::from_static(b"x"));
        let mut input = input_of(body.with_trailers(async { Some(Ok(fields)) }));
        assert_eq!(block_on(input.read_all(9)).unwrap(), "x");
        assert_eq!(input.trailers().unwrap()["x-sum"], "7");
    }
}

//! [`call`]: an application called without a socket.

use std::future::poll_fn;
use std::pin::{Pin, pin};

use bytes::{Bytes, BytesMut};
use gateway_core::server::{Call, Caught, Panic, block_on, error_response};
use gateway_core::{Application, Body, Ending, Environ, Error, Outcome, Response};
use http::{HeaderMap, StatusCode};
use http_body::Body as _;

/// What an application answered, read to its end.
#[derive(Debug)]
#[non_exhaustive]
pub struct Answer {
    /// The status: of the response, or of what a host answers to the error or panic.
    pub status: StatusCode,
    /// The headers of the response.
    pub headers: HeaderMap,
    /// The body, as far as it came.
    pub body: Bytes,
    /// The trailer fields, if the body ended with any.
    pub trailers: Option<HeaderMap>,
    /// What ended the call or the body early.
    pub failure: Option<Failure>,
    /// What [`Environ::on_finish`] was told.
    pub outcome: Outcome,
}

/// What ended a call or a body early.
#[derive(Debug)]
#[non_exhaustive]
pub enum Failure {
    /// The application, or its body, gave an error.
    Failed(Error),
    /// The application, or its body, panicked.
    Panicked(Panic),
}

impl Answer {
    /// The first value of a header field, if it is there and is visible ASCII.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The body as text.
    ///
    /// # Panics
    ///
    /// If it is not UTF-8.
    #[track_caller]
    pub fn text(&self) -> &str {
        match std::str::from_utf8(&self.body) {
            Ok(text) => text,
            Err(error) => panic!("the body is not text: {error}"),
        }
    }
}

/// Calls an application as a host would, without one: errors and panics are answered, the body is
/// read to its end and dropped, `on_finish` is told.
///
/// Callbacks that were registered on the environ before are told that the request was abandoned.
///
/// ```
/// use gateway_core::{Environ, Result, text};
/// use gateway_test::{call, environ};
///
/// async fn hello(environ: Environ) -> Result {
///     Ok(text(format!("Hello from {}\n", environ.path_info())))
/// }
/// assert_eq!(call(&hello, environ("GET /there")).text(), "Hello from /there\n");
/// ```
#[track_caller]
pub fn call(application: &impl Application, environ: impl Into<Environ>) -> Answer {
    let (environ, call) = with_handle(environ.into());
    let response = block_on(Caught::new(pin!(application.call(environ))));
    let answer = match response {
        Ok(Ok(response)) => read(response),
        Ok(Err(error)) => answer_instead(Failure::Failed(error)),
        Err(panic) => answer_instead(Failure::Panicked(panic)),
    };
    call.finish(&answer.outcome);
    answer
}

/// Ties the environ to a handle of ours; what was cancelled stays so.
fn with_handle(environ: Environ) -> (Environ, Call) {
    let call = Call::new();
    if let Some(reason) = environ.cancelled().reason() {
        call.cancel(reason);
    }
    (environ.with_call(&call), call)
}

fn answer_instead(failure: Failure) -> Answer {
    let response = match &failure {
        Failure::Failed(error) => error_response(error.as_ref()),
        Failure::Panicked(panic) => error_response(panic),
    };
    let mut answer = read(response);
    answer.outcome.ending = failure.ending();
    answer.failure = Some(failure);
    answer
}

impl Failure {
    fn ending(&self) -> Ending {
        match self {
            Self::Failed(_) => Ending::Failed,
            Self::Panicked(_) => Ending::Panicked,
        }
    }
}

fn read(response: Response) -> Answer {
    let (parts, mut body) = response.into_parts();
    let mut whole = BytesMut::new();
    let mut trailers = None;
    let failure = loop {
        match next_frame(&mut body) {
            Ok(None) => break None,
            Err(failure) => break Some(failure),
            Ok(Some(frame)) => match frame.into_data() {
                Ok(data) => whole.extend_from_slice(&data),
                Err(frame) => trailers = frame.into_trailers().ok(),
            },
        }
    };
    let ending = failure.as_ref().map_or(Ending::Complete, Failure::ending);
    let outcome = Outcome::new(Some(parts.status), whole.len() as u64, ending);
    Answer {
        status: parts.status,
        headers: parts.headers,
        body: whole.freeze(),
        trailers,
        failure,
        outcome,
    }
}

fn next_frame(body: &mut Body) -> Result<Option<http_body::Frame<Bytes>>, Failure> {
    let frame = poll_fn(|cx| Pin::new(&mut *body).poll_frame(cx));
    match block_on(Caught::new(pin!(frame))) {
        Ok(None) => Ok(None),
        Ok(Some(Ok(frame))) => Ok(Some(frame)),
        Ok(Some(Err(error))) => Err(Failure::Failed(error)),
        Err(panic) => Err(Failure::Panicked(panic)),
    }
}

#[cfg(test)]
mod tests {
    use gateway_core::{CancelReason, StatusError, blocking, text};

    use super::*;
    use crate::environ;

    #[test]
    fn errors_and_panics_are_answered_as_a_host_does() {
        let fails = |_: Environ| async { Err(StatusError::new(StatusCode::GONE, "gone").into()) };
        let answer = call(&fails, environ("GET /"));
        assert_eq!((answer.status.as_u16(), answer.text()), (410, "410 Gone\n"));
        assert_eq!(answer.outcome.ending, Ending::Failed);

        let panics = blocking(|_| panic!("of the application"));
        let answer = call(&panics, environ("GET /"));
        assert_eq!(answer.status, 500);
        assert!(matches!(answer.failure, Some(Failure::Panicked(_))));
    }

    #[test]
    fn a_body_that_fails_keeps_what_came_before() {
        let app = blocking(|_| {
            let chunks = [Ok("half"), Err("broken")];
            Ok(Response::new(Body::iter(chunks)))
        });
        let answer = call(&app, environ("GET /"));
        assert_eq!((answer.status.as_u16(), answer.text()), (200, "half"));
        assert!(matches!(answer.failure, Some(Failure::Failed(_))));
    }

    #[test]
    fn blocking_code_moves_to_a_thread_on_an_async_host() {
        let here = std::thread::current().id();
        let app = blocking(move |_| Ok(text((std::thread::current().id() == here).to_string())));
        assert_eq!(call(&app, environ("GET /")).text(), "true");
        let elsewhere = environ("GET /").on_async_host();
        assert_eq!(call(&app, elsewhere).text(), "false");
    }

    #[test]
    fn what_is_cancelled_before_stays_cancelled() {
        let app = blocking(|environ: Environ| {
            let reason = environ.cancelled().reason();
            Ok(text(
                reason.map_or("none".to_owned(), |reason| reason.to_string()),
            ))
        });
        let cancelled = environ("GET /").cancelled(CancelReason::Disconnected);
        assert_eq!(call(&app, cancelled).status, 503); // not begun
    }
}

//! [`call`] and [`stream`]: an application called without a socket.

use std::future::poll_fn;
use std::pin::{Pin, pin};

use bytes::{Bytes, BytesMut};
use gateway_core::server::{Call, Caught, Panic, block_on, error_response};
use gateway_core::{Application, Body, CancelReason, Ending, Environ, Error, Outcome};
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
    stream(application, environ).rest()
}

/// Calls an application as [`call`] does, and leaves the body of its answer to be read piece by piece.
///
/// ```
/// use gateway_core::{Body, Environ, Response, Result};
/// use gateway_test::{environ, stream};
///
/// async fn ticks(_environ: Environ) -> Result {
///     Ok(Response::new(Body::iter(["one", "two", "three"].map(Ok::<_, gateway_core::Error>))))
/// }
/// let mut answer = stream(&ticks, environ("GET /"));
/// assert_eq!(answer.status, 200);
/// assert_eq!(answer.next().unwrap(), "one");
/// assert_eq!(answer.leave().bytes_sent, 3); // the client goes: cancelled, and the body dropped
/// ```
#[track_caller]
pub fn stream(application: &impl Application, environ: impl Into<Environ>) -> Streaming {
    let (environ, call) = with_handle(environ.into());
    let answered = block_on(Caught::new(pin!(application.call(environ))));
    let (response, failure) = match answered {
        Ok(Ok(response)) => (response, None),
        Ok(Err(error)) => (error_response(error.as_ref()), Some(Failure::Failed(error))),
        Err(panic) => (error_response(&panic), Some(Failure::Panicked(panic))),
    };
    let (parts, body) = response.into_parts();
    Streaming {
        status: parts.status,
        headers: parts.headers,
        body,
        trailers: None,
        sent: 0,
        failure,
        call,
    }
}

/// What an application answered, whose body is still to be read; made by [`stream`].
///
/// Dropped, the request is abandoned: the body goes, and `on_finish` is told so.
#[derive(Debug)]
#[non_exhaustive]
pub struct Streaming {
    /// The status: of the response, or of what a host answers to the error or panic.
    pub status: StatusCode,
    /// The headers of the response.
    pub headers: HeaderMap,
    body: Body,
    trailers: Option<HeaderMap>,
    sent: u64,
    failure: Option<Failure>,
    call: Call,
}

impl Streaming {
    /// The next piece of the body; `None` at its end, also where it fails.
    ///
    /// [`rest`](Self::rest) tells what ended it.
    #[allow(
        clippy::should_implement_trait,
        reason = "an answer is not a sequence: it has a head"
    )]
    pub fn next(&mut self) -> Option<Bytes> {
        loop {
            let frame = match next_frame(&mut self.body) {
                Ok(frame) => frame?,
                Err(failure) => {
                    self.body = Body::empty();
                    self.failure = Some(failure);
                    return None;
                }
            };
            match frame.into_data() {
                Ok(data) => {
                    self.sent += data.len() as u64;
                    return Some(data);
                }
                Err(frame) => self.trailers = frame.into_trailers().ok(),
            }
        }
    }

    /// Reads the body to its end.
    pub fn rest(mut self) -> Answer {
        let mut whole = BytesMut::new();
        while let Some(piece) = self.next() {
            whole.extend_from_slice(&piece);
        }
        let ending = self
            .failure
            .as_ref()
            .map_or(Ending::Complete, Failure::ending);
        let outcome = self.ends(ending);
        Answer {
            status: self.status,
            headers: self.headers,
            body: whole.freeze(),
            trailers: self.trailers,
            failure: self.failure,
            outcome,
        }
    }

    /// Leaves as a client does that closes its connection: the call is cancelled, the body dropped, and
    /// `on_finish` told.
    pub fn leave(mut self) -> Outcome {
        self.call.cancel(CancelReason::Disconnected);
        self.ends(Ending::Disconnected)
    }

    fn ends(&mut self, ending: Ending) -> Outcome {
        drop(std::mem::take(&mut self.body));
        let outcome = Outcome::new(Some(self.status), self.sent, ending);
        self.call.finish(&outcome);
        outcome
    }
}

/// Ties the environ to a handle of ours; what was cancelled stays so.
fn with_handle(environ: Environ) -> (Environ, Call) {
    let call = Call::new();
    if let Some(reason) = environ.cancelled().reason() {
        call.cancel(reason);
    }
    (environ.with_call(&call), call)
}

impl Failure {
    fn ending(&self) -> Ending {
        match self {
            Self::Failed(_) => Ending::Failed,
            Self::Panicked(_) => Ending::Panicked,
        }
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
    use gateway_core::{Response, StatusError, blocking, text};

    use super::*;
    use crate::{Log, environ};

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

    #[test]
    fn a_client_that_leaves_is_seen_by_the_body_and_the_call() {
        let seen = Log::new();
        let notes = seen.clone();
        let app = move |environ: Environ| {
            let (mut sender, body) = Body::channel(1);
            let (notes, cancelled) = (notes.clone(), environ.cancelled());
            std::thread::spawn(move || {
                while sender.blocking_send("tick").is_ok() {}
                notes.note(cancelled.reason());
            });
            std::future::ready(Ok(Response::new(body)))
        };
        let mut answer = stream(&app, environ("GET /"));
        assert_eq!(answer.next().unwrap(), "tick");
        let outcome = answer.leave();
        assert_eq!(outcome.ending, Ending::Disconnected);
        assert_eq!(seen.next(), Ok(Some(CancelReason::Disconnected)));
    }

    #[test]
    fn an_answer_is_read_in_pieces_and_then_to_its_end() {
        let chunks = [Ok("one"), Ok("two"), Err("broken")];
        let app = blocking(move |_| Ok(Response::new(Body::iter(chunks))));
        let mut answer = stream(&app, environ("GET /"));
        assert_eq!(answer.next().unwrap(), "one");
        let rest = answer.rest();
        assert_eq!((rest.text(), rest.outcome.bytes_sent), ("two", 6));
        assert_eq!(rest.outcome.ending, Ending::Failed);
    }
}

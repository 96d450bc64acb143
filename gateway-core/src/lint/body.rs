//! B: what a response body is, as the application makes it, and how the host takes it.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::{HeaderMap, HeaderName};
use http_body::{Body as HttpBody, Frame, SizeHint};

use super::violation::{Check, must, should};
use super::watch::Watch;
use super::{host, trailers};
use crate::{Body, BodyKind, Error, Iter, Result};

/// Puts a body that is made while it is sent into one that is checked. Bytes and files are what they are: the
/// host looks at them.
pub(super) fn wrap(
    body: Body,
    declared: Option<u64>,
    announced: Vec<HeaderName>,
    watch: &Watch,
) -> Body {
    let mut checked = Checked {
        said: body.length(),
        declared,
        announced,
        given: 0,
        state: State::Open,
        watch: watch.clone(),
    };
    if matches!(
        body.kind(),
        BodyKind::Empty | BodyKind::Bytes(_) | BodyKind::File(_)
    ) {
        return body;
    }
    watch.body_is_watched();
    match body.into_kind() {
        BodyKind::Iter(mut iter) => Body::iter(std::iter::from_fn(move || checked.pull(&mut iter))),
        other => Body::stream(Polled {
            body: other.into(),
            checked,
        }),
    }
}

struct Checked {
    /// The length that the body itself says.
    said: Option<u64>,
    /// The length that the head says.
    declared: Option<u64>,
    announced: Vec<HeaderName>,
    given: u64,
    state: State,
    watch: Watch,
}

#[derive(Clone, Copy, PartialEq)]
pub(super) enum State {
    Open,
    /// Trailers were given.
    Trailed,
    Ended,
    Failed,
}

impl Checked {
    fn pull(&mut self, iter: &mut Iter) -> Option<Result<Bytes>> {
        if let Err(error) = self.asked() {
            return Some(Err(error));
        }
        let piece = iter.next();
        let frame = piece.map(|piece| piece.map(Frame::data));
        let frame = self.check(frame)?;
        Some(frame.map(|frame| frame.into_data().unwrap_or_default()))
    }

    /// The host asks for a piece.
    fn asked(&self) -> Result<(), Error> {
        let kept = host::asks_while_open(self.state);
        self.watch.judge(kept).map_err(Into::into)
    }

    /// The application gives one.
    fn check(&mut self, frame: Option<Result<Frame<Bytes>>>) -> Option<Result<Frame<Bytes>>> {
        let checked = match &frame {
            Some(Err(_)) => {
                self.state = State::Failed;
                return frame;
            }
            Some(Ok(frame)) => self.check_frame(frame),
            None => self.check_end(),
        };
        match checked {
            Ok(()) => frame,
            Err(violation) => {
                self.state = State::Failed;
                Some(Err(violation.into()))
            }
        }
    }

    fn check_frame(&mut self, frame: &Frame<Bytes>) -> Check {
        self.watch.judge(trailers_last(self.state))?;
        if let Some(fields) = frame.trailers_ref() {
            self.state = State::Trailed;
            self.watch.judge(trailer_fields(fields))?;
            self.watch.judge(announces(&self.announced, fields))?;
            return self.is_whole(); // and a host need not ask again
        }
        let length = frame.data_ref().map_or(0, |data| data.len() as u64);
        self.watch.judge(gives_something(length))?;
        self.given += length;
        self.watch.body_gave(length);
        self.watch
            .judge(declared_length(self.declared, self.given, false))?;
        self.watch.judge(said_length(self.said, self.given, false))
    }

    fn check_end(&mut self) -> Check {
        self.state = State::Ended;
        self.is_whole()
    }

    /// No more bytes come.
    fn is_whole(&self) -> Check {
        self.watch
            .judge(declared_length(self.declared, self.given, true))?;
        self.watch.judge(said_length(self.said, self.given, true))?;
        self.watch.body_ended();
        Ok(())
    }
}

/// **B1.** A body MUST have the length that Content-Length declares.
///
/// *Why*: The head is on its way when the body is made; the host can only cut the connection.
///
/// *Source*: RFC 9110 §8.6; PEP 3333, "Handling the Content-Length Header".
fn declared_length(declared: Option<u64>, given: u64, over: bool) -> Check {
    must("B1", fits(declared, given, over), || {
        format!("Content-Length is {declared:?}; {given} bytes came, at the end: {over}")
    })
}

/// **B2.** A body that says its length (`size_hint`) MUST have it.
///
/// *Why*: Hosts make a Content-Length of it.
fn said_length(said: Option<u64>, given: u64, over: bool) -> Check {
    must("B2", fits(said, given, over), || {
        format!("the body says {said:?}; {given} bytes came, at the end: {over}")
    })
}

fn fits(length: Option<u64>, given: u64, over: bool) -> bool {
    match length {
        Some(length) if over => given == length,
        Some(length) => given <= length,
        None => true,
    }
}

/// **B3.** Nothing MUST come after the trailers.
///
/// *Why*: They end the message.
///
/// *Source*: RFC 9110 §6.5.
fn trailers_last(state: State) -> Check {
    must("B3", state != State::Trailed, || {
        "a piece after the trailers".to_owned()
    })
}

/// **B4.** Trailers MUST NOT hold fields that frame or route the message, or change how it is read.
///
/// *Why*: Some recipients merge them into the head, which was acted upon long ago.
///
/// *Source*: RFC 9110 §6.5.1.
fn trailer_fields(fields: &HeaderMap) -> Check {
    let found = trailers::forbidden(fields);
    must("B4", found.is_none(), || format!("a trailer is {found:?}"))
}

/// **B5.** Trailers SHOULD be announced in Trailer.
///
/// *Why*: Hosts and proxies drop what nobody was told to expect.
///
/// *Source*: RFC 9110 §6.6.2.
fn announces(announced: &[HeaderName], fields: &HeaderMap) -> Check {
    let found = fields.keys().find(|name| !announced.contains(name));
    should("B5", found.is_none(), || {
        format!("{found:?} is not announced")
    })
}

/// **B6.** A piece SHOULD NOT be empty.
///
/// *Why*: It costs a turn and moves nothing. It does not end the body either, as a last chunk on the wire would.
fn gives_something(length: u64) -> Check {
    should("B6", length > 0, || "an empty piece".to_owned())
}

/// A body that is polled, checked.
struct Polled {
    body: Body,
    checked: Checked,
}

impl HttpBody for Polled {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>>>> {
        if let Err(error) = self.checked.asked() {
            return Poll::Ready(Some(Err(error)));
        }
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        Poll::Ready(self.checked.check(frame))
    }

    fn is_end_stream(&self) -> bool {
        false // the end is what is checked
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

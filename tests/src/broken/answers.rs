//! Defects in what is made of an answer.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use gateway_core::{Body, Error, Result, text};
use http::StatusCode;
use http::header::{CONNECTION, HeaderMap, HeaderValue, SET_COOKIE, TE, TRANSFER_ENCODING};
use http_body::{Body as HttpBody, Frame};

pub(super) fn an_answer_of_its_own(_answer: Result) -> Result {
    Ok(text("It works!"))
}

pub(super) fn every_error_alike(answer: Result) -> Result {
    answer.map_err(|_| "something went wrong".into())
}

pub(super) fn the_text_of_errors(answer: Result) -> Result {
    answer.or_else(|error| {
        let mut shown = text(error.to_string());
        *shown.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        Ok(shown)
    })
}

pub(super) fn nothing_after_it(answer: Result) -> Result {
    with_fields(answer, |fields| {
        fields.insert(CONNECTION, HeaderValue::from_static("close"));
    })
}

pub(super) fn one_field_of_cookies(answer: Result) -> Result {
    with_fields(answer, |fields| {
        let cookies: Vec<_> = fields
            .get_all(SET_COOKIE)
            .iter()
            .map(HeaderValue::as_bytes)
            .collect();
        if let Ok(joined) = HeaderValue::from_bytes(&cookies.join(&b", "[..])) {
            fields.insert(SET_COOKIE, joined);
        }
    })
}

pub(super) fn fields_that_it_should_refuse(answer: Result) -> Result {
    with_fields(answer, |fields| {
        for name in [TRANSFER_ENCODING, CONNECTION, TE] {
            fields.remove(name);
        }
    })
}

fn with_fields(answer: Result, change: impl FnOnce(&mut HeaderMap)) -> Result {
    answer.map(|mut response| {
        change(response.headers_mut());
        response
    })
}

pub(super) fn a_body_that_is_never_dropped(answer: Result) -> Result {
    let frame = |next| next;
    answer.map(|response| {
        let forgotten = |body| {
            Body::stream(Altered {
                body: Box::leak(Box::new(body)),
                frame,
            })
        };
        response.map(forgotten)
    })
}

pub(super) fn no_more_after_an_empty_piece(answer: Result) -> Result {
    altered(answer, |next| {
        next.filter(
            |frame| !matches!(frame, Ok(frame) if frame.data_ref().is_some_and(Bytes::is_empty)),
        )
    })
}

pub(super) fn no_trailers(answer: Result) -> Result {
    altered(answer, |next| {
        next.filter(|frame| !matches!(frame, Ok(frame) if frame.is_trailers()))
    })
}

pub(super) fn an_end_where_a_body_fails(answer: Result) -> Result {
    altered(answer, |next| next.filter(Result::is_ok))
}

fn altered(answer: Result, frame: fn(Next) -> Next) -> Result {
    answer.map(|response| response.map(|body| Body::stream(Altered { body, frame })))
}

/// What a body gives when it is asked.
type Next = Option<Result<Frame<Bytes>>>;

/// A body of which other things are given.
struct Altered<B> {
    body: B,
    frame: fn(Next) -> Next,
}

impl<B: HttpBody<Data = Bytes, Error = Error> + Unpin> HttpBody for Altered<B> {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Next> {
        let next = ready!(Pin::new(&mut self.body).poll_frame(cx));
        Poll::Ready((self.frame)(next))
    }
}

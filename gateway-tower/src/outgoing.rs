//! The response body of a service, as an application's.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use gateway_core::{Body, Error, Result};
use http_body::{Body as HttpBody, Frame, SizeHint};

use crate::ServiceBody;
use crate::same::same;

/// The body of an application that is a service.
///
/// One of ours that no layer has wrapped is taken as it is, so that hosts still see a file where there is
/// one. Of any other the first piece is asked for once if its length is known: most are one piece in
/// memory, and then that is what the host gets.
///
/// # Errors
///
/// The body's own, if it fails before it has given anything.
pub(crate) async fn body_of<B>(body: B) -> Result<Body>
where
    B: HttpBody + Send + 'static,
    B::Error: Into<Error>,
{
    let body = match same::<B, ServiceBody>(body) {
        Ok(body) => return Ok(body.into_body()),
        Err(body) => body,
    };
    let body = match same::<B, Body>(body) {
        Ok(body) => return Ok(body),
        Err(body) => body,
    };
    if body.is_end_stream() {
        return Ok(Body::empty());
    }
    let mut body = Relayed {
        first: None,
        body: Box::pin(body),
    };
    if body.body.size_hint().exact().is_none() {
        return Ok(Body::stream(body));
    }
    match poll_fn(|cx| Poll::Ready(Pin::new(&mut body).poll_frame(cx))).await {
        Poll::Pending => Ok(Body::stream(body)),
        Poll::Ready(None) => Ok(Body::empty()),
        Poll::Ready(Some(Err(error))) => Err(error),
        Poll::Ready(Some(Ok(frame))) if frame.is_data() && body.is_end_stream() => {
            Ok(frame.into_data().unwrap_or_default().into())
        }
        Poll::Ready(Some(Ok(frame))) => {
            body.first = Some(frame);
            Ok(Body::stream(body))
        }
    }
}

/// A body whose data are made `Bytes`, and its errors ours.
struct Relayed<B> {
    /// What was asked for before the head.
    first: Option<Frame<Bytes>>,
    body: Pin<Box<B>>,
}

impl<B> HttpBody for Relayed<B>
where
    B: HttpBody,
    B::Error: Into<Error>,
{
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>>>> {
        if let Some(first) = self.first.take() {
            return Poll::Ready(Some(Ok(first)));
        }
        let frame = ready!(self.body.as_mut().poll_frame(cx));
        Poll::Ready(frame.map(|frame| {
            let frame = frame.map_err(Into::into)?;
            Ok(frame.map_data(|mut data| data.copy_to_bytes(data.remaining())))
        }))
    }

    fn is_end_stream(&self) -> bool {
        self.first.is_none() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let first = self.first.as_ref().and_then(Frame::data_ref);
        let first = first.map_or(0, |data| data.len() as u64);
        match self.body.size_hint().exact() {
            Some(rest) => SizeHint::with_exact(first + rest),
            None => SizeHint::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use gateway_core::BodyKind;
    use gateway_core::server::block_on;
    use http_body_util::{BodyExt, Full};

    use super::*;

    #[test]
    fn bytes_in_memory_stay_so_and_ours_cross_as_they_are() {
        let full = Full::new(Bytes::from_static(b"whole"));
        let body = block_on(body_of(full)).unwrap();
        assert!(matches!(body.kind(), BodyKind::Bytes(bytes) if bytes == "whole"));

        let body = block_on(body_of(Full::new(Bytes::new()))).unwrap();
        assert!(matches!(body.kind(), BodyKind::Empty));

        let file = Body::file(tempfile::tempfile().unwrap(), 0, 0);
        let body = block_on(body_of(file)).unwrap();
        assert!(matches!(body.kind(), BodyKind::File(_)));
    }

    #[test]
    fn trailers_and_the_length_come_through() {
        let mut fields = http::HeaderMap::new();
        fields.insert("x-sum", http::HeaderValue::from_static("7"));
        let full = Full::new(Bytes::from_static(b"whole"));
        let body = block_on(body_of(full.with_trailers(async { Some(Ok(fields)) }))).unwrap();
        assert_eq!(body.length(), Some(5));
        let collected = block_on(body.collect()).unwrap();
        assert_eq!(collected.trailers().unwrap()["x-sum"], "7");
        assert_eq!(collected.to_bytes(), "whole");
    }

    #[test]
    fn a_body_that_fails_at_once_is_an_error_before_the_head() {
        let never = Body::iter([Err::<Bytes, _>("broken")]);
        let body = never.map_err(|error| error); // somebody's own type, length unknown
        let body = block_on(body_of(body)).unwrap();
        assert!(block_on(body.collect()).is_err());
    }
}

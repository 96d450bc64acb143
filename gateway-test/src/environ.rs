//! [`environ`]: an [`Environ`] in one line.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::thread;

use bytes::Bytes;
use gateway_core::server::{Call, Host, Job};
use gateway_core::{
    Address, CancelReason, Capabilities, Endpoint, Environ, Gateway, Input, InputError, Scheme,
    UnblockError,
};
use http::{HeaderMap, HeaderName, HeaderValue, Request, Version};
use http_body::{Body, Frame, SizeHint};

/// A request from its text: method and target, and where they matter a version, header lines, an
/// empty line and the body. Lines end in LF or CRLF.
///
/// ```
/// use gateway_test::environ;
///
/// let environ = environ("POST /cities?sort=name HTTP/1.0\nAccept: text/html\n\nSeoul").build();
/// assert_eq!(environ.query_string(), "sort=name");
/// assert_eq!(environ.var("HTTP_ACCEPT").as_deref(), Some("text/html"));
/// assert_eq!(environ.var("CONTENT_LENGTH").as_deref(), Some("5"));
/// ```
///
/// # Panics
///
/// If the text is no request: a test is wrong then, not an application.
#[track_caller]
pub fn environ(request: &str) -> EnvironBuilder {
    let (head, body) = split_head(request);
    let mut lines = head.lines();
    let mut builder = EnvironBuilder::new(lines.next().unwrap_or_default());
    for line in lines {
        match line.split_once(':') {
            Some((name, value)) => builder = builder.header(name, value.trim()),
            None => panic!("no header line: {line:?}"),
        }
    }
    if body.is_empty() {
        return builder;
    }
    builder.body(body.to_owned())
}

/// A request on its way to an [`Environ`]; made by [`environ`].
#[derive(Debug)]
pub struct EnvironBuilder {
    request: Request<()>,
    input: Input,
    remote: Address,
    async_host: bool,
    cancelled: Option<CancelReason>,
}

impl EnvironBuilder {
    #[track_caller]
    fn new(line: &str) -> Self {
        let words: Vec<&str> = line.split(' ').collect();
        let (method, target, version) = match words[..] {
            [method, target] => (method, target, Version::HTTP_11),
            [method, target, "HTTP/1.1"] => (method, target, Version::HTTP_11),
            [method, target, "HTTP/1.0"] => (method, target, Version::HTTP_10),
            _ => panic!("no request line: {line:?}"),
        };
        let request = Request::builder().method(method).uri(target);
        match request.version(version).body(()) {
            Ok(request) => Self {
                request,
                input: Input::empty(),
                remote: Address::Unknown,
                async_host: false,
                cancelled: None,
            },
            Err(error) => panic!("no request line: {line:?}: {error}"),
        }
    }

    /// Adds a header field.
    ///
    /// # Panics
    ///
    /// If it is none.
    #[must_use]
    #[track_caller]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        match (name.parse::<HeaderName>(), HeaderValue::from_str(value)) {
            (Ok(name), Ok(value)) => self.request.headers_mut().append(name, value),
            _ => panic!("no header: {name:?}: {value:?}"),
        };
        self
    }

    /// Sets the body, and Content-Length with it.
    #[must_use]
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        let body = body.into();
        let length = HeaderValue::from(body.len());
        self.request
            .headers_mut()
            .insert(http::header::CONTENT_LENGTH, length);
        self.input = Input::from(body);
        self
    }

    /// Sets a body that arrives in pieces, of a length not known before.
    #[must_use]
    pub fn chunks<T: Into<Bytes>>(self, chunks: impl IntoIterator<Item = T>) -> Self {
        self.arriving(chunks, Ok(HeaderMap::new()))
    }

    /// Sets a body that arrives in pieces and then ends in `error`.
    #[must_use]
    pub fn broken_body<T: Into<Bytes>>(
        self,
        chunks: impl IntoIterator<Item = T>,
        error: InputError,
    ) -> Self {
        self.arriving(chunks, Err(error))
    }

    /// Sets a body that arrives in pieces and then ends with trailer fields.
    #[must_use]
    pub fn chunks_and_trailers<T: Into<Bytes>>(
        self,
        chunks: impl IntoIterator<Item = T>,
        trailers: HeaderMap,
    ) -> Self {
        self.arriving(chunks, Ok(trailers))
    }

    /// Says who the client is.
    #[must_use]
    pub fn remote(mut self, remote: impl Into<Address>) -> Self {
        self.remote = remote.into();
        self
    }

    /// Lets the environ look as on an async host, where blocking code runs on threads of its own.
    #[must_use]
    pub fn on_async_host(mut self) -> Self {
        self.async_host = true;
        self
    }

    /// Cancels the call before it begins.
    #[must_use]
    pub fn cancelled(mut self, reason: CancelReason) -> Self {
        self.cancelled = Some(reason);
        self
    }

    /// The environ.
    ///
    /// # Panics
    ///
    /// If the path is one that hosts refuse.
    #[track_caller]
    pub fn build(self) -> Environ {
        let gateway = match self.async_host {
            true => Gateway::new(AsyncHost),
            false => Gateway::new(gateway_core::server::Detached),
        };
        let endpoint = Endpoint::new(self.remote, Address::Unknown, Scheme::Http, gateway);
        let call = Call::new();
        if let Some(reason) = self.cancelled {
            call.cancel(reason);
        }
        let (parts, ()) = self.request.into_parts();
        match Environ::new(parts, self.input, Arc::new(endpoint), &call) {
            Ok(environ) => environ,
            Err(error) => panic!("hosts refuse this request: {error}"),
        }
    }

    fn arriving<T: Into<Bytes>>(
        mut self,
        chunks: impl IntoIterator<Item = T>,
        end: Result<HeaderMap, InputError>,
    ) -> Self {
        self.request
            .headers_mut()
            .remove(http::header::CONTENT_LENGTH);
        let mut frames: VecDeque<_> = chunks
            .into_iter()
            .map(|chunk| Ok(Frame::data(chunk.into())))
            .collect();
        match end {
            Ok(trailers) if trailers.is_empty() => {}
            Ok(trailers) => frames.push_back(Ok(Frame::trailers(trailers))),
            Err(error) => frames.push_back(Err(error)),
        }
        self.input = Input::live(Arriving(frames));
        self
    }
}

impl From<EnvironBuilder> for Environ {
    #[track_caller]
    fn from(builder: EnvironBuilder) -> Self {
        builder.build()
    }
}

fn split_head(request: &str) -> (&str, &str) {
    let ends = ["\r\n\r\n", "\n\n"];
    let parts = ends.iter().filter_map(|end| request.split_once(end));
    parts
        .min_by_key(|(head, _)| head.len())
        .unwrap_or((request, ""))
}

/// A body that arrives frame by frame.
struct Arriving(VecDeque<Result<Frame<Bytes>, InputError>>);

impl Body for Arriving {
    type Data = Bytes;
    type Error = InputError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, InputError>>> {
        Poll::Ready(self.0.pop_front())
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }
}

/// Runs blocking work on a thread of its own each.
struct AsyncHost;

impl Host for AsyncHost {
    fn software(&self) -> &str {
        concat!("gateway-test/", env!("CARGO_PKG_VERSION"))
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::NONE
    }

    fn may_block(&self) -> bool {
        false
    }

    fn unblock(&self, job: Job) -> Result<(), UnblockError> {
        thread::spawn(job);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_text_of_a_request() {
        for text in [
            "PUT /a HTTP/1.0\r\nX-A: 1\r\nX-A: 2\r\n\r\nbody\n\nmore",
            "PUT /a HTTP/1.0\nX-A: 1\nX-A:2\n\nbody\n\nmore",
        ] {
            let mut environ = environ(text).build();
            assert_eq!(environ.method(), "PUT");
            assert_eq!(environ.protocol(), Version::HTTP_10);
            assert_eq!(environ.var("HTTP_X_A").unwrap(), "1, 2");
            let body = environ.input().blocking_read_all(100).unwrap();
            assert_eq!(body, "body\n\nmore");
        }
    }

    #[test]
    fn a_body_may_arrive_in_pieces_and_break() {
        let broken = environ("POST /").broken_body(["half"], InputError::Disconnected);
        let mut environ = broken.build();
        assert_eq!(environ.input().remaining(), None);
        let read = environ.input().blocking_read_all(100);
        assert_eq!(read, Err(InputError::Disconnected));
    }

    #[test]
    #[should_panic(expected = "no request line")]
    fn refuses_what_is_no_request() {
        let _ = environ("hello");
    }
}

//! [`environ`]: an [`Environ`] in one line.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::thread;
use std::time::Instant;

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
    script_name: String,
    async_host: bool,
    capabilities: Capabilities,
    times: Option<(Instant, Option<Instant>)>,
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
                script_name: String::new(),
                async_host: false,
                capabilities: Capabilities::NONE,
                times: None,
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

    /// Mounts the application: this much of the path is SCRIPT_NAME.
    #[must_use]
    pub fn mounted_at(mut self, script_name: &str) -> Self {
        script_name.clone_into(&mut self.script_name);
        self
    }

    /// Says what the host can do; by default nothing.
    #[must_use]
    pub fn offering(mut self, capabilities: Capabilities) -> Self {
        self.capabilities = capabilities;
        self
    }

    /// Says when the request came, and by when the answer is due: a clock of the test's own.
    #[must_use]
    pub fn times(mut self, received_at: Instant, deadline: Option<Instant>) -> Self {
        self.times = Some((received_at, deadline));
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
    /// If the path is one that hosts refuse, or does not begin with where it is mounted.
    #[track_caller]
    pub fn build(self) -> Environ {
        let gateway = Gateway::new(NoHost {
            is_async: self.async_host,
            capabilities: self.capabilities,
        });
        let endpoint = Endpoint::new(self.remote, Address::Unknown, Scheme::Http, gateway);
        let call = Call::new();
        if let Some(reason) = self.cancelled {
            call.cancel(reason);
        }
        let (parts, ()) = self.request.into_parts();
        let mut environ = match Environ::new(parts, self.input, Arc::new(endpoint), &call) {
            Ok(environ) => environ,
            Err(error) => panic!("hosts refuse this request: {error}"),
        };
        let mount = self.script_name;
        assert!(
            mount.is_empty() || environ.shift_path(&mount),
            "{:?} is not below {mount:?}",
            environ.path_info()
        );
        match self.times {
            Some((received_at, deadline)) => environ.with_times(received_at, deadline),
            None => environ,
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

/// What an application without a socket sees of a host. As an async one, it runs blocking work on a thread
/// of its own each.
struct NoHost {
    is_async: bool,
    capabilities: Capabilities,
}

impl Host for NoHost {
    fn software(&self) -> &str {
        concat!("gateway-test/", env!("CARGO_PKG_VERSION"))
    }

    fn capabilities(&self) -> Capabilities {
        self.capabilities
    }

    fn may_block(&self) -> bool {
        !self.is_async
    }

    fn unblock(&self, job: Job) -> Result<(), UnblockError> {
        match self.is_async {
            true => drop(thread::spawn(job)),
            false => job(),
        }
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
    fn says_what_a_host_would_say() {
        let now = Instant::now();
        let environ = environ("GET /app/x").mounted_at("/app");
        let environ = environ
            .offering(Capabilities::TRAILERS)
            .times(now, Some(now));
        let environ = environ.build();
        assert_eq!((environ.script_name(), environ.path_info()), ("/app", "/x"));
        assert_eq!(environ.gateway().capabilities(), Capabilities::TRAILERS);
        assert_eq!(environ.deadline(), Some(now));
    }

    #[test]
    #[should_panic(expected = "no request line")]
    fn refuses_what_is_no_request() {
        let _ = environ("hello");
    }
}

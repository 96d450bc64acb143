//! [`Environ`]: one request, as the application sees it.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Instant;

use http::header::TRANSFER_ENCODING;
use http::request::Parts;
use http::uri::PathAndQuery;
use http::{Extensions, HeaderMap, Method, Request, Uri, Version};

use crate::path::SplitPath;
use crate::request_head::RequestHead;
use crate::server::{Call, RawHead};
use crate::vars::Told;
use crate::{
    Address, CancelReason, Cancelled, Endpoint, Gateway, Input, Outcome, Scheme, StatusError,
};

/// One request, as the application sees it: PEP 3333's environ, with types.
///
/// Made by the host, in one place; a header never overwrites what the host has set. The same facts
/// by their CGI names are behind [`var`](Self::var) and [`vars`](Self::vars).
#[derive(Debug)]
pub struct Environ(pub(crate) Box<Facts>);

/// What an environ holds: some 400 bytes, boxed, as every future on the way to the application would
/// copy them twice.
#[derive(Debug)]
pub(crate) struct Facts {
    pub(crate) request: RequestHead,
    pub(crate) path: SplitPath,
    input: Input,
    endpoint: Arc<Endpoint>,
    call: Call,
    received_at: Option<Instant>,
    deadline: Option<Instant>,
    /// The length of a body that came in chunks, where the host knows it (RFC 3875 §4.1.2).
    pub(crate) decoded_length: Option<u64>,
    /// What a front end told by CGI variables and nothing else here can hold.
    pub(crate) told: Option<Box<Told>>,
}

impl Environ {
    /// Puts an environ together; for hosts.
    ///
    /// # Errors
    ///
    /// 400 if the path does not decode to UTF-8, holds NUL or a broken escape.
    pub fn new(
        request: Parts,
        input: Input,
        endpoint: Arc<Endpoint>,
        call: &Call,
    ) -> Result<Self, StatusError> {
        Self::of_head(request.into(), input, endpoint, call)
    }

    /// The same from a head of HTTP/1 as it came: the map of fields and the [`Uri`] are made of it when
    /// they are asked for, and not for applications that never ask; for hosts.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    pub fn from_raw(
        head: RawHead,
        input: Input,
        endpoint: Arc<Endpoint>,
        call: &Call,
    ) -> Result<Self, StatusError> {
        Self::of_head(head.into(), input, endpoint, call)
    }

    fn of_head(
        request: RequestHead,
        input: Input,
        endpoint: Arc<Endpoint>,
        call: &Call,
    ) -> Result<Self, StatusError> {
        let path = SplitPath::of(request.path_bytes(), &request.method)?;
        let remaining = input.remaining();
        let is_coded = remaining != Some(0) && request.field(TRANSFER_ENCODING.as_str()).is_some();
        let decoded_length = if is_coded { remaining } else { None };
        Ok(Self(Box::new(Facts {
            request,
            path,
            input,
            endpoint,
            call: call.clone(),
            received_at: None,
            deadline: None,
            decoded_length,
            told: None,
        })))
    }

    /// An environ without a host: for tests, and for requests that come from elsewhere.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    pub fn from_request(request: Request<Input>) -> Result<Self, StatusError> {
        let (parts, input) = request.into_parts();
        Self::new(parts, input, Arc::new(Endpoint::detached()), &Call::new())
    }

    /// The environ of another request within the same call: with the same two ends, times, cancellation
    /// and outcome. For bridges, and for middleware that makes a request anew. SCRIPT_NAME is empty at
    /// first; see [`shift_path`](Self::shift_path).
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    pub fn with_request(&self, request: Request<Input>) -> Result<Self, StatusError> {
        let (parts, input) = request.into_parts();
        let facts = &*self.0;
        let mut environ = Self::new(parts, input, Arc::clone(&facts.endpoint), &facts.call)?;
        environ.0.received_at = facts.received_at;
        environ.0.deadline = facts.deadline;
        environ.0.told.clone_from(&facts.told);
        Ok(environ)
    }

    /// The request as the `http` crate has it. The rest of the environ is lost.
    pub fn into_request(self) -> Request<Input> {
        let facts = *self.0;
        Request::from_parts(facts.request.into_parts(), facts.input)
    }

    /// Says when the head was complete, and by when the answer is due; for hosts.
    #[must_use]
    pub fn with_times(mut self, received_at: Instant, deadline: Option<Instant>) -> Self {
        self.0.received_at = Some(received_at);
        self.0.deadline = deadline;
        self
    }

    /// Says who the two ends of the connection are; for hosts and tests.
    #[must_use]
    pub fn with_endpoint(mut self, endpoint: Arc<Endpoint>) -> Self {
        self.0.endpoint = endpoint;
        self
    }

    /// Ties the environ to the host's handle; for hosts and tests.
    #[must_use]
    pub fn with_call(mut self, call: &Call) -> Self {
        self.0.call = call.clone();
        self
    }

    /// `REQUEST_METHOD` (RFC 3875 §4.1.12).
    pub fn method(&self) -> &Method {
        &self.0.request.method
    }

    /// `SCRIPT_NAME` (RFC 3875 §4.1.13): the part of the decoded path that led to this application.
    /// Empty, or starts with `/` and does not end with one.
    pub fn script_name(&self) -> &str {
        self.0.path.script_name(self.raw_path())
    }

    /// `PATH_INFO` (RFC 3875 §4.1.5): the rest of the decoded path, which the application
    /// interprets. Starts with `/`; empty where [`script_name`](Self::script_name) is the whole
    /// path; `*` for `OPTIONS *`.
    pub fn path_info(&self) -> &str {
        self.0.path.path_info(self.raw_path())
    }

    /// The whole path as the client sent it, percent-encoded, without the query.
    pub fn raw_path(&self) -> &str {
        self.0.request.path()
    }

    /// `QUERY_STRING` (RFC 3875 §4.1.7), percent-encoded; empty where there is none.
    pub fn query_string(&self) -> &str {
        self.0.request.query().unwrap_or("")
    }

    /// The request target's URI, as the host read it.
    pub fn uri(&self) -> &Uri {
        self.0.request.uri()
    }

    /// `SERVER_PROTOCOL` (RFC 3875 §4.1.16).
    pub fn protocol(&self) -> Version {
        self.0.request.version
    }

    /// The header fields, in the order in which they were sent.
    pub fn headers(&self) -> &HeaderMap {
        self.0.request.headers()
    }

    /// The header fields, for middleware that changes them.
    pub fn headers_mut(&mut self) -> &mut HeaderMap {
        self.0.request.headers_mut()
    }

    /// The first value of a header field, if it is there and is visible ASCII.
    pub fn header(&self, name: &str) -> Option<&str> {
        let value = self.0.request.field(name)?;
        let is_visible = |byte: &u8| matches!(byte, b' '..=b'~' | b'\t');
        let text = std::str::from_utf8(value).ok()?;
        text.bytes().all(|byte| is_visible(&byte)).then_some(text)
    }

    /// `SERVER_NAME` (RFC 3875 §4.1.14): the host part of the target's authority or of `Host`,
    /// the local address where the client named none. IPv6 addresses stand in brackets.
    ///
    /// Behind a front end that told another name, that name.
    pub fn server_name(&self) -> Cow<'_, str> {
        if let Some(name) = self
            .0
            .told
            .as_ref()
            .and_then(|told| told.server_name.as_deref())
        {
            return Cow::Borrowed(name);
        }
        match self.authority() {
            Some(authority) => Cow::Borrowed(split_port(authority).0),
            None => match self.0.endpoint.local.ip() {
                Some(std::net::IpAddr::V6(ip)) => Cow::Owned(format!("[{ip}]")),
                Some(ip) => Cow::Owned(ip.to_string()),
                None => Cow::Borrowed("localhost"),
            },
        }
    }

    /// `SERVER_PORT` (RFC 3875 §4.1.15): the port on which the request arrived; on a Unix socket
    /// the one that the client named, else the scheme's.
    pub fn server_port(&self) -> u16 {
        if let Some(port) = self.0.told.as_ref().and_then(|told| told.server_port) {
            return port;
        }
        if let Some(local) = self.0.endpoint.local.socket() {
            return local.port();
        }
        let named = self
            .authority()
            .and_then(|authority| split_port(authority).1);
        named.unwrap_or_else(|| self.url_scheme().default_port())
    }

    /// `wsgi.url_scheme` (PEP 3333).
    pub fn url_scheme(&self) -> Scheme {
        self.0.endpoint.scheme
    }

    /// The client's end of the connection (`REMOTE_ADDR` and `REMOTE_PORT`).
    pub fn remote_addr(&self) -> &Address {
        &self.0.endpoint.remote
    }

    /// The host's end of the connection.
    pub fn local_addr(&self) -> &Address {
        &self.0.endpoint.local
    }

    /// Both ends of the connection, and the host.
    pub fn endpoint(&self) -> &Arc<Endpoint> {
        &self.0.endpoint
    }

    /// The URL of the request, put together as PEP 3333, "URL Reconstruction", has it.
    pub fn url(&self) -> String {
        let scheme = self.url_scheme();
        let target = self.target();
        let target = match &*target {
            "*" => "",
            "" => "/",
            target => target,
        };
        if let Some(authority) = self.authority() {
            return format!("{scheme}://{authority}{target}");
        }
        match self.server_port() {
            port if port == scheme.default_port() => {
                format!("{scheme}://{}{target}", self.server_name())
            }
            port => format!("{scheme}://{}:{port}{target}", self.server_name()),
        }
    }

    /// Typed data that middleware and hosts attach to the request.
    pub fn extensions(&self) -> &Extensions {
        &self.0.request.extensions
    }

    /// Typed data, for who attaches it.
    pub fn extensions_mut(&mut self) -> &mut Extensions {
        &mut self.0.request.extensions
    }

    /// The request body (`wsgi.input`).
    pub fn input(&mut self) -> &mut Input {
        &mut self.0.input
    }

    /// Takes the request body out; what stays is empty.
    pub fn take_input(&mut self) -> Input {
        std::mem::take(&mut self.0.input)
    }

    /// Puts another request body in; for middleware that decodes or checks it.
    pub fn set_input(&mut self, input: Input) {
        self.0.input = input;
    }

    /// The host.
    pub fn gateway(&self) -> &Gateway {
        &self.0.endpoint.gateway
    }

    /// Tells whether anyone still waits for the answer.
    pub fn cancelled(&self) -> Cancelled {
        self.0.call.cancelled()
    }

    /// Why the call is cancelled, if it is.
    pub(crate) fn cancel_reason(&self) -> Option<CancelReason> {
        self.0.call.0.cancel.reason()
    }

    /// By when the answer is due, if the host has a limit. Size the time-outs of your own upstream
    /// calls by it.
    pub fn deadline(&self) -> Option<Instant> {
        self.0.deadline
    }

    /// When the request head was complete; the time since then, when the application is called,
    /// is the time in the queue. `None` without a host.
    pub fn received_at(&self) -> Option<Instant> {
        self.0.received_at
    }

    /// Runs `callback` once, when the request has ended — answered, failed or cut off alike — with
    /// how it ended. It runs on a thread of the host's, and should not block.
    pub fn on_finish(&self, callback: impl FnOnce(&Outcome) + Send + 'static) {
        self.0.call.on_finish(Box::new(callback));
    }

    /// Moves `prefix` from the front of PATH_INFO to the end of SCRIPT_NAME, if it matches whole
    /// segments, and tells whether it did. See [`Mount`](crate::Mount).
    pub fn shift_path(&mut self, prefix: &str) -> bool {
        let Facts { path, request, .. } = &mut *self.0;
        path.shift(request.path(), prefix)
    }

    /// Path and query as sent. An absolute target may leave the path out before its query; it is `/`
    /// then (RFC 9112 §3.2.1).
    pub(crate) fn target(&self) -> Cow<'_, str> {
        match self.uri().path_and_query().map_or("", PathAndQuery::as_str) {
            query if query.starts_with('?') => Cow::Owned(format!("/{query}")),
            target => Cow::Borrowed(target),
        }
    }

    /// The authority that the client named: of the target, else of `Host` (RFC 9112 §3.2.2).
    fn authority(&self) -> Option<&str> {
        let host = || self.header("host").filter(|host| !host.is_empty());
        self.0.request.authority().or_else(host)
    }
}

/// `GET /` with no headers, no body and no host.
impl Default for Environ {
    fn default() -> Self {
        Self(Box::new(Facts {
            request: RequestHead::default(),
            path: SplitPath::default(),
            input: Input::empty(),
            endpoint: Arc::new(Endpoint::detached()),
            call: Call::new(),
            received_at: None,
            deadline: None,
            decoded_length: None,
            told: None,
        }))
    }
}

/// `host:port` into its parts; the host keeps the brackets of an IPv6 address.
fn split_port(authority: &str) -> (&str, Option<u16>) {
    match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => {
            let digits = port.bytes().all(|byte| byte.is_ascii_digit());
            (host, if digits { port.parse().ok() } else { None })
        }
        _ => (authority, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn get(target: &str, host: Option<&str>) -> Environ {
        let mut request = Request::get(target);
        if let Some(host) = host {
            request = request.header("host", host);
        }
        Environ::from_request(request.body(Input::empty()).unwrap()).unwrap()
    }

    fn on(environ: Environ, local: &str) -> Environ {
        let mut endpoint = Endpoint::detached();
        endpoint.local = local.parse::<std::net::SocketAddr>().unwrap().into();
        environ.with_endpoint(Arc::new(endpoint))
    }

    #[test]
    fn environs_can_be_held_across_awaits() {
        fn is_send_and_sync<T: Send + Sync>() {}
        is_send_and_sync::<Environ>();
        is_send_and_sync::<crate::Response>();
    }

    #[test]
    fn names_the_server_as_the_client_did() {
        for (host, name, port) in [
            ("example.com", "example.com", 80),
            ("example.com:8000", "example.com", 8000),
            ("[::1]:9", "[::1]", 9),
            ("[::1]", "[::1]", 80),
        ] {
            let environ = get("/", Some(host));
            assert_eq!(
                (&*environ.server_name(), environ.server_port()),
                (name, port),
                "{host}"
            );
        }
    }

    #[test]
    fn falls_back_on_the_local_address() {
        let environ = on(get("/a?b", None), "[::1]:8000");
        assert_eq!(environ.server_name(), "[::1]");
        assert_eq!(environ.url(), "http://[::1]:8000/a?b");
    }

    #[test]
    fn reconstructs_the_url() {
        assert_eq!(get("/a%20b?c=d", Some("x:1")).url(), "http://x:1/a%20b?c=d");
        assert_eq!(get("http://other/p", Some("x")).url(), "http://other/p");
        assert_eq!(
            on(get("/", None), "127.0.0.1:80").url(),
            "http://127.0.0.1/"
        );
    }

    #[test]
    fn another_request_of_the_same_call_shares_all_but_itself() {
        let call = Call::new();
        let now = Instant::now();
        let first = on(get("/first", None), "10.0.0.1:80").with_call(&call);
        let first = first.with_times(now, Some(now));
        let request = Request::post("/second").body(Input::from("body")).unwrap();
        let second = first.with_request(request).unwrap();
        call.cancel(crate::CancelReason::Deadline);
        assert!(second.cancelled().is_cancelled());
        assert_eq!(
            (second.received_at(), second.deadline()),
            (Some(now), Some(now))
        );
        assert_eq!(second.local_addr(), first.local_addr());
        assert_eq!(
            (second.method(), second.path_info()),
            (&Method::POST, "/second")
        );
    }

    #[test]
    fn the_path_is_given_decoded_and_as_sent() {
        let environ = get("/%EC%84%9C%EC%9A%B8?q=%20", None);
        assert_eq!(environ.path_info(), "/서울");
        assert_eq!(environ.raw_path(), "/%EC%84%9C%EC%9A%B8");
        assert_eq!(environ.query_string(), "q=%20");
    }
}

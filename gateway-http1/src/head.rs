//! A request head, read and decided.

use bytes::Bytes;
use http::header::{
    CONNECTION, CONTENT_LENGTH, EXPECT, HOST, HeaderMap, HeaderName, TRANSFER_ENCODING,
};
use http::{Method, Request, Version, request};

use crate::connection::{ConnectionOptions, check_host, expects_continue};
use crate::error::Error;
use crate::exchange::Exchange;
use crate::fields;
use crate::framing::BodyFraming;
use crate::limits::Limits;
use crate::lines::{blame, line_at};
use crate::request_line::RequestLine;
use crate::target::Target;

/// A request head, decided: nothing that uses it looks at Content-Length, Transfer-Encoding, Connection,
/// Expect or Host again.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RequestHead {
    /// Any token; known or not.
    pub method: Method,
    /// What the request is for.
    pub target: Target,
    /// [`Version::HTTP_11`] or [`Version::HTTP_10`].
    pub version: Version,
    /// All fields, in order. A field sent on several lines is several values.
    pub headers: HeaderMap,
    /// Where the body ends.
    pub framing: BodyFraming,
    /// Whether the client wants the connection kept after this request.
    pub keep_alive: bool,
    /// Whether the client waits for `100 Continue`, or a final response, before it sends the body.
    pub expects_continue: bool,
    /// Whether the client offers to change to a protocol that the Upgrade field names.
    pub upgrade: bool,
}

impl RequestHead {
    /// Reads a whole head of `lines` lines, whose end [`Search`](crate::lines::Search) found.
    ///
    /// The bytes are copied once; target and field values are slices of the copy.
    pub(crate) fn read(head: &[u8], lines: usize, limits: &Limits) -> Result<Self, Error> {
        let head = Bytes::copy_from_slice(head);
        let line = line_at(&head, 0).ok_or(Error::InvalidRequestLine)?;
        let fields_start = line.end + 2;
        let RequestLine {
            method,
            target,
            version,
        } = RequestLine::read(&head[line.clone()])?;
        let target =
            Target::read(&method, head.slice(target)).map_err(|error| blame(&head[line], error))?;
        let headers = fields::read(&head, fields_start, lines, limits.underscores)?;
        Self::decide(method, target, version, headers, limits)
    }

    fn decide(
        method: Method,
        target: Target,
        version: Version,
        headers: HeaderMap,
        limits: &Limits,
    ) -> Result<Self, Error> {
        check_host(version, &target, &headers)?;
        // Most heads hold none of what is decided here: one look at the names saves one for each.
        let says_nothing = !headers.keys().any(is_decided_on);
        let framing = match says_nothing {
            true => BodyFraming::Empty,
            false => BodyFraming::of_request(&method, version, &headers)?,
        };
        if matches!(framing, BodyFraming::Length(length) if length > limits.body) {
            return Err(Error::BodyTooLarge);
        }
        let options = match says_nothing {
            true => ConnectionOptions::of_version(version),
            false => ConnectionOptions::of_request(version, &headers)?,
        };
        let expects_continue = !says_nothing && expects_continue(version, &headers)?;
        Ok(Self {
            // What a client sends after CONNECT is meant for the tunnel. If there is none, it must not
            // be taken for the next request.
            keep_alive: options.keep_alive && method != Method::CONNECT,
            expects_continue: expects_continue && !framing.is_empty(),
            upgrade: options.upgrade,
            method,
            target,
            version,
            headers,
            framing,
        })
    }

    /// Host and port the request is for: of the target where it names them, else of Host.
    ///
    /// `None` in HTTP/1.0 without Host, and for an empty Host with the target `*`. Always a valid
    /// `host[:port]`, as sent.
    pub fn authority(&self) -> Option<&str> {
        let host = || self.headers.get(HOST)?.to_str().ok();
        self.target
            .authority()
            .or_else(host)
            .filter(|authority| !authority.is_empty())
    }

    /// What the encoder of the response needs to know of this request.
    pub fn exchange(&self) -> Exchange {
        Exchange::of_request(self)
    }

    /// The head as the http crate has it; the [`Uri`](http::Uri) keeps the form of the target.
    pub fn into_parts(self) -> request::Parts {
        let (mut parts, ()) = Request::new(()).into_parts();
        parts.method = self.method;
        parts.uri = self.target.into();
        parts.version = self.version;
        parts.headers = self.headers;
        parts
    }
}

/// Whether a field says something about the body or the connection.
fn is_decided_on(name: &HeaderName) -> bool {
    [CONTENT_LENGTH, TRANSFER_ENCODING, CONNECTION, EXPECT].contains(name)
}

//! A request head, read and decided.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use http::header::HeaderMap;
use http::{Method, Request, Uri, Version, request};
use memchr::memchr;

use crate::connection::{ConnectionOptions, check_host, expects_continue};
use crate::draft::Draft;
use crate::error::Error;
use crate::exchange::Exchange;
use crate::fields;
use crate::framing::BodyFraming;
use crate::limits::{Limits, Underscores};
use crate::lines::{Span, lines};
use crate::request_line::RequestLine;
use crate::target::Target;

/// A request head, decided: nothing that uses it looks at Content-Length, Transfer-Encoding, Connection,
/// Expect or Host again.
///
/// It keeps the bytes, and makes the types of the http crate of them when it is asked to.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RequestHead {
    /// Any token; known or not.
    pub method: Method,
    /// [`Version::HTTP_11`] or [`Version::HTTP_10`].
    pub version: Version,
    /// Where the body ends.
    pub framing: BodyFraming,
    /// Whether the client wants the connection kept after this request.
    pub keep_alive: bool,
    /// Whether the client waits for `100 Continue`, or a final response, before it sends the body.
    pub expects_continue: bool,
    /// Whether the client offers to change to a protocol that the Upgrade field names.
    pub upgrade: bool,
    bytes: Arc<[u8]>,
    target: Target,
    fields: u32,
    host: Option<Span>,
}

impl RequestHead {
    /// Decides what a whole head says, of which `draft` was made.
    pub(crate) fn decide(head: &[u8], draft: Draft, limits: &Limits) -> Result<Self, Error> {
        let RequestLine {
            method,
            target,
            version,
        } = draft.line;
        let decisive = draft.decisive.of(head);
        check_host(version, &target, head, &draft.hosts)?;
        let framing = BodyFraming::of_request(&method, version, decisive)?;
        if matches!(framing, BodyFraming::Length(length) if length > limits.body) {
            return Err(Error::BodyTooLarge);
        }
        let options = ConnectionOptions::of_request(version, decisive)?;
        let expects_continue = expects_continue(version, decisive)?;
        Ok(Self {
            // What a client sends after CONNECT is meant for the tunnel. If there is none, it must not
            // be taken for the next request.
            keep_alive: options.keep_alive && method != Method::CONNECT,
            expects_continue: expects_continue && !framing.is_empty(),
            upgrade: options.upgrade,
            method,
            version,
            framing,
            bytes: Arc::from(head),
            target,
            fields: draft.fields,
            host: draft.hosts.first,
        })
    }

    /// The head at the start of `input`, if its field lines are those of this one, byte for byte: on a kept
    /// connection they mostly are, and what they say is then not read again.
    ///
    /// Only where both targets are paths: what else a request line says bears on what the fields may say.
    pub(crate) fn again(&self, input: &[u8], limits: &Limits) -> Option<Self> {
        let (_, section) = self.bytes.split_at(self.fields as usize);
        let longest = limits.request_line.saturating_add(2).min(input.len());
        let fields = memchr(b'\n', &input[..longest])? + 1;
        let length = fields + section.len();
        if !input[fields..].starts_with(section) || length > limits.head {
            return None;
        }
        let line = input[..fields].strip_suffix(b"\r\n")?;
        let line = RequestLine::read(line).ok()?;
        let alike = line.version == self.version;
        if !alike || !line.target.is_origin() || !self.target.is_origin() {
            return None;
        }
        Some(Self {
            method: line.method,
            target: line.target,
            fields: fields as u32, // within the head, see Span
            host: self.host.map(|host| host.moved(self.fields, fields as u32)),
            bytes: Arc::from(&input[..length]),
            ..*self
        })
    }

    /// The path as sent: `*` for `OPTIONS *`, empty for CONNECT.
    pub fn path(&self) -> &str {
        self.target.path(&self.bytes)
    }

    /// The query as sent, without its `?`.
    pub fn query(&self) -> Option<&str> {
        self.target.query(&self.bytes)
    }

    /// The request target, which keeps its form. Made anew each time.
    pub fn uri(&self) -> Uri {
        self.target.uri(&self.bytes)
    }

    /// Host and port the request is for: of the target where it names them, else of Host.
    ///
    /// `None` in HTTP/1.0 without Host, and for an empty Host with the target `*`. Always a valid
    /// `host[:port]`, as sent.
    pub fn authority(&self) -> Option<&str> {
        let host = || std::str::from_utf8(&self.bytes[self.host?.range()]).ok();
        self.target
            .authority(&self.bytes)
            .or_else(host)
            .filter(|authority| !authority.is_empty())
    }

    /// All fields, in order; a field sent on several lines is several values. Made anew each time.
    pub fn headers(&self) -> HeaderMap {
        let section = Bytes::from_owner(Arc::clone(&self.bytes));
        let count = lines(&section, self.fields().start).count();
        // Never the default: every line was read before.
        fields::map(&section, self.fields().start, count, Underscores::Allow).unwrap_or_default()
    }

    /// The head as it was sent, from the request line to the blank line.
    pub fn bytes(&self) -> &Arc<[u8]> {
        &self.bytes
    }

    /// The same, for who needs nothing else any more.
    pub fn into_bytes(self) -> Arc<[u8]> {
        self.bytes
    }

    /// Where in [`bytes`](Self::bytes) the request target stands.
    pub fn target(&self) -> Range<usize> {
        self.target.whole.range()
    }

    /// Where in [`bytes`](Self::bytes) the path stands; empty also for `http://host`.
    pub fn path_range(&self) -> Range<usize> {
        self.target.path.range()
    }

    /// Where in [`bytes`](Self::bytes) the field lines stand, each with its CRLF: all of them sound.
    pub fn fields(&self) -> Range<usize> {
        self.fields as usize..self.bytes.len() - 2
    }

    /// What the encoder of the response needs to know of this request.
    pub fn exchange(&self) -> Exchange {
        Exchange::of_request(self)
    }

    /// The head as the http crate has it; the [`Uri`] keeps the form of the target.
    pub fn into_parts(self) -> request::Parts {
        let (mut parts, ()) = Request::new(()).into_parts();
        parts.uri = self.uri();
        parts.headers = self.headers();
        parts.method = self.method;
        parts.version = self.version;
        parts
    }
}

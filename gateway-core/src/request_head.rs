//! Method, target, version and fields of a request: as the host has them, and as the http crate has them
//! once somebody asks.

use std::ops::Range;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use http::header::{HeaderMap, HeaderName, HeaderValue};
use http::request::Parts;
use http::{Extensions, Method, Request, Uri, Version};
use memchr::memchr;

/// A request head of HTTP/1 as it came, for hosts: what its host has found sound becomes a map of fields
/// and a [`Uri`] only for an application that asks for them.
///
/// Nothing here panics or lets a line be injected, whatever it holds: a field that is none is left out,
/// and a target that is none is `/`.
#[derive(Clone, Debug)]
pub struct RawHead {
    /// The method.
    pub method: Method,
    /// The version.
    pub version: Version,
    /// The head.
    pub bytes: Arc<[u8]>,
    /// Where in `bytes` the request target stands.
    pub target: Range<usize>,
    /// Where in `bytes` the field lines stand, each with its CRLF.
    pub fields: Range<usize>,
}

/// A request head.
#[derive(Debug, Default)]
pub(crate) struct RequestHead {
    pub(crate) method: Method,
    pub(crate) version: Version,
    pub(crate) extensions: Extensions,
    uri: Lazy<Uri>,
    headers: Lazy<HeaderMap>,
    /// Of what `uri` and `headers` are made. Not asked once they are.
    raw: Option<Raw>,
}

/// Given, or made when it is asked for. (To set a `OnceLock` that nobody else has yet takes its lock all
/// the same, which is the dearest part of making a head.)
#[derive(Debug)]
enum Lazy<T> {
    Given(T),
    Asked(OnceLock<T>),
}

#[derive(Debug)]
struct Raw {
    bytes: Arc<[u8]>,
    target: Range<usize>,
    /// The path of a target that is path and query and nothing else (RFC 9112 §3.2.1): no [`Uri`] need
    /// be made to know it.
    path: Option<Range<usize>>,
    fields: Range<usize>,
}

impl From<Parts> for RequestHead {
    fn from(parts: Parts) -> Self {
        Self {
            method: parts.method,
            version: parts.version,
            extensions: parts.extensions,
            uri: Lazy::Given(parts.uri),
            headers: Lazy::Given(parts.headers),
            raw: None,
        }
    }
}

impl From<RawHead> for RequestHead {
    fn from(head: RawHead) -> Self {
        let raw = Raw {
            path: path_of_origin(&head.bytes, &head.target),
            bytes: head.bytes,
            target: head.target,
            fields: head.fields,
        };
        Self {
            method: head.method,
            version: head.version,
            raw: Some(raw),
            ..Self::default()
        }
    }
}

impl<T> Default for Lazy<T> {
    fn default() -> Self {
        Self::Asked(OnceLock::new())
    }
}

impl<T> Lazy<T> {
    fn get(&self) -> Option<&T> {
        match self {
            Self::Given(value) => Some(value),
            Self::Asked(made) => made.get(),
        }
    }

    fn get_mut(&mut self) -> Option<&mut T> {
        match self {
            Self::Given(value) => Some(value),
            Self::Asked(made) => made.get_mut(),
        }
    }

    fn get_or_init(&self, make: impl FnOnce() -> T) -> &T {
        match self {
            Self::Given(value) => value,
            Self::Asked(made) => made.get_or_init(make),
        }
    }
}

impl RequestHead {
    pub(crate) fn uri(&self) -> &Uri {
        self.uri
            .get_or_init(|| self.raw.as_ref().map_or_else(Uri::default, Raw::uri))
    }

    /// The path as sent.
    pub(crate) fn path(&self) -> &str {
        match self.origin() {
            Some((raw, path)) => text(&raw.bytes[path.clone()]),
            None => self.uri().path(),
        }
    }

    /// The same, for who only looks for a byte.
    pub(crate) fn path_bytes(&self) -> &[u8] {
        match self.origin() {
            Some((raw, path)) => &raw.bytes[path.clone()],
            None => self.uri().path().as_bytes(),
        }
    }

    /// The query as sent.
    pub(crate) fn query(&self) -> Option<&str> {
        match self.origin() {
            Some((raw, path)) if path.end < raw.target.end => {
                Some(text(&raw.bytes[path.end + 1..raw.target.end]))
            }
            Some(_) => None,
            None => self.uri().query(),
        }
    }

    /// Host and port, where the target names them.
    pub(crate) fn authority(&self) -> Option<&str> {
        if self.origin().is_some() {
            return None;
        }
        self.uri().authority().map(http::uri::Authority::as_str)
    }

    pub(crate) fn headers(&self) -> &HeaderMap {
        self.headers
            .get_or_init(|| self.raw.as_ref().map(Raw::headers).unwrap_or_default())
    }

    pub(crate) fn headers_mut(&mut self) -> &mut HeaderMap {
        self.headers();
        // Never the second: the map was made in the line above.
        self.headers.get_mut().expect("made above")
    }

    /// The first value of a field.
    pub(crate) fn field(&self, name: &str) -> Option<&[u8]> {
        match (self.headers.get(), &self.raw) {
            (None, Some(raw)) => {
                let mut fields = raw.fields();
                let found = fields.find(|(own, _)| own.eq_ignore_ascii_case(name.as_bytes()));
                found.map(|(_, value)| value)
            }
            _ => self.headers().get(name).map(HeaderValue::as_bytes),
        }
    }

    pub(crate) fn into_parts(mut self) -> Parts {
        let (mut parts, ()) = Request::new(()).into_parts();
        parts.uri = self.uri().clone();
        parts.headers = std::mem::take(self.headers_mut());
        parts.method = self.method;
        parts.version = self.version;
        parts.extensions = self.extensions;
        parts
    }

    fn origin(&self) -> Option<(&Raw, &Range<usize>)> {
        let raw = self.raw.as_ref()?;
        raw.path.as_ref().map(|path| (raw, path))
    }
}

/// Where the path stands in a target of visible ASCII that begins with `/`. What has a space or a control
/// character in it is none.
fn path_of_origin(bytes: &[u8], target: &Range<usize>) -> Option<Range<usize>> {
    let text = bytes.get(target.clone())?;
    // Every byte is looked at, though the first to be wrong decides: so several are at once.
    let is_visible = (text.iter()).fold(true, |all, byte| all & byte.is_ascii_graphic());
    if text.first() != Some(&b'/') || !is_visible {
        return None;
    }
    let query = text.iter().position(|byte| *byte == b'?');
    Some(target.start..query.map_or(target.end, |at| target.start + at))
}

/// What was found to be ASCII.
fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap_or_default()
}

impl Raw {
    fn uri(&self) -> Uri {
        let target = self.bytes.get(self.target.clone()).unwrap_or_default();
        Uri::try_from(target).unwrap_or_default()
    }

    fn headers(&self) -> HeaderMap {
        let section = Bytes::from_owner(Arc::clone(&self.bytes));
        let mut map = HeaderMap::new();
        let count = self.fields().count();
        if map.try_reserve(count).is_err() {
            return map; // more than a map can hold
        }
        for (name, value) in self.fields() {
            let value = HeaderValue::from_maybe_shared(section.slice_ref(value));
            if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name), value) {
                // Cannot fail: there is room.
                let _ = map.try_append(name, value);
            }
        }
        map
    }

    /// Names and values, in order, up to a line that is no field.
    fn fields(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        let mut rest = self.bytes.get(self.fields.clone()).unwrap_or_default();
        std::iter::from_fn(move || {
            let end = memchr(b'\n', rest)?;
            let line = &rest[..end];
            rest = &rest[end + 1..];
            let colon = memchr(b':', line)?;
            Some((&line[..colon], line[colon + 1..].trim_ascii()))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(target: &str, fields: &[u8]) -> RequestHead {
        let line = format!("GET {target} HTTP/1.1\r\n");
        RequestHead::from(RawHead {
            method: Method::GET,
            version: Version::HTTP_11,
            bytes: [line.as_bytes(), fields, b"\r\n"].concat().into(),
            target: 4..4 + target.len(),
            fields: line.len()..line.len() + fields.len(),
        })
    }

    #[test]
    fn says_the_same_raw_and_made() {
        for target in [
            "/",
            "/a%20b",
            "/a?",
            "/a?b=c?d",
            "*",
            "http://a:1/b?c",
            "http://a",
        ] {
            let raw = raw(target, b"");
            let (path, query) = (raw.path().to_owned(), raw.query().map(str::to_owned));
            let authority = raw.authority().map(str::to_owned);
            let made = RequestHead::from(raw.into_parts());
            assert_eq!(
                (made.path(), made.query()),
                (&*path, query.as_deref()),
                "{target}"
            );
            assert_eq!(made.authority(), authority.as_deref(), "{target}");
            assert_eq!(made.uri(), target, "{target}");
        }
    }

    #[test]
    fn fields_are_found_before_and_after_they_are_made_a_map() {
        let mut head = raw(
            "/",
            b"Accept:  a, b\t\r\nX: 1\r\nEmpty:\r\nx: 2\r\nraw: \xe9\r\n",
        );
        let expected: [(&str, Option<&[u8]>); 5] = [
            ("accept", Some(b"a, b")),
            ("X", Some(b"1")),
            ("empty", Some(b"")),
            ("raw", Some(b"\xe9")),
            ("absent", None),
        ];
        for made in [false, true] {
            for (name, value) in expected {
                assert_eq!(head.field(name), value, "{name}, {made}");
            }
            assert_eq!(head.headers().get_all("x").iter().count(), 2);
        }
        head.headers_mut().remove("x");
        assert_eq!(head.field("X"), None);
        assert_eq!(head.into_parts().headers.len(), 3);
    }

    #[test]
    fn what_no_host_would_give_is_left_out() {
        let head = raw("/a b", b"no colon\r\nafter: it\r\n");
        assert_eq!((head.uri(), head.headers().len()), (&Uri::default(), 0));
        let head = raw("nonsense\u{e9}", b"a b: c\r\nc: d\0\r\ne: f\r\n: g\r\n");
        assert_eq!(head.headers().len(), 1);
        assert_eq!(head.headers()["e"], "f");
        for target in ["/a\0", "/a\r\nb: c", "/a b", "/?a\nb"] {
            let head = raw(target, b"");
            assert_eq!((head.path(), head.query()), ("/", None), "{target:?}");
        }
        let outside = RequestHead::from(RawHead {
            method: Method::GET,
            version: Version::HTTP_11,
            bytes: Arc::from(*b"short"),
            target: 4..40,
            fields: 2..50,
        });
        assert_eq!((outside.path(), outside.headers().len()), ("/", 0));
    }
}

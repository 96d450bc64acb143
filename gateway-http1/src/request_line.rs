//! The request line: `method SP request-target SP HTTP-version` (RFC 9112 §3).

use http::{Method, Version};
use memchr::memchr;

use crate::error::Error;
use crate::lines::blame;
use crate::target::Target;

/// The longest method that is read; the longest one registered is `UPDATEREDIRECTREF`, with 17.
const LONGEST_METHOD: usize = 32;

/// A request line.
#[derive(Debug)]
pub(crate) struct RequestLine {
    pub(crate) method: Method,
    pub(crate) target: Target,
    pub(crate) version: Version,
}

/// Method and path of the request that `input` begins with, as far as its request line is whole and sound: for
/// the log line of a request that is refused, of which there is no [`RequestHead`](crate::RequestHead).
///
/// ```
/// let input = b"GET /where?q=now HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n";
/// let (method, path) = gateway_http1::asked_for(input).unwrap();
/// assert_eq!((method.as_str(), path), ("GET", "/where"));
/// assert!(gateway_http1::asked_for(b"GET /where HTT").is_none());
/// ```
pub fn asked_for(input: &[u8]) -> Option<(Method, &str)> {
    let input = input.strip_prefix(b"\r\n").unwrap_or(input);
    let line = input[..memchr(b'\n', input)?].strip_suffix(b"\r")?;
    let RequestLine { method, target, .. } = RequestLine::read(line).ok()?;
    let path = std::str::from_utf8(&line[target.path.range()]).ok()?;
    Some((method, path))
}

impl RequestLine {
    /// Reads `line`, which stands at the start of a head and has no CRLF any more.
    pub(crate) fn read(line: &[u8]) -> Result<Self, Error> {
        Self::read_parts(line).map_err(|error| blame(line, error))
    }

    fn read_parts(line: &[u8]) -> Result<Self, Error> {
        if line == b"PRI * HTTP/2.0" {
            return Err(Error::Http2Preface);
        }
        // Exactly two spaces, with something on each side. RFC 9112 §3 allows a lenient split on any
        // whitespace, which is how two parties come to read two different targets.
        let is_space = |byte: &u8| *byte == b' ';
        let first = line.iter().position(is_space);
        let first = first.ok_or(Error::InvalidRequestLine)?;
        let last = line.iter().rposition(is_space).unwrap_or(first);
        let target = first + 1..last.max(first + 1);
        if target.is_empty() {
            return Err(Error::InvalidRequestLine);
        }
        let parts = || {
            let method = read_method(&line[..first])?;
            let version = read_version(&line[last + 1..])?;
            let target = Target::read(&method, line, target.clone())?;
            Ok(Self {
                method,
                target,
                version,
            })
        };
        // No target holds a space; where one does, that is what is wrong with the line.
        parts().map_err(|error| match memchr(b' ', &line[target.clone()]) {
            Some(_) => Error::InvalidRequestLine,
            None => error,
        })
    }
}

/// Any token is a method; whether it is known is the application's business.
fn read_method(method: &[u8]) -> Result<Method, Error> {
    if method.len() > LONGEST_METHOD {
        return Err(Error::MethodTooLong);
    }
    Method::from_bytes(method).map_err(|_| Error::InvalidMethod)
}

/// `HTTP/1.1` or `HTTP/1.0`, in capitals (RFC 9112 §2.3).
fn read_version(version: &[u8]) -> Result<Version, Error> {
    match version {
        b"HTTP/1.1" => Ok(Version::HTTP_11),
        b"HTTP/1.0" => Ok(Version::HTTP_10),
        [b'H', b'T', b'T', b'P', b'/', b'0'..=b'9', b'.', b'0'..=b'9'] => {
            Err(Error::UnsupportedVersion)
        }
        _ => Err(Error::InvalidVersion),
    }
}

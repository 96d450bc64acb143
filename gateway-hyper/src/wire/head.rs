//! A request head on its way in.

use gateway_core::server::Limits;

use super::framing::{Fields, Framing};
use super::lines::{field, line_at};
use crate::octets::{is_target, is_token};
use crate::refusal::Refusal;

/// The longest method; the longest one registered is `UPDATEREDIRECTREF`, with 17 letters.
pub(crate) const LONGEST_METHOD: usize = 32;

/// A request head on its way in. What has been looked at is not looked at again when more comes.
#[derive(Debug, Default)]
pub(super) struct Head {
    /// Where the line begins that is not whole yet.
    at: usize,
    line: Option<RequestLine>,
    fields: usize,
    framing: Fields,
}

#[derive(Clone, Copy, Debug)]
struct RequestLine {
    http10: bool,
    connect: bool,
}

impl Head {
    /// Looks at all there is of the head; its length and framing once it is whole.
    pub(super) fn look(
        &mut self,
        bytes: &[u8],
        limits: &Limits,
    ) -> Result<Option<(usize, Framing)>, Refusal> {
        let line = match self.line {
            Some(line) => line,
            None => match self.request_line(bytes, limits)? {
                Some(line) => line,
                None => return Ok(None),
            },
        };
        while let Some(range) = line_at(bytes, self.at)? {
            let end = range.end + 2;
            if end > limits.head {
                return Err(Refusal::HeadTooLong);
            }
            self.at = end;
            if range.is_empty() {
                let framing = self.framing.decide(line.http10, line.connect, limits)?;
                return Ok(Some((end, framing)));
            }
            self.fields += 1;
            if self.fields > limits.headers {
                return Err(Refusal::TooManyHeaders);
            }
            let (name, value) = field(&bytes[range])?;
            self.framing.note(name, value);
        }
        if bytes.len() > limits.head {
            return Err(Refusal::HeadTooLong);
        }
        Ok(None)
    }

    /// Reads the request line, after an empty one perhaps: RFC 9112 §2.2 has a server pass over one
    /// that an old client sends after a body.
    fn request_line(
        &mut self,
        bytes: &[u8],
        limits: &Limits,
    ) -> Result<Option<RequestLine>, Refusal> {
        if self.at == 0 && bytes.starts_with(b"\r\n") {
            self.at = 2;
        }
        let limit = limits.request_line;
        let Some(range) = line_at(bytes, self.at)? else {
            let begun = &bytes[self.at..];
            if begun.len() > limit.saturating_add(1) {
                return Err(Refusal::RequestLineTooLong);
            }
            return could_begin(begun).map(|()| None);
        };
        if range.len() > limit {
            return Err(Refusal::RequestLineTooLong);
        }
        self.at = range.end + 2;
        self.line = Some(read(&bytes[range])?);
        Ok(self.line)
    }
}

/// `method SP request-target SP HTTP-version`, with exactly two spaces (RFC 9112 §3). The lenient
/// split on any whitespace is how two parties come to read two different targets.
fn read(line: &[u8]) -> Result<RequestLine, Refusal> {
    let (method, target, version) = split(line).ok_or(Refusal::InvalidRequestLine)?;
    let is_sound = target.iter().all(|byte| is_target(*byte));
    if !is_sound && target.contains(&b' ') {
        return Err(Refusal::InvalidRequestLine);
    }
    check_method(method)?;
    let http10 = is_http10(version)?;
    match is_sound {
        true => Ok(RequestLine {
            http10,
            connect: method == b"CONNECT",
        }),
        false => Err(Refusal::InvalidTarget),
    }
}

/// Splits a request line at its first space and its last; the target between them is not empty. Both
/// are near: a byte at a time finds them before a search made for long texts has begun.
fn split(line: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let is_space = |byte: &u8| *byte == b' ';
    let first = line.iter().position(is_space)?;
    let last = line.iter().rposition(is_space)?;
    (last > first + 1).then(|| (&line[..first], &line[first + 1..last], &line[last + 1..]))
}

/// Whether what has come of a request line could be one: a TLS handshake, say, need not be waited
/// out.
fn could_begin(begun: &[u8]) -> Result<(), Refusal> {
    match begun.strip_suffix(b"\r").unwrap_or(begun) {
        [] => Ok(()),
        begun => check_method(begun.split(|byte| *byte == b' ').next().unwrap_or(begun)),
    }
}

/// Any token is a method; whether it is known is the application's business.
fn check_method(method: &[u8]) -> Result<(), Refusal> {
    if method.is_empty() || !method.iter().all(|byte| is_token(*byte)) {
        return Err(Refusal::InvalidMethod);
    }
    match method.len() > LONGEST_METHOD {
        true => Err(Refusal::MethodTooLong),
        false => Ok(()),
    }
}

/// `HTTP/1.1` or `HTTP/1.0`, in capitals (RFC 9112 §2.3).
fn is_http10(version: &[u8]) -> Result<bool, Refusal> {
    match version {
        b"HTTP/1.1" => Ok(false),
        b"HTTP/1.0" => Ok(true),
        [b'H', b'T', b'T', b'P', b'/', b'0'..=b'9', b'.', b'0'..=b'9'] => {
            Err(Refusal::UnsupportedVersion)
        }
        _ => Err(Refusal::InvalidVersion),
    }
}

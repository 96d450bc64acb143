//! Where a request body ends: RFC 9112 §6.3, item by item.
//!
//! Whoever edits this file: nothing else reads Content-Length or Transfer-Encoding of a request, and
//! what is unclear is refused, not guessed. Two parties that guess differently about the end of a body
//! are what request smuggling is made of.

use http::{Method, Version};

use crate::draft::{Decisive, Name};
use crate::error::Error;
use crate::token;

/// How a request body is delimited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyFraming {
    /// Neither Content-Length nor Transfer-Encoding: there is no body.
    Empty,
    /// Content-Length: this many bytes, which may be none.
    Length(u64),
    /// `Transfer-Encoding: chunked`: it says itself where it ends.
    Chunked,
}

impl BodyFraming {
    /// Framing of a request body (RFC 9112 §6.3).
    pub(crate) fn of_request(
        method: &Method,
        version: Version,
        fields: Decisive<'_>,
    ) -> Result<Self, Error> {
        let framing = match (chunked(version, fields)?, content_length(fields)?) {
            // Item 3: both at once is how a request is smuggled past a proxy.
            (true, Some(_)) => Err(Error::ConflictingFraming),
            // Item 4.
            (true, None) => Ok(Self::Chunked),
            // Item 6.
            (false, Some(length)) => Ok(Self::Length(length)),
            // Item 7.
            (false, None) => Ok(Self::Empty),
        }?;
        // RFC 9110 §9.3.6: what follows the head of CONNECT belongs to the tunnel.
        if *method == Method::CONNECT && !framing.is_empty() {
            return Err(Error::BodyInConnect);
        }
        Ok(framing)
    }

    /// Whether there is no byte of body.
    pub fn is_empty(self) -> bool {
        matches!(self, Self::Empty | Self::Length(0))
    }
}

/// How many bytes of `input` belong to a body, or chunk, of which `remaining` bytes are to come.
pub(crate) fn body_length(remaining: u64, input: &[u8]) -> usize {
    usize::try_from(remaining).map_or(input.len(), |remaining| remaining.min(input.len()))
}

/// Whether Transfer-Encoding is there, which then is `chunked` (items 3 and 4).
///
/// Presence is judged together with Content-Length first, so that a malformed Transfer-Encoding beside a
/// Content-Length is the conflict that it is.
fn chunked(version: Version, fields: Decisive<'_>) -> Result<bool, Error> {
    if !fields.has(Name::TransferEncoding) {
        return Ok(false);
    }
    if fields.has(Name::ContentLength) {
        return Err(Error::ConflictingFraming);
    }
    // §6.1: in HTTP/1.0 its framing is faulty by definition.
    if version < Version::HTTP_11 {
        return Err(Error::TransferEncodingInHttp10);
    }
    only_chunked(fields.all(Name::TransferEncoding)).map(|()| true)
}

/// Accepts the one list of codings that is understood: `chunked`.
///
/// An empty element (`, chunked`) is refused although RFC 9110 §5.6.1.2 would ignore it: no client sends
/// it, and not every front reads it alike.
fn only_chunked<'a>(lines: impl Iterator<Item = &'a [u8]>) -> Result<(), Error> {
    let mut unknown = false;
    let mut ended = false;
    for coding in lines.flat_map(token::list) {
        let is_chunked = coding.eq_ignore_ascii_case(b"chunked");
        if ended {
            return Err(match is_chunked {
                true => Error::InvalidTransferEncoding,
                false => Error::ChunkedNotFinal,
            });
        }
        if !is_coding(coding) {
            return Err(Error::InvalidTransferEncoding);
        }
        ended = is_chunked;
        unknown |= !is_chunked;
    }
    match (ended, unknown) {
        (true, false) => Ok(()),
        (true, true) => Err(Error::UnknownTransferCoding),
        (false, _) => Err(Error::ChunkedNotFinal),
    }
}

/// A token, with parameters perhaps; but `chunked` has none (RFC 9112 §7).
fn is_coding(coding: &[u8]) -> bool {
    match coding.iter().position(|byte| *byte == b';') {
        None => token::is_token(coding),
        Some(at) => {
            let name = token::trim(&coding[..at]);
            token::is_token(name) && !name.eq_ignore_ascii_case(b"chunked")
        }
    }
}

/// The Content-Length (item 5): one line of digits.
///
/// Item 5 lets a recipient take `5, 5` for 5. It is refused: only a broken intermediary makes it, and it
/// is the form that gunicorn and others came to grief with.
fn content_length(fields: Decisive<'_>) -> Result<Option<u64>, Error> {
    let mut lines = fields.all(Name::ContentLength);
    let Some(line) = lines.next() else {
        return Ok(None);
    };
    if lines.next().is_some() || line.contains(&b',') {
        return Err(Error::RepeatedContentLength);
    }
    token::decimal(line)
        .map(Some)
        .ok_or(Error::InvalidContentLength)
}

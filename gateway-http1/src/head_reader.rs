//! Finding a request head in what has come so far.

use crate::error::Error;
use crate::head::RequestHead;
use crate::limits::Limits;
use crate::lines::{Bounds, Search};
use crate::token;

/// A request head being waited for.
#[derive(Debug, Default)]
pub(crate) struct HeadReader {
    search: Search,
    /// Whether the one empty line that may come first has come.
    skipped: bool,
}

impl HeadReader {
    /// Whether nothing of a request has come yet.
    pub(crate) fn is_idle(&self) -> bool {
        self.search.is_fresh()
    }

    /// Reads on in `input`: how much of it is used, and the head if it is complete.
    pub(crate) fn receive(
        &mut self,
        input: &[u8],
        limits: &Limits,
    ) -> Result<(usize, Option<RequestHead>), Error> {
        let start = match self.is_idle() {
            true => head_start(input, self.skipped)?,
            false => 0,
        };
        self.skipped |= start > 0;
        let bounds = Bounds {
            request_line: Some(limits.request_line),
            total: limits.head,
            // The request line is a line too.
            lines: limits.headers.saturating_add(1),
            too_long: Error::HeadTooLong,
        };
        let input = &input[start..];
        if self.is_idle() && matches!(input, [] | [b'\r']) {
            return Ok((start, None));
        }
        let Some(length) = self.search.find_end(input, &bounds)? else {
            return Ok((start, None));
        };
        let head = RequestHead::read(&input[..length], self.search.lines(), limits)?;
        Ok((start + length, Some(head)))
    }
}

/// Where the request line starts: after one empty line, if there is one (RFC 9112 §2.2; old clients send it
/// after a body).
///
/// Judges the first byte, so that what is no HTTP at all need not send a line feed to be found out.
fn head_start(input: &[u8], skipped: bool) -> Result<usize, Error> {
    match input {
        [] => Ok(0),
        [b'\n', ..] => Err(Error::BareLineFeed),
        [b'\r', ..] if skipped => Err(Error::InvalidRequestLine),
        [b'\r'] => Ok(0),
        [b'\r', b'\n', rest @ ..] => head_start(rest, true).map(|_| 2),
        [b'\r', ..] => Err(Error::BareCarriageReturn),
        // The content type of a TLS handshake record.
        [0x16, ..] => Err(Error::TlsHandshake),
        [byte, ..] if token::is_token_byte(*byte) => Ok(0),
        _ => Err(Error::InvalidMethod),
    }
}

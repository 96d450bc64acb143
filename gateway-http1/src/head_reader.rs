//! Finding a request head in what has come so far.

use std::ops::Range;

use crate::draft::Draft;
use crate::error::Error;
use crate::head::RequestHead;
use crate::limits::{Limits, Underscores};
use crate::lines::{Bounds, Search, Span, is_clean};
use crate::token;

/// As many fields as a map of the http crate holds, whatever [`Limits::headers`] says.
const MOST_FIELDS: usize = 24 * 1024;

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

    /// Reads on in `input`: how much of it is used, and the head if it is complete. `before` is the one that
    /// came before it.
    pub(crate) fn receive(
        &mut self,
        input: &[u8],
        before: Option<&RequestHead>,
        limits: &Limits,
    ) -> Result<(usize, Option<RequestHead>), Error> {
        let start = match self.is_idle() {
            true => head_start(input, self.skipped)?,
            false => 0,
        };
        self.skipped |= start > 0;
        let bounds = Bounds {
            request_line: Some(limits.request_line),
            total: limits.head.min(Span::LONGEST_HEAD),
            // The request line is a line too.
            lines: limits.headers.min(MOST_FIELDS) + 1,
            too_long: Error::HeadTooLong,
        };
        let input = &input[start..];
        if self.is_idle() && matches!(input, [] | [b'\r']) {
            return Ok((start, None));
        }
        let before = before.filter(|_| self.is_idle());
        if let Some(head) = before.and_then(|before| before.again(input, limits)) {
            return Ok((start + head.bytes().len(), Some(head)));
        }
        // A head mostly comes whole: it is read while its end is looked for. One that did not, and one
        // with anything wrong in it, is read once more, line by line.
        let mut draft = None;
        let read = self.is_idle();
        let note = |line| {
            if read {
                take_line(&mut draft, input, line, limits.underscores);
            }
        };
        let Some(length) = self.search.find_end(input, &bounds, note)? else {
            return Ok((start, None));
        };
        let head = &input[..length];
        let draft = match draft {
            Some(Ok(draft)) if is_clean(head) => draft,
            _ => Draft::read(head, limits.underscores)?,
        };
        let head = match draft.without_dropped(head, limits.underscores) {
            Some(kept) => {
                RequestHead::decide(&kept, Draft::read(&kept, limits.underscores)?, limits)
            }
            None => RequestHead::decide(head, draft, limits),
        }?;
        Ok((start + length, Some(head)))
    }
}

/// Reads one more line into a draft, if nothing was wrong with those before.
fn take_line(
    draft: &mut Option<Result<Draft, Error>>,
    head: &[u8],
    line: Range<usize>,
    underscores: Underscores,
) {
    match draft {
        None => *draft = Some(Draft::begin(head, line)),
        Some(Ok(begun)) => {
            if let Err(error) = begun.note(head, line, underscores, true) {
                *draft = Some(Err(error));
            }
        }
        Some(Err(_)) => {}
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

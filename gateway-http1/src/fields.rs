//! Field lines, of heads and of trailers alike.

use std::ops::Range;

use bytes::Bytes;
use http::header::{HeaderMap, HeaderName, HeaderValue};

use crate::error::Error;
use crate::limits::Underscores;
use crate::lines::{blame, lines};
use crate::token::{self, PLAIN, Set, TOKEN};

/// What the http crate takes as a name.
const LONGEST_NAME: usize = u16::MAX as usize;

/// A field, and where in its section it stands.
pub(crate) struct Field {
    pub(crate) name: Range<usize>,
    pub(crate) value: Range<usize>,
    /// The name holds `_`; see [`Underscores`].
    pub(crate) folds: bool,
}

/// Reads the line of `section` that stands at `line`: `field-name ":" OWS field-value OWS` (RFC 9112 §5).
///
/// Where the section [`is_clean`](crate::lines::is_clean), no byte of the value need be looked at.
pub(crate) fn read_line(section: &[u8], line: Range<usize>, clean: bool) -> Result<Field, Error> {
    let text = &section[line.clone()];
    let (length, folds) = name_of(text);
    if text.get(length) != Some(&b':') || length == 0 || length > LONGEST_NAME {
        return Err(blame(text, no_name(text)));
    }
    let value = token::trimmed(text, length + 1);
    if !clean && !text[value.clone()].iter().copied().all(token::is_text_byte) {
        return Err(blame(text, Error::InvalidHeaderValue));
    }
    Ok(Field {
        name: line.start..line.start + length,
        value: line.start + value.start..line.start + value.end,
        folds,
    })
}

/// The fields of `section` from `at` up to its blank line, as a map. There are at most `count`.
///
/// `section` is one whose end [`Search`](crate::lines::Search) found. The values are slices of it.
pub(crate) fn map(
    section: &Bytes,
    at: usize,
    count: usize,
    underscores: Underscores,
) -> Result<HeaderMap, Error> {
    let mut fields = HeaderMap::try_with_capacity(count).map_err(|_| Error::TooManyHeaders)?;
    for line in lines(section, at) {
        let field = read_line(section, line, false)?;
        let name = HeaderName::from_bytes(&section[field.name]);
        let value = HeaderValue::from_maybe_shared(section.slice(field.value));
        match underscores {
            Underscores::Refuse if field.folds => return Err(Error::UnderscoreInHeaderName),
            Underscores::Drop if field.folds => continue,
            _ => {}
        }
        let name = name.map_err(|_| Error::InvalidHeaderName)?;
        let value = value.map_err(|_| Error::InvalidHeaderValue)?;
        let appended = fields.try_append(name, value);
        appended.map_err(|_| Error::TooManyHeaders)?;
    }
    Ok(fields)
}

/// The length of the token at the start of a line, and whether it holds `_`.
fn name_of(line: &[u8]) -> (usize, bool) {
    let length_of = |set: &Set| line.iter().take_while(|byte| set.has(**byte)).count();
    let plain = length_of(&PLAIN);
    match line.get(plain) {
        Some(b'_') => (length_of(&TOKEN), true),
        _ => (plain, false),
    }
}

/// What is wrong with a line that does not begin with a name and a colon.
fn no_name(line: &[u8]) -> Error {
    match line.iter().position(|byte| *byte == b':') {
        None => Error::MissingColon,
        Some(colon) => match &line[..colon] {
            [_, .., b' ' | b'\t'] => Error::SpaceBeforeColon,
            _ => Error::InvalidHeaderName,
        },
    }
}

//! Field lines, of heads and of trailers alike.

use bytes::Bytes;
use http::header::{HeaderMap, HeaderName, HeaderValue};
use memchr::memchr;

use crate::error::Error;
use crate::limits::Underscores;
use crate::lines::{blame, line_at};
use crate::token;

/// Reads the field lines of `section` from `at` up to its blank line. There are at most `lines`.
///
/// `section` is one whose end [`Search`](crate::lines::Search) found. The values are slices of it.
pub(crate) fn read(
    section: &Bytes,
    mut at: usize,
    lines: usize,
    underscores: Underscores,
) -> Result<HeaderMap, Error> {
    let mut fields = HeaderMap::try_with_capacity(lines).map_err(|_| Error::TooManyHeaders)?;
    while let Some(line) = line_at(section, at) {
        at = line.end + 2;
        if let Some((name, value)) = read_line(section, &section[line], underscores)? {
            fields
                .try_append(name, value)
                .map_err(|_| Error::TooManyHeaders)?;
        }
    }
    Ok(fields)
}

/// Reads one line, a part of `section`: `field-name ":" OWS field-value OWS` (RFC 9112 §5).
fn read_line(
    section: &Bytes,
    line: &[u8],
    underscores: Underscores,
) -> Result<Option<(HeaderName, HeaderValue)>, Error> {
    let colon = memchr(b':', line).ok_or_else(|| blame(line, Error::MissingColon))?;
    let (name, value) = (&line[..colon], token::trim(&line[colon + 1..]));
    let folds = name.contains(&b'_');
    let name = read_name(name).map_err(|error| blame(line, error))?;
    let value = HeaderValue::from_maybe_shared(section.slice_ref(value))
        .map_err(|_| blame(line, Error::InvalidHeaderValue))?;
    match underscores {
        Underscores::Refuse if folds => Err(Error::UnderscoreInHeaderName),
        Underscores::Drop if folds => Ok(None),
        _ => Ok(Some((name, value))),
    }
}

fn read_name(name: &[u8]) -> Result<HeaderName, Error> {
    if let [_, .., b' ' | b'\t'] = name {
        return Err(Error::SpaceBeforeColon);
    }
    HeaderName::from_bytes(name).map_err(|_| Error::InvalidHeaderName)
}

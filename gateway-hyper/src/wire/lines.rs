//! Lines, which end in CRLF and hold neither of the two.

use std::ops::Range;

use memchr::memchr2;

use crate::octets::is_token;
use crate::refusal::Refusal;

/// A line without its CRLF; the next begins two bytes after its end. `None` if it is not whole yet.
pub(super) fn line_at(bytes: &[u8], start: usize) -> Result<Option<Range<usize>>, Refusal> {
    if let [b'\r', b'\n', ..] = bytes[start..] {
        return Ok(Some(start..start)); // each head has one such line: it needs no search
    }
    let Some(length) = memchr2(b'\r', b'\n', &bytes[start..]) else {
        return Ok(None);
    };
    let end = start + length;
    match bytes[end..] {
        [b'\r', b'\n', ..] => Ok(Some(start..end)),
        [b'\r'] => Ok(None),
        [b'\n', ..] => Err(Refusal::BareLineFeed),
        _ => Err(Refusal::BareCarriageReturn),
    }
}

/// The name and the value of a field line (RFC 9112 §5).
pub(super) fn field(line: &[u8]) -> Result<(&[u8], &[u8]), Refusal> {
    if let [b' ' | b'\t', ..] = line {
        return Err(Refusal::ObsoleteFolding);
    }
    let name = line.iter().take_while(|byte| is_token(**byte)).count();
    match &line[name..] {
        [b':', value @ ..] if name > 0 => Ok((&line[..name], trim(value))),
        [b' ' | b'\t', ..] if line.contains(&b':') => Err(Refusal::SpaceBeforeColon),
        _ if line.contains(&b':') => Err(Refusal::InvalidHeaderName),
        _ => Err(Refusal::MissingColon),
    }
}

/// Without the spaces and tabs around it.
pub(super) fn trim(mut bytes: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = bytes {
        bytes = rest;
    }
    bytes
}

//! Lines, which end in CRLF and hold neither of the two.

use std::ops::Range;

use memchr::memchr2;

use crate::octets::is_in_name;
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

/// The name and the value of a field line (RFC 9112 §5), the value with the spaces around it. A `_` in a name is taken for `-` by CGI and WSGI, and so by
/// what runs behind them: with it a client passes its own field off as one that a front end has set.
pub(super) fn field(line: &[u8]) -> Result<(&[u8], &[u8]), Refusal> {
    let length = line.iter().take_while(|byte| is_in_name(**byte)).count();
    let (name, rest) = line.split_at(length);
    match rest {
        [b':', value @ ..] if !name.is_empty() => Ok((name, value)),
        _ => Err(no_field(name, rest)),
    }
}

/// What is wrong with a line that does not begin with a name and a colon.
#[cold]
fn no_field(name: &[u8], rest: &[u8]) -> Refusal {
    match rest {
        [b' ' | b'\t', ..] if name.is_empty() => Refusal::ObsoleteFolding,
        _ if !rest.contains(&b':') => Refusal::MissingColon,
        [b' ' | b'\t', ..] => Refusal::SpaceBeforeColon,
        [b'_', ..] => Refusal::UnderscoreInHeaderName,
        _ => Refusal::InvalidHeaderName,
    }
}

/// Without the spaces and tabs around it.
pub(super) fn trim(mut bytes: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = bytes {
        bytes = rest;
    }
    bytes
}

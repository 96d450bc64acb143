//! The trailer section on its way in (RFC 9112 §7.1.2).

use gateway_core::server::Limits;

use super::lines::{field, line_at};
use crate::refusal::Refusal;

/// The longest trailer section, in bytes: 8 KiB (hyper: 16 KiB).
pub(crate) const LONGEST: usize = 8 * 1024;

/// Fields that decide framing, routing, authentication, how a request is treated, or what its
/// content is (RFC 9110 §6.5.1). By the time the trailers are here, all that has been acted upon.
const FORBIDDEN: [&str; 43] = [
    "content-length",
    "transfer-encoding",
    "trailer",
    "te",
    "connection",
    "keep-alive",
    "proxy-connection",
    "upgrade",
    "host",
    "forwarded",
    "via",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-port",
    "x-forwarded-prefix",
    "x-forwarded-proto",
    "x-real-ip",
    "cache-control",
    "expect",
    "if-match",
    "if-modified-since",
    "if-none-match",
    "if-range",
    "if-unmodified-since",
    "max-forwards",
    "pragma",
    "range",
    "authorization",
    "cookie",
    "proxy-authenticate",
    "proxy-authorization",
    "set-cookie",
    "www-authenticate",
    "age",
    "date",
    "expires",
    "location",
    "retry-after",
    "vary",
    "warning",
    "content-encoding",
    "content-range",
    "content-type",
];

/// Looks at a trailer section; its length once it is whole, else 0.
pub(super) fn look(bytes: &[u8], limits: &Limits) -> Result<usize, Refusal> {
    let (mut at, mut fields) = (0, 0);
    while let Some(range) = line_at(bytes, at)? {
        at = range.end + 2;
        if at > LONGEST {
            return Err(Refusal::TrailersTooLong);
        }
        if range.is_empty() {
            return Ok(at);
        }
        fields += 1;
        if fields > limits.headers {
            return Err(Refusal::TooManyHeaders);
        }
        check(&bytes[range])?;
    }
    match bytes.len() > LONGEST {
        true => Err(Refusal::TrailersTooLong),
        false => Ok(0),
    }
}

fn check(line: &[u8]) -> Result<(), Refusal> {
    let (name, value) = field(line)?;
    // hyper cuts the connection at such a value, where an answer is due.
    if value
        .iter()
        .any(|byte| (*byte < b' ' && *byte != b'\t') || *byte == 0x7f)
    {
        return Err(Refusal::InvalidHeaderValue);
    }
    match is_forbidden(name) {
        true => Err(Refusal::ForbiddenTrailer),
        false => Ok(()),
    }
}

/// Whether no trailer may have this name.
pub(crate) fn is_forbidden(name: &[u8]) -> bool {
    let mut forbidden = FORBIDDEN.iter();
    forbidden.any(|forbidden| name.eq_ignore_ascii_case(forbidden.as_bytes()))
}

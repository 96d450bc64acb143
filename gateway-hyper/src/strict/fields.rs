//! The fields of HTTP/2, which h2 reads more leniently than [`wire`](crate::wire) reads those of HTTP/1.

use gateway_core::server::Limits;
use http::header::{CONTENT_LENGTH, HeaderName};
use http::{HeaderMap, HeaderValue};

use crate::declared::decimal;
use crate::octets::is_in_name;
use crate::refusal::Refusal;
use crate::wire::{LONGEST_TRAILERS, is_forbidden_in_trailers};

/// Checks the fields of a head.
pub(super) fn check(headers: &HeaderMap) -> Result<(), Refusal> {
    let mut lengths = 0;
    for (name, value) in headers {
        check_field(name, value)?;
        if *name == CONTENT_LENGTH {
            lengths += 1;
            check_length(value, lengths)?;
        }
    }
    Ok(())
}

/// Checks the fields behind a body, which come when all that is forbidden there has been acted upon.
pub(crate) fn check_trailers(trailers: &HeaderMap, limits: &Limits) -> Result<(), Refusal> {
    if trailers.len() > limits.headers {
        return Err(Refusal::TooManyHeaders);
    }
    let mut length = 0;
    for (name, value) in trailers {
        check_field(name, value)?;
        if is_forbidden_in_trailers(name.as_str().as_bytes()) {
            return Err(Refusal::ForbiddenTrailer);
        }
        length += name.as_str().len() + ": ".len() + value.len() + "\r\n".len();
        if length > LONGEST_TRAILERS {
            return Err(Refusal::TrailersTooLong);
        }
    }
    Ok(())
}

/// A name is a token without `_`, which a lenient map lets hold more; no value begins or ends with a space
/// (RFC 9113 §8.2.1).
fn check_field(name: &HeaderName, value: &HeaderValue) -> Result<(), Refusal> {
    let name = name.as_str().as_bytes();
    if !name.iter().all(|byte| is_in_name(*byte)) {
        return Err(match name.contains(&b'_') {
            true => Refusal::UnderscoreInHeaderName,
            false => Refusal::InvalidHeaderName,
        });
    }
    match value.as_bytes() {
        [b' ' | b'\t', ..] | [.., b' ' | b'\t'] => Err(Refusal::PaddedHeaderValue),
        _ => Ok(()),
    }
}

/// One number: h2 counts by the first of several, and the application would see them all.
fn check_length(value: &HeaderValue, lengths: usize) -> Result<(), Refusal> {
    if lengths > 1 {
        return Err(Refusal::RepeatedContentLength);
    }
    let number = decimal(value.as_bytes());
    number.map(|_| ()).ok_or(Refusal::InvalidContentLength)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(fields: &[(&str, &str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in fields {
            let name = HeaderName::from_lowercase(name.as_bytes()).unwrap();
            map.append(name, HeaderValue::from_str(value).unwrap());
        }
        map
    }

    #[test]
    fn names_and_values_are_those_of_http1() {
        for (name, value, expected) in [
            ("x", "1", Ok(())),
            ("x", "", Ok(())),
            ("x", "a b", Ok(())),
            ("x", " 1", Err(Refusal::PaddedHeaderValue)),
            ("x", "1\t", Err(Refusal::PaddedHeaderValue)),
            ("x_y", "1", Err(Refusal::UnderscoreInHeaderName)),
            ("x\"", "1", Err(Refusal::InvalidHeaderName)),
        ] {
            let fields = map(&[(name, value)]);
            let limits = Limits::default();
            assert_eq!(check(&fields), expected, "{name:?}: {value:?}");
            assert_eq!(check_trailers(&fields, &limits), expected, "{name:?}");
        }
    }

    #[test]
    fn there_is_one_length() {
        let length = |value| ("content-length", value);
        for (fields, expected) in [
            (&[length("3")][..], Ok(())),
            (&[length("")], Err(Refusal::InvalidContentLength)),
            (&[length("+3")], Err(Refusal::InvalidContentLength)),
            (&[length("3, 3")], Err(Refusal::InvalidContentLength)),
            (
                &[length("3"), length("3")],
                Err(Refusal::RepeatedContentLength),
            ),
        ] {
            assert_eq!(check(&map(fields)), expected, "{fields:?}");
        }
    }

    #[test]
    fn trailers_are_few_and_short_and_change_nothing() {
        let mut limits = Limits::default();
        limits.headers = 2;
        let long = "x".repeat(LONGEST_TRAILERS - "a: ".len() - "\r\n".len());
        let longer = format!("{long}x");
        for (fields, expected) in [
            (&[("a", "1"), ("b", "2")][..], Ok(())),
            (&[("a", "1"); 3], Err(Refusal::TooManyHeaders)),
            (&[("host", "a")], Err(Refusal::ForbiddenTrailer)),
            (&[("a", long.as_str())], Ok(())),
            (&[("a", longer.as_str())], Err(Refusal::TrailersTooLong)),
        ] {
            assert_eq!(check_trailers(&map(fields), &limits), expected);
        }
    }
}

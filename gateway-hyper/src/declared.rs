//! What the application says about its own response, checked before hyper sees it. Pure.
//!
//! hyper trusts its service: an application's `Content-Length: abc` would go out as it is. What is
//! unclear or none of the application's business is refused here, and answered with 500.

use http::header::{CONNECTION, CONTENT_LENGTH, HeaderName};
use http::{HeaderMap, HeaderValue, Method, StatusCode, Version};

/// How the body of a response is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    /// There is no body, whatever the head says: HEAD, 204, 205, 304.
    None,
    /// There is none, but the head says how long that of GET is, 0 too: 304 over HTTP/1. hyper drops
    /// that from the head of a response without a body.
    Withheld(u64),
    /// This many bytes, neither more nor fewer.
    Exactly(u64),
    /// As many as come: chunked, or HTTP/2's own framing.
    Open,
    /// As many as come, to a client that only learns of the end by the connection's (HTTP/1.0).
    UntilClose,
}

/// What is wrong with a response. Always the application's fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Fault {
    #[error("status {0} cannot be a final response")]
    NotFinal(u16),
    #[error("the application set the connection's own field {0}")]
    HopByHop(&'static str),
    #[error("the application's Content-Length is repeated or not a number")]
    InvalidContentLength,
    #[error("the application declared {declared} bytes, its body has {actual}")]
    LengthMismatch { declared: u64, actual: u64 },
    #[error("status {0} cannot have a body")]
    BodyNotAllowed(u16),
}

/// What is asked about a response.
pub(crate) struct Question<'a> {
    pub(crate) method: &'a Method,
    pub(crate) version: Version,
    pub(crate) status: StatusCode,
    /// The length of the body, where it is known before it is sent.
    pub(crate) length: Option<u64>,
}

/// Decides how the body is sent (RFC 9112 §6.3 as the sender sees it), and puts the head in order:
/// no Content-Length where none may be, that of GET for HEAD, and without zeros before it.
pub(crate) fn framing(question: &Question<'_>, headers: &mut HeaderMap) -> Result<Framing, Fault> {
    let declared = look_through(headers, question.status)?;
    let actual = question.length;
    match question.status.as_u16() {
        code @ (..=199 | 600..) => Err(Fault::NotFinal(code)),
        code @ (204 | 205) => {
            if code == 205 {
                // Says itself that there is none (RFC 9110 §15.3.6). hyper would say it to GET only.
                headers.insert(CONTENT_LENGTH, HeaderValue::from(0));
            } else {
                headers.remove(CONTENT_LENGTH);
            }
            match (declared, actual) {
                (Some(1..), _) | (_, Some(1..)) => Err(Fault::BodyNotAllowed(code)),
                _ => Ok(Framing::None),
            }
        }
        // What GET would have had (RFC 9110 §8.6) only the application knows.
        304 => Ok(match declared {
            Some(length) if question.version < Version::HTTP_2 => Framing::Withheld(length),
            _ => Framing::None,
        }),
        _ if question.method == Method::HEAD => of_head(declared, actual, headers),
        _ => of_body(declared, actual, question.version),
    }
}

/// HEAD says how long the body of GET is. An empty body says nothing about that: the application
/// may have left it out.
fn of_head(
    declared: Option<u64>,
    actual: Option<u64>,
    headers: &mut HeaderMap,
) -> Result<Framing, Fault> {
    match (declared, actual) {
        (Some(declared), Some(actual @ 1..)) if declared != actual => {
            Err(Fault::LengthMismatch { declared, actual })
        }
        (None, Some(actual @ 1..)) => {
            headers.insert(CONTENT_LENGTH, HeaderValue::from(actual));
            Ok(Framing::None)
        }
        _ => Ok(Framing::None),
    }
}

fn of_body(declared: Option<u64>, actual: Option<u64>, version: Version) -> Result<Framing, Fault> {
    match (declared, actual) {
        (Some(declared), Some(actual)) if declared != actual => {
            Err(Fault::LengthMismatch { declared, actual })
        }
        (Some(length), _) | (None, Some(length)) => Ok(Framing::Exactly(length)),
        (None, None) if version < Version::HTTP_11 => Ok(Framing::UntilClose),
        (None, None) => Ok(Framing::Open),
    }
}

/// Looks through the fields, once: refuses those that belong to the connection and so to the host
/// (RFC 9110 §7.6.1), and gives the Content-Length, which is one line of digits. Zeros before it go:
/// hyper sends it as it stands, and some read 010 as octal.
fn look_through(headers: &mut HeaderMap, status: StatusCode) -> Result<Option<u64>, Fault> {
    let mut declared = None;
    for (name, value) in headers {
        if *name == CONTENT_LENGTH {
            let length = decimal(value.as_bytes()).ok_or(Fault::InvalidContentLength)?;
            if declared.replace(length).is_some() {
                return Err(Fault::InvalidContentLength);
            }
            if value.len() > 1 && value.as_bytes().starts_with(b"0") {
                *value = HeaderValue::from(length);
            }
        } else if let Some(hop) = hop_by_hop(name, value, status) {
            return Err(Fault::HopByHop(hop));
        }
    }
    Ok(declared)
}

/// The name of a field that the application must not set. `Connection: close` it may, and `Trailer`
/// is its own. 426 says with Upgrade what to change to (RFC 9110 §15.5.22).
fn hop_by_hop(name: &HeaderName, value: &HeaderValue, status: StatusCode) -> Option<&'static str> {
    let names_upgrade = status == StatusCode::UPGRADE_REQUIRED;
    if *name == CONNECTION {
        let value = value.as_bytes();
        let is_own = value.eq_ignore_ascii_case(b"close")
            || (names_upgrade && value.eq_ignore_ascii_case(b"upgrade"));
        return (!is_own).then_some("connection");
    }
    match name.as_str() {
        "transfer-encoding" => Some("transfer-encoding"),
        "upgrade" if !names_upgrade => Some("upgrade"),
        "te" => Some("te"),
        "keep-alive" => Some("keep-alive"),
        "proxy-connection" => Some("proxy-connection"),
        _ => None,
    }
}

/// A number of digits only, that fits 64 bits.
pub(crate) fn decimal(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0u64, |number, digit| {
        let digit = digit.checked_sub(b'0').filter(|digit| *digit < 10)?;
        number.checked_mul(10)?.checked_add(u64::from(digit))
    })
}

impl Framing {
    /// Of a response that the host makes itself, with a body of known length, which HEAD is told.
    pub(crate) fn of_own(length: Option<u64>, method: &Method, headers: &mut HeaderMap) -> Self {
        match length {
            Some(length) if method == Method::HEAD => {
                headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
                Self::None
            }
            Some(length) => Self::Exactly(length),
            None => Self::None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decide(
        method: &Method,
        status: u16,
        headers: &[(&'static str, &'static str)],
        length: Option<u64>,
    ) -> Result<(Framing, Option<String>), Fault> {
        let mut map: HeaderMap = headers
            .iter()
            .map(|(name, value)| {
                let name = HeaderName::from_static(name);
                (name, HeaderValue::from_static(value))
            })
            .collect();
        let question = Question {
            method,
            version: Version::HTTP_11,
            status: StatusCode::from_u16(status).unwrap(),
            length,
        };
        let framing = framing(&question, &mut map)?;
        let told = map
            .get(CONTENT_LENGTH)
            .map(|it| it.to_str().unwrap().to_owned());
        Ok((framing, told))
    }

    #[test]
    fn the_head_and_the_body_agree() {
        let five = [("content-length", "5")];
        let said = |length: &str| Some(length.to_owned());
        for (method, status, headers, length, expected) in [
            (
                Method::GET,
                200,
                &[][..],
                Some(5),
                (Framing::Exactly(5), None),
            ),
            (
                Method::GET,
                200,
                &five,
                Some(5),
                (Framing::Exactly(5), said("5")),
            ),
            (
                Method::GET,
                200,
                &five,
                None,
                (Framing::Exactly(5), said("5")),
            ),
            (Method::GET, 200, &[], None, (Framing::Open, None)),
            (Method::HEAD, 200, &[], Some(5), (Framing::None, said("5"))),
            (
                Method::HEAD,
                200,
                &five,
                Some(0),
                (Framing::None, said("5")),
            ),
            (Method::HEAD, 200, &[], Some(0), (Framing::None, None)),
            (
                Method::GET,
                304,
                &five,
                Some(0),
                (Framing::Withheld(5), said("5")),
            ),
            (
                Method::GET,
                200,
                &[("content-length", "005")],
                None,
                (Framing::Exactly(5), said("5")),
            ),
            (
                Method::GET,
                304,
                &[("content-length", "00")],
                Some(0),
                (Framing::Withheld(0), said("0")),
            ),
            (
                Method::GET,
                204,
                &[("content-length", "0")],
                Some(0),
                (Framing::None, None),
            ),
            (Method::GET, 205, &[], Some(0), (Framing::None, said("0"))),
            (Method::HEAD, 205, &[], None, (Framing::None, said("0"))),
            (
                Method::GET,
                426,
                &[("upgrade", "x"), ("connection", "upgrade")],
                Some(1),
                (Framing::Exactly(1), None),
            ),
            (
                Method::GET,
                200,
                &[("connection", "close")],
                Some(1),
                (Framing::Exactly(1), None),
            ),
        ] {
            let decided = decide(&method, status, headers, length);
            assert_eq!(
                decided,
                Ok(expected),
                "{method} {status} {headers:?} {length:?}"
            );
        }
    }

    #[test]
    fn what_cannot_be_sent_is_refused() {
        let invalid = Fault::InvalidContentLength;
        let mismatch = Fault::LengthMismatch {
            declared: 5,
            actual: 4,
        };
        for (status, headers, length, fault) in [
            (100, &[][..], Some(0), Fault::NotFinal(100)),
            (101, &[], Some(0), Fault::NotFinal(101)),
            (600, &[], Some(0), Fault::NotFinal(600)),
            (204, &[], Some(1), Fault::BodyNotAllowed(204)),
            (
                205,
                &[("content-length", "1")],
                None,
                Fault::BodyNotAllowed(205),
            ),
            (200, &[("content-length", "abc")], Some(3), invalid),
            (200, &[("content-length", "+3")], Some(3), invalid),
            (200, &[("content-length", "")], Some(0), invalid),
            (
                200,
                &[("content-length", "3"), ("content-length", "3")],
                Some(3),
                invalid,
            ),
            (200, &[("content-length", "5")], Some(4), mismatch),
            (
                200,
                &[("transfer-encoding", "chunked")],
                None,
                Fault::HopByHop("transfer-encoding"),
            ),
            (200, &[("upgrade", "x")], None, Fault::HopByHop("upgrade")),
            (
                200,
                &[("keep-alive", "x")],
                None,
                Fault::HopByHop("keep-alive"),
            ),
            (
                200,
                &[("connection", "keep-alive")],
                None,
                Fault::HopByHop("connection"),
            ),
        ] {
            let decided = decide(&Method::GET, status, headers, length);
            assert_eq!(decided, Err(fault), "{status} {headers:?} {length:?}");
        }
    }
}

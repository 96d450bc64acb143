//! A: what an application answers.

use http::header::{
    ALLOW, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderName, LOCATION, PROXY_AUTHENTICATE, TE,
    TRANSFER_ENCODING, UPGRADE, WWW_AUTHENTICATE,
};
use http::{Method, StatusCode};

use super::violation::{Check, must, should};
use super::watch::Asked;
use crate::{Capabilities, Response};

type Answer<'a> = (&'a Asked, &'a Response);

pub(super) const CHECKS: &[fn(&Answer<'_>) -> Check] = &[
    final_status,
    hop_by_hop,
    one_length,
    length_of_the_body,
    no_content,
    fields_of_the_status,
    content_type,
    location,
    not_modified,
];

/// **A1.** The status MUST be a final one, 200 to 599; 101 where the host can hand the connection over.
///
/// *Why*: After an interim status the client waits for another response, which nobody makes.
///
/// *Source*: RFC 9110 §15, §15.2.
fn final_status(&(asked, response): &Answer<'_>) -> Check {
    let status = response.status();
    let switches = status == StatusCode::SWITCHING_PROTOCOLS;
    let kept = (200..600).contains(&status.as_u16())
        || (switches && asked.can.contains(Capabilities::UPGRADE));
    must("A1", kept, || format!("the status is {}", status.as_u16()))
}

/// **A2.** A response MUST NOT hold fields of the connection: Transfer-Encoding, TE, Keep-Alive, Proxy-Connection;
/// Connection but for `close`; Upgrade but with 101 and 426.
///
/// *Why*: The connection is the host's. Two who frame a message frame it twice.
///
/// *Source*: RFC 9110 §7.6.1; PEP 3333, "Other HTTP Features".
fn hop_by_hop(&(_, response): &Answer<'_>) -> Check {
    let status = response.status();
    let upgrades = matches!(
        status,
        StatusCode::SWITCHING_PROTOCOLS | StatusCode::UPGRADE_REQUIRED
    );
    let mut fields = response.headers().iter();
    let found = fields.find(|(name, value)| match name.as_str() {
        "connection" => !value.to_str().is_ok_and(|value| {
            let mut options = value.split(',').map(str::trim);
            options.all(|option| {
                option.eq_ignore_ascii_case(CLOSE)
                    || (upgrades && option.eq_ignore_ascii_case(UPGRADE.as_str()))
            })
        }),
        "upgrade" => !upgrades,
        name => [
            TRANSFER_ENCODING.as_str(),
            TE.as_str(),
            "keep-alive",
            "proxy-connection",
        ]
        .contains(&name),
    });
    must("A2", found.is_none(), || {
        format!("{} holds {found:?}", status.as_u16())
    })
}

const CLOSE: &str = "close";

/// **A3.** There MUST be at most one Content-Length, in decimal digits.
///
/// *Why*: The client takes so many bytes, and the next for another response.
///
/// *Source*: RFC 9110 §8.6.
fn one_length(&(_, response): &Answer<'_>) -> Check {
    let fields = response.headers();
    let kept = !fields.contains_key(CONTENT_LENGTH) || declared_length(fields).is_some();
    must("A3", kept, || {
        let values: Vec<_> = fields.get_all(CONTENT_LENGTH).iter().collect();
        format!("Content-Length is {values:?}")
    })
}

/// **A4.** Content-Length MUST be the length of the body, but with HEAD, 204 and 304.
///
/// *Why*: A client that is told of fewer bytes takes the rest for a response, one that is told of more waits for
/// them.
///
/// *Source*: RFC 9110 §8.6; RFC 9112 §6.3.
fn length_of_the_body(&(asked, response): &Answer<'_>) -> Check {
    let without = asked.method == Method::HEAD || is_bodiless(response.status());
    let (declared, length) = (
        declared_length(response.headers()),
        response.body().length(),
    );
    let kept = without || declared.is_none() || length.is_none() || declared == length;
    must("A4", kept, || {
        format!("Content-Length is {declared:?}, and the body's length {length:?}")
    })
}

/// **A5.** A response with 204 or 205 MUST have an empty body.
///
/// *Why*: It has none on the wire. An application that sends one means another status.
///
/// *Source*: RFC 9110 §15.3.5, §15.3.6.
fn no_content(&(_, response): &Answer<'_>) -> Check {
    let status = response.status();
    let without = matches!(status.as_u16(), 204 | 205);
    let kept = !without || response.body().length() == Some(0);
    must("A5", kept, || format!("{} with a body", status.as_u16()))
}

/// **A6.** A response MUST hold the field that its status is about: WWW-Authenticate with 401, Allow with 405,
/// Proxy-Authenticate with 407, Upgrade with 426.
///
/// *Why*: Without it the client knows that it did wrong, and not what would be right.
///
/// *Source*: RFC 9110 §15.5.2, §15.5.6, §15.5.8, §15.5.22.
fn fields_of_the_status(&(_, response): &Answer<'_>) -> Check {
    let field: HeaderName = match response.status() {
        StatusCode::UNAUTHORIZED => WWW_AUTHENTICATE,
        StatusCode::METHOD_NOT_ALLOWED => ALLOW,
        StatusCode::PROXY_AUTHENTICATION_REQUIRED => PROXY_AUTHENTICATE,
        StatusCode::UPGRADE_REQUIRED => UPGRADE,
        _ => return Ok(()),
    };
    must("A6", response.headers().contains_key(&field), || {
        format!("{} without {field}", response.status().as_u16())
    })
}

/// **A7.** A response with a body SHOULD say its Content-Type.
///
/// *Why*: Clients that are not told guess, and a guess may run a script.
///
/// *Source*: RFC 9110 §8.3.
fn content_type(&(_, response): &Answer<'_>) -> Check {
    let empty = response.body().length() == Some(0);
    let kept = empty || response.headers().contains_key(CONTENT_TYPE);
    should("A7", kept, || "a body without Content-Type".to_owned())
}

/// **A8.** A redirection (301, 302, 303, 307, 308) SHOULD have a Location.
///
/// *Why*: There is nothing else a client could follow.
///
/// *Source*: RFC 9110 §15.4.
fn location(&(_, response): &Answer<'_>) -> Check {
    let status = response.status();
    let redirects = matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308);
    let kept = !redirects || response.headers().contains_key(LOCATION);
    should("A8", kept, || format!("{} to nowhere", status.as_u16()))
}

/// **A9.** A response with 304 SHOULD have an empty body.
///
/// *Why*: Hosts leave it out; whatever made it has worked for nothing.
///
/// *Source*: RFC 9110 §15.4.5.
fn not_modified(&(_, response): &Answer<'_>) -> Check {
    let without = response.status() == StatusCode::NOT_MODIFIED;
    let kept = !without || response.body().length() == Some(0);
    should("A9", kept, || "304 with a body".to_owned())
}

/// **A10.** What an application requires MUST NOT change.
///
/// *Why*: The host asks once, before it serves.
pub(super) fn needs_stay(before: Capabilities, now: Capabilities) -> Check {
    must("A10", before == now, || {
        format!("it required {before}, and now {now}")
    })
}

/// The length that a head declares, if it declares one length.
pub(super) fn declared_length(headers: &HeaderMap) -> Option<u64> {
    let mut values = headers.get_all(CONTENT_LENGTH).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return None;
    };
    let digits = value.to_str().ok()?;
    let decimal = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    if decimal { digits.parse().ok() } else { None }
}

/// A response that has no body on the wire.
pub(super) fn is_bodiless(status: StatusCode) -> bool {
    matches!(status.as_u16(), 100..=199 | 204 | 304)
}

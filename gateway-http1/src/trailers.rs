//! Which fields may come after the body, in either direction (RFC 9110 §6.5.1).

use http::HeaderMap;

/// Fields that decide framing, routing, authentication, how a request is treated, how a response is
/// cached, or what the content is. By then all that has been acted upon.
const FORBIDDEN: &[&str] = &[
    // framing
    "content-length",
    "transfer-encoding",
    "trailer",
    "te",
    // connection
    "connection",
    "keep-alive",
    "proxy-connection",
    "upgrade",
    // routing
    "host",
    "forwarded",
    "via",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-port",
    "x-forwarded-prefix",
    "x-forwarded-proto",
    "x-real-ip",
    // request modifiers
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
    // authentication
    "authorization",
    "cookie",
    "proxy-authenticate",
    "proxy-authorization",
    "set-cookie",
    "www-authenticate",
    // response control
    "age",
    "date",
    "expires",
    "location",
    "retry-after",
    "vary",
    "warning",
    // content
    "content-encoding",
    "content-range",
    "content-type",
];

/// The first field that has no place in a trailer section, if any.
pub(crate) fn forbidden(trailers: &HeaderMap) -> Option<&'static str> {
    trailers.keys().find_map(|name| {
        FORBIDDEN
            .iter()
            .find(|forbidden| **forbidden == name.as_str())
            .copied()
    })
}

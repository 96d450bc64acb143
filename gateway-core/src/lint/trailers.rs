//! Trailer fields, of requests and responses.

use http::header::{HeaderMap, HeaderName, TRAILER};

/// A field that no trailer may hold, as it frames or routes the message or changes how it is read
/// (RFC 9110 §6.5.1).
pub(super) fn forbidden(trailers: &HeaderMap) -> Option<&HeaderName> {
    const FORBIDDEN: [&str; 16] = [
        "authorization",
        "cache-control",
        "connection",
        "content-encoding",
        "content-length",
        "content-range",
        "content-type",
        "expect",
        "host",
        "max-forwards",
        "proxy-authorization",
        "range",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    ];
    trailers
        .keys()
        .find(|name| FORBIDDEN.contains(&name.as_str()))
}

/// The names that a head announces.
pub(super) fn announced(headers: &HeaderMap) -> Vec<HeaderName> {
    let values = headers.get_all(TRAILER).iter();
    let values = values.filter_map(|value| value.to_str().ok());
    values
        .flat_map(|value| value.split(','))
        .filter_map(|name| HeaderName::try_from(name.trim()).ok())
        .collect()
}

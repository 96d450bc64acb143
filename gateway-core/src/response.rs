//! Responses in one call.

use http::header::CONTENT_TYPE;
use http::{HeaderValue, StatusCode};

use crate::{Body, Response};

/// A response of plain text in UTF-8, status 200.
///
/// ```
/// let response = gateway_core::text("Hello\n");
/// assert_eq!(response.headers()["content-type"], "text/plain; charset=utf-8");
/// ```
pub fn text(text: impl Into<Body>) -> Response {
    let mut response = Response::new(text.into());
    let plain = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, plain);
    response
}

/// A response that says its status and no more: `404 Not Found`.
///
/// ```
/// let response = gateway_core::status(http::StatusCode::NOT_FOUND);
/// assert_eq!(response.status(), 404);
/// ```
pub fn status(status: StatusCode) -> Response {
    let bodiless = status.is_informational()
        || matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
    let mut response = if bodiless {
        Response::new(Body::empty())
    } else {
        text(match status.canonical_reason() {
            Some(reason) => format!("{} {reason}\n", status.as_str()),
            None => format!("{}\n", status.as_str()),
        })
    };
    *response.status_mut() = status;
    response
}

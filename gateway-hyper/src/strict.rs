//! What hyper leaves to its host to refuse. Pure.

use gateway_core::StatusError;
use http::header::HOST;
use http::request::Parts;
use http::{StatusCode, Version};

/// Checks a request's head.
///
/// # Errors
///
/// The status to answer with, and why.
pub(crate) fn check(parts: &mut Parts) -> Result<(), StatusError> {
    if parts.version == Version::HTTP_11 && !parts.headers.contains_key(HOST) {
        return Err(StatusError::new(StatusCode::BAD_REQUEST, "no Host"));
    }
    Ok(())
}

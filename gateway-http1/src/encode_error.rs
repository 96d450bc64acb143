//! What can be wrong with a response.

use http::StatusCode;

use crate::error::Fault;

/// Why a response cannot be sent as the application made it. Always the application's fault.
///
/// Before the head is sent the host answers 500 instead; after it the host aborts the connection, so
/// that the client sees the truncation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// A final response with a 1xx status (101 excepted), or a status above 599 (RFC 9110 §15).
    #[error("status {0} cannot be a final response")]
    NotFinal(u16),
    /// An interim response with a status that is not 1xx, or with 101, which is final.
    #[error("status {0} cannot be an interim response")]
    NotInterim(u16),
    /// 101 to a request that did not offer an upgrade, or without the Upgrade that says what to
    /// (RFC 9110 §7.8).
    #[error("101 without Upgrade in request and response")]
    InvalidUpgrade,
    /// A field that belongs to the connection, which is the host's (RFC 9110 §7.6.1).
    #[error("application set the connection's own field {0}")]
    HopByHop(&'static str),
    /// The application's Content-Length is repeated or not a number, or the status forbids it.
    #[error("application set an invalid Content-Length")]
    InvalidContentLength,
    /// The application's Content-Length is not the length of its body.
    #[error("application declared {declared} bytes, body has {actual}")]
    ContentLengthMismatch {
        /// What the Content-Length says.
        declared: u64,
        /// What the body has.
        actual: u64,
    },
    /// A body in a response that cannot have one: 204, 205, 101, 2xx to CONNECT.
    #[error("status {0} cannot have a body")]
    BodyNotAllowed(u16),
    /// More data than declared; what is beyond was not written.
    #[error("body is longer than the declared {declared} bytes")]
    TooLong {
        /// What the head says.
        declared: u64,
    },
    /// The body ended before its declared length.
    #[error("body ended {missing} bytes before its declared length")]
    TooShort {
        /// How many bytes the client still waits for.
        missing: u64,
    },
    /// A trailer that decides framing, routing or authentication (RFC 9110 §6.5.1).
    #[error("{0} is not allowed in trailers")]
    ForbiddenTrailer(&'static str),
}

impl EncodeError {
    /// The status to answer with instead, if the head is not sent yet: always 500.
    pub fn status(self) -> StatusCode {
        StatusCode::INTERNAL_SERVER_ERROR
    }

    /// Always [`Fault::Application`].
    pub fn fault(self) -> Fault {
        Fault::Application
    }
}

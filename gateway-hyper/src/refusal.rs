//! [`Refusal`]: why a request is refused before the application sees it, and with which status.

use gateway_core::{InputError, StatusError};
use http::StatusCode;

/// Why a request is refused. Over HTTP/1 the connection is closed after the answer: where the next
/// request starts can no longer be trusted, or the client is not one to go on with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("request line too long")]
    RequestLineTooLong,
    #[error("request head too long")]
    HeadTooLong,
    #[error("too many header fields")]
    TooManyHeaders,
    #[error("request body larger than {0} bytes")]
    BodyTooLarge(u64),
    #[error("chunk line too long")]
    ChunkLineTooLong,
    #[error("chunk extensions too long")]
    ChunkExtensionsTooLong,
    #[error("trailer section too long")]
    TrailersTooLong,
    #[error("request head took too long")]
    HeadTimedOut,

    #[error("line feed without carriage return")]
    BareLineFeed,
    #[error("carriage return without line feed")]
    BareCarriageReturn,
    #[error("field line begins with whitespace")]
    ObsoleteFolding,
    #[error("malformed request line")]
    InvalidRequestLine,
    #[error("malformed method")]
    InvalidMethod,
    #[error("method too long")]
    MethodTooLong,
    #[error("malformed request target")]
    InvalidTarget,
    #[error("target form does not suit the method")]
    TargetFormMismatch,
    #[error("unsupported scheme in request target")]
    UnsupportedScheme,
    #[error("malformed HTTP version")]
    InvalidVersion,
    #[error("unsupported HTTP version")]
    UnsupportedVersion,
    #[error("field line without colon")]
    MissingColon,
    #[error("malformed field name")]
    InvalidHeaderName,
    #[error("whitespace before colon")]
    SpaceBeforeColon,
    #[error("control character in field value")]
    InvalidHeaderValue,
    #[error("whitespace around field value")]
    PaddedHeaderValue,
    #[error("underscore in field name")]
    UnderscoreInHeaderName,

    #[error("no Host")]
    MissingHost,
    #[error("more than one Host")]
    RepeatedHost,
    #[error("malformed Host")]
    InvalidHost,
    #[error("Host differs from request target")]
    HostMismatch,

    #[error("both Content-Length and Transfer-Encoding")]
    ConflictingFraming,
    #[error("malformed Content-Length")]
    InvalidContentLength,
    #[error("more than one Content-Length")]
    RepeatedContentLength,
    #[error("malformed Transfer-Encoding")]
    InvalidTransferEncoding,
    #[error("chunked is not the final transfer coding")]
    ChunkedNotFinal,
    #[error("unknown transfer coding")]
    UnknownTransferCoding,
    #[error("Transfer-Encoding in HTTP/1.0")]
    TransferEncodingInHttp10,
    #[error("CONNECT with a body")]
    BodyInConnect,
    #[error("CONNECT is not served here")]
    Connect,
    #[error("malformed Connection")]
    InvalidConnection,
    #[error("unknown expectation")]
    UnknownExpectation,

    #[error("malformed chunk size")]
    InvalidChunkSize,
    #[error("chunk size too long")]
    ChunkSizeTooLong,
    #[error("malformed chunk extension")]
    InvalidChunkExtension,
    #[error("chunk data not followed by CRLF")]
    UnterminatedChunk,
    #[error("field not allowed in trailers")]
    ForbiddenTrailer,
}

impl Refusal {
    /// The status to answer with.
    pub(crate) fn status(self) -> StatusCode {
        match self {
            Self::BodyTooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::RequestLineTooLong => StatusCode::URI_TOO_LONG,
            Self::HeadTimedOut => StatusCode::REQUEST_TIMEOUT,
            Self::UnknownExpectation => StatusCode::EXPECTATION_FAILED,
            Self::HeadTooLong | Self::TooManyHeaders | Self::TrailersTooLong => {
                StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE
            }
            Self::MethodTooLong | Self::UnknownTransferCoding | Self::Connect => {
                StatusCode::NOT_IMPLEMENTED
            }
            Self::UnsupportedVersion => StatusCode::HTTP_VERSION_NOT_SUPPORTED,
            _ => StatusCode::BAD_REQUEST,
        }
    }

    /// The same, to the application that reads a body which turns out to be refused.
    pub(crate) fn of_input(self) -> InputError {
        match self {
            Self::BodyTooLarge(limit) => InputError::TooLarge { limit },
            _ => InputError::Malformed,
        }
    }
}

impl From<Refusal> for StatusError {
    fn from(refusal: Refusal) -> Self {
        Self::new(refusal.status(), refusal.to_string())
    }
}

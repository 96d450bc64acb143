//! What can be wrong with a request, whose fault it is, and which status answers it.

use http::StatusCode;

/// Why a request was refused.
///
/// Every error ends the connection: where the next request starts can no longer be trusted. The host
/// answers [`status`](Self::status), if nothing was answered yet, and closes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Longer than [`Limits::request_line`](crate::Limits::request_line).
    #[error("request line too long")]
    RequestLineTooLong,
    /// Longer than [`Limits::head`](crate::Limits::head).
    #[error("request head too long")]
    HeadTooLong,
    /// More than [`Limits::headers`](crate::Limits::headers).
    #[error("too many header fields")]
    TooManyHeaders,
    /// Longer than [`Limits::body`](crate::Limits::body), as declared or as received.
    #[error("request body too large")]
    BodyTooLarge,
    /// Longer than [`Limits::chunk_line`](crate::Limits::chunk_line).
    #[error("chunk line too long")]
    ChunkLineTooLong,
    /// Together longer than [`Limits::chunk_extensions`](crate::Limits::chunk_extensions).
    #[error("chunk extensions too long")]
    ChunkExtensionsTooLong,
    /// Longer than [`Limits::trailers`](crate::Limits::trailers).
    #[error("trailer section too long")]
    TrailersTooLong,

    /// A line that ends in LF without CR. RFC 9112 §2.2 lets a recipient accept it; a front that does
    /// and a back that does not disagree about where a message ends.
    #[error("line feed without carriage return")]
    BareLineFeed,
    /// A CR that LF does not follow (RFC 9112 §2.2).
    #[error("carriage return without line feed")]
    BareCarriageReturn,
    /// A field line that begins with a space or tab: obs-fold (RFC 9112 §5.2), or whitespace before the
    /// first field (§2.2).
    #[error("field line begins with whitespace")]
    ObsoleteFolding,

    /// Not `method SP target SP version` with exactly one space each (RFC 9112 §3).
    #[error("malformed request line")]
    InvalidRequestLine,
    /// The method is not a token (RFC 9110 §9.1).
    #[error("malformed method")]
    InvalidMethod,
    /// Longer than any method there is (RFC 9112 §3).
    #[error("method too long")]
    MethodTooLong,
    /// The target holds a byte that no URI holds, or a fragment, or no host (RFC 9112 §3.2).
    #[error("malformed request target")]
    InvalidTarget,
    /// The form of the target is not one that this method has: `*` belongs to OPTIONS, `host:port` to
    /// CONNECT (RFC 9112 §3.2.3, §3.2.4).
    #[error("target form does not suit the method")]
    TargetFormMismatch,
    /// An absolute-form target that is neither http nor https.
    #[error("unsupported scheme in request target")]
    UnsupportedScheme,
    /// Not `HTTP/` digit `.` digit (RFC 9112 §2.3).
    #[error("malformed HTTP version")]
    InvalidVersion,
    /// A well-formed version other than 1.0 and 1.1.
    #[error("unsupported HTTP version")]
    UnsupportedVersion,
    /// The connection preface of HTTP/2 (RFC 9113 §3.4).
    #[error("HTTP/2 preface on an HTTP/1.1 connection")]
    Http2Preface,
    /// The first byte of a TLS handshake.
    #[error("TLS handshake on a plain connection")]
    TlsHandshake,

    /// A field line with no colon.
    #[error("field line without colon")]
    MissingColon,
    /// A field name that is empty or not a token (RFC 9110 §5.1).
    #[error("malformed field name")]
    InvalidHeaderName,
    /// Whitespace between the field name and its colon (RFC 9112 §5.1).
    #[error("whitespace before colon")]
    SpaceBeforeColon,
    /// A control character in a field value (RFC 9110 §5.5).
    #[error("control character in field value")]
    InvalidHeaderValue,
    /// A field name with `_`; see [`Underscores`](crate::Underscores).
    #[error("underscore in field name")]
    UnderscoreInHeaderName,

    /// HTTP/1.1 without Host (RFC 9112 §3.2).
    #[error("no Host")]
    MissingHost,
    /// More than one Host (RFC 9112 §3.2).
    #[error("more than one Host")]
    RepeatedHost,
    /// Host is not `host[:port]` (RFC 9110 §7.2).
    #[error("malformed Host")]
    InvalidHost,
    /// Host names another authority than the target does.
    #[error("Host differs from request target")]
    HostMismatch,

    /// Both Content-Length and Transfer-Encoding (RFC 9112 §6.3 item 3).
    #[error("both Content-Length and Transfer-Encoding")]
    ConflictingFraming,
    /// Not a decimal number that fits 64 bits (RFC 9110 §8.6).
    #[error("malformed Content-Length")]
    InvalidContentLength,
    /// More than one Content-Length, on lines of their own or in a list, equal or not
    /// (RFC 9112 §6.3 item 5).
    #[error("more than one Content-Length")]
    RepeatedContentLength,
    /// Not a list of transfer codings, or chunked twice, or chunked with a parameter (RFC 9112 §6.1, §7).
    #[error("malformed Transfer-Encoding")]
    InvalidTransferEncoding,
    /// Chunked is not the last coding, so the body has no end (RFC 9112 §6.3 item 4).
    #[error("chunked is not the final transfer coding")]
    ChunkedNotFinal,
    /// A coding other than chunked (RFC 9112 §6.1).
    #[error("unknown transfer coding")]
    UnknownTransferCoding,
    /// Transfer-Encoding in HTTP/1.0 (RFC 9112 §6.1).
    #[error("Transfer-Encoding in HTTP/1.0")]
    TransferEncodingInHttp10,
    /// CONNECT with a body (RFC 9110 §9.3.6).
    #[error("CONNECT with a body")]
    BodyInConnect,

    /// Connection is not a list of tokens (RFC 9110 §7.6.1).
    #[error("malformed Connection")]
    InvalidConnection,
    /// An expectation other than `100-continue` (RFC 9110 §10.1.1).
    #[error("unknown expectation")]
    UnknownExpectation,

    /// A chunk size that is not hexadecimal digits (RFC 9112 §7.1).
    #[error("malformed chunk size")]
    InvalidChunkSize,
    /// A chunk size of more than 16 digits, leading zeros counted: it may not fit 64 bits.
    #[error("chunk size too long")]
    ChunkSizeTooLong,
    /// Something after the chunk size that is no extension (RFC 9112 §7.1.1).
    #[error("malformed chunk extension")]
    InvalidChunkExtension,
    /// Chunk data that CRLF does not follow (RFC 9112 §7.1).
    #[error("chunk data not followed by CRLF")]
    UnterminatedChunk,
    /// A trailer that decides framing, routing or authentication (RFC 9110 §6.5.1).
    #[error("field not allowed in trailers")]
    ForbiddenTrailer,
}

impl Error {
    /// The status to answer with before closing.
    pub fn status(self) -> StatusCode {
        match self {
            Self::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::RequestLineTooLong => StatusCode::URI_TOO_LONG,
            Self::UnknownExpectation => StatusCode::EXPECTATION_FAILED,
            Self::HeadTooLong | Self::TooManyHeaders | Self::TrailersTooLong => {
                StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE
            }
            Self::MethodTooLong | Self::UnknownTransferCoding => StatusCode::NOT_IMPLEMENTED,
            Self::UnsupportedVersion | Self::Http2Preface => StatusCode::HTTP_VERSION_NOT_SUPPORTED,
            _ => StatusCode::BAD_REQUEST,
        }
    }

    /// Whether the client broke the protocol, or asked for more than this server grants.
    pub fn fault(self) -> Fault {
        match self {
            Self::RequestLineTooLong
            | Self::HeadTooLong
            | Self::TooManyHeaders
            | Self::BodyTooLarge
            | Self::ChunkLineTooLong
            | Self::ChunkExtensionsTooLong
            | Self::TrailersTooLong
            | Self::MethodTooLong
            | Self::UnsupportedScheme
            | Self::UnsupportedVersion
            | Self::UnderscoreInHeaderName
            | Self::UnknownTransferCoding
            | Self::UnknownExpectation => Fault::Limit,
            _ => Fault::Client,
        }
    }
}

/// Who is to blame; decides how loud a log line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Fault {
    /// The client broke the protocol.
    Client,
    /// The client kept the protocol, but asked for more than this server grants.
    Limit,
    /// The application made a response that cannot be sent.
    Application,
}

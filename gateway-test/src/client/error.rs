//! What can be wrong with a response.

use std::io;

use super::Reply;

/// Why no whole, correct response could be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// Nothing more came, and the connection stayed open; with the start of what was not used.
    #[error("timed out; unused bytes: \"{0}\"")]
    TimedOut(String),
    /// The connection ended before a byte of the response.
    #[error("the connection was closed before a response")]
    Closed,
    /// The connection ended within the response.
    #[error("the response was cut off: {reply:?}")]
    Truncated {
        /// Head and body as far as they came; `None` if not even the head was whole.
        reply: Option<Box<Reply>>,
    },
    /// The connection was reset.
    #[error("the connection was reset: {reply:?}")]
    Reset {
        /// As in [`Truncated`](Self::Truncated).
        reply: Option<Box<Reply>>,
    },
    /// Bytes came where none should; with the start of them.
    #[error("bytes where none should be: \"{0}\"")]
    Trailing(String),
    /// The bytes are no response.
    #[error(transparent)]
    Wrong(#[from] WrongBytes),
    /// Anything else of the system.
    #[error(transparent)]
    Io(io::Error),
}

impl ReadError {
    /// Whether the connection ended within the response, one way or the other.
    pub fn is_cut(&self) -> bool {
        matches!(self, Self::Truncated { .. } | Self::Reset { .. })
    }

    /// Whether the connection ended, within the response or before it.
    pub fn is_end(&self) -> bool {
        self.is_cut() || matches!(self, Self::Closed)
    }

    /// Head and body as far as they came, where the response was cut off within its body.
    pub fn reply(&self) -> Option<&Reply> {
        match self {
            Self::Truncated { reply } | Self::Reset { reply } => reply.as_deref(),
            _ => None,
        }
    }

    /// The same error, met after the head: with what had come.
    pub(super) fn within(self, reply: Reply) -> Self {
        let reply = Some(Box::new(reply));
        match self {
            Self::Truncated { .. } | Self::Closed => Self::Truncated { reply },
            Self::Reset { .. } => Self::Reset { reply },
            other => other,
        }
    }
}

/// What makes bytes no response (RFC 9112).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WrongBytes {
    /// A line that does not end in CRLF, or has a CR within (§2.2).
    #[error("a line does not end in CRLF")]
    LineEnd,
    /// A line of more than a megabyte.
    #[error("a line without end")]
    LineTooLong,
    /// Not `HTTP/1.x SP 3DIGIT SP reason` (§4).
    #[error("malformed status line: {0:?}")]
    StatusLine(String),
    /// Not `name: value` (§5).
    #[error("malformed field line: {0:?}")]
    FieldLine(String),
    /// Content-Length that is no number, or repeated (§6.2).
    #[error("malformed Content-Length: {0:?}")]
    ContentLength(Vec<String>),
    /// Anything but a single `chunked` (§6.1).
    #[error("malformed Transfer-Encoding: {0:?}")]
    TransferEncoding(Vec<String>),
    /// Content-Length beside Transfer-Encoding (§6.2).
    #[error("both Content-Length and Transfer-Encoding")]
    ConflictingFraming,
    /// A field about framing in a response that has none: 1xx, 204 (§6.1, §6.2).
    #[error("framing in a {0} response")]
    UnexpectedFraming(u16),
    /// Not a chunk size (§7.1). Extensions are refused: no host has reason to send any.
    #[error("malformed chunk size: {0:?}")]
    ChunkSize(String),
    /// Chunk data that CRLF does not follow (§7.1).
    #[error("chunk data not followed by CRLF")]
    ChunkEnd,
    /// Framing or routing in trailers (RFC 9110 §6.5.1).
    #[error("field not allowed in trailers: {0:?}")]
    Trailer(String),
}

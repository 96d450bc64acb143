//! Why a connection ends.

use std::fmt;

use crate::encode_error::EncodeError;
use crate::error::Error;

/// Why a connection ended, or ends after the current response.
///
/// This crate decides some; the others are the host's, and stand here so that every host logs the same
/// words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CloseReason {
    /// The client closed between two requests, or without any: the good end.
    ClientClosed,
    /// The client closed inside a request head.
    TruncatedHead,
    /// The client closed inside a request body.
    TruncatedBody {
        /// How many bytes it still owed, where Content-Length says so.
        missing: Option<u64>,
    },
    /// The client sent `Connection: close`, or HTTP/1.0 without `keep-alive`, or CONNECT.
    ClientAsked,
    /// The application sent `Connection: close`.
    ApplicationAsked,
    /// The end of the response body could only be told by closing: HTTP/1.0 and unknown length.
    UndelimitedResponse,
    /// The request was refused.
    Refused(Error),
    /// The application's response could not be sent, or not to its end.
    BadResponse(EncodeError),
    /// The application failed after the response head was sent.
    Aborted,
    /// The application did not read the request body, and what is left is too much to discard.
    UnreadBody,
    /// A deadline passed while the connection was in this state.
    TimedOut(Reading),
    /// The client did not take the response in time.
    WriteTimedOut,
    /// The connection has served as many requests as it may.
    RequestLimit,
    /// The server is stopping.
    Shutdown,
    /// The socket failed, or the client reset the connection.
    Disconnected,
    /// The connection now belongs to another protocol (101, or 2xx to CONNECT).
    Upgraded,
}

impl fmt::Display for CloseReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ClientClosed => f.write_str("client closed between requests"),
            Self::TruncatedHead => f.write_str("client closed inside a request head"),
            Self::TruncatedBody { missing: None } => {
                f.write_str("client closed inside a request body")
            }
            Self::TruncatedBody {
                missing: Some(bytes),
            } => write!(f, "client closed {bytes} bytes before the end of a body"),
            Self::ClientAsked => f.write_str("client asked to close"),
            Self::ApplicationAsked => f.write_str("application asked to close"),
            Self::UndelimitedResponse => f.write_str("end of response told by closing"),
            Self::Refused(error) => write!(f, "request refused: {error}"),
            Self::BadResponse(error) => write!(f, "response cannot be sent: {error}"),
            Self::Aborted => f.write_str("application failed after the response head"),
            Self::UnreadBody => f.write_str("request body left unread"),
            Self::TimedOut(reading) => write!(f, "timed out {reading}"),
            Self::WriteTimedOut => f.write_str("timed out writing a response"),
            Self::RequestLimit => f.write_str("request limit of the connection reached"),
            Self::Shutdown => f.write_str("server is stopping"),
            Self::Disconnected => f.write_str("connection lost"),
            Self::Upgraded => f.write_str("connection handed to another protocol"),
        }
    }
}

/// What a [`Receiver`](crate::Receiver) is in the middle of; decides which deadline applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reading {
    /// Between requests: nothing of the next one has come.
    Idle,
    /// Inside a request head.
    Head,
    /// Inside a request body, or its trailers.
    Body,
    /// The request is read to its end; its [`End`](crate::Event::End) has not been taken.
    End,
    /// No further request is read from this connection.
    Closed,
}

impl fmt::Display for Reading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Idle => "waiting for a request",
            Self::Head => "reading a request head",
            Self::Body => "reading a request body",
            Self::End => "at the end of a request",
            Self::Closed => "after the last request",
        })
    }
}

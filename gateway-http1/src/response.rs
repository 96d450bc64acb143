//! How a response body is delimited, decided before a byte of it is written.
//!
//! Whoever edits this file: what the application says about its body and what the host knows of it must
//! agree, or nothing is sent. A response that is longer or shorter than its head says desynchronises the
//! connection, which is response splitting.

use http::StatusCode;

use crate::encode_error::EncodeError;
use crate::exchange::Exchange;

/// What the host knows of the length of a response body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyLength {
    /// Exactly this many bytes, which may be none.
    Known(u64),
    /// It ends when the application says so. Unless the application set a Content-Length, the body is
    /// sent chunked, and in HTTP/1.0 its end is told by closing.
    Unknown,
}

/// How the body of a response is delimited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ResponseFraming {
    /// No body whatever the head says: HEAD, 304, and statuses without one. `declared` goes into the head.
    NoBody { declared: Option<u64> },
    /// No body, and from here on the connection speaks another protocol: 101, 2xx to CONNECT.
    Upgrade,
    /// Content-Length.
    Length(u64),
    /// `Transfer-Encoding: chunked`.
    Chunked,
    /// The end of the connection.
    UntilClose,
}

impl ResponseFraming {
    /// Framing of a response (RFC 9112 §6.3, seen from the sender; RFC 9110 §8.6).
    ///
    /// `declared` is the application's own Content-Length.
    pub(crate) fn of_response(
        exchange: &Exchange,
        status: StatusCode,
        declared: Option<u64>,
        length: BodyLength,
    ) -> Result<Self, EncodeError> {
        match status.as_u16() {
            101 if !exchange.offers_upgrade() => Err(EncodeError::InvalidUpgrade),
            code @ (..=100 | 102..=199 | 600..) => Err(EncodeError::NotFinal(code)),
            // §8.6: no Content-Length in 1xx and 204, nor in 2xx to CONNECT.
            101 => without_body(status, declared, length).map(|()| Self::Upgrade),
            200..=299 if exchange.is_connect() => {
                without_body(status, declared, length).map(|()| Self::Upgrade)
            }
            204 => without_body(status, declared, length).map(|()| Self::NoBody { declared: None }),
            // RFC 9110 §15.3.6: 205 says that it has none.
            205 => {
                without_body(status, declared, length).map(|()| Self::NoBody { declared: Some(0) })
            }
            // §8.6: what GET would have had. The host's knowledge is of no use, as there is no body.
            304 => Ok(Self::NoBody { declared }),
            _ if exchange.is_head() => of_head(declared, length),
            _ => of_body(exchange, declared, length),
        }
    }
}

/// Checks that a status that has no body was not given one. A Content-Length of 0 is merely left out.
fn without_body(
    status: StatusCode,
    declared: Option<u64>,
    length: BodyLength,
) -> Result<(), EncodeError> {
    match (declared, length) {
        (None | Some(0), BodyLength::Known(0) | BodyLength::Unknown) => Ok(()),
        (Some(1..), _) => Err(EncodeError::InvalidContentLength),
        (_, BodyLength::Known(_)) => Err(EncodeError::BodyNotAllowed(status.as_u16())),
    }
}

/// HEAD may say how long the body of GET is. An empty body says nothing about that: the application may
/// have left it out.
fn of_head(declared: Option<u64>, length: BodyLength) -> Result<ResponseFraming, EncodeError> {
    let declared = match (declared, length) {
        (Some(declared), BodyLength::Known(actual @ 1..)) => Some(agreed(declared, actual)?),
        (None, BodyLength::Known(actual @ 1..)) => Some(actual),
        (declared, _) => declared,
    };
    Ok(ResponseFraming::NoBody { declared })
}

fn of_body(
    exchange: &Exchange,
    declared: Option<u64>,
    length: BodyLength,
) -> Result<ResponseFraming, EncodeError> {
    Ok(match (declared, length) {
        (Some(declared), BodyLength::Known(actual)) => {
            ResponseFraming::Length(agreed(declared, actual)?)
        }
        (Some(length), BodyLength::Unknown) | (None, BodyLength::Known(length)) => {
            ResponseFraming::Length(length)
        }
        (None, BodyLength::Unknown) if exchange.is_http10() => ResponseFraming::UntilClose,
        (None, BodyLength::Unknown) => ResponseFraming::Chunked,
    })
}

fn agreed(declared: u64, actual: u64) -> Result<u64, EncodeError> {
    if declared == actual {
        Ok(actual)
    } else {
        Err(EncodeError::ContentLengthMismatch { declared, actual })
    }
}

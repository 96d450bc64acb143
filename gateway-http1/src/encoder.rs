//! The sending half of one exchange: a response body onto bytes.

use http::{HeaderMap, StatusCode};

use crate::close::CloseReason;
use crate::encode_error::EncodeError;
use crate::response::ResponseFraming;
use crate::response_fields::write_fields;
use crate::trailers;

/// Writes the body of a response whose head [`encode_head`](crate::encode_head) wrote.
///
/// A body goes out by [`data`](Self::data), which copies, or by [`begin_chunk`](Self::begin_chunk) and
/// [`end_chunk`](Self::end_chunk), between which the host itself sends the bytes (writev, sendfile). Either
/// way no byte beyond the declared length is let through, and [`end`](Self::end) says if any is missing.
#[derive(Debug)]
#[must_use]
pub struct Encoder {
    framing: Framing,
    close: Option<CloseReason>,
}

#[derive(Debug)]
enum Framing {
    NoBody { status: StatusCode },
    Upgrade { status: StatusCode },
    Length { declared: u64, remaining: u64 },
    Chunked { open: bool },
    UntilClose,
}

/// What becomes of the connection after a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum AfterResponse {
    /// The next request may be read, once the body of this one is.
    KeepAlive,
    /// It closes.
    Close(CloseReason),
    /// It now speaks another protocol: what was received and not used is the first of it.
    Upgrade,
}

impl Encoder {
    pub(crate) fn new(
        framing: ResponseFraming,
        status: StatusCode,
        close: Option<CloseReason>,
    ) -> Self {
        let framing = match framing {
            ResponseFraming::NoBody { .. } => Framing::NoBody { status },
            ResponseFraming::Upgrade => Framing::Upgrade { status },
            ResponseFraming::Length(length) => Framing::Length {
                declared: length,
                remaining: length,
            },
            ResponseFraming::Chunked => Framing::Chunked { open: false },
            ResponseFraming::UntilClose => Framing::UntilClose,
        };
        Self { framing, close }
    }

    /// Whether the body is sent. Not for HEAD, 204, 205, 304 and an upgrade: the host then need not produce
    /// it.
    pub fn wants_body(&self) -> bool {
        !matches!(
            self.framing,
            Framing::NoBody { .. } | Framing::Upgrade { .. }
        )
    }

    /// How many bytes are still to come, where the head says so.
    pub fn remaining(&self) -> Option<u64> {
        match self.framing {
            Framing::NoBody { .. } | Framing::Upgrade { .. } => Some(0),
            Framing::Length { remaining, .. } => Some(remaining),
            Framing::Chunked { .. } | Framing::UntilClose => None,
        }
    }

    /// Writes a piece of body to the end of `out`. Where there is no body, it is dropped.
    ///
    /// # Errors
    ///
    /// [`EncodeError::TooLong`]: the piece goes beyond the declared length; nothing of it was written.
    pub fn data(&mut self, piece: &[u8], out: &mut Vec<u8>) -> Result<(), EncodeError> {
        if !self.wants_body() {
            return Ok(());
        }
        self.begin_chunk(piece.len() as u64, out)?;
        out.extend_from_slice(piece);
        self.end_chunk(out);
        Ok(())
    }

    /// Writes what comes before `length` bytes of body that the host then sends itself.
    ///
    /// # Errors
    ///
    /// [`EncodeError::TooLong`]: they go beyond the declared length. [`EncodeError::BodyNotAllowed`]: there is
    /// no body; see [`wants_body`](Self::wants_body). The host must not send them then.
    pub fn begin_chunk(&mut self, length: u64, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        self.end_chunk(out);
        match &mut self.framing {
            Framing::NoBody { status } | Framing::Upgrade { status } => {
                return Err(EncodeError::BodyNotAllowed(status.as_u16()));
            }
            Framing::Length {
                declared,
                remaining,
            } => {
                let declared = *declared;
                *remaining = remaining
                    .checked_sub(length)
                    .ok_or(EncodeError::TooLong { declared })?;
            }
            // A chunk of size 0 would end the body.
            Framing::Chunked { .. } if length == 0 => {}
            Framing::Chunked { open } => {
                *open = true;
                write_hexadecimal(out, length);
                out.extend_from_slice(b"\r\n");
            }
            Framing::UntilClose => {}
        }
        Ok(())
    }

    /// Writes what comes after the bytes that [`begin_chunk`](Self::begin_chunk) announced.
    pub fn end_chunk(&mut self, out: &mut Vec<u8>) {
        if let Framing::Chunked { open } = &mut self.framing {
            if std::mem::take(open) {
                out.extend_from_slice(b"\r\n");
            }
        }
    }

    /// Ends the body, and says what becomes of the connection.
    ///
    /// `trailers` are sent where the body is chunked, and dropped where it is not.
    ///
    /// # Errors
    ///
    /// [`EncodeError::TooShort`]: the client still waits for bytes; [`EncodeError::ForbiddenTrailer`]. The
    /// end was not written, and the connection must be aborted so that the client sees the truncation.
    pub fn end(
        mut self,
        trailers: Option<&HeaderMap>,
        out: &mut Vec<u8>,
    ) -> Result<AfterResponse, EncodeError> {
        match self.framing {
            Framing::Upgrade { .. } => return Ok(AfterResponse::Upgrade),
            Framing::Length {
                remaining: missing @ 1..,
                ..
            } => return Err(EncodeError::TooShort { missing }),
            Framing::Chunked { .. } => {
                self.end_chunk(out);
                write_last_chunk(trailers, out)?;
            }
            Framing::Length { .. } | Framing::NoBody { .. } | Framing::UntilClose => {}
        }
        Ok(match self.close {
            Some(reason) => AfterResponse::Close(reason),
            None => AfterResponse::KeepAlive,
        })
    }
}

fn write_last_chunk(trailers: Option<&HeaderMap>, out: &mut Vec<u8>) -> Result<(), EncodeError> {
    if let Some(name) = trailers.and_then(trailers::forbidden) {
        return Err(EncodeError::ForbiddenTrailer(name));
    }
    out.extend_from_slice(b"0\r\n");
    if let Some(trailers) = trailers {
        write_fields(out, trailers);
    }
    out.extend_from_slice(b"\r\n");
    Ok(())
}

fn write_hexadecimal(out: &mut Vec<u8>, number: u64) {
    let digits = (u64::BITS - number.leading_zeros()).div_ceil(4).max(1);
    for place in (0..digits).rev() {
        let digit = (number >> (place * 4)) as usize & 0xf;
        out.push(b"0123456789abcdef"[digit]);
    }
}

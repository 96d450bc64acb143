//! Response heads, final and interim, onto bytes.

use http::{HeaderMap, StatusCode};

use crate::close::CloseReason;
use crate::encode_error::EncodeError;
use crate::encoder::Encoder;
use crate::exchange::Exchange;
use crate::response::{BodyLength, ResponseFraming};
use crate::response_fields::{Own, check_interim, write_application_fields, write_fields};

/// `100 Continue`, as it goes to a client that waits for it.
pub const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

/// Writes the head of a final response to the end of `out`, and says how its body is to be written.
///
/// Framing and persistence are this crate's: it adds Content-Length, Transfer-Encoding and Connection, and
/// Date where the application set none. `date` is an IMF-fixdate (RFC 9110 §5.6.7), such as
/// `Sun, 06 Nov 1994 08:49:37 GMT`.
///
/// Of the application's `headers`, a Content-Length is honoured if it is one sound number and agrees with
/// `length`; for HEAD and 304 it may be that of GET. `Connection: close` is honoured; Upgrade is in 101 and
/// 426. The version is HTTP/1.1 also to a client of HTTP/1.0 (RFC 9112 §2.3).
///
/// # Errors
///
/// The response cannot be sent so; nothing was written, and the host can answer 500 instead. See
/// [`EncodeError`] for what is refused.
pub fn encode_head(
    out: &mut Vec<u8>,
    exchange: &Exchange,
    status: StatusCode,
    headers: &HeaderMap,
    length: BodyLength,
    date: &[u8; 29],
) -> Result<Encoder, EncodeError> {
    let start = out.len();
    write_head(out, exchange, status, headers, length, date).inspect_err(|_| out.truncate(start))
}

/// Writes an interim response, such as 103, to the end of `out`, before the final one.
///
/// False if nothing was written because the client speaks HTTP/1.0, which has none (RFC 9110 §15.2).
///
/// # Errors
///
/// [`EncodeError::NotInterim`] for 101, which is final, and for what is not 1xx; fields about framing or the
/// connection. Nothing was written then.
pub fn encode_interim(
    out: &mut Vec<u8>,
    exchange: &Exchange,
    status: StatusCode,
    headers: &HeaderMap,
) -> Result<bool, EncodeError> {
    if !status.is_informational() || status == StatusCode::SWITCHING_PROTOCOLS {
        return Err(EncodeError::NotInterim(status.as_u16()));
    }
    check_interim(headers)?;
    if exchange.is_http10() {
        return Ok(false);
    }
    write_status_line(out, status);
    write_fields(out, headers);
    out.extend_from_slice(b"\r\n");
    Ok(true)
}

fn write_head(
    out: &mut Vec<u8>,
    exchange: &Exchange,
    status: StatusCode,
    headers: &HeaderMap,
    length: BodyLength,
    date: &[u8; 29],
) -> Result<Encoder, EncodeError> {
    write_status_line(out, status);
    let own = write_application_fields(out, status, headers)?;
    let framing = ResponseFraming::of_response(exchange, status, own.content_length, length)?;
    if status == StatusCode::SWITCHING_PROTOCOLS && !own.upgrade {
        return Err(EncodeError::InvalidUpgrade);
    }
    let close = closing(exchange, &own, framing);
    write_framing(out, framing);
    write_connection(out, exchange, framing, own.upgrade, close.is_some());
    if !own.date {
        out.extend_from_slice(b"date: ");
        out.extend_from_slice(date);
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(b"\r\n");
    Ok(Encoder::new(framing, status, close))
}

/// Why the connection ends after this response, if it does.
fn closing(exchange: &Exchange, own: &Own, framing: ResponseFraming) -> Option<CloseReason> {
    if let Some(reason) = exchange.closing() {
        return Some(reason);
    }
    if own.close {
        return Some(CloseReason::ApplicationAsked);
    }
    (framing == ResponseFraming::UntilClose).then_some(CloseReason::UndelimitedResponse)
}

fn write_status_line(out: &mut Vec<u8>, status: StatusCode) {
    if status == StatusCode::OK {
        return out.extend_from_slice(b"HTTP/1.1 200 OK\r\n");
    }
    out.extend_from_slice(b"HTTP/1.1 ");
    out.extend_from_slice(status.as_str().as_bytes());
    // The space stays where there is no reason phrase (RFC 9112 §4).
    out.push(b' ');
    out.extend_from_slice(status.canonical_reason().unwrap_or_default().as_bytes());
    out.extend_from_slice(b"\r\n");
}

fn write_framing(out: &mut Vec<u8>, framing: ResponseFraming) {
    match framing {
        ResponseFraming::NoBody {
            declared: Some(length),
        }
        | ResponseFraming::Length(length) => {
            out.extend_from_slice(b"content-length: ");
            write_decimal(out, length);
            out.extend_from_slice(b"\r\n");
        }
        ResponseFraming::Chunked => out.extend_from_slice(b"transfer-encoding: chunked\r\n"),
        ResponseFraming::NoBody { declared: None }
        | ResponseFraming::Upgrade
        | ResponseFraming::UntilClose => {}
    }
}

/// Connection where it says something that the version does not (RFC 9112 §9.3).
fn write_connection(
    out: &mut Vec<u8>,
    exchange: &Exchange,
    framing: ResponseFraming,
    upgrade: bool,
    close: bool,
) {
    let upgrades = framing == ResponseFraming::Upgrade;
    let line: &[u8] = match (upgrade, close && !upgrades) {
        (true, true) => b"connection: upgrade, close\r\n",
        (true, false) => b"connection: upgrade\r\n",
        (false, true) => b"connection: close\r\n",
        (false, false) if exchange.is_http10() && !upgrades => b"connection: keep-alive\r\n",
        (false, false) => return,
    };
    out.extend_from_slice(line);
}

fn write_decimal(out: &mut Vec<u8>, mut number: u64) {
    let mut digits = [0; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            return out.extend_from_slice(&digits[at..]);
        }
    }
}

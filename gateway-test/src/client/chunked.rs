//! The chunked coding of a response body (RFC 9112 §7.1), read strictly.

use std::io::Read;

use super::error::{ReadError, WrongBytes};
use super::incoming::Incoming;
use super::reply::{Reply, read_fields, read_length};

/// Trailers that decide framing or routing (RFC 9110 §6.5.1).
const FORBIDDEN: [&str; 5] = [
    "content-length",
    "transfer-encoding",
    "host",
    "connection",
    "trailer",
];

/// Reads chunks, the last one, and the trailers into `reply`.
pub(super) fn read<R: Read>(
    incoming: &mut Incoming<R>,
    reply: &mut Reply,
) -> Result<(), ReadError> {
    loop {
        let size = read_size(incoming)?;
        if size == 0 {
            break;
        }
        read_length(incoming, size as u64, &mut reply.body)?;
        reply.chunks.push(size);
        if incoming.exactly(2)? != *b"\r\n" {
            return Err(WrongBytes::ChunkEnd.into());
        }
    }
    reply.trailers = read_fields(incoming)?;
    let forbidden = |name: &str| {
        FORBIDDEN
            .iter()
            .any(|known| known.eq_ignore_ascii_case(name))
    };
    match reply.trailers.iter().find(|(name, _)| forbidden(name)) {
        Some((name, _)) => Err(WrongBytes::Trailer(name.clone()).into()),
        None => Ok(()),
    }
}

fn read_size<R: Read>(incoming: &mut Incoming<R>) -> Result<usize, ReadError> {
    let line = incoming.line()?;
    let wrong = || WrongBytes::ChunkSize(line.escape_ascii().to_string());
    let digits = (1..=8).contains(&line.len()) && line.iter().all(u8::is_ascii_hexdigit);
    let text = std::str::from_utf8(&line).ok().filter(|_| digits);
    let size = text.and_then(|text| usize::from_str_radix(text, 16).ok());
    size.ok_or_else(|| wrong().into())
}

//! A chunked body on its way in (RFC 9112 §7.1).

use gateway_core::server::Limits;
use memchr::memchr;

use super::{at_most, trailers};
use crate::octets::is_token;
use crate::refusal::Refusal;

/// A chunk size of more digits may not fit 64 bits. Also bounds leading zeros.
const MOST_SIZE_DIGITS: usize = 16;

/// The longest `chunk-size [ chunk-ext ]`, in bytes. hyper and Go bound the extensions of a body, as
/// the next constant does, but not a single line of it; 1 KiB is more than any sender writes.
const LONGEST_LINE: usize = 1024;

/// Bytes of chunk extensions in a body: 16 KiB, as in hyper and Go.
const MOST_EXTENSIONS: usize = 16 * 1024;

/// A chunked body on its way in.
#[derive(Debug, Default)]
pub(super) struct Chunked {
    state: State,
    total: u64,
    extensions: usize,
}

#[derive(Debug, Default, PartialEq)]
enum State {
    #[default]
    Size,
    Data(u64),
    DataEnd,
    Trailers,
    Over,
}

impl Chunked {
    pub(super) fn is_over(&self) -> bool {
        self.state == State::Over
    }

    /// Passes a chunk line, data, or the trailers; 0 if what comes next is not whole yet.
    pub(super) fn look(&mut self, bytes: &[u8], limits: &Limits) -> Result<usize, Refusal> {
        match &mut self.state {
            State::Size => self.look_at_size(bytes, limits),
            State::Data(left) => {
                let length = at_most(bytes.len(), *left);
                *left -= length as u64;
                if *left == 0 {
                    self.state = State::DataEnd;
                }
                Ok(length)
            }
            State::DataEnd => match bytes {
                [] | [b'\r'] => Ok(0),
                [b'\r', b'\n', ..] => {
                    self.state = State::Size;
                    Ok(2)
                }
                [b'\n', ..] => Err(Refusal::BareLineFeed),
                [b'\r', ..] => Err(Refusal::BareCarriageReturn),
                _ => Err(Refusal::UnterminatedChunk),
            },
            State::Trailers => {
                let length = trailers::look(bytes, limits)?;
                if length > 0 {
                    self.state = State::Over;
                }
                Ok(length)
            }
            State::Over => Ok(0),
        }
    }

    /// `chunk-size [ chunk-ext ] CRLF`.
    fn look_at_size(&mut self, bytes: &[u8], limits: &Limits) -> Result<usize, Refusal> {
        let window = &bytes[..bytes.len().min(LONGEST_LINE + 2)];
        let Some(line_feed) = memchr(b'\n', window) else {
            return match window.len() == LONGEST_LINE + 2 {
                true => Err(Refusal::ChunkLineTooLong),
                false => Ok(0),
            };
        };
        let Some((b'\r', line)) = window[..line_feed].split_last() else {
            return Err(Refusal::BareLineFeed);
        };
        let (size, extensions) = read_line(line)?;
        self.extensions = self.extensions.saturating_add(extensions);
        if self.extensions > MOST_EXTENSIONS {
            return Err(Refusal::ChunkExtensionsTooLong);
        }
        self.total = self.total.saturating_add(size);
        if self.total > limits.body {
            return Err(Refusal::BodyTooLarge(limits.body));
        }
        self.state = match size {
            0 => State::Trailers,
            size => State::Data(size),
        };
        Ok(line_feed + 1)
    }
}

/// The size, and the length of the extensions.
fn read_line(line: &[u8]) -> Result<(u64, usize), Refusal> {
    let is_hex = |byte: &&u8| byte.is_ascii_hexdigit();
    let (digits, extensions) = line.split_at(line.iter().take_while(is_hex).count());
    if digits.len() > MOST_SIZE_DIGITS {
        return Err(Refusal::ChunkSizeTooLong);
    }
    // Whitespace before `;` is what some strip and some do not (RFC 9112 §7.1.1).
    if digits.is_empty() || !matches!(extensions, [] | [b';', ..]) {
        return Err(Refusal::InvalidChunkSize);
    }
    if !are_extensions(extensions) {
        return Err(Refusal::InvalidChunkExtension);
    }
    let size = digits.iter().fold(0u64, |size, digit| {
        let digit = char::from(*digit).to_digit(16).unwrap_or(0); // hexadecimal: counted above
        size << 4 | u64::from(digit)
    });
    Ok((size, extensions.len()))
}

/// `*( ";" name [ "=" value ] )`, a value being a token or a quoted string (RFC 9112 §7.1.1).
fn are_extensions(mut rest: &[u8]) -> bool {
    while let [b';', extension @ ..] = rest {
        let after_value = match after_token(extension) {
            Some([b'=', b'"', quoted @ ..]) => after_quoted(quoted),
            Some([b'=', value @ ..]) => after_token(value),
            after_name => after_name,
        };
        match after_value {
            Some(after) => rest = after,
            None => return false,
        }
    }
    rest.is_empty()
}

/// What comes after the token at the start.
fn after_token(bytes: &[u8]) -> Option<&[u8]> {
    let length = bytes.iter().take_while(|byte| is_token(**byte)).count();
    (length > 0).then(|| &bytes[length..])
}

/// What comes after the quoted string whose opening quote is gone (RFC 9110 §5.6.4).
fn after_quoted(mut bytes: &[u8]) -> Option<&[u8]> {
    let is_text = |byte: u8| byte == b'\t' || (byte >= b' ' && byte != 0x7f);
    loop {
        bytes = match bytes {
            [b'"', rest @ ..] => return Some(rest),
            [b'\\', escaped, rest @ ..] if is_text(*escaped) => rest,
            [byte, rest @ ..] if is_text(*byte) => rest,
            _ => return None,
        };
    }
}

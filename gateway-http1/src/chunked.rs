//! The chunked transfer coding, receiving (RFC 9112 §7.1).

use std::ops::Range;

use bytes::Bytes;
use http::HeaderMap;
use memchr::memchr;

use crate::error::Error;
use crate::fields;
use crate::framing::body_length;
use crate::limits::Limits;
use crate::lines::{Bounds, Search, blame};
use crate::token;
use crate::trailers;

/// A chunk size of more digits may not fit 64 bits. Also bounds leading zeros.
const MOST_SIZE_DIGITS: usize = 16;

/// A chunked body being read.
#[derive(Debug, Default)]
pub(crate) struct Chunked {
    state: State,
    /// Data so far, chunks announced included.
    total: u64,
    /// Bytes of chunk extensions so far.
    extensions: usize,
}

#[derive(Debug, Default)]
enum State {
    #[default]
    Size,
    Data(u64),
    DataEnd,
    Trailers(Search),
}

/// What was read, and how far it goes in the input.
pub(crate) enum Step {
    /// Nothing can be said before more bytes come. Those up to the number are used.
    Incomplete(usize),
    Data(Range<usize>),
    /// The body is over; trailers where there were any.
    End(usize, Option<HeaderMap>),
}

impl Chunked {
    /// Reads on in `input`, up to the first data or the end.
    pub(crate) fn receive(&mut self, input: &[u8], limits: &Limits) -> Result<Step, Error> {
        let mut used = 0;
        loop {
            let rest = &input[used..];
            match &mut self.state {
                State::Size => match self.read_size(rest, limits)? {
                    Some(length) => used += length,
                    None => return Ok(Step::Incomplete(used)),
                },
                State::Data(_) if rest.is_empty() => return Ok(Step::Incomplete(used)),
                State::Data(remaining) => {
                    let length = body_length(*remaining, rest);
                    *remaining -= length as u64;
                    if *remaining == 0 {
                        self.state = State::DataEnd;
                    }
                    return Ok(Step::Data(used..used + length));
                }
                State::DataEnd => match rest {
                    [] | [b'\r'] => return Ok(Step::Incomplete(used)),
                    [b'\r', b'\n', ..] => {
                        used += 2;
                        self.state = State::Size;
                    }
                    [b'\n', ..] => return Err(Error::BareLineFeed),
                    [b'\r', ..] => return Err(Error::BareCarriageReturn),
                    _ => return Err(Error::UnterminatedChunk),
                },
                State::Trailers(search) => return read_trailers(search, input, used, limits),
            }
        }
    }

    /// Reads `chunk-size [ chunk-ext ] CRLF`; how long it was, if it is complete.
    fn read_size(&mut self, input: &[u8], limits: &Limits) -> Result<Option<usize>, Error> {
        let longest = limits.chunk_line.saturating_add(2);
        let window = &input[..input.len().min(longest)];
        let Some(line_feed) = memchr(b'\n', window) else {
            return if window.len() == longest {
                Err(Error::ChunkLineTooLong)
            } else {
                Ok(None)
            };
        };
        let Some((b'\r', line)) = window[..line_feed].split_last() else {
            return Err(Error::BareLineFeed);
        };
        let (size, extensions) = split_size(line).map_err(|error| blame(line, error))?;
        self.begin_chunk(size, extensions, limits)?;
        Ok(Some(line_feed + 1))
    }

    fn begin_chunk(&mut self, size: u64, extensions: usize, limits: &Limits) -> Result<(), Error> {
        self.extensions = self.extensions.saturating_add(extensions);
        if self.extensions > limits.chunk_extensions {
            return Err(Error::ChunkExtensionsTooLong);
        }
        self.total = self.total.saturating_add(size);
        if self.total > limits.body {
            return Err(Error::BodyTooLarge);
        }
        self.state = match size {
            0 => State::Trailers(Search::default()),
            size => State::Data(size),
        };
        Ok(())
    }
}

/// The size, and the length of the extensions after it.
fn split_size(line: &[u8]) -> Result<(u64, usize), Error> {
    let digits = line
        .iter()
        .take_while(|byte| byte.is_ascii_hexdigit())
        .count();
    if digits == 0 {
        return Err(Error::InvalidChunkSize);
    }
    if digits > MOST_SIZE_DIGITS {
        return Err(Error::ChunkSizeTooLong);
    }
    let (digits, extensions) = line.split_at(digits);
    // RFC 9112 §7.1.1 knows whitespace before `;` as bad; what strips it and what does not disagree.
    if !matches!(extensions, [] | [b';', ..]) {
        return Err(Error::InvalidChunkSize);
    }
    if !are_extensions(extensions) {
        return Err(Error::InvalidChunkExtension);
    }
    let size = digits.iter().fold(0, |size, digit| {
        size << 4 | u64::from((*digit as char).to_digit(16).unwrap_or(0))
    });
    Ok((size, extensions.len()))
}

/// `*( ";" name [ "=" value ] )`, where a value is a token or a quoted string (RFC 9112 §7.1.1).
fn are_extensions(mut rest: &[u8]) -> bool {
    while let [b';', extension @ ..] = rest {
        let Some(after_name) = skip_token(extension) else {
            return false;
        };
        rest = after_name;
        if let [b'=', value @ ..] = rest {
            let after_value = match value {
                [b'"', quoted @ ..] => skip_quoted(quoted),
                _ => skip_token(value),
            };
            let Some(after_value) = after_value else {
                return false;
            };
            rest = after_value;
        }
    }
    rest.is_empty()
}

/// What comes after the token at the start.
fn skip_token(bytes: &[u8]) -> Option<&[u8]> {
    let length = bytes
        .iter()
        .take_while(|byte| token::is_token_byte(**byte))
        .count();
    (length > 0).then(|| &bytes[length..])
}

/// What comes after the quoted string whose opening quote is gone (RFC 9110 §5.6.4).
fn skip_quoted(mut bytes: &[u8]) -> Option<&[u8]> {
    loop {
        bytes = match bytes {
            [b'"', rest @ ..] => return Some(rest),
            [b'\\', escaped, rest @ ..] if token::is_text_byte(*escaped) => rest,
            [byte, rest @ ..] if token::is_text_byte(*byte) => rest,
            _ => return None,
        };
    }
}

/// Reads the trailer section and its blank line, which start at `used`.
fn read_trailers(
    search: &mut Search,
    input: &[u8],
    used: usize,
    limits: &Limits,
) -> Result<Step, Error> {
    let bounds = Bounds {
        request_line: None,
        total: limits.trailers,
        lines: limits.headers,
        too_long: Error::TrailersTooLong,
    };
    let section = &input[used..];
    let Some(length) = search.find_end(section, &bounds, |_| ())? else {
        return Ok(Step::Incomplete(used));
    };
    let end = used + length;
    if search.lines() == 0 {
        return Ok(Step::End(end, None));
    }
    let section = Bytes::copy_from_slice(&section[..length]);
    let fields = fields::map(&section, 0, search.lines(), limits.underscores)?;
    match trailers::forbidden(&fields) {
        Some(_) => Err(Error::ForbiddenTrailer),
        None => Ok(Step::End(end, Some(fields))),
    }
}

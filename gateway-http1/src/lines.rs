//! Finding the end of a head, however slowly it arrives.
//!
//! Every line of a head or trailer section ends in CRLF and nothing else, and no field line begins
//! with whitespace. Both are decided here, so that what parses lines later only sees whole, sound ones.

use std::ops::Range;

use memchr::memchr;

use crate::error::Error;

/// A place in a head, which is never longer than 4 GiB: half as large as a range.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Span {
    start: u32,
    end: u32,
}

impl Span {
    /// The longest head in which every place is a span.
    pub(crate) const LONGEST_HEAD: usize = u32::MAX as usize;

    pub(crate) fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }

    /// The same place behind something that ends at `to`, and not at `from`.
    pub(crate) fn moved(self, from: u32, to: u32) -> Self {
        Self {
            start: self.start - from + to,
            end: self.end - from + to,
        }
    }

    pub(crate) fn is_empty(self) -> bool {
        self.start == self.end
    }

    /// What stands there, which is ASCII where this is asked.
    pub(crate) fn text(self, head: &[u8]) -> &str {
        std::str::from_utf8(&head[self.range()]).unwrap_or_default()
    }
}

impl From<Range<usize>> for Span {
    fn from(range: Range<usize>) -> Self {
        Self {
            start: range.start as u32,
            end: range.end as u32,
        }
    }
}

/// Bounds on the section that is searched.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// Longest request line without its CRLF; `None` for trailers, which have no such line.
    pub(crate) request_line: Option<usize>,
    /// Longest section with its blank line.
    pub(crate) total: usize,
    /// Most lines, the blank one not counted.
    pub(crate) lines: usize,
    /// What a section longer than `total` is.
    pub(crate) too_long: Error,
}

/// How far a section has been searched for the blank line that ends it.
///
/// Remembering it makes a head that comes a byte at a time cost as much as one that comes whole. What
/// is found depends on the bytes alone, never on where they were cut: each line is held against its
/// bounds before the next one is looked at.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Search {
    searched: usize,
    line_start: usize,
    lines: usize,
}

impl Search {
    /// Whether nothing has been looked at yet.
    pub(crate) fn is_fresh(self) -> bool {
        self.searched == 0
    }

    /// How many lines were found, the blank one not counted.
    pub(crate) fn lines(self) -> usize {
        self.lines
    }

    /// Looks on through `input`, which starts where the section starts, and shows each line that it finds,
    /// without its CRLF, to `each`.
    ///
    /// `Some(length)` is the length of the section with its blank line.
    pub(crate) fn find_end(
        &mut self,
        input: &[u8],
        bounds: &Bounds,
        mut each: impl FnMut(Range<usize>),
    ) -> Result<Option<usize>, Error> {
        loop {
            let (end, too_long) = self.line_end(bounds);
            let window = &input[..input.len().min(end)];
            let Some(at) = memchr(b'\n', &window[self.searched..]) else {
                self.searched = window.len();
                return if input.len() >= end {
                    Err(too_long)
                } else {
                    Ok(None)
                };
            };
            let (start, line_feed) = (self.line_start, self.searched + at);
            if self.end_line(input, line_feed, bounds)? {
                return Ok(Some(line_feed + 1));
            }
            each(start..line_feed - 1);
        }
    }

    /// Where the line at hand ends at the latest, and what is wrong if it does not.
    fn line_end(self, bounds: &Bounds) -> (usize, Error) {
        if let (0, Some(longest)) = (self.line_start, bounds.request_line) {
            let end = longest.saturating_add(2);
            if end <= bounds.total {
                return (end, Error::RequestLineTooLong);
            }
        }
        (bounds.total, bounds.too_long)
    }

    /// Judges the line that ends at `line_feed`; true if it is the blank one.
    fn end_line(&mut self, input: &[u8], line_feed: usize, bounds: &Bounds) -> Result<bool, Error> {
        let line = &input[self.line_start..line_feed];
        let Some((b'\r', line)) = line.split_last() else {
            return Err(Error::BareLineFeed);
        };
        match line {
            [] => return Ok(true),
            [.., b'\r'] => return Err(Error::BareCarriageReturn),
            [b' ' | b'\t', ..] if self.line_start > 0 || bounds.request_line.is_none() => {
                return Err(Error::ObsoleteFolding);
            }
            _ => {}
        }
        self.lines += 1;
        if self.lines > bounds.lines {
            return Err(Error::TooManyHeaders);
        }
        self.line_start = line_feed + 1;
        self.searched = self.line_start;
        Ok(false)
    }
}

/// The line of `section` that starts at `at`, without its CRLF; `None` for the blank line at the end.
///
/// `section` is one whose end [`Search`] found.
fn line_at(section: &[u8], at: usize) -> Option<Range<usize>> {
    let line_feed = at + memchr(b'\n', &section[at..])?;
    let end = line_feed.checked_sub(1)?;
    (end > at).then_some(at..end)
}

/// The lines of a whole `section`, without their CRLF, from the one that starts at `at`.
pub(crate) fn lines(section: &[u8], mut at: usize) -> impl Iterator<Item = Range<usize>> {
    std::iter::from_fn(move || {
        let line = line_at(section, at)?;
        at = line.end + 2;
        Some(line)
    })
}

/// What is wrong with a line: a CR inside it before anything else.
///
/// Nothing that parses lines accepts CR, so that looking for it can wait until parsing has failed.
pub(crate) fn blame(line: &[u8], otherwise: Error) -> Error {
    match memchr(b'\r', line) {
        Some(_) => Error::BareCarriageReturn,
        None => otherwise,
    }
}

/// Whether a section whose end [`Search`] found holds neither a CR inside a line nor another byte that no
/// field value holds: one look at all of it without a branch, in place of one at each value.
pub(crate) fn is_clean(section: &[u8]) -> bool {
    let Some(after) = section.get(1..) else {
        return false;
    };
    let faults = section.iter().zip(after).fold(0, |faults, (byte, next)| {
        let control = (*byte < b' ') & !matches!(*byte, b'\t' | b'\r' | b'\n') | (*byte == 0x7f);
        let bare = (*byte == b'\r') & (*next != b'\n');
        faults | u8::from(control | bare)
    });
    faults == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token;

    #[test]
    fn one_foul_byte_anywhere_is_found() {
        for length in 18..60 {
            let mut head = vec![b'a'; length - 2];
            head.extend_from_slice(b"\r\n");
            assert!(is_clean(&head), "{length}");
            for at in 0..length - 2 {
                for byte in 0..=255u8 {
                    head[at] = byte;
                    // A line feed without CR was refused before; a CR belongs before the last one only.
                    let is_foul = byte == b'\r' || !(token::is_text_byte(byte) || byte == b'\n');
                    assert_eq!(is_clean(&head), !is_foul, "{byte:#x} at {at} of {length}");
                }
                head[at] = b'a';
            }
        }
    }
}

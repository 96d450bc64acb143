//! Finding the end of a head, however slowly it arrives.
//!
//! Every line of a head or trailer section ends in CRLF and nothing else, and no field line begins
//! with whitespace. Both are decided here, so that what parses lines later only sees whole, sound ones.

use std::ops::Range;

use memchr::memchr;

use crate::error::Error;

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

    /// Looks on through `input`, which starts where the section starts.
    ///
    /// `Some(length)` is the length of the section with its blank line.
    pub(crate) fn find_end(
        &mut self,
        input: &[u8],
        bounds: &Bounds,
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
            let line_feed = self.searched + at;
            if self.end_line(input, line_feed, bounds)? {
                return Ok(Some(line_feed + 1));
            }
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
pub(crate) fn line_at(section: &[u8], at: usize) -> Option<Range<usize>> {
    let line_feed = at + memchr(b'\n', &section[at..])?;
    let end = line_feed.checked_sub(1)?;
    (end > at).then_some(at..end)
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

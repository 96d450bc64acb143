//! A request head as far as its lines say, each for itself.

use std::ops::Range;

use crate::error::Error;
use crate::fields::{Field, read_line};
use crate::limits::Underscores;
use crate::lines::{Span, lines};
use crate::request_line::RequestLine;

/// The lines of a head, read but for what they mean together. All places are places in the head.
#[derive(Debug)]
pub(crate) struct Draft {
    pub(crate) line: RequestLine,
    /// Where the field lines begin.
    pub(crate) fields: u32,
    pub(crate) hosts: Hosts,
    pub(crate) decisive: Noted,
    /// A name holds `_`.
    folds: bool,
}

/// The Host fields.
#[derive(Debug, Default)]
pub(crate) struct Hosts {
    pub(crate) first: Option<Span>,
    pub(crate) repeated: bool,
}

/// A field that says something about the body or the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Name {
    ContentLength,
    TransferEncoding,
    Connection,
    Expect,
    Upgrade,
}

/// The fields that say something about the body or the connection, and where their values stand.
#[derive(Debug, Default)]
pub(crate) struct Noted(Vec<(Name, Span)>);

/// The same, with the head that they stand in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Decisive<'a> {
    head: &'a [u8],
    noted: &'a [(Name, Span)],
}

impl Draft {
    /// Reads a whole head whose end [`Search`](crate::lines::Search) found.
    pub(crate) fn read(head: &[u8], underscores: Underscores) -> Result<Self, Error> {
        let mut lines = lines(head, 0);
        let first = lines.next().ok_or(Error::InvalidRequestLine)?;
        let mut draft = Self::begin(head, first)?;
        for line in lines {
            draft.note(head, line, underscores, false)?;
        }
        Ok(draft)
    }

    /// Reads the request line, which ends at `line.end`.
    pub(crate) fn begin(head: &[u8], line: Range<usize>) -> Result<Self, Error> {
        Ok(Self {
            fields: line.end as u32 + 2, // see Span
            line: RequestLine::read(&head[line])?,
            hosts: Hosts::default(),
            decisive: Noted::default(),
            folds: false,
        })
    }

    /// Reads a field line. `clean` if the head is known to be; see [`read_line`].
    pub(crate) fn note(
        &mut self,
        head: &[u8],
        line: Range<usize>,
        underscores: Underscores,
        clean: bool,
    ) -> Result<(), Error> {
        let Field { name, value, folds } = read_line(head, line, clean)?;
        if folds && underscores == Underscores::Refuse {
            return Err(Error::UnderscoreInHeaderName);
        }
        self.folds |= folds;
        let name = &head[name];
        if name.eq_ignore_ascii_case(b"host") {
            self.hosts.repeated = self.hosts.first.is_some();
            self.hosts.first.get_or_insert(value.into());
        } else if let Some(name) = Name::of(name) {
            self.decisive.0.push((name, value.into()));
        }
        Ok(())
    }

    /// The head without the fields that `underscores` says are dropped; `None` if that is all of it.
    pub(crate) fn without_dropped(&self, head: &[u8], underscores: Underscores) -> Option<Vec<u8>> {
        if !self.folds || underscores != Underscores::Drop {
            return None;
        }
        let mut kept = head[..self.fields as usize].to_vec();
        for line in lines(head, self.fields as usize) {
            let end = line.end + 2;
            let is_kept = read_line(head, line.clone(), true).is_ok_and(|field| !field.folds);
            if is_kept {
                kept.extend_from_slice(&head[line.start..end]);
            }
        }
        kept.extend_from_slice(b"\r\n");
        Some(kept)
    }
}

impl Name {
    fn of(name: &[u8]) -> Option<Self> {
        // Most lengths are none of theirs.
        let (own, text): (_, &[u8]) = match name.len() {
            6 => (Self::Expect, b"expect"),
            7 => (Self::Upgrade, b"upgrade"),
            10 => (Self::Connection, b"connection"),
            14 => (Self::ContentLength, b"content-length"),
            17 => (Self::TransferEncoding, b"transfer-encoding"),
            _ => return None,
        };
        name.eq_ignore_ascii_case(text).then_some(own)
    }
}

impl Noted {
    /// The fields with the head that they stand in.
    pub(crate) fn of<'a>(&'a self, head: &'a [u8]) -> Decisive<'a> {
        let noted = &self.0;
        Decisive { head, noted }
    }
}

impl<'a> Decisive<'a> {
    /// The values of a field, in order.
    pub(crate) fn all(self, name: Name) -> impl Iterator<Item = &'a [u8]> {
        let named = self.noted.iter().filter(move |(known, _)| *known == name);
        named.map(move |(_, value)| &self.head[value.range()])
    }

    /// Whether a field is there.
    pub(crate) fn has(self, name: Name) -> bool {
        self.all(name).next().is_some()
    }
}

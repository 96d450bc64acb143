//! Bytes that have come and have not been used.

use std::io::{self, Read};

use super::error::{ReadError, WrongBytes};

/// The longest line that is waited for: status line, field line or chunk line.
const LONGEST_LINE: usize = 1024 * 1024;

/// Bytes that have come and have not been used, and where more come from.
#[derive(Debug)]
pub(super) struct Incoming<R> {
    source: R,
    buffer: Vec<u8>,
    used: usize,
}

impl<R: Read> Incoming<R> {
    pub(super) fn new(source: R) -> Self {
        Self {
            source,
            buffer: Vec::new(),
            used: 0,
        }
    }

    pub(super) fn source(&mut self) -> &mut R {
        &mut self.source
    }

    pub(super) fn source_ref(&self) -> &R {
        &self.source
    }

    pub(super) fn is_empty(&self) -> bool {
        self.unused().is_empty()
    }

    /// Waits for more bytes; false at the end of the connection.
    pub(super) fn more(&mut self) -> Result<bool, ReadError> {
        if self.used == self.buffer.len() {
            self.buffer.clear();
            self.used = 0;
        }
        let mut piece = [0; 64 * 1024];
        loop {
            match self.source.read(&mut piece) {
                Ok(length) => {
                    self.buffer.extend_from_slice(&piece[..length]);
                    return Ok(length > 0);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(self.failed(error)),
            }
        }
    }

    /// A line without its CRLF.
    pub(super) fn line(&mut self) -> Result<Vec<u8>, ReadError> {
        let mut searched = 0;
        loop {
            let unused = self.unused();
            if let Some(at) = unused[searched..].iter().position(|byte| *byte == b'\n') {
                let mut line = self.taken(searched + at + 1);
                line.pop();
                return match line.pop() {
                    Some(b'\r') if !line.contains(&b'\r') => Ok(line),
                    _ => Err(WrongBytes::LineEnd.into()),
                };
            }
            searched = unused.len();
            if searched > LONGEST_LINE {
                return Err(WrongBytes::LineTooLong.into());
            }
            self.expect_more()?;
        }
    }

    /// Exactly so many bytes.
    pub(super) fn exactly(&mut self, length: usize) -> Result<Vec<u8>, ReadError> {
        self.peek(length)?;
        Ok(self.taken(length))
    }

    /// Exactly so many bytes, which are not used by that.
    pub(super) fn peek(&mut self, length: usize) -> Result<&[u8], ReadError> {
        while self.unused().len() < length {
            self.expect_more()?;
        }
        Ok(&self.unused()[..length])
    }

    /// Everything until the end of the connection.
    pub(super) fn rest(&mut self) -> Result<Vec<u8>, ReadError> {
        while self.more()? {}
        Ok(self.take())
    }

    /// Everything that is there.
    pub(super) fn take(&mut self) -> Vec<u8> {
        self.taken(self.unused().len())
    }

    /// The start of what is there, for messages.
    pub(super) fn excerpt(&self) -> String {
        let unused = self.unused();
        let start = &unused[..unused.len().min(200)];
        start.escape_ascii().to_string()
    }

    fn expect_more(&mut self) -> Result<(), ReadError> {
        match self.more()? {
            true => Ok(()),
            false if self.is_empty() => Err(ReadError::Closed),
            false => Err(ReadError::Truncated { reply: None }),
        }
    }

    fn failed(&self, error: io::Error) -> ReadError {
        use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, TimedOut};
        match error.kind() {
            TimedOut => ReadError::TimedOut(self.excerpt()),
            ConnectionReset | ConnectionAborted | BrokenPipe => ReadError::Reset { reply: None },
            _ => ReadError::Io(error),
        }
    }

    fn unused(&self) -> &[u8] {
        &self.buffer[self.used..]
    }

    fn taken(&mut self, length: usize) -> Vec<u8> {
        let taken = self.buffer[self.used..self.used + length].to_vec();
        self.used += length;
        taken
    }
}

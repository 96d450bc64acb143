//! [`Upload`]: a request body that is gathered before the application is called.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};

use super::{Spool, SpoolError, SpoolFile};
use crate::{Input, InputError};

/// How much is set aside for a body before any of it is here. A length that a client merely states
/// takes no memory.
const ADVANCE: u64 = 64 * 1024;

/// Less room than this is not worth a read of its own.
const ROOM: usize = 4 * 1024;

/// What is here of a request body that is gathered before the application is called: in memory, and beyond
/// that in a file. When to move it there is the host's to say ([`Limits::buffer`]).
///
/// ```text
///   ┌───── temporary file ─────┬── memory ──┐
///   │ written when memory is full            │ ◀─ what comes
///   └──────────────────────────┴────────────┘
/// ```
///
/// [`Limits::buffer`]: super::Limits::buffer
#[derive(Debug, Default)]
pub struct Upload {
    file: Option<SpoolFile>,
    memory: Vec<u8>,
}

impl Upload {
    /// Nothing of a body of `length` bytes, where that is known. No memory is taken for what a client merely
    /// says that it will send, but for 64 KiB.
    pub fn expecting(length: Option<u64>) -> Self {
        let ahead = length.unwrap_or(0).min(ADVANCE) as usize; // at most ADVANCE
        Self {
            file: None,
            memory: Vec::with_capacity(ahead),
        }
    }

    /// How much is here, in bytes.
    pub fn length(&self) -> u64 {
        let in_file = self.file.as_ref().map_or(0, SpoolFile::length);
        in_file + self.memory.len() as u64
    }

    /// How much of it is in memory, in bytes.
    pub fn in_memory(&self) -> usize {
        self.memory.len()
    }

    /// Takes what has come.
    pub fn push(&mut self, data: &[u8]) {
        self.memory.extend_from_slice(data);
    }

    /// Room for what comes next, of `remaining` bytes: read there, they need not be copied. `None` where there
    /// is little, and where more than the body could be read to it.
    pub fn room(&mut self, remaining: u64) -> Option<&mut Vec<u8>> {
        let room = self.memory.capacity() - self.memory.len();
        (room >= ROOM && room as u64 <= remaining).then_some(&mut self.memory)
    }

    /// The last `length` bytes of what is in memory.
    pub fn last(&self, length: usize) -> &[u8] {
        &self.memory[self.memory.len() - length..]
    }

    /// Moves what is in memory to the file. May block.
    ///
    /// # Errors
    ///
    /// It cannot be kept: the request is to be refused, with the [status](SpoolError::status) of the error.
    pub fn spill(&mut self, spool: &Arc<Spool>) -> Result<(), SpoolError> {
        let file = match &mut self.file {
            Some(file) => file,
            None => self.file.insert(spool.open()?),
        };
        file.append(&self.memory)?;
        self.memory = Vec::new(); // a client that now takes its time holds none
        Ok(())
    }

    /// The body as the application reads it. Where the file cannot be read, that is [`InputError::Lost`], and
    /// `log` is told why.
    pub fn into_input(self, trailers: Option<HeaderMap>, log: fn(&io::Error)) -> Input {
        let memory = Bytes::from(self.memory);
        match self.file {
            None => Input::from(memory).with_trailers(trailers),
            Some(file) => Input::live(Spooled {
                file: Some(file),
                read: 0,
                memory,
                trailers,
                log,
            }),
        }
    }
}

/// A body of which the first part is in a file. It is read where it is asked for, by a thread that may
/// block.
struct Spooled {
    file: Option<SpoolFile>,
    read: u64,
    memory: Bytes,
    trailers: Option<HeaderMap>,
    log: fn(&io::Error),
}

impl Body for Spooled {
    type Data = Bytes;
    type Error = InputError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, InputError>>> {
        if let Some(piece) = self.next_of_file() {
            return Poll::Ready(Some(piece.map(Frame::data)));
        }
        if !self.memory.is_empty() {
            let rest = std::mem::take(&mut self.memory);
            return Poll::Ready(Some(Ok(Frame::data(rest))));
        }
        let trailers = self.trailers.take();
        Poll::Ready(trailers.map(|trailers| Ok(Frame::trailers(trailers))))
    }

    fn is_end_stream(&self) -> bool {
        self.remaining() == 0 && self.trailers.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.remaining())
    }
}

impl Spooled {
    fn remaining(&self) -> u64 {
        let in_file = self
            .file
            .as_ref()
            .map_or(0, |file| file.length() - self.read);
        in_file + self.memory.len() as u64
    }

    fn next_of_file(&mut self) -> Option<Result<Bytes, InputError>> {
        let file = self.file.as_ref()?;
        match file.read_at(self.read) {
            Ok(piece) => {
                self.read += piece.len() as u64;
                if self.read == file.length() {
                    self.file = None; // what it held is free for others
                }
                Some(Ok(piece))
            }
            Err(error) => {
                (self.log)(&error);
                Some(Err(InputError::Lost))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_the_same_wherever_it_was_kept() {
        let spool = Spool::new(1 << 20, tempfile::tempfile);
        let body: Vec<u8> = (0..200_000u32).map(|n| (n ^ (n >> 8)) as u8).collect();
        for keep in [usize::MAX, 100_000, 1000, 0] {
            let mut upload = Upload::expecting(Some(body.len() as u64));
            for piece in body.chunks(30_000) {
                upload.push(piece);
                if upload.in_memory() > keep {
                    upload.spill(&spool).unwrap();
                }
            }
            assert_eq!(upload.length(), body.len() as u64);
            let mut trailers = HeaderMap::new();
            trailers.insert("x-sum", http::HeaderValue::from_static("7"));
            let mut input = upload.into_input(Some(trailers), |error| panic!("{error}"));
            assert_eq!(input.remaining(), Some(body.len() as u64));
            let read = input.blocking_read_all(1 << 20).unwrap();
            assert!(read == body, "{keep}");
            assert_eq!(input.remaining(), Some(0));
            assert_eq!(input.trailers().unwrap()["x-sum"], "7");
        }
    }
}

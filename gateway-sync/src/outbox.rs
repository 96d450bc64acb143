//! What the client has not taken yet.
//!
//! ```text
//!   ◀─ client ─ pieces ─ temporary file ─ tail ◀─ what is made ahead of the client
//! ```
//!
//! What is in order before it leaves in that order. Small things that must wait are gathered in the
//! tail; the file comes in between when memory holds as much as it should.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::sync::Arc;

use bytes::{Buf, Bytes};
use gateway_core::server::{Spool, SpoolError, SpoolFile};

use crate::socket::Socket;

/// How many pieces go into one `writev`.
const PIECES: usize = 16;

/// How many writes one connection makes before others get their turn: who reads as fast as is written could
/// otherwise keep its thread for as long as a large body lasts.
const WRITES: usize = 16;

/// Up to this many bytes a piece that must wait is gathered with others.
const COPY: usize = 4 * 1024;

/// The unsent rest of what was to be sent, in order. Empty, it owns no memory and no file.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    pieces: VecDeque<Bytes>,
    /// Of the pieces.
    length: usize,
    file: Option<Box<Middle>>,
    tail: Vec<u8>,
}

/// What is in the file, and how much of it has been read back.
#[derive(Debug)]
struct Middle {
    spool: SpoolFile,
    read: u64,
}

impl Middle {
    fn len(&self) -> u64 {
        self.spool.length() - self.read
    }
}

impl Outbox {
    pub(crate) fn is_empty(&self) -> bool {
        self.length == 0 && self.file.is_none() && self.tail.is_empty()
    }

    /// How much is unsent, in bytes.
    pub(crate) fn len(&self) -> u64 {
        self.in_memory() as u64 + self.file.as_ref().map_or(0, |file| file.len())
    }

    /// Sends `head` and `body`, or keeps what the client does not take now. `head` is copied only
    /// if it must be kept, and so is `body`, as long as no more than `keep` bytes are in memory then. True as of
    /// [`flush`](Self::flush).
    ///
    /// # Errors
    ///
    /// The connection is broken.
    pub(crate) fn send(
        &mut self,
        socket: &Socket,
        head: &[u8],
        mut body: Bytes,
        keep: usize,
    ) -> io::Result<bool> {
        let mut taken = 0;
        if self.is_empty() {
            taken = match (head.is_empty(), body.is_empty()) {
                (_, true) => socket.write(&[IoSlice::new(head)])?,
                (true, false) => socket.write(&[IoSlice::new(&body)])?,
                (false, false) => socket.write(&[IoSlice::new(head), IoSlice::new(&body)])?,
            }
            .unwrap_or(0);
        }
        let of_head = taken.min(head.len());
        let head = &head[of_head..];
        if self.stays_apart(head.len(), keep) {
            self.push_piece(Bytes::copy_from_slice(head));
        } else {
            self.tail.extend_from_slice(head);
        }
        body.advance(taken - of_head);
        if self.stays_apart(body.len(), keep) {
            self.push_piece(body);
        } else {
            self.tail.extend_from_slice(&body);
        }
        if taken > 0 && !self.is_empty() {
            // A client that reads at once has made room meanwhile, and its processor has it in its cache.
            return self.flush(socket);
        }
        Ok(false)
    }

    /// Adds `bytes` to what is to be sent, without sending.
    pub(crate) fn gather(&mut self, bytes: &[u8]) {
        self.tail.extend_from_slice(bytes);
    }

    /// Sends what the client takes now of what is in memory; true if it may take more at once, and others are to
    /// get their turn first.
    ///
    /// # Errors
    ///
    /// The connection is broken.
    pub(crate) fn flush(&mut self, socket: &Socket) -> io::Result<bool> {
        for _ in 0..WRITES {
            if self.file.is_none() && !self.tail.is_empty() {
                let tail = std::mem::take(&mut self.tail);
                self.push_piece(Bytes::from(tail));
            }
            if self.length == 0 {
                return Ok(false);
            }
            let mut slices = [IoSlice::new(&[]); PIECES];
            let mut count = 0;
            for (slice, piece) in slices.iter_mut().zip(&self.pieces) {
                *slice = IoSlice::new(piece);
                count += 1;
            }
            match socket.write(&slices[..count])? {
                None => return Ok(false),
                Some(taken) => self.advance(taken),
            }
        }
        Ok(self.length > 0)
    }

    /// Whether what is in memory is sent, and the rest of it must be read from the file first.
    pub(crate) fn wants_refill(&self) -> bool {
        self.length == 0 && self.file.is_some()
    }

    /// Reads what comes next from the file. May block.
    ///
    /// # Errors
    ///
    /// What was kept cannot be read.
    pub(crate) fn refill(&mut self) -> io::Result<()> {
        let Some(file) = &mut self.file else {
            return Ok(());
        };
        let piece = file.spool.read_at(file.read)?;
        file.read += piece.len() as u64;
        if file.len() == 0 {
            self.file = None; // what it held is free for others
        }
        self.push_piece(piece);
        Ok(())
    }

    /// Whether more is in memory than should be.
    pub(crate) fn must_spill(&self, keep: usize) -> bool {
        let waits = self.tail.len();
        waits >= SpoolFile::PIECE || (waits > 0 && self.file.is_none() && self.in_memory() > keep)
    }

    /// Moves what came last from memory to the file. May block.
    ///
    /// # Errors
    ///
    /// The file would be larger than `limit` bytes, the server's files are full, or the system refuses.
    /// Nothing is lost by it: what is in memory stays there.
    pub(crate) fn spill(&mut self, spool: &Arc<Spool>, limit: u64) -> Result<(), SpoolError> {
        let held = self.file.as_ref().map_or(0, |file| file.spool.length());
        if held + self.tail.len() as u64 > limit {
            return Err(SpoolError::Full);
        }
        let file = match self.file.take() {
            Some(file) => file,
            None => Box::new(Middle {
                spool: spool.open()?,
                read: 0,
            }),
        };
        let mut file = file;
        let appended = file.spool.append(&self.tail);
        if file.len() > 0 {
            self.file = Some(file);
        }
        appended?;
        self.tail = Vec::new();
        Ok(())
    }

    fn in_memory(&self) -> usize {
        self.length + self.tail.len()
    }

    /// Whether a piece of this length is kept as it is, and not gathered with others.
    fn stays_apart(&self, length: usize, keep: usize) -> bool {
        let follows = self.file.is_none() && self.tail.is_empty();
        let fits = length <= keep.saturating_sub(self.length);
        follows && (self.length == 0 || (fits && length > COPY))
    }

    fn push_piece(&mut self, piece: Bytes) {
        if !piece.is_empty() {
            self.length += piece.len();
            self.pieces.push_back(piece);
        }
    }

    fn advance(&mut self, mut taken: usize) {
        self.length -= taken;
        while let Some(first) = self.pieces.front_mut() {
            if taken < first.len() {
                first.advance(taken);
                return;
            }
            taken -= first.len();
            self.pieces.pop_front();
        }
        self.pieces = VecDeque::new(); // all sent: the memory goes back
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::os::unix::net::UnixStream;

    use super::*;

    fn pair() -> (Socket, UnixStream) {
        let (near, far) = UnixStream::pair().unwrap();
        near.set_nonblocking(true).unwrap();
        (Socket::Unix(near), far)
    }

    /// Reads `length` bytes while the outbox is emptied.
    fn receive(
        outbox: &mut Outbox,
        socket: &Socket,
        far: &mut UnixStream,
        length: usize,
    ) -> Vec<u8> {
        let mut received = vec![0; length];
        let mut got = 0;
        while got < length {
            got += far.read(&mut received[got..]).unwrap();
            outbox.flush(socket).unwrap();
            while outbox.wants_refill() {
                outbox.refill().unwrap();
                outbox.flush(socket).unwrap();
            }
            assert!(got as u64 + outbox.len() <= length as u64);
        }
        assert!(outbox.is_empty());
        received
    }

    #[test]
    fn sends_everything_in_order_however_little_the_client_takes() {
        let (socket, mut far) = pair();
        let large = vec![b'b'; 1 << 20];
        let body = Bytes::from(large.clone());
        let mut outbox = Outbox::default();
        let keep = usize::MAX;
        outbox.send(&socket, b"head", body, keep).unwrap();
        let more = Bytes::from_static(b"more");
        outbox.send(&socket, b"", more, keep).unwrap();
        outbox.send(&socket, b"last", Bytes::new(), keep).unwrap();
        assert!(!outbox.is_empty()); // a socket buffer is smaller than a megabyte

        let expected = [b"head".as_slice(), &large, b"more", b"last"].concat();
        assert!(receive(&mut outbox, &socket, &mut far, expected.len()) == expected);
    }

    #[test]
    fn one_that_takes_all_it_is_sent_lets_others_go_first() {
        let (socket, mut far) = pair();
        let mut outbox = Outbox::default();
        let all = WRITES * PIECES + 1;
        for _ in 0..all {
            outbox.push_piece(Bytes::from_static(b"x"));
        }
        assert!(outbox.flush(&socket).unwrap());
        assert_eq!(outbox.len(), 1);
        assert!(!outbox.flush(&socket).unwrap());
        assert_eq!(
            receive(&mut outbox, &socket, &mut far, all),
            vec![b'x'; all]
        );
    }

    #[test]
    fn what_memory_should_not_hold_goes_through_a_file_in_order() {
        for (size, keep) in [
            (10, 1000),
            (5000, 1000),
            (5000, 100_000),
            (100_000, 0),
            (70_000, 65_536),
        ] {
            let (socket, mut far) = pair();
            let spool = Spool::new(1 << 30, tempfile::tempfile);
            let mut outbox = Outbox::default();
            let expected: Vec<u8> = (0..2_000_000u32).map(|n| (n ^ (n >> 9)) as u8).collect();
            let mut most = 0;
            for (number, piece) in expected.chunks(size).enumerate() {
                let piece = Bytes::copy_from_slice(piece);
                // As chunks are encoded: small bodies behind their heads, large ones as they are.
                let (head, body) = match number % 3 {
                    0 => (piece, Bytes::new()),
                    1 => (Bytes::new(), piece),
                    _ => (
                        piece.slice(..piece.len() / 2),
                        piece.slice(piece.len() / 2..),
                    ),
                };
                outbox.send(&socket, &head, body, keep).unwrap();
                if outbox.must_spill(keep) {
                    outbox.spill(&spool, 1 << 30).unwrap();
                }
                most = most.max(outbox.in_memory());
            }
            assert!(outbox.file.is_some());
            assert!(
                most <= keep.max(size) + SpoolFile::PIECE + size,
                "{size} {keep}: {most}"
            );
            assert!(receive(&mut outbox, &socket, &mut far, expected.len()) == expected);
        }
    }

    #[test]
    fn a_file_that_would_be_too_large_is_not_written_and_nothing_is_lost() {
        let (socket, mut far) = pair();
        let spool = Spool::new(300_000, tempfile::tempfile);
        let mut outbox = Outbox::default();
        let piece = Bytes::from(vec![b'x'; 100_000]);
        let mut sent = 0;
        while outbox.is_empty() {
            outbox.send(&socket, b"", piece.clone(), 0).unwrap();
            sent += piece.len();
        }
        for (limit, spills) in [
            (150_000, true),
            (150_000, false),
            (1 << 30, true),
            (1 << 30, false),
        ] {
            outbox.send(&socket, b"", piece.clone(), 0).unwrap();
            sent += piece.len();
            assert!(outbox.must_spill(0));
            assert_eq!(outbox.spill(&spool, limit).is_ok(), spills, "{limit}");
        }
        assert_eq!(
            receive(&mut outbox, &socket, &mut far, sent),
            vec![b'x'; sent]
        );
        // What it held is free again.
        let mut spool = spool.open().unwrap();
        spool.append(&vec![0; 300_000]).unwrap();
    }
}

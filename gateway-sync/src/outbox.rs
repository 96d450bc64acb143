//! What the client has not taken yet.

use std::collections::VecDeque;
use std::io::{self, IoSlice};

use bytes::{Buf, Bytes};

use crate::socket::Socket;

/// How many pieces go into one `writev`.
const PIECES: usize = 16;

/// The unsent rest of what was to be sent, in order. Empty, it owns no memory.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    pieces: VecDeque<Bytes>,
    length: usize,
}

impl Outbox {
    pub(crate) fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// How much is unsent, in bytes.
    pub(crate) fn len(&self) -> usize {
        self.length
    }

    /// Sends `head` and `body`, or keeps what the client does not take now. `head` is copied only
    /// if it must be kept, `body` never.
    ///
    /// # Errors
    ///
    /// The connection is broken.
    pub(crate) fn send(&mut self, socket: &Socket, head: &[u8], mut body: Bytes) -> io::Result<()> {
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
        if of_head < head.len() {
            self.push(Bytes::copy_from_slice(&head[of_head..]));
        }
        body.advance(taken - of_head);
        self.push(body);
        Ok(())
    }

    /// Sends what the client takes now; true if it took anything.
    ///
    /// # Errors
    ///
    /// The connection is broken.
    pub(crate) fn flush(&mut self, socket: &Socket) -> io::Result<bool> {
        let mut any = false;
        while !self.is_empty() {
            let mut slices = [IoSlice::new(&[]); PIECES];
            let mut count = 0;
            for (slice, piece) in slices.iter_mut().zip(&self.pieces) {
                *slice = IoSlice::new(piece);
                count += 1;
            }
            match socket.write(&slices[..count])? {
                None => break,
                Some(taken) => self.advance(taken),
            }
            any = true;
        }
        Ok(any)
    }

    fn push(&mut self, piece: Bytes) {
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

    #[test]
    fn sends_everything_in_order_however_little_the_client_takes() {
        let (near, mut far) = UnixStream::pair().unwrap();
        near.set_nonblocking(true).unwrap();
        let socket = Socket::Unix(near);
        let large = vec![b'b'; 1 << 20];
        let mut outbox = Outbox::default();
        outbox
            .send(&socket, b"head", Bytes::from(large.clone()))
            .unwrap();
        outbox
            .send(&socket, b"", Bytes::from_static(b"more"))
            .unwrap();
        outbox.send(&socket, b"last", Bytes::new()).unwrap();
        assert!(!outbox.is_empty()); // a socket buffer is smaller than a megabyte

        let expected = [b"head".as_slice(), &large, b"more", b"last"].concat();
        let mut received = vec![0; expected.len()];
        let mut got = 0;
        while got < received.len() {
            got += far.read(&mut received[got..]).unwrap();
            outbox.flush(&socket).unwrap();
            assert!(got + outbox.len() <= received.len());
        }
        assert!(received == expected);
        assert!(outbox.is_empty());
    }
}

//! What a worker leaves to be sent while it makes more of the same response.
//!
//! ```text
//!   worker   lend ─▶ makes a piece, which may block ────────────────────────▶ take_back ─▶ sends, keeps, spools
//!                       │
//!   whoever takes the seat away, or has it then     send, as the client takes it
//! ```
//!
//! So nothing that is made waits for a piece that blocks: neither what a slow client has not taken yet, nor
//! what was gathered for one send while pieces came in no time.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use crate::outbox::Outbox;
use crate::socket::Socket;

/// Where a worker lends what is unsent. Empty while it is in no such piece.
#[derive(Debug, Default)]
pub(crate) struct Unsent {
    lent: Mutex<Option<Lent>>,
}

/// Bytes, and whose they are: under one lock, so that they can go nowhere else.
#[derive(Debug)]
struct Lent {
    socket: Arc<Socket>,
    slot: usize,
    outbox: Outbox,
    /// When others had sent the last of it.
    emptied: Option<Instant>,
}

/// What is left to be done after sending.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rest {
    /// Nothing, until the client takes more or there is more.
    Nothing,
    /// The client of this slot may take more at once; others go first.
    More(usize),
    /// What comes next for the client of this slot is in a file.
    Refill(usize),
}

impl Unsent {
    /// Leaves what is unsent of the response in `slot` to others. What a turn that was lost to a defect has left
    /// here is thrown away.
    pub(crate) fn lend(&self, socket: &Arc<Socket>, slot: usize, outbox: Outbox) {
        *self.lent() = Some(Lent {
            socket: Arc::clone(socket),
            slot,
            outbox,
            emptied: None,
        });
    }

    /// What others have left unsent, and when that had become nothing.
    pub(crate) fn take_back(&self) -> (Outbox, Option<Instant>) {
        match self.lent().take() {
            Some(lent) => (lent.outbox, lent.emptied),
            None => (Outbox::default(), None),
        }
    }

    /// Sends what is here, as far as the client takes it now. What goes wrong shows when the rest is sent.
    pub(crate) fn send(&self) -> Rest {
        let mut lent = self.lent();
        let Some(lent) = &mut *lent else {
            return Rest::Nothing;
        };
        match lent.outbox.flush(&lent.socket) {
            Ok(true) => Rest::More(lent.slot),
            Ok(false) if lent.outbox.wants_refill() => Rest::Refill(lent.slot),
            Ok(false) if lent.outbox.is_empty() => {
                lent.emptied.get_or_insert_with(Instant::now);
                Rest::Nothing
            }
            Ok(false) | Err(_) => Rest::Nothing,
        }
    }

    /// Reads what comes next from the file. May block.
    ///
    /// # Errors
    ///
    /// What was kept cannot be read.
    pub(crate) fn refill(&self) -> io::Result<()> {
        match &mut *self.lent() {
            Some(lent) => lent.outbox.refill(),
            None => Ok(()),
        }
    }

    fn lent(&self) -> MutexGuard<'_, Option<Lent>> {
        self.lent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::os::unix::net::UnixStream;

    use super::*;

    fn pair() -> (Arc<Socket>, UnixStream) {
        let (server, client) = UnixStream::pair().unwrap();
        server.set_nonblocking(true).unwrap();
        (Arc::new(Socket::Unix(server)), client)
    }

    fn holding(bytes: &[u8]) -> Outbox {
        let mut outbox = Outbox::default();
        outbox.gather(bytes);
        outbox
    }

    fn received(socket: Arc<Socket>, mut client: UnixStream) -> Vec<u8> {
        drop(socket);
        let mut bytes = Vec::new();
        client.read_to_end(&mut bytes).unwrap();
        bytes
    }

    #[test]
    fn what_others_do_not_send_comes_back() {
        let (socket, client) = pair();
        let unsent = Unsent::default();
        unsent.lend(&socket, 7, holding(b"ab"));
        let (outbox, emptied) = unsent.take_back();
        assert_eq!((outbox.len(), emptied), (2, None));
        assert_eq!(unsent.send(), Rest::Nothing); // there is nothing any more
        drop(unsent);
        assert_eq!(received(socket, client), b"");
    }

    #[test]
    fn what_others_send_is_sent_once() {
        let (socket, client) = pair();
        let unsent = Unsent::default();
        unsent.lend(&socket, 7, holding(b"ab"));
        assert_eq!(unsent.send(), Rest::Nothing);
        assert_eq!(unsent.send(), Rest::Nothing);
        let (outbox, emptied) = unsent.take_back();
        assert!(outbox.is_empty() && emptied.is_some());
        assert_eq!(received(socket, client), b"ab");
    }

    #[test]
    fn what_a_client_does_not_take_stays_in_order() {
        let (socket, client) = pair();
        let unsent = Unsent::default();
        let all: Vec<u8> = (0..4_000_000_u32).map(|n| (n ^ (n >> 9)) as u8).collect();
        unsent.lend(&socket, 7, holding(&all));
        assert_eq!(unsent.send(), Rest::Nothing);
        let reader = std::thread::spawn({
            let socket = Arc::clone(&socket);
            move || received(socket, client)
        });
        let (mut rest, emptied) = unsent.take_back();
        assert!(!rest.is_empty() && emptied.is_none());
        while !rest.is_empty() {
            rest.flush(&socket).unwrap();
            std::thread::yield_now();
        }
        socket.shutdown(std::net::Shutdown::Both);
        assert!(reader.join().unwrap() == all);
    }

    #[test]
    fn nothing_of_one_response_goes_to_the_client_of_another() {
        let ((one, first), (other, second)) = (pair(), pair());
        let unsent = Unsent::default();
        unsent.lend(&one, 1, holding(b"one"));
        unsent.lend(&other, 2, holding(b"other")); // the turn of the first was lost
        unsent.send();
        drop(unsent);
        assert_eq!(received(one, first), b"");
        assert_eq!(received(other, second), b"other");
    }
}

//! Pieces of a response that came in no time, on their way to one send.
//!
//! A worker gathers them while it expects the next one at once. If that one blocks after all, the worker loses
//! its seat over it, and whoever takes the seat away sends what is here: no piece waits for the one behind it.

use std::io::IoSlice;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::socket::Socket;

/// What a worker has gathered, as other threads may send it.
#[derive(Debug, Default)]
pub(crate) struct Gathered {
    load: Mutex<Load>,
}

/// Bytes, and whose they are. Under one lock, so that they can go nowhere else.
#[derive(Debug, Default)]
struct Load {
    bytes: Vec<u8>,
    socket: Option<Arc<Socket>>,
}

impl Gathered {
    /// Adds `bytes`, to which nothing that was sent to `socket` is still owed. What another response has left here
    /// is thrown away.
    pub(crate) fn add(&self, socket: &Arc<Socket>, bytes: &[u8]) {
        let mut load = self.load();
        if !load
            .socket
            .as_ref()
            .is_some_and(|own| Arc::ptr_eq(own, socket))
        {
            load.bytes.clear();
            load.socket = Some(Arc::clone(socket));
        }
        load.bytes.extend_from_slice(bytes);
    }

    /// Puts what is here and not sent yet before what is in `out`.
    pub(crate) fn move_before(&self, out: &mut Vec<u8>) {
        let mut load = self.load();
        load.socket = None;
        load.bytes.extend_from_slice(out);
        std::mem::swap(&mut load.bytes, out);
        load.bytes.clear();
    }

    /// Sends what is here, as far as the client takes it now. What goes wrong shows when the rest is sent.
    pub(crate) fn send(&self) {
        let mut load = self.load();
        let Load { bytes, socket } = &mut *load;
        let Some(socket) = socket else { return };
        if !bytes.is_empty() {
            let sent = socket.write(&[IoSlice::new(bytes)]);
            bytes.drain(..sent.ok().flatten().unwrap_or(0));
        }
    }

    fn load(&self) -> MutexGuard<'_, Load> {
        self.load.lock().unwrap_or_else(PoisonError::into_inner)
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

    fn received(socket: Arc<Socket>, mut client: UnixStream) -> String {
        drop(socket);
        let mut text = String::new();
        client.read_to_string(&mut text).unwrap();
        text
    }

    #[test]
    fn what_is_not_sent_goes_before_what_follows() {
        let (socket, client) = pair();
        let gathered = Gathered::default();
        let mut out = b"c".to_vec();
        gathered.add(&socket, b"a");
        gathered.add(&socket, b"b");
        gathered.move_before(&mut out);
        assert_eq!(out, b"abc");
        gathered.send(); // nothing is left
        assert_eq!(received(socket, client), "");
    }

    #[test]
    fn what_another_has_sent_is_sent_once() {
        let (socket, client) = pair();
        let gathered = Gathered::default();
        gathered.add(&socket, b"ab");
        gathered.send();
        gathered.send();
        let mut out = b"c".to_vec();
        gathered.move_before(&mut out);
        assert_eq!(out, b"c");
        assert_eq!(received(socket, client), "ab");
    }

    #[test]
    fn what_a_client_does_not_take_stays() {
        let (socket, client) = pair();
        let gathered = Gathered::default();
        let all = vec![b'x'; 4 << 20];
        gathered.add(&socket, &all);
        gathered.send();
        let mut rest = Vec::new();
        gathered.move_before(&mut rest);
        assert!(!rest.is_empty() && rest.len() < all.len());
        assert_eq!(received(socket, client).len() + rest.len(), all.len());
    }

    #[test]
    fn nothing_of_one_response_goes_to_the_client_of_another() {
        let ((one, first), (other, second)) = (pair(), pair());
        let gathered = Gathered::default();
        gathered.add(&one, b"one");
        gathered.add(&other, b"other");
        gathered.send();
        drop(gathered);
        assert_eq!(received(one, first), "");
        assert_eq!(received(other, second), "other");
    }
}

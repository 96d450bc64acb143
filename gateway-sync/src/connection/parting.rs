//! The end of a connection that is in good order.

use std::net::Shutdown;

use gateway_http1::CloseReason;

use super::{Connection, Step};
use crate::deadline::Phase;

/// Reads in one turn from a client whose bytes are thrown away.
const LINGER_READS: usize = 16;

impl Connection {
    /// Says farewell: nothing more is sent, and what the client still sends is thrown away, until it
    /// has closed its side too.
    ///
    /// Closing a socket that holds unread bytes, or that some reach later, resets the connection, and
    /// the reset destroys the answer on its way (RFC 9112 §9.6). A client that asked for the close
    /// sends no more.
    pub(super) fn part(&mut self, reason: CloseReason, scratch: &mut [u8]) -> Step {
        let mut unread = !std::mem::take(&mut self.reader.inbox).is_empty() || self.lingering;
        let mut progress = false;
        for _ in 0..LINGER_READS {
            match self.socket.read(scratch) {
                Ok(Some(0)) | Err(_) => return Step::Close(reason),
                Ok(Some(_)) => (unread, progress) = (true, true),
                Ok(None) if !unread && reason == CloseReason::ClientAsked => {
                    return Step::Close(reason);
                }
                Ok(None) => return self.linger(progress),
            }
        }
        self.yielded = true; // it sends faster than it is read: others get their turn
        self.linger(progress)
    }

    fn linger(&mut self, progress: bool) -> Step {
        if !std::mem::replace(&mut self.lingering, true) {
            self.socket.shutdown(Shutdown::Write);
        }
        Step::Rest {
            phase: Phase::Lingering,
            progress,
        }
    }
}

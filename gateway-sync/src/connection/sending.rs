//! What goes to the client, as far as it takes it.

use std::io;

use bytes::Bytes;
use gateway_core::server::Ahead;
use gateway_http1::CloseReason;

use super::{Connection, Step};
use crate::deadline::Phase;
use crate::unsent::Unsent;

impl Connection {
    /// Sends `head` and `body`, or keeps what the client does not take now; in pieces as they are, as
    /// long as no more than `keep` bytes are in memory.
    ///
    /// # Errors
    ///
    /// The connection is broken.
    pub(crate) fn send(&mut self, head: &[u8], body: Bytes, keep: usize) -> io::Result<()> {
        let before = self.outbox.len() + (head.len() + body.len()) as u64;
        self.yielded |= self.outbox.send(&self.socket, head, body, keep)?;
        self.count_taken(before - self.outbox.len());
        Ok(())
    }

    /// Sends what the client takes now of what has been kept or gathered.
    ///
    /// # Errors
    ///
    /// The connection is broken.
    pub(crate) fn send_kept(&mut self) -> io::Result<()> {
        let unsent = self.outbox.len();
        self.yielded |= self.outbox.flush(&self.socket)?;
        self.count_taken(unsent - self.outbox.len());
        Ok(())
    }

    /// Leaves what is unsent where others may send it.
    pub(crate) fn lend_unsent(&mut self, slot: usize, to: &Unsent) -> u64 {
        let outbox = std::mem::take(&mut self.outbox);
        let length = outbox.len();
        to.lend(&self.socket, slot, outbox);
        length
    }

    /// Takes back what is left of the `lent` bytes. The client's time ended when it had all of them.
    pub(crate) fn take_unsent_back(&mut self, lent: u64, from: &Unsent) {
        let (outbox, emptied) = from.take_back();
        self.outbox = outbox;
        self.count_taken(lent - self.outbox.len());
        if let Some(emptied) = emptied {
            self.pace.pause(emptied);
        }
    }

    /// Sends what has been kept; `None` if all of it is sent.
    pub(super) fn flush(&mut self) -> Option<Step> {
        if self.send_kept().is_err() || self.run_ahead().is_err() {
            return Some(Step::Close(CloseReason::Disconnected));
        }
        if self.outbox.wants_refill() {
            return Some(Step::Refill);
        }
        if self.outbox.is_empty() {
            return None;
        }
        let runs_ahead = self
            .response
            .as_ref()
            .is_some_and(|response| response.runs_ahead());
        Some(match runs_ahead {
            true => Step::Pull,
            false => Step::Rest {
                phase: Phase::Writing,
                progress: self.was_taken(),
            },
        })
    }

    /// Sends more to a client that has shown that it is fast: what the kernel takes now of that.
    fn run_ahead(&mut self) -> io::Result<()> {
        match self.taken && self.lead.go_on(self.now, &self.rules.ahead) {
            true => {
                self.socket.keep_unsent(Ahead::BYTES);
                self.send_kept()
            }
            false => Ok(()),
        }
    }

    fn count_taken(&mut self, bytes: u64) {
        self.pace.add(bytes);
        self.taken |= bytes > 0;
    }

    /// Whether the client has taken anything since it was asked last.
    pub(crate) fn was_taken(&mut self) -> bool {
        std::mem::take(&mut self.taken)
    }
}

//! What comes from the client, until a request can be answered.

use std::io;
use std::net::Shutdown;
use std::sync::Arc;

use bytes::{Buf, Bytes, BytesMut};
use gateway_core::server::{Pace, Spool, SpoolError, Timeouts};
use gateway_http1::{CONTINUE, CloseReason, Reading, Receiver};
use http::Method;

use super::{Connection, Step};
use crate::deadline::Phase;
use crate::lending::Loan;
use crate::live::{Live, Reader, Returned};
use crate::request::{self, Refused, Request};

/// Up to this many bytes that wait for more are kept without room to spare.
const SMALL: usize = 4 * 1024;

/// How much is read at a time where a head is expected: what follows it can then be read to where it stays.
const HEADS: usize = 16 * 1024;

/// Where bytes were read to.
enum Place {
    Scratch,
    /// To the end of the body at hand, all of them its own.
    Body,
}

impl Connection {
    /// Reads until a request can be answered.
    pub(super) fn receive(&mut self, scratch: &mut [u8]) -> Step {
        let mut progress = false;
        loop {
            match self.interpret(scratch, 0) {
                Ok(Some(complete)) => return Step::Call(complete),
                Ok(None) => {}
                Err(refused) => return Step::Refuse(refused),
            }
            if self.must_spill() {
                return Step::Spill;
            }
            if !self.readable {
                break;
            }
            match self.fill(scratch) {
                Err(step) => return step,
                Ok(Some(complete)) => return Step::Call(complete),
                Ok(None) => progress = true,
            }
        }
        if self.send_continue().is_err() {
            return Step::Close(CloseReason::Disconnected);
        }
        Step::Rest {
            phase: self.reading_phase(),
            progress,
        }
    }

    /// Reads once, and interprets what came.
    fn fill(&mut self, scratch: &mut [u8]) -> Result<Option<Box<Request>>, Step> {
        let (length, place) = match self.read(scratch) {
            Ok((None, _)) => return Ok(None),
            Ok((Some(0), _)) => return Err(Step::Close(self.reader.receiver.end_of_input())),
            Ok((Some(length), place)) => (length, place),
            Err(_) => return Err(Step::Close(CloseReason::Disconnected)),
        };
        let in_body = self.reading() == Reading::Body;
        let complete = match place {
            Place::Scratch => self.interpret(scratch, length),
            Place::Body => self.interpret_body(length),
        };
        let complete = complete.map_err(Step::Refuse)?;
        // A body counts also where nobody wants the rest of it.
        let of_body = match &self.partial {
            _ if in_body => length as u64,
            Some(begun) => begun.body.length(),
            None => 0,
        };
        self.pace.add(of_body);
        Ok(complete)
    }

    /// Reads once: how much, `None` if there is nothing now, and to where.
    fn read(&mut self, scratch: &mut [u8]) -> io::Result<(Option<usize>, Place)> {
        let (read, room, place) = match body_room(&self.reader, &mut self.partial) {
            Some(body) => {
                let room = body.capacity() - body.len();
                (self.socket.read_on(body)?, room, Place::Body)
            }
            None => {
                let most = if self.partial.is_some() {
                    scratch.len()
                } else {
                    HEADS
                };
                let room = &mut scratch[..most];
                (self.socket.read(room)?, most, Place::Scratch)
            }
        };
        // A short read has emptied the socket: the next bytes will be an edge of their own, but an end that
        // is already known of will not.
        self.readable = read.is_some_and(|length| length == room || self.half_closed);
        Ok((read, place))
    }

    /// Feeds what is in the inbox, and the first `fresh` bytes of `scratch`, to the receiver.
    fn interpret(&mut self, scratch: &[u8], fresh: usize) -> Result<Option<Box<Request>>, Refused> {
        let Reader { receiver, inbox } = &mut self.reader;
        let fresh = &scratch[..fresh];
        if inbox.is_empty() && fresh.is_empty() {
            return Ok(None); // nothing is left over from the last look
        }
        if inbox.is_empty() {
            // The usual case: a whole request in one read, and nothing is kept.
            let (used, complete) =
                request::receive(receiver, &mut self.partial, &self.rules, fresh, self.now)?;
            inbox.extend_from_slice(&fresh[used..]);
            return Ok(complete);
        }
        inbox.extend_from_slice(fresh);
        let (used, complete) =
            request::receive(receiver, &mut self.partial, &self.rules, inbox, self.now)?;
        inbox.advance(used);
        if inbox.len() < SMALL && inbox.capacity() > SMALL {
            *inbox = BytesMut::from(&inbox[..]); // the memory goes back
        }
        Ok(complete)
    }

    /// Tells the receiver of bytes that were read to where they stay.
    fn interpret_body(&mut self, length: usize) -> Result<Option<Box<Request>>, Refused> {
        let receiver = &mut self.reader.receiver;
        if let Some(partial) = &self.partial {
            let told = receiver.receive(partial.body.last(length));
            let told = told.map_err(|error| Refused::new(error, Some(partial), &[]))?;
            debug_assert_eq!(told.used, length); // there was no room for more than the body
        }
        let (_, complete) =
            request::receive(receiver, &mut self.partial, &self.rules, &[], self.now)?;
        Ok(complete)
    }

    /// Whether more of a request body is in memory than should be.
    fn must_spill(&self) -> bool {
        let in_memory = self
            .partial
            .as_ref()
            .map_or(0, |partial| partial.body.in_memory());
        in_memory > self.rules.buffer
    }

    /// Moves what is here of the request body to a file. May block.
    ///
    /// # Errors
    ///
    /// The request is to be refused.
    pub(crate) fn spill(&mut self, spool: &Arc<Spool>) -> Result<(), SpoolError> {
        match &mut self.partial {
            Some(partial) => partial.body.spill(spool),
            None => Ok(()),
        }
    }

    /// Whether the request that is being read is for a head: its answer has no body.
    pub(crate) fn asks_for_head(&self) -> bool {
        let method = self.partial.as_ref().map(|partial| &partial.head.method);
        method == Some(&Method::HEAD)
    }

    /// Forgets the request that is being read: it will not be answered but by the host.
    pub(crate) fn give_up_request(&mut self) {
        self.partial = None;
    }

    /// Asks for a body that the client holds back and that is read before the call.
    fn send_continue(&mut self) -> io::Result<()> {
        if self
            .partial
            .as_mut()
            .is_some_and(|partial| partial.must_continue())
        {
            self.outbox
                .send(&self.socket, CONTINUE, Bytes::new(), usize::MAX)?;
        }
        Ok(())
    }

    fn reading_phase(&self) -> Phase {
        if self.partial.is_some() {
            return Phase::Body;
        }
        match self.reader.receiver.reading() {
            // The rest of a body that nobody wants.
            Reading::Body => Phase::Body,
            // The first head is due from the start; later ones when they have begun.
            Reading::Idle if self.served > 0 && self.reader.inbox.is_empty() => Phase::Idle,
            _ => Phase::Head,
        }
    }

    /// Has the body of a request read before the call, although the client holds it back.
    pub(crate) fn read_first(&mut self, mut request: Box<Request>) {
        request.awaited = false;
        self.partial = Some(request);
    }

    /// Whether a request is being read that has to be answered.
    pub(crate) fn is_asked(&self) -> bool {
        self.partial.is_some() || self.reading() == Reading::Head
    }

    /// What the client is in the middle of, for log lines and refusals.
    pub(crate) fn reading(&self) -> Reading {
        self.reader.receiver.reading()
    }

    /// Lends the reader to the application's input. The client is told to send the body if it waits for
    /// that, which it does not once it has begun.
    pub(crate) fn lend(
        &mut self,
        loan: Loan,
        expects_continue: bool,
        timeouts: &Arc<Timeouts>,
    ) -> (Live, gateway_core::Input) {
        let may_continue = expects_continue && self.reader.inbox.is_empty();
        let fresh = Reader {
            receiver: Receiver::new(Arc::clone(&self.rules.http1)),
            inbox: BytesMut::new(),
        };
        let reader = std::mem::replace(&mut self.reader, fresh);
        let socket = Arc::clone(&self.socket);
        let current = Arc::clone(&self.current);
        let limit = self.rules.http1.body;
        Live::lend(loan, may_continue, socket, reader, current, timeouts, limit)
    }

    /// Takes the reader back. True if another request can follow.
    pub(crate) fn take_back(&mut self, live: Live) -> bool {
        match live.take_back() {
            Some(Returned { reader, ended }) => {
                self.reader = reader;
                self.pace = Pace::default();
                self.readable = true; // what came during the call made its edge then
                ended
            }
            None => {
                self.read_elsewhere = true;
                false
            }
        }
    }

    /// Ends the wait of a thread of the application's that still reads the body.
    pub(crate) fn end_reading_elsewhere(&self) {
        if self.read_elsewhere {
            self.socket.shutdown(Shutdown::Both);
        }
    }
}

/// Where the rest of the body at hand is to stay, if it can be read there.
fn body_room<'a>(
    reader: &Reader,
    partial: &'a mut Option<Box<Request>>,
) -> Option<&'a mut Vec<u8>> {
    let remaining = reader.receiver.remaining()?;
    let body = &mut partial.as_mut()?.body;
    body.room(remaining).filter(|_| reader.inbox.is_empty())
}

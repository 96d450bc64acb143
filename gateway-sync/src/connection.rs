//! A connection: a state machine that belongs to no thread.
//!
//! ```text
//!             ┌────────────────────────── keep-alive ──────────────────────────┐
//!             ▼                                                                │
//!   idle ─▶ head ─▶ body ─▶ (application) ─▶ response: pulled, then written ───┤
//!             │       │                                                        │
//!             └───────┴── refused: an error answer ── lingering ── closed ◀────┘
//! ```
//!
//! It moves bytes; what they mean is decided by gateway-http1.

use std::net::Shutdown;
use std::sync::Arc;
use std::time::Instant;

use gateway_core::Endpoint;
use gateway_core::server::{Call, Timeouts};
use gateway_http1::{CONTINUE, CloseReason, Limits, Reading, Receiver};

use crate::deadline::{Deadline, Phase};
use crate::live::{Live, Reader, Returned};
use crate::outbox::Outbox;
use crate::poller::Signs;
use crate::request::{self, Complete, Partial, Refused};
use crate::respond::Responding;
use crate::socket::Socket;

/// How much of what a refused client still sends is thrown away before the close.
const LINGER_BYTES: usize = 1 << 20;

pub(crate) struct Connection {
    pub(crate) socket: Arc<Socket>,
    pub(crate) endpoint: Arc<Endpoint>,
    pub(crate) deadline: Deadline,
    pub(crate) outbox: Outbox,
    pub(crate) response: Option<Box<Responding>>,
    /// Requests answered.
    pub(crate) served: u64,
    /// Set when the connection ends once the outbox is empty.
    pub(crate) closing: Option<CloseReason>,
    limits: Arc<Limits>,
    reader: Reader,
    partial: Option<Partial>,
    call: Call,
    /// Whether a read would find something, as far as is known.
    readable: bool,
    /// Whether the client has closed its side.
    closed: bool,
    /// Bytes that may still be thrown away, once lingering.
    lingering: Option<usize>,
    /// It gave up its turn although it could go on.
    yielded: bool,
}

/// What a connection needs next.
#[expect(
    clippy::large_enum_variant,
    reason = "a box would be an allocation for each request"
)]
pub(crate) enum Step {
    /// The application is to be called.
    Call(Complete),
    /// The request is refused.
    Refuse(Refused),
    /// More of the response is to be pulled.
    Pull,
    /// Nothing, until the socket says so.
    Rest { phase: Phase, progress: bool },
    /// To be closed.
    Close(CloseReason),
}

impl Connection {
    pub(crate) fn new(
        socket: Arc<Socket>,
        endpoint: Arc<Endpoint>,
        limits: &Arc<Limits>,
        timeouts: &Timeouts,
        now: Instant,
    ) -> Self {
        Self {
            socket,
            endpoint,
            deadline: Deadline::new(Phase::Head, now, timeouts),
            outbox: Outbox::default(),
            response: None,
            served: 0,
            closing: None,
            limits: Arc::clone(limits),
            reader: Reader {
                receiver: Receiver::new(Arc::clone(limits)),
                inbox: Vec::new(),
            },
            partial: None,
            call: Call::new(),
            readable: false,
            closed: false,
            lingering: None,
            yielded: false,
        }
    }

    /// The handle of the call at hand, or of the next one.
    pub(crate) fn call(&mut self) -> &Call {
        if self.response.is_none() {
            self.call = std::mem::take(&mut self.call).next();
        }
        &self.call
    }

    /// The handle of the call at hand, as it is.
    pub(crate) fn current_call(&self) -> &Call {
        &self.call
    }

    /// Takes what the kernel has said. True if the client has left while it was being answered.
    ///
    /// A client that closes its side before its request is answered may still wait for the answer
    /// (RFC 9112 §9.6); one that closes while the answer is on its way has left.
    pub(crate) fn note(&mut self, signs: Signs) -> bool {
        self.readable |= signs.readable;
        self.closed |= signs.closed;
        signs.closed && self.response.is_some()
    }

    /// Gives up the turn although it could go on.
    pub(crate) fn pause(&mut self) {
        self.yielded = true;
    }

    /// Whether it can go on at once.
    pub(crate) fn wants_turn(&self) -> bool {
        self.yielded
    }

    /// Moves bytes until something must be decided. `scratch` is where the worker reads to, `lend`
    /// whether a body that the client holds back may be left to the application to ask for.
    pub(crate) fn advance(&mut self, scratch: &mut [u8], lend: bool) -> Step {
        self.yielded = false;
        let unsent = self.outbox.len();
        if unsent > 0 && self.outbox.flush(&self.socket).is_err() {
            return Step::Close(CloseReason::Disconnected);
        }
        if !self.outbox.is_empty() {
            return Step::Rest {
                phase: Phase::Writing,
                progress: self.outbox.len() < unsent,
            };
        }
        if self.response.is_some() {
            return Step::Pull;
        }
        match self.closing {
            Some(reason) => self.part(reason, scratch),
            None => self.receive(scratch, lend),
        }
    }

    /// Reads until a request can be answered.
    fn receive(&mut self, scratch: &mut [u8], lend: bool) -> Step {
        let mut progress = false;
        loop {
            match self.interpret(scratch, 0, lend) {
                Ok(Some(complete)) => return Step::Call(complete),
                Ok(None) => {}
                Err(refused) => return Step::Refuse(refused),
            }
            if !self.readable {
                break;
            }
            match self.fill(scratch, lend) {
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
    #[expect(
        clippy::result_large_err,
        reason = "the error is the step that the caller returns"
    )]
    fn fill(&mut self, scratch: &mut [u8], lend: bool) -> Result<Option<Complete>, Step> {
        match self.socket.read(scratch) {
            Ok(None) => {
                self.readable = false;
                Ok(None)
            }
            Ok(Some(0)) => Err(Step::Close(self.reader.receiver.end_of_input())),
            Ok(Some(length)) => {
                // A short read has emptied the socket: the next bytes will be an edge of their own,
                // but an end that is already known of will not.
                self.readable = length == scratch.len() || self.closed;
                self.interpret(scratch, length, lend).map_err(Step::Refuse)
            }
            Err(_) => Err(Step::Close(CloseReason::Disconnected)),
        }
    }

    /// Feeds what is in the inbox, and the first `fresh` bytes of `scratch`, to the receiver.
    fn interpret(
        &mut self,
        scratch: &[u8],
        fresh: usize,
        lend: bool,
    ) -> Result<Option<Complete>, Refused> {
        let Reader { receiver, inbox } = &mut self.reader;
        let fresh = &scratch[..fresh];
        if inbox.is_empty() {
            // The usual case: a whole request in one read, and nothing is kept.
            let (used, complete) = request::receive(receiver, &mut self.partial, fresh, lend)?;
            inbox.extend_from_slice(&fresh[used..]);
            return Ok(complete);
        }
        inbox.extend_from_slice(fresh);
        let (used, complete) = request::receive(receiver, &mut self.partial, inbox, lend)?;
        if used == inbox.len() {
            *inbox = Vec::new(); // the memory goes back
        } else {
            inbox.drain(..used);
        }
        Ok(complete)
    }

    /// Asks for a body that the client holds back and that is read before the call.
    fn send_continue(&mut self) -> std::io::Result<()> {
        if self.partial.as_mut().is_some_and(Partial::must_continue) {
            self.outbox
                .send(&self.socket, CONTINUE, bytes::Bytes::new())?;
        }
        Ok(())
    }

    fn reading_phase(&self) -> Phase {
        if self.partial.is_some() {
            return Phase::Body;
        }
        match self.reader.receiver.reading() {
            // The first head is due from the start; later ones when they have begun.
            Reading::Idle if self.served > 0 && self.reader.inbox.is_empty() => Phase::Idle,
            _ => Phase::Head,
        }
    }

    /// Says farewell: at once where nothing can be lost by it, else lingering.
    ///
    /// Closing a socket that holds unread bytes resets the connection, and the reset destroys the
    /// answer on its way (RFC 9112 §9.6).
    fn part(&mut self, reason: CloseReason, scratch: &mut [u8]) -> Step {
        let unread = !self.reader.inbox.is_empty() || self.is_mid_request(reason);
        if self.lingering.is_none() {
            if !unread {
                return Step::Close(reason);
            }
            self.socket.shutdown(Shutdown::Write);
            self.reader.inbox = Vec::new();
            self.lingering = Some(LINGER_BYTES);
        }
        while let Some(left) = self.lingering {
            match self.socket.read(scratch) {
                Ok(None) => {
                    return Step::Rest {
                        phase: Phase::Lingering,
                        progress: false,
                    };
                }
                Ok(Some(0)) | Err(_) => break,
                Ok(Some(length)) => self.lingering = left.checked_sub(length),
            }
        }
        Step::Close(reason)
    }

    fn is_mid_request(&self, reason: CloseReason) -> bool {
        matches!(
            reason,
            CloseReason::Refused(_) | CloseReason::UnreadBody | CloseReason::TimedOut(_)
        )
    }

    /// Lends the reader to the application's input.
    pub(crate) fn lend(&mut self, timeouts: &Timeouts) -> (Live, gateway_core::Input) {
        let fresh = Reader {
            receiver: Receiver::new(Arc::clone(&self.limits)),
            inbox: Vec::new(),
        };
        let reader = std::mem::replace(&mut self.reader, fresh);
        Live::lend(Arc::clone(&self.socket), reader, timeouts.body_stall)
    }

    /// Takes the reader back. True if another request can follow.
    pub(crate) fn take_back(&mut self, live: Live) -> bool {
        match live.take_back() {
            Some(Returned { reader, ended }) => {
                self.reader = reader;
                self.readable = true; // what came during the call made its edge then
                ended
            }
            None => false,
        }
    }

    /// What the client is in the middle of, for log lines and refusals.
    pub(crate) fn reading(&self) -> Reading {
        self.reader.receiver.reading()
    }

    /// The request whose body is being read, for log lines.
    pub(crate) fn partial(&self) -> Option<&Partial> {
        self.partial.as_ref()
    }
}

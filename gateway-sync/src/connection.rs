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

use std::io;
use std::net::Shutdown;
use std::sync::Arc;
use std::time::Instant;

use bytes::{Buf, Bytes, BytesMut};
use gateway_core::server::{Call, Pace, Timeouts};
use gateway_core::{CancelReason, Endpoint};
use gateway_http1::{CONTINUE, CloseReason, Reading, Receiver};
use http::{Method, StatusCode};

use crate::deadline::{Deadline, Phase};
use crate::lending::{Loan, Wait};
use crate::live::{Live, Reader, Returned};
use crate::log::{Current, Sight, Unfinished};
use crate::outbox::Outbox;
use crate::poller::Signs;
use crate::request::{self, Refused, Request};
use crate::respond::Responding;
use crate::rules::Rules;
use crate::socket::Socket;
use crate::spool::{SpoolError, Store};

/// Up to this many bytes that wait for more are kept without room to spare.
const SMALL: usize = 4 * 1024;

/// How much is read at a time where a head is expected: what follows it can then be read to where it stays.
const HEADS: usize = 16 * 1024;

/// Reads in one turn from a client whose bytes are thrown away.
const LINGER_READS: usize = 16;

pub(crate) struct Connection {
    pub(crate) socket: Arc<Socket>,
    pub(crate) endpoint: Arc<Endpoint>,
    /// The request that is being answered, for who looks from outside.
    pub(crate) current: Arc<Current>,
    pub(crate) deadline: Deadline,
    /// How fast the client sends the body at hand, or takes the response.
    pub(crate) pace: Pace,
    pub(crate) outbox: Outbox,
    pub(crate) response: Option<Box<Responding>>,
    /// Requests answered.
    pub(crate) served: u64,
    /// Set when the connection ends once the outbox is empty.
    pub(crate) closing: Option<CloseReason>,
    rules: Arc<Rules>,
    reader: Reader,
    partial: Option<Box<Request>>,
    /// A request that waits for leave to be called.
    queued: Option<(Box<Request>, Wait)>,
    call: Call,
    /// Whether a read would find something, as far as is known.
    readable: bool,
    /// Whether the client has closed its sending side.
    half_closed: bool,
    /// Whether it had when the call at hand began.
    half_closed_before: bool,
    /// A request was answered since it rested last.
    answered: bool,
    /// Nothing more is sent; what the client still sends is thrown away.
    lingering: bool,
    /// A thread of the application's still reads from the socket.
    read_elsewhere: bool,
    /// It gave up its turn although it could go on.
    yielded: bool,
    /// Nobody is there any more.
    broken: bool,
    /// The client has taken some of the response.
    taken: bool,
    /// The log says that it is cut off, and why.
    told: bool,
}

/// Where bytes were read to.
enum Place {
    Scratch,
    /// To the end of the body at hand, all of them its own.
    Body,
}

/// What a connection needs next.
pub(crate) enum Step {
    /// The application is to be called.
    Call(Box<Request>),
    /// The application is to be called, with a body that it reads as it comes.
    Lend(Box<Request>, Loan),
    /// The application is to be called, as a thread is free for it; with a body that it reads as it comes
    /// if there is leave for that too.
    Admit(Box<Request>, Loan, Option<Loan>),
    /// More of a request body is in memory than should be: it is to be moved to a file.
    Spill,
    /// The request is refused.
    Refuse(Refused),
    /// More of the response is to be pulled.
    Pull,
    /// What is to be sent next is in a file.
    Refill,
    /// Nothing, until the socket says so.
    Rest { phase: Phase, progress: bool },
    /// To be closed.
    Close(CloseReason),
}

impl Connection {
    pub(crate) fn new(
        socket: Arc<Socket>,
        endpoint: Arc<Endpoint>,
        rules: &Arc<Rules>,
        timeouts: &Timeouts,
        now: Instant,
    ) -> Self {
        Self {
            socket,
            current: Arc::new(Current::new(Arc::clone(&endpoint))),
            endpoint,
            pace: Pace::default(),
            deadline: Deadline::new(Phase::Head, now, timeouts),
            outbox: Outbox::default(),
            response: None,
            served: 0,
            closing: None,
            rules: Arc::clone(rules),
            reader: Reader {
                receiver: Receiver::new(Arc::clone(&rules.http1)),
                inbox: BytesMut::new(),
            },
            partial: None,
            queued: None,
            call: Call::new(),
            readable: false,
            half_closed: false,
            half_closed_before: false,
            answered: false,
            lingering: false,
            read_elsewhere: false,
            yielded: false,
            broken: false,
            taken: false,
            told: false,
        }
    }

    /// The handle of the call at hand, or of the next one.
    pub(crate) fn call(&self) -> &Call {
        &self.call
    }

    /// Whether the handle has served no request yet.
    pub(crate) fn has_fresh_call(&mut self) -> bool {
        self.call.is_fresh()
    }

    /// A request is answered from now on, by a call that no other has used.
    pub(crate) fn begin_call(&mut self, fresh: bool) {
        self.half_closed_before = self.half_closed;
        if !fresh {
            self.call = Call::new();
        }
    }

    /// Takes what the kernel had said before the call at hand began: a client that has closed its
    /// sending side may wait for the answer, one whose connection is broken does not.
    pub(crate) fn heed_before_call(&mut self, signs: Signs) {
        self.half_closed |= signs.half_closed;
        self.half_closed_before = self.half_closed;
        if signs.broken {
            self.call.cancel(CancelReason::Disconnected);
        }
    }

    /// Takes what the kernel has said. True if the client has left while it was being answered. From
    /// now on it is not the client who is waited for.
    pub(crate) fn note(&mut self, signs: Signs, now: Instant) -> bool {
        self.pace.pause(now);
        self.readable |= signs.readable;
        self.half_closed |= signs.half_closed;
        self.broken |= signs.broken;
        self.response.is_some() && signs.is_leaving(self.half_closed_before)
    }

    /// Whether the client has closed its sending side, as far as is known.
    pub(crate) fn is_half_closed(&self) -> bool {
        self.half_closed
    }

    /// A request was answered: what is due now is counted afresh.
    pub(crate) fn count_answer(&mut self) {
        self.served += 1;
        self.answered = true;
    }

    /// Sets by when the connection must have got on, after a turn that left it in `phase`.
    pub(crate) fn set_deadline(
        &mut self,
        phase: Phase,
        progress: bool,
        now: Instant,
        timeouts: &Timeouts,
    ) {
        let deadline = match std::mem::take(&mut self.answered) {
            true => Deadline::new(phase, now, timeouts),
            false => self.deadline.next(phase, progress, now, timeouts),
        };
        self.deadline = deadline.with(&mut self.pace, now, timeouts);
    }

    /// Whether nothing was asked for, as far as is known, nor is anything on its way to the client.
    pub(crate) fn is_unasked(&self) -> bool {
        let nothing_begun = self.partial.is_none() && self.reading() == Reading::Idle;
        nothing_begun
            && !self.has_more()
            && self.queued.is_none()
            && self.response.is_none()
            && self.closing.is_none()
    }

    /// Has the next turn read, whatever the kernel has said: what came since then is looked for.
    pub(crate) fn look_again(&mut self) {
        self.readable = true;
    }

    /// Gives up the turn although it could go on.
    pub(crate) fn pause(&mut self) {
        self.yielded = true;
    }

    /// Whether it can go on at once.
    pub(crate) fn wants_turn(&self) -> bool {
        self.yielded
    }

    /// Whether bytes are here that have not been looked at: mostly another request.
    pub(crate) fn has_more(&self) -> bool {
        !self.reader.inbox.is_empty()
    }

    /// Moves bytes until something must be decided. `scratch` is where the worker reads to.
    pub(crate) fn advance(&mut self, scratch: &mut [u8]) -> Step {
        self.yielded = false;
        if !self.outbox.is_empty() {
            if let Some(step) = self.flush() {
                return step;
            }
        }
        if self.response.is_some() {
            return Step::Pull;
        }
        if self.broken {
            // What it has asked for before is asked for by nobody.
            return Step::Close(CloseReason::Disconnected);
        }
        if let Some((request, wait)) = self.queued.take() {
            return self.queue(request, wait);
        }
        match self.closing {
            Some(reason) => self.part(reason, scratch),
            None => self.receive(scratch),
        }
    }

    /// A request waits for leave to be called, unless it has it by now.
    pub(crate) fn queue(&mut self, request: Box<Request>, wait: Wait) -> Step {
        let wait = match wait {
            Wait::ToRead(ticket) => match ticket.redeem() {
                Ok(loan) => return Step::Lend(request, loan),
                Err(ticket) => Wait::ToRead(ticket),
            },
            Wait::ToCall(ticket, loan) => match ticket.redeem() {
                Ok(leave) => return Step::Admit(request, leave, loan),
                Err(ticket) => Wait::ToCall(ticket, loan),
            },
        };
        self.queued = Some((request, wait));
        Step::Rest {
            phase: Phase::Queued,
            progress: false,
        }
    }

    /// Sends what has been kept; `None` if all of it is sent.
    fn flush(&mut self) -> Option<Step> {
        let unsent = self.outbox.len();
        if self.outbox.flush(&self.socket).is_err() {
            return Some(Step::Close(CloseReason::Disconnected));
        }
        let taken = unsent - self.outbox.len();
        self.count_taken(taken);
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

    /// Sends `head` and `body`, or keeps what the client does not take now; in pieces as they are, as
    /// long as no more than `keep` bytes are in memory. `more` says that the next piece will be here in no
    /// time.
    ///
    /// # Errors
    ///
    /// The connection is broken.
    pub(crate) fn send(
        &mut self,
        head: &[u8],
        body: Bytes,
        keep: usize,
        more: bool,
    ) -> io::Result<()> {
        let before = self.outbox.len() + (head.len() + body.len()) as u64;
        self.outbox.send(&self.socket, head, body, keep, more)?;
        self.count_taken(before - self.outbox.len());
        Ok(())
    }

    fn count_taken(&mut self, bytes: u64) {
        self.pace.add(bytes);
        self.taken |= bytes > 0;
    }

    /// Whether the client has taken anything since it was asked last.
    pub(crate) fn was_taken(&mut self) -> bool {
        std::mem::take(&mut self.taken)
    }

    /// Reads until a request can be answered.
    fn receive(&mut self, scratch: &mut [u8]) -> Step {
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
        let begun = self.partial.is_some();
        let complete = match place {
            Place::Scratch => self.interpret(scratch, length),
            Place::Body => self.interpret_body(length),
        };
        let complete = complete.map_err(Step::Refuse)?;
        if let Some(partial) = &self.partial {
            if !begun {
                self.pace = Pace::default();
            }
            let of_body = if begun {
                length as u64
            } else {
                partial.body.length()
            };
            self.pace.add(of_body);
        }
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

    /// Tells the receiver of bytes that were read to where they stay.
    fn interpret_body(&mut self, length: usize) -> Result<Option<Box<Request>>, Refused> {
        let receiver = &mut self.reader.receiver;
        if let Some(partial) = &self.partial {
            let told = receiver.receive(partial.body.last(length));
            let told = told.map_err(|error| Refused::new(error, Some(partial), &[]))?;
            debug_assert_eq!(told.used, length); // there was no room for more than the body
        }
        let (_, complete) = request::receive(receiver, &mut self.partial, &self.rules, &[])?;
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
    pub(crate) fn spill(&mut self, store: &Arc<Store>) -> Result<(), SpoolError> {
        match &mut self.partial {
            Some(partial) => partial.body.spill(store),
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
                request::receive(receiver, &mut self.partial, &self.rules, fresh)?;
            inbox.extend_from_slice(&fresh[used..]);
            return Ok(complete);
        }
        inbox.extend_from_slice(fresh);
        let (used, complete) = request::receive(receiver, &mut self.partial, &self.rules, inbox)?;
        inbox.advance(used);
        if inbox.len() < SMALL && inbox.capacity() > SMALL {
            *inbox = BytesMut::from(&inbox[..]); // the memory goes back
        }
        Ok(complete)
    }

    /// Asks for a body that the client holds back and that is read before the call.
    fn send_continue(&mut self) -> io::Result<()> {
        if self
            .partial
            .as_mut()
            .is_some_and(|partial| partial.must_continue())
        {
            self.outbox
                .send(&self.socket, CONTINUE, Bytes::new(), usize::MAX, false)?;
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

    /// Says farewell: nothing more is sent, and what the client still sends is thrown away, until it
    /// has closed its side too.
    ///
    /// Closing a socket that holds unread bytes, or that some reach later, resets the connection, and
    /// the reset destroys the answer on its way (RFC 9112 §9.6). A client that asked for the close
    /// sends no more.
    fn part(&mut self, reason: CloseReason, scratch: &mut [u8]) -> Step {
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

    /// Has the body of a request read before the call, although the client holds it back.
    pub(crate) fn read_first(&mut self, mut request: Box<Request>) {
        request.awaited = false;
        self.partial = Some(request);
    }

    /// Whether a request is being read that has to be answered.
    pub(crate) fn is_asked(&self) -> bool {
        self.partial.is_some() || self.reading() == Reading::Head
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

    /// What the client is in the middle of, for log lines and refusals.
    pub(crate) fn reading(&self) -> Reading {
        self.reader.receiver.reading()
    }

    /// Says in the log that it is cut off in `phase`, unless that was said. A connection on which that
    /// was said serves no further request.
    pub(crate) fn tell_cut(&mut self, phase: Phase, why: &str, now: Instant) {
        if !std::mem::replace(&mut self.told, true) {
            self.sight(phase, self.since(phase, now)).log_cut(why, now);
        }
    }

    /// Says in the log that a request is refused, instead of that it is cut off.
    pub(crate) fn tell_refused(&mut self, status: StatusCode, error: &str, now: Instant) {
        let phase = match self.partial {
            Some(_) => Phase::Body,
            None => Phase::Head,
        };
        let sight = self.sight(phase, self.since(phase, now));
        sight.log_refused(status, error, now);
        self.told = true;
    }

    /// What is unfinished of it.
    pub(crate) fn unfinished(&self) -> Unfinished {
        let reads = self.closing.is_none();
        Unfinished {
            response: self.response.is_some(),
            queued: self.queued.is_some(),
            body: self.partial.is_some(),
            head: reads && self.reading() == Reading::Head,
        }
    }

    /// Since when it is in `phase`: since now, if it has not rested in it.
    fn since(&self, phase: Phase, now: Instant) -> Instant {
        match self.deadline.phase == phase && !self.answered {
            true => self.deadline.since,
            false => now,
        }
    }

    /// How it looks from outside, in a phase that began at `since`.
    pub(crate) fn sight(&self, phase: Phase, since: Instant) -> Sight {
        match phase {
            Phase::Application => self.current.sight_of_call(since),
            Phase::Writing | Phase::Lingering => self.current.sight_of_response(since),
            _ => {
                let queued = self.queued.as_ref().map(|(request, _)| request);
                let request = self.partial.as_ref().or(queued);
                let request = request.map(|request| request.name());
                self.current.sight(phase.stage(), since, request)
            }
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

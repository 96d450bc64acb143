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

mod parting;
mod receiving;
mod sending;
mod telling;

use std::sync::Arc;
use std::time::Instant;

use bytes::BytesMut;
use gateway_core::server::{Call, Lead, Pace, Timeouts};
use gateway_core::{CancelReason, Endpoint};
use gateway_http1::{CloseReason, Reading, Receiver};

use crate::deadline::{Deadline, Phase};
use crate::lending::{Beside, Loan, Wait};
use crate::live::Reader;
use crate::log::Current;
use crate::outbox::Outbox;
use crate::poller::Signs;
use crate::request::{Refused, Request};
use crate::respond::Responding;
use crate::rules::Rules;
use crate::socket::Socket;

pub(crate) struct Connection {
    pub(crate) socket: Arc<Socket>,
    pub(crate) endpoint: Arc<Endpoint>,
    /// The request that is being answered, for who looks from outside.
    pub(crate) current: Arc<Current>,
    pub(crate) deadline: Deadline,
    /// How fast the client sends the body at hand, or takes the response.
    pub(crate) pace: Pace,
    /// Whether the kernel runs ahead of the client.
    lead: Lead,
    pub(crate) outbox: Outbox,
    pub(crate) response: Option<Box<Responding>>,
    /// When what is read is here.
    now: Instant,
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
    /// Whether it had when the request at hand began to wait for its call, or was called.
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

/// What a connection needs next.
pub(crate) enum Step {
    /// The application is to be called.
    Call(Box<Request>),
    /// The application is to be called, with a body that it reads as it comes.
    Lend(Box<Request>, Loan),
    /// The application is to be called, as a thread is free for it.
    Admit(Box<Request>, Loan, Beside),
    /// The application is to be called, as there is a core for it.
    Compute(Box<Request>, Loan),
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
            lead: Lead::default(),
            deadline: Deadline::new(Phase::Head, now, timeouts),
            outbox: Outbox::default(),
            response: None,
            now,
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
    /// now on it is not the client who is waited for, unless it has not taken what is here for it.
    pub(crate) fn note(&mut self, signs: Signs, now: Instant) -> bool {
        self.set_now(now);
        if self.outbox.is_empty() {
            self.pace.pause(now);
        }
        self.readable |= signs.readable;
        self.half_closed |= signs.half_closed;
        self.broken |= signs.broken;
        let is_owed = self.response.is_some() || self.queued.is_some();
        is_owed && signs.is_leaving(self.half_closed_before)
    }

    /// What is read from now on is here at `now`.
    pub(crate) fn set_now(&mut self, now: Instant) {
        self.now = now;
    }

    /// Whether another request may be here.
    pub(crate) fn may_read_on(&self) -> bool {
        self.readable || self.has_more()
    }

    /// Whether the client has closed its sending side, as far as is known.
    pub(crate) fn is_half_closed(&self) -> bool {
        self.half_closed
    }

    /// A request was answered: what is due now is counted afresh.
    pub(crate) fn count_answer(&mut self) {
        self.pace = Pace::default();
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
        let timeouts = self.lead.timeouts(timeouts);
        let deadline = match std::mem::take(&mut self.answered) {
            true => Deadline::new(phase, now, timeouts),
            false => self.deadline.next(phase, progress, now, timeouts),
        };
        let deadline = match &self.queued {
            Some((request, _)) => Deadline::of_queued(request.since, timeouts),
            None => deadline,
        };
        self.deadline = deadline.with(&mut self.pace, now, timeouts);
        if phase == Phase::Writing {
            self.lead.wait(now);
        }
    }

    /// Takes the request that waits for its call: it will get none.
    pub(crate) fn give_up_call(&mut self) -> Option<Box<Request>> {
        self.queued.take().map(|(request, _)| request)
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
            Wait::Read(ticket) => match ticket.redeem() {
                Ok(loan) => return Step::Lend(request, loan),
                Err(ticket) => Wait::Read(ticket),
            },
            Wait::Compute(ticket) => match ticket.redeem() {
                Ok(room) => return Step::Compute(request, room),
                Err(ticket) => Wait::Compute(ticket),
            },
            Wait::Call(ticket, beside) => match ticket.redeem() {
                Ok(leave) => return Step::Admit(request, leave, beside),
                Err(ticket) => Wait::Call(ticket, beside),
            },
        };
        self.half_closed_before = self.half_closed;
        self.queued = Some((request, wait));
        Step::Rest {
            phase: Phase::Queued,
            progress: false,
        }
    }
}

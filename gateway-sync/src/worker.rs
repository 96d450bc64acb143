//! A worker: a thread that holds a seat, or is in a call, or waits for a seat.
//!
//! Whoever edits this file: between `begin` and `end` runs application code, which may block, panic
//! and take for ever; no lock is held there, and the seat may be gone afterwards.

mod call;
mod ending;
mod polling;
mod respond;

use std::sync::Arc;
use std::task::Waker;
use std::time::Instant;

use gateway_core::server::{Panic, Parker, catch};
use gateway_core::{Application, CancelReason};
use gateway_http1::CloseReason;

use crate::connection::{Connection, Step};
use crate::date::Date;
use crate::deadline::Phase;
use crate::gate::Pass;
use crate::lending::Waiter;
use crate::poller::Batch;
use crate::seat::{Next, Out};
use crate::seating::Spare;
use crate::shared::Shared;
use crate::stopwatch::Account;
use crate::unsent::{Rest, Unsent};

/// How much is read from a socket at a time.
const SCRATCH: usize = 64 * 1024;

/// Requests that a connection may have answered in one turn, before others get theirs.
const TURN: u64 = 16;

/// Turns that connections may have before events are looked for, although some could go on: about
/// as many as come in one batch.
const TURNS: u32 = 32;

pub(crate) struct Worker<'a, A> {
    shared: &'a Shared<A>,
    held: Option<Held>,
    /// Turns since events were looked for last.
    turns: u32,
    spare: Arc<Spare>,
    /// Of the call that it has made last, and that has computed, until somebody else may.
    pass: Option<Pass<'a>>,
    parker: Arc<Parker>,
    account: Arc<Account>,
    waker: Waker,
    batch: Batch,
    /// To where it reads. Empty until it does: most threads of most servers are never needed.
    scratch: Box<[u8]>,
    /// What is encoded, before it is sent.
    out: Vec<u8>,
    /// Where it leaves what others are to send while it makes more.
    unsent: Arc<Unsent>,
    date: Date,
}

/// A seat, and since when.
#[derive(Clone, Copy, Debug)]
struct Held {
    seat: usize,
    tenure: u64,
}

/// The connection that is being turned.
pub(crate) struct Turn {
    seat: usize,
    slot: usize,
    connection: Box<Connection>,
    /// When the turn began, or the request at hand was read.
    now: Instant,
    /// Its call has served no request yet.
    call_is_fresh: bool,
}

impl Turn {
    /// Has the time be now, for what is read from here on too.
    fn look_at_clock(&mut self) {
        self.now = Instant::now();
        self.connection.set_now(self.now);
    }
}

/// Whether a turn goes on.
enum Flow {
    Continue,
    /// It could go on, and lets others go first.
    Yield,
    Rest(Phase, bool),
    Close(CloseReason),
}

impl<'a, A: Application> Worker<'a, A> {
    /// The worker of the calling thread.
    pub(crate) fn new(shared: &'a Shared<A>) -> Self {
        let parker = Parker::here();
        Self {
            shared,
            held: None,
            turns: 0,
            spare: Spare::here(),
            pass: None,
            waker: Waker::from(Arc::clone(&parker)),
            parker,
            account: Arc::new(Account::of_this_thread()),
            batch: Batch::new(),
            scratch: Box::default(),
            out: Vec::new(),
            unsent: Arc::default(),
            date: Date::new(),
        }
    }

    /// Works until the server ends.
    pub(crate) fn run(mut self) {
        while !self.shared.has_ended() {
            if let Some((seat, out)) = self.next_to_compute() {
                self.turn_without_seat(seat, out);
            } else if let Some(seat) = self.shared.seating.take(&self.spare) {
                let tenure = self.shared.seats[seat].sit(&self.unsent);
                self.held = Some(Held { seat, tenure });
                self.hold();
            }
        }
    }

    /// Its call has computed: the connection that waits to compute next, which has the room that the call had. It goes on at
    /// once, on a thread and a core that are awake.
    fn next_to_compute(&mut self) -> Option<(usize, Out)> {
        let Waiter { waker, seat, slot } = self.pass.take()?.leave()?;
        match self.shared.seats[seat].take_out(slot) {
            Some(out) => Some((seat, out)),
            None => {
                waker.wake(); // another has it in hand
                None
            }
        }
    }

    /// Its call has computed: somebody else may. What this thread does next may take its time.
    fn let_next_compute(&mut self) {
        self.pass = None;
    }

    fn turn_without_seat(&mut self, seat: usize, out: Out) {
        if let Some((slot, connection)) = self.turn(seat, out) {
            self.shared.seats[seat].put_back(slot, connection);
        }
    }

    /// Turns the connections of the seat at hand, until there is none.
    fn hold(&mut self) {
        let mut back = None;
        while let Some(held) = self.held {
            if back.is_none() && self.turns >= TURNS {
                self.turns = 0;
                self.look_around(held.seat);
                continue;
            }
            let seat = &self.shared.seats[held.seat];
            match seat.next(held.tenure, back.take()) {
                Next::Turn(out) => {
                    back = self.turn(held.seat, out);
                    self.turns += 1;
                }
                Next::Send(unsent) => {
                    self.send_for(held.seat, &unsent);
                    self.turns += 1;
                }
                Next::Poll if self.shared.has_ended() => return,
                Next::Poll => {
                    self.turns = 0;
                    self.poll(held.seat);
                }
                Next::Lost => self.held = None,
            }
            let is_due = self.held.is_none() || self.turns >= TURNS;
            if is_due {
                if let Some((slot, connection)) = back.take() {
                    seat.put_back(slot, connection);
                }
            }
        }
    }

    /// Sends for a worker that makes more of the same response.
    fn send_for(&mut self, seat: usize, unsent: &Unsent) {
        let slot = match unsent.send() {
            Rest::Nothing => return,
            Rest::More(slot) => slot,
            Rest::Refill(slot) => {
                let entry = self.shared.predictor.entry("", b"response");
                if self.may_block(entry, || unsent.refill()).is_err() {
                    return; // who makes the response finds it out as well
                }
                slot
            }
        };
        self.shared.seats[seat].send_on(slot);
    }

    /// Turns a connection. What is returned goes back to its slot.
    fn turn(&mut self, seat: usize, out: Out) -> Option<(usize, Box<Connection>)> {
        let Out {
            slot,
            connection,
            signs,
            swept,
            call_is_fresh,
            now,
        } = out;
        let mut turn = Turn {
            seat,
            slot,
            connection,
            now,
            call_is_fresh,
        };
        self.survive(seat, slot, |worker| {
            let left = turn.connection.note(signs, turn.now);
            let flow = if left {
                let call = turn.connection.call();
                call.cancel(CancelReason::Disconnected);
                Flow::Close(CloseReason::Disconnected)
            } else {
                worker.advance(&mut turn)
            };
            let flow = match swept {
                Some(sweep) => worker.heed(&mut turn, flow, sweep),
                None => flow,
            };
            worker.settle(turn, flow)
        })
    }

    fn lose(&self, seat: usize, slot: usize, panic: &Panic) {
        match self.shared.seats[seat].sight(slot) {
            Some(sight) => sight.log_lost(panic, Instant::now()),
            None => tracing::error!(%panic, "a defect of the server"),
        }
        self.shared.forget(seat, slot);
    }

    /// Survives the server's own mistakes: a connection is lost to them, the thread is not.
    fn survive(
        &mut self,
        seat: usize,
        slot: usize,
        turn: impl FnOnce(&mut Self) -> Option<(usize, Box<Connection>)>,
    ) -> Option<(usize, Box<Connection>)> {
        match catch(|| turn(self)) {
            Ok(back) => back,
            Err(panic) => {
                self.unsent.take_back(); // it is nobody's any more
                self.lose(seat, slot, &panic);
                None
            }
        }
    }

    /// The time, without a look at the clock where the turn has kept its seat: it was short, and its
    /// beginning is now to a millisecond.
    fn now(&self, turn: &Turn) -> Instant {
        if self.held.is_some() {
            turn.now
        } else {
            Instant::now()
        }
    }

    /// Does what a turn came to. What is returned goes back to its slot.
    fn settle(&mut self, mut turn: Turn, flow: Flow) -> Option<(usize, Box<Connection>)> {
        match flow {
            Flow::Rest(phase, progress) => {
                let (now, timeouts) = (self.now(&turn), &self.shared.timeouts);
                let connection = &mut turn.connection;
                connection.set_deadline(phase, progress, now, timeouts);
                Some((turn.slot, turn.connection))
            }
            Flow::Continue | Flow::Yield => {
                turn.connection.pause();
                Some((turn.slot, turn.connection))
            }
            Flow::Close(reason) => {
                self.close(turn, reason);
                None
            }
        }
    }

    /// How many requests may wait for a thread, or to compute.
    fn most(&self) -> usize {
        self.shared.calls.queue
    }

    /// Moves a connection on until it rests, closes, or has had its share.
    fn advance(&mut self, turn: &mut Turn) -> Flow {
        if self.scratch.is_empty() {
            self.scratch = vec![0; SCRATCH].into();
        }
        let (served, seated) = (turn.connection.served, self.held.is_some());
        while turn.connection.served - served < TURN {
            let flow = match turn.connection.advance(&mut self.scratch) {
                Step::Call(request) => self.serve(turn, request),
                Step::Lend(request, loan) => self.answer_live(turn, request, loan),
                Step::Admit(request, leave, beside) => self.admit(turn, request, leave, beside),
                Step::Compute(request, room) => self.compute(turn, request, room),
                Step::Refuse(refused) => self.refuse(turn, refused),
                Step::Pull => self.pull(turn),
                Step::Spill => self.spill(turn),
                Step::Refill => self.refill(turn),
                Step::Rest { phase, progress } => Flow::Rest(phase, progress),
                Step::Close(reason) => Flow::Close(reason),
            };
            if !matches!(flow, Flow::Continue) {
                return flow;
            }
            if turn.connection.may_read_on() {
                turn.look_at_clock(); // what is read now was not here before
            }
            if seated && self.held.is_none() && turn.connection.has_more() {
                break; // it took its time: others first
            }
        }
        Flow::Yield
    }
}

//! A worker: a thread that holds a seat, or is in a call, or waits for a seat.
//!
//! Whoever edits this file: between `begin` and `end` runs application code, which may block, panic
//! and take for ever; no lock is held there, and the seat may be gone afterwards.

mod call;
mod respond;

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::Waker;
use std::time::Instant;

use bytes::Bytes;
use gateway_core::server::{Pace, Panic, Parker, catch};
use gateway_core::{Application, BodyKind, CancelReason, Ending, Response, status};
use gateway_http1::{BodyLength, CloseReason, Exchange, encode_head};
use http::header::RETRY_AFTER;
use http::{HeaderValue, StatusCode};

use crate::connection::{Connection, Step};
use crate::date::Date;
use crate::deadline::Phase;
use crate::log::RequestName;
use crate::poller::{Batch, Poller};
use crate::predictor::{Entry, Forecast};
use crate::request::{Refused, Request};
use crate::seat::{Next, Out, Sweep};
use crate::seating::Spare;
use crate::shared::Shared;
use crate::stopwatch::Account;

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
    parker: Arc<Parker>,
    account: Account,
    /// Calls that compute and have been let in: they are this worker's to make.
    admitted: VecDeque<Parked>,
    waker: Waker,
    batch: Batch,
    scratch: Box<[u8]>,
    /// What is encoded, before it is sent.
    out: Vec<u8>,
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

/// A connection whose call computes: it is called when no more than cores do so at once.
pub(crate) struct Parked {
    turn: Turn,
    request: Box<Request>,
    entry: Entry,
}

/// Whether a turn goes on.
enum Flow {
    Continue,
    /// It could go on, and lets others go first.
    Yield,
    Rest(Phase, bool),
    /// The call computes, and may have to wait for others that do.
    Park(Box<Request>, Entry),
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
            waker: Waker::from(Arc::clone(&parker)),
            parker,
            account: Account::of_this_thread(),
            admitted: VecDeque::new(),
            batch: Batch::new(),
            scratch: vec![0; SCRATCH].into(),
            out: Vec::new(),
            date: Date::new(),
        }
    }

    /// Works until the server ends.
    pub(crate) fn run(mut self) {
        while !self.shared.has_ended() {
            if let Some(parked) = self.admitted.pop_front() {
                self.resume(parked, Forecast::Computes);
            } else if let Some(parked) = self.shared.gate.excuse(|it| self.no_longer_computes(it)) {
                self.resume(parked, Forecast::Waits);
            } else if let Some(seat) = self.shared.seating.take(&self.spare) {
                let tenure = self.shared.seats[seat].sit();
                self.held = Some(Held { seat, tenure });
                self.hold();
            }
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

    /// Looks for what has happened while there was always a connection that could go on: those that
    /// never rest must not shut the others out. Changes over to a seat that nobody has, if somebody
    /// waits there.
    fn look_around(&mut self, number: usize) {
        self.note_events(number, false);
        for other in self.shared.seating.free() {
            self.note_events(other, false);
            if self.shared.seats[other].has_ready() {
                return self.change_over(number, other);
            }
        }
    }

    /// Leaves the seat at hand for one that nobody has, if that is still so.
    fn change_over(&mut self, number: usize, other: usize) {
        if self.shared.seating.exchange(number, other) {
            let tenure = self.shared.seats[other].sit();
            self.held = Some(Held {
                seat: other,
                tenure,
            });
        }
    }

    /// Waits until something happens at the seat, or at one that nobody has: to that one the worker
    /// then changes over.
    fn poll(&mut self, number: usize) {
        let free = self.shared.seating.free();
        if free.is_empty() {
            return self.note_events(number, true);
        }
        let busy = self.wait_for_any(&free, number);
        if busy != number {
            if !self.shared.seating.exchange(number, busy) {
                return; // somebody has come for it
            }
            let tenure = self.shared.seats[busy].sit();
            self.held = Some(Held { seat: busy, tenure });
        }
        self.note_events(busy, false);
    }

    /// Waits until something happens at one of the free seats or at the worker's own. The free ones
    /// come first, so that two seats that are both busy get their turns.
    fn wait_for_any(&self, free: &[usize], own: usize) -> usize {
        let seats = &self.shared.seats;
        if let Some(ready) = free.iter().find(|other| seats[**other].has_ready()) {
            return *ready;
        }
        let numbers: Vec<_> = free.iter().copied().chain([own]).collect();
        let pollers: Vec<_> = numbers
            .iter()
            .map(|number| &seats[*number].poller)
            .collect();
        match Poller::wait_any(&pollers) {
            Ok(first) => numbers[first],
            Err(error) => {
                tracing::error!(%error, "cannot poll");
                own
            }
        }
    }

    /// Notes what has happened at a seat, and takes new connections.
    fn note_events(&mut self, number: usize, wait: bool) {
        let mut listeners = Vec::new();
        let seat = &self.shared.seats[number];
        if let Err(error) = seat.poll(&mut self.batch, wait, &mut listeners) {
            tracing::error!(%error, "cannot poll");
        }
        for listener in listeners {
            self.shared.accept(listener);
        }
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

    /// Does what a sweep asks for, unless the connection has got on meanwhile.
    fn heed(&mut self, turn: &mut Turn, flow: Flow, sweep: Sweep) -> Flow {
        match (flow, sweep) {
            (flow, Sweep::Cut) => self.cut(turn, flow),
            (Flow::Rest(Phase::Lingering, _), Sweep::Idle) => Flow::Close(CloseReason::Shutdown),
            (Flow::Rest(phase, progress), Sweep::Idle) if phase.is_over_at_stop() => {
                match turn.connection.is_unasked() {
                    true => self.part(turn, Phase::Idle, CloseReason::Shutdown),
                    false => Flow::Rest(phase, progress), // a request has begun, and will be answered
                }
            }
            (Flow::Rest(phase, progress), Sweep::Overdue) => {
                let (now, timeouts) = (turn.now, &self.shared.timeouts);
                let connection = &mut turn.connection;
                connection.set_deadline(phase, progress, now, timeouts);
                match connection.deadline.overdue(now) {
                    Some(_) => self.expire(turn, phase),
                    None => Flow::Rest(phase, false),
                }
            }
            (flow, _) => flow,
        }
    }

    /// Ends a connection because the server has waited long enough for its stop.
    fn cut(&self, turn: &mut Turn, flow: Flow) -> Flow {
        let reason = CloseReason::Shutdown;
        let connection = &mut turn.connection;
        let unfinished = connection.unfinished();
        let cut = match flow {
            Flow::Rest(Phase::Lingering, _) => None, // all was answered
            Flow::Rest(phase, _) => Some(phase),
            Flow::Park(request, _) => {
                let name = RequestName::of(&request.head);
                connection.current.queue(name, turn.now);
                Some(Phase::Application) // where it says itself how far it has come
            }
            // The end that was found may be the one that the stop has made.
            Flow::Close(found) => unfinished.cut(found),
            Flow::Continue | Flow::Yield => unfinished.cut(reason),
        };
        if let Some(phase) = cut {
            connection.tell_cut(phase, "the wait for the stop is over", turn.now);
        }
        Flow::Close(reason)
    }

    /// Ends a connection that asks for nothing, and rests in `phase`, unless it asks by now. A request
    /// that comes later finds the end of the connection, and no reset.
    fn part(&mut self, turn: &mut Turn, phase: Phase, reason: CloseReason) -> Flow {
        turn.connection.look_again();
        match self.advance(turn) {
            Flow::Rest(..) if turn.connection.is_unasked() => {
                let why = match reason {
                    CloseReason::Shutdown => "the server stops",
                    _ => turn.connection.deadline.why(turn.now),
                };
                turn.connection.tell_cut(phase, why, turn.now);
                turn.connection.closing = Some(reason);
                self.advance(turn)
            }
            flow => flow,
        }
    }

    /// Whether a call that was thought to compute is now expected to wait: the others of its kind are
    /// made at once, and it is not to be overtaken by all of them.
    fn no_longer_computes(&self, parked: &Parked) -> bool {
        self.shared.predictor.forecast(parked.entry) != Forecast::Computes
    }

    /// Makes a call that was put off, and goes on with its connection.
    fn resume(&mut self, parked: Parked, forecast: Forecast) {
        let Parked {
            mut turn,
            request,
            entry,
        } = parked;
        let (seat, slot) = (turn.seat, turn.slot);
        // It has waited already, and is not refused any more.
        let answered =
            catch(|| self.queue_call(&mut turn, request, entry, forecast, None, usize::MAX));
        if forecast == Forecast::Computes {
            self.admitted.extend(self.shared.gate.leave());
        }
        let flow = match answered {
            Ok(flow) => flow,
            Err(panic) => return self.lose(seat, slot, &panic),
        };
        let back = self.survive(seat, slot, |worker| {
            let flow = match flow {
                Flow::Continue => worker.advance(&mut turn),
                flow => flow,
            };
            worker.settle(turn, flow)
        });
        if let Some((slot, connection)) = back {
            self.shared.seats[seat].put_back(slot, connection);
        }
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
            Flow::Park(request, entry) => {
                let name = RequestName::of(&request.head);
                turn.connection.current.queue(name, turn.now);
                if let Some(parked) = self.shared.gate.enter(Parked {
                    turn,
                    request,
                    entry,
                }) {
                    self.leave_seat();
                    self.admitted.push_back(parked);
                }
                None
            }
            Flow::Close(reason) => {
                self.close(turn, reason);
                None
            }
        }
    }

    /// Moves a connection on until it rests, closes, or has had its share.
    fn advance(&mut self, turn: &mut Turn) -> Flow {
        let (served, seated) = (turn.connection.served, self.held.is_some());
        while turn.connection.served - served < TURN {
            let flow = match turn.connection.advance(&mut self.scratch) {
                Step::Call(request) => self.serve(turn, request),
                Step::Lend(request, loan) => self.answer_live(turn, request, loan),
                Step::Admit(request, leave, loan) => self.admit(turn, request, leave, loan),
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
            if seated && self.held.is_none() && turn.connection.has_more() {
                break; // it took its time: others first
            }
        }
        Flow::Yield
    }

    /// Answers a request that cannot be read.
    fn refuse(&mut self, turn: &mut Turn, refused: Refused) -> Flow {
        let Refused { error, is_head } = refused;
        let now = self.now(turn);
        turn.connection
            .tell_refused(error.status(), &error.to_string(), now);
        self.answer_and_close(
            turn,
            status(error.status()),
            Exchange::refused(error),
            is_head,
        )
    }

    /// Moves what is here of a request body to a file; a request whose body cannot be kept is refused.
    fn spill(&mut self, turn: &mut Turn) -> Flow {
        let entry = self.shared.predictor.entry("", b"request");
        let (connection, store) = (&mut turn.connection, &self.shared.store);
        let spilled = self.may_block(entry, || connection.spill(store));
        let Err(error) = spilled else {
            return Flow::Yield; // others first: there may be much of it
        };
        let now = self.now(turn);
        turn.connection
            .tell_cut(Phase::Body, &error.to_string(), now);
        let mut answer = status(error.status());
        if answer.status() == StatusCode::SERVICE_UNAVAILABLE {
            let soon = HeaderValue::from_static("1");
            answer.headers_mut().insert(RETRY_AFTER, soon);
        }
        let exchange = Exchange::unread(CloseReason::UnreadBody);
        let is_head = turn.connection.asks_for_head();
        self.answer_and_close(turn, answer, exchange, is_head)
    }

    /// Sends a short answer in the application's stead, after which the connection closes.
    fn answer_and_close(
        &mut self,
        turn: &mut Turn,
        response: Response,
        exchange: Exchange,
        is_head: bool,
    ) -> Flow {
        self.out.clear();
        let code = response.status();
        let text = match response.body().kind() {
            BodyKind::Bytes(text) => text.clone(),
            _ => Bytes::new(),
        };
        let length = BodyLength::Known(text.len() as u64);
        let now = self.now(turn);
        let (headers, date) = (response.headers(), self.date.at(now));
        match encode_head(&mut self.out, &exchange, code, headers, length, date) {
            Ok(encoder) if encoder.wants_body() && !is_head => self.out.extend_from_slice(&text),
            Ok(_) => {}
            Err(error) => tracing::error!(%error, "an answer of the server's own is refused"),
        }
        turn.connection.closing = exchange.closing();
        turn.connection.pace = Pace::default();
        turn.connection.count_answer();
        turn.connection.give_up_request();
        self.send(turn, Bytes::new(), usize::MAX, false)
    }

    /// The connection's time is over.
    fn expire(&mut self, turn: &mut Turn, phase: Phase) -> Flow {
        let connection = &mut turn.connection;
        let reading = connection.reading();
        // Nothing was asked: there is nothing to answer.
        let is_unasked = match phase {
            Phase::Head => !connection.is_asked(),
            phase => phase == Phase::Idle,
        };
        if is_unasked {
            return self.part(turn, phase, CloseReason::TimedOut(reading));
        }
        if phase != Phase::Lingering {
            connection.tell_cut(phase, connection.deadline.why(turn.now), turn.now);
        }
        match phase {
            Phase::Head | Phase::Body if connection.is_asked() => {
                let exchange = Exchange::unread(CloseReason::TimedOut(reading));
                let answer = status(StatusCode::REQUEST_TIMEOUT);
                let is_head = connection.asks_for_head();
                self.answer_and_close(turn, answer, exchange, is_head)
            }
            Phase::Writing => Flow::Close(CloseReason::WriteTimedOut),
            Phase::Body => Flow::Close(CloseReason::UnreadBody),
            _ => Flow::Close(CloseReason::TimedOut(reading)),
        }
    }

    /// Ends a connection, and with it the response that was on its way.
    fn close(&mut self, mut turn: Turn, reason: CloseReason) {
        tracing::debug!(remote = %turn.connection.endpoint.remote, %reason, "connection closed");
        if let Some(phase) = turn.connection.unfinished().cut(reason) {
            let now = self.now(&turn);
            turn.connection.tell_cut(phase, &reason.to_string(), now);
        }
        if let Some(mut response) = turn.connection.response.take() {
            let ending = response.failure().unwrap_or(ending_of(reason));
            // What the kernel still holds for a client that does not take it is worth nothing.
            if response.needs_reset() || reason == CloseReason::WriteTimedOut {
                turn.connection.socket.reset_on_close();
            }
            if let Some(live) = response.live.take() {
                turn.connection.take_back(live);
            }
            let unsent = turn.connection.outbox.len();
            let outcome = response.cut(ending, unsent);
            self.seated(response.entry.of_body(), || {
                response.close_body(&turn.connection.current);
                turn.connection.call().finish(&outcome);
            });
        }
        turn.connection.end_reading_elsewhere();
        self.shared.forget(turn.seat, turn.slot);
    }
}

/// How a request ends whose connection is closed for `reason`.
fn ending_of(reason: CloseReason) -> Ending {
    match reason {
        CloseReason::TimedOut(_) | CloseReason::WriteTimedOut => Ending::TimedOut,
        CloseReason::Shutdown => Ending::Shutdown,
        CloseReason::Aborted | CloseReason::BadResponse(_) => Ending::Failed,
        _ => Ending::Disconnected,
    }
}

//! A worker: a thread that holds a seat, or is in a call, or waits for a seat.
//!
//! Whoever edits this file: between `begin` and `end` runs application code, which may block, panic
//! and take for ever; no lock is held there, and the seat may be gone afterwards.

mod call;
mod respond;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Waker;
use std::time::Instant;

use gateway_core::server::catch;
use gateway_core::{Application, CancelReason, Ending, Outcome, status};
use gateway_http1::{CloseReason, Error, Exchange, Reading};
use http::StatusCode;

use crate::connection::{Connection, Step};
use crate::date::Date;
use crate::deadline::Phase;
use crate::poller::Batch;
use crate::seat::{Next, Out};
use crate::seating::Spare;
use crate::shared::Shared;
use crate::worker::call::Parker;

/// How much is read from a socket at a time.
const SCRATCH: usize = 64 * 1024;

/// Requests that a connection may have answered in one turn, before others get theirs.
const TURN: u64 = 16;

pub(crate) struct Worker<'a, A> {
    shared: &'a Shared<A>,
    held: Option<Held>,
    spare: Arc<Spare>,
    parker: Arc<Parker>,
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
struct Turn {
    seat: usize,
    slot: usize,
    connection: Box<Connection>,
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
            spare: Spare::here(),
            waker: Waker::from(Arc::clone(&parker)),
            parker,
            batch: Batch::new(),
            scratch: vec![0; SCRATCH].into(),
            out: Vec::new(),
            date: Date::new(),
        }
    }

    /// Works until the server ends.
    pub(crate) fn run(mut self) {
        while let Some(seat) = self.shared.seating.take(&self.spare) {
            let tenure = self.shared.seats[seat].sit();
            self.held = Some(Held { seat, tenure });
            self.hold(Held { seat, tenure });
            if self.shared.has_ended() {
                return;
            }
        }
    }

    /// Turns the connections of a seat, until the seat is lost.
    fn hold(&mut self, held: Held) {
        let seat = &self.shared.seats[held.seat];
        let mut back = None;
        let mut listeners = Vec::new();
        while self.held.is_some() {
            match seat.next(held.tenure, back.take()) {
                Next::Turn(out) => back = self.turn(held.seat, out),
                Next::Poll if self.shared.has_ended() => return,
                Next::Poll => {
                    if let Err(error) = seat.poll(&mut self.batch, &mut listeners) {
                        tracing::error!(%error, "cannot poll");
                    }
                    listeners
                        .drain(..)
                        .for_each(|number| self.shared.accept(number));
                }
                Next::Lost => self.held = None,
            }
        }
        if let Some((slot, connection)) = back {
            seat.put_back(slot, connection);
        }
    }

    /// Turns a connection, and survives its own mistakes. What is returned goes back to its slot.
    fn turn(&mut self, seat: usize, out: Out) -> Option<(usize, Box<Connection>)> {
        let slot = out.slot;
        match catch(|| self.turn_open(seat, out)) {
            Ok(back) => back,
            Err(panic) => {
                tracing::error!(%panic, "a connection is lost to a defect of the server");
                self.shared.forget(seat, slot);
                None
            }
        }
    }

    fn turn_open(&mut self, seat: usize, out: Out) -> Option<(usize, Box<Connection>)> {
        let Out {
            slot,
            connection,
            signs,
            expired,
        } = out;
        let mut turn = Turn {
            seat,
            slot,
            connection,
        };
        let left = turn.connection.note(signs);
        let flow = if left {
            turn.connection
                .current_call()
                .cancel(CancelReason::Disconnected);
            Flow::Close(CloseReason::Disconnected)
        } else {
            self.advance(&mut turn)
        };
        let flow = match flow {
            Flow::Rest(phase, false) if expired => self.expire(&mut turn, phase),
            flow => flow,
        };
        match flow {
            Flow::Rest(phase, progress) => {
                let now = Instant::now();
                let connection = &mut turn.connection;
                connection.deadline =
                    connection
                        .deadline
                        .next(phase, progress, now, &self.shared.timeouts);
                Some((slot, turn.connection))
            }
            Flow::Continue | Flow::Yield => {
                turn.connection.pause();
                Some((slot, turn.connection))
            }
            Flow::Close(reason) => {
                self.close(turn, reason);
                None
            }
        }
    }

    /// Moves a connection on until it rests, closes, or has had its share.
    fn advance(&mut self, turn: &mut Turn) -> Flow {
        let served = turn.connection.served;
        while turn.connection.served - served < TURN {
            let lend = self.may_lend();
            let flow = match turn.connection.advance(&mut self.scratch, lend) {
                Step::Call(complete) => self.serve(turn, complete),
                Step::Refuse(error) => self.refuse(turn, error),
                Step::Pull => self.pull(turn),
                Step::Rest { phase, progress } => Flow::Rest(phase, progress),
                Step::Close(reason) => Flow::Close(reason),
            };
            if !matches!(flow, Flow::Continue) {
                return flow;
            }
        }
        Flow::Yield
    }

    /// Whether another thread may wait for a client that holds its body back. Half of them at most:
    /// beyond it, the server asks for such bodies itself before the call.
    fn may_lend(&self) -> bool {
        let lent = self.shared.lent.load(Ordering::Relaxed);
        lent < self.shared.threads / 2
    }

    /// Answers a request that cannot be read.
    fn refuse(&mut self, turn: &mut Turn, error: Error) -> Flow {
        let remote = &turn.connection.endpoint.remote;
        tracing::warn!(%remote, status = error.status().as_u16(), %error, "request refused");
        self.answer_and_close(turn, error.status(), Exchange::refused(error))
    }

    /// Sends a short answer in the application's stead, after which the connection closes.
    fn answer_and_close(&mut self, turn: &mut Turn, code: StatusCode, exchange: Exchange) -> Flow {
        self.out.clear();
        let response = status(code);
        let length = response.body().length().unwrap_or(0);
        let length = gateway_http1::BodyLength::Known(length);
        let date = self.date.now();
        let headers = response.headers();
        let out = &mut self.out;
        match gateway_http1::encode_head(out, &exchange, code, headers, length, date) {
            Ok(encoder) => {
                if let gateway_core::BodyKind::Bytes(text) = response.into_body().into_kind()
                    && encoder.wants_body()
                {
                    self.out.extend_from_slice(&text);
                }
            }
            Err(error) => tracing::error!(%error, "an answer of the server's own is refused"),
        }
        turn.connection.closing = exchange.closing();
        self.send(turn, bytes::Bytes::new())
    }

    /// The connection's time is over.
    fn expire(&mut self, turn: &mut Turn, phase: Phase) -> Flow {
        let connection = &turn.connection;
        let (remote, age) = (
            &connection.endpoint.remote,
            connection.deadline.since.elapsed(),
        );
        let reading = connection.reading();
        if !connection.deadline.is_overdue(Instant::now()) {
            return match phase {
                Phase::Writing | Phase::Application if !self.shared.is_stopping() => {
                    Flow::Rest(phase, false)
                }
                _ => Flow::Close(CloseReason::Shutdown),
            };
        }
        let request = connection.partial().map(|partial| partial.name());
        let state = phase.as_str();
        match phase {
            Phase::Idle => {
                tracing::debug!(%remote, ?age, "idle connection closed");
                return Flow::Close(CloseReason::TimedOut(Reading::Idle));
            }
            _ => tracing::warn!(%remote, ?request, state, ?age, "connection timed out"),
        }
        match phase {
            // Nothing was asked, so there is nothing to answer.
            Phase::Head if reading == Reading::Idle => {
                Flow::Close(CloseReason::TimedOut(Reading::Idle))
            }
            Phase::Head | Phase::Body => {
                let exchange = Exchange::unread(CloseReason::TimedOut(reading));
                self.answer_and_close(turn, StatusCode::REQUEST_TIMEOUT, exchange)
            }
            Phase::Writing => Flow::Close(CloseReason::WriteTimedOut),
            _ => Flow::Close(CloseReason::TimedOut(reading)),
        }
    }

    /// Ends a connection, and with it the response that was on its way.
    fn close(&mut self, mut turn: Turn, reason: CloseReason) {
        tracing::debug!(remote = %turn.connection.endpoint.remote, %reason, "connection closed");
        if let Some(mut response) = turn.connection.response.take() {
            let ending = response.failure().unwrap_or(ending_of(reason));
            let remote = &turn.connection.endpoint.remote;
            tracing::warn!(%remote, request = %response.name, %reason, "response cut short");
            if response.needs_reset() {
                turn.connection.socket.reset_on_close();
            }
            response.close_body();
            if let Some(live) = response.live.take() {
                self.end_loan(&mut turn, live);
            }
            self.finish(&turn, &response.cut(ending));
        }
        self.shared.forget(turn.seat, turn.slot);
    }

    fn finish(&self, turn: &Turn, outcome: &Outcome) {
        turn.connection.current_call().finish(outcome);
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

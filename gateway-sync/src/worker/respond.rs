//! Answering: the head is encoded, the body pulled, and what the client takes is sent.

use std::sync::Arc;
use std::task::Waker;
use std::time::Instant;

use bytes::Bytes;
use gateway_core::server::{Panic, SpoolError, catch, drop_extensions, error_in, error_response};
use gateway_core::{
    Application, CancelReason, Delivery, Ending, Error, InputError, Outcome, Response, status,
};
use gateway_http1::{
    AfterResponse, BodyLength, CloseReason, EncodeError, Encoder, Exchange, encode_head,
};
use http::StatusCode;

use super::call::{Answer, Ended};
use super::{Flow, Turn, Worker};
use crate::deadline::Phase;
use crate::lending::{Loan, Waiter};
use crate::live::Live;
use crate::log::Current;
use crate::predictor::{Entry, Forecast};
use crate::respond::{Failure, Nudge, Pulled, Responding, close};
use crate::stopwatch::Stopwatch;

/// Pieces of a body that are pulled in one turn, before other connections get theirs.
const PIECES: usize = 32;

/// As soon as there are this many bytes of pieces that come in no time, they are sent; or as many as may be kept of a
/// response.
const GATHERED: usize = 64 * 1024;

/// Why a request is cut off in its call.
pub(super) const LEFT: &str = "the client left during the call";

impl<A: Application> Worker<'_, A> {
    /// Sends what the application has answered, or answers in its stead.
    pub(super) fn respond(
        &mut self,
        turn: &mut Turn,
        entry: Entry,
        mut exchange: Exchange,
        ended: Ended,
        answer: Answer,
        mut live: Option<Live>,
    ) -> Flow {
        if matches!(ended, Ended::Cancelled(CancelReason::Disconnected)) {
            if let Some(live) = live {
                turn.connection.take_back(live);
            }
            let (phase, now) = (Phase::Application, self.now(turn));
            turn.connection.tell_cut(phase, LEFT, now);
            let outcome = Outcome::new(None, 0, Ending::Disconnected);
            self.seated(entry.of_body(), || turn.connection.call().finish(&outcome));
            return Flow::Close(CloseReason::Disconnected);
        }
        let (mut response, mut ending) = self.response_of(turn, entry, ended, answer);
        let delivery = Delivery::of(response.extensions(), response.body(), self.shared.delivery);
        if let Err(panic) = self.detach(&mut response, entry) {
            let request = &turn.connection.current;
            tracing::error!(%request, %panic, "what the response has attached panicked");
            ending = Ending::Panicked;
            self.replace(turn, &mut response, entry);
        }
        if let Some(live) = &mut live {
            live.answer();
        }
        self.decide_persistence(turn, &mut exchange, live.as_ref());
        let encoder = match self.encode(turn, &exchange, &mut response, &mut ending, entry) {
            Ok(encoder) => encoder,
            Err(error) => return Flow::Close(CloseReason::BadResponse(error)),
        };
        let status = response.status();
        let body = response.into_body().into_kind();
        let mut responding = Responding::new(entry, &exchange, encoder, status, ending, body);
        responding.live = live;
        responding.left_in_call =
            turn.connection.call().reason() == Some(CancelReason::Disconnected);
        responding.deliver(delivery);
        if responding.needs_reset() {
            self.shared.seats[turn.seat].set_undelimited(turn.slot);
        }
        if responding.is_polled() {
            responding.waker = Some(self.nudge(turn));
        }
        if responding.begins_at_once() {
            if let Flow::Close(reason) = self.send(turn, Bytes::new(), usize::MAX) {
                turn.connection.response = Some(Box::new(responding));
                return Flow::Close(reason);
            }
        }
        let (flow, over) = self.pull_from(turn, &mut responding);
        if !over {
            turn.connection.response = Some(Box::new(responding));
        }
        flow
    }

    /// What a call's end is answered with, and how the request ends if that is sent whole.
    fn response_of(
        &mut self,
        turn: &Turn,
        entry: Entry,
        ended: Ended,
        answer: Answer,
    ) -> (Response, Ending) {
        let request = &turn.connection.current;
        match (ended, answer) {
            (Ended::Answered, Some(Ok(response))) => (response, Ending::Complete),
            (Ended::Answered, Some(Err(error))) => {
                self.seated(entry.of_body(), || failed(error, request))
            }
            // Never: the future leaves its answer before it is ready.
            (Ended::Answered, None) => (status(StatusCode::INTERNAL_SERVER_ERROR), Ending::Failed),
            (Ended::Panicked(panic), _) => {
                let now = Instant::now();
                request.sight_of_call(now).log_panicked(&panic, now);
                (status(StatusCode::INTERNAL_SERVER_ERROR), Ending::Panicked)
            }
            (Ended::Cancelled(reason), _) => {
                tracing::warn!(%request, %reason, "call given up");
                let ending = match reason {
                    CancelReason::Deadline => Ending::TimedOut,
                    _ => Ending::Shutdown,
                };
                (status(StatusCode::SERVICE_UNAVAILABLE), ending)
            }
        }
    }

    /// Lets go of what the application has attached, which is its code.
    fn detach(&mut self, response: &mut Response, entry: Entry) -> Result<(), Panic> {
        match response.extensions().is_empty() {
            true => Ok(()),
            false => self.seated(entry.of_body(), || drop_extensions(response)),
        }
    }

    /// Pulls more of the response that is on its way.
    pub(super) fn pull(&mut self, turn: &mut Turn) -> Flow {
        self.out.clear();
        let Some(mut response) = turn.connection.response.take() else {
            return Flow::Continue;
        };
        let Ok(_leave) = self.leave_to_pull(turn, &mut response) else {
            turn.connection.response = Some(response);
            return match turn.connection.outbox.is_empty() {
                true => Flow::Rest(Phase::Application, false),
                false => Flow::Rest(Phase::Writing, turn.connection.was_taken()),
            };
        };
        let (flow, over) = self.pull_from(turn, &mut response);
        if !over {
            turn.connection.response = Some(response);
        }
        flow
    }

    /// Leave to make more of a body that may block. Without it, the body waits, and takes turns with the requests that
    /// wait.
    fn leave_to_pull(&self, turn: &Turn, response: &mut Responding) -> Result<Option<Loan>, ()> {
        if !response.blocks() {
            return Ok(None);
        }
        let leave = &self.shared.calls.leave;
        let ticket = match response.ticket.take() {
            Some(ticket) => ticket,
            None => match leave.try_take() {
                Some(loan) => return Ok(Some(loan)),
                None => leave.queue_begun(self.waiter(turn)),
            },
        };
        match ticket.redeem() {
            Ok(loan) => Ok(Some(loan)),
            Err(ticket) => {
                response.ticket = Some(ticket);
                Err(())
            }
        }
    }

    /// Pulls and sends, until the body is over, has nothing yet, or the client is slower. What is
    /// encoded already goes out with the first piece. Tells whether the response is over.
    fn pull_from(&mut self, turn: &mut Turn, response: &mut Responding) -> (Flow, bool) {
        let seated = self.held.is_some();
        let mut gathered = 0;
        for pieces in 0..PIECES {
            if turn.connection.outbox.is_empty() {
                turn.connection.pace.pause(self.now(turn)); // it is not the client who is waited for
                response.hold_back(false);
                if response.is_over() {
                    return (self.complete(turn, response), true);
                }
            }
            if seated && pieces > 0 && self.held.is_none() {
                break; // it took its time: others first
            }
            let (data, next) = match self.pull_piece(turn, response) {
                Pulled::Piece(data) => (data, Flow::Continue),
                Pulled::Over(after) => {
                    turn.connection.closing = closing(after);
                    self.close_body(turn, response);
                    (Bytes::new(), Flow::Continue)
                }
                Pulled::Pending => (Bytes::new(), Flow::Rest(Phase::Application, false)),
                Pulled::Failed(failure) => (Bytes::new(), self.abort(turn, response, &failure)),
            };
            let is_between = pieces + 1 < PIECES && matches!(next, Flow::Continue);
            let waits = is_between && data.is_empty() && self.comes_at_once(response);
            if waits && self.gather(turn, &mut gathered) {
                continue;
            }
            let keep = response.keep(self.shared.limits.buffer);
            let mut sent = self.send(turn, data, keep);
            if std::mem::take(&mut gathered) > 0 && matches!(sent, Flow::Continue) {
                sent = self.send_gathered(turn);
            }
            let writing = !turn.connection.outbox.is_empty();
            let goes_on = matches!(next, Flow::Continue) && response.runs_ahead();
            if writing && goes_on {
                self.spill_response(turn, response);
                if let Some(cut) = self.cut_if_behind(turn) {
                    return (cut, false);
                }
            }
            let rests = writing && !(goes_on && response.runs_ahead());
            match (sent, next) {
                (Flow::Close(reason), _) | (_, Flow::Close(reason)) => {
                    return (Flow::Close(reason), false);
                }
                _ if rests => {
                    let taken = turn.connection.was_taken();
                    return (Flow::Rest(Phase::Writing, taken), false);
                }
                (_, Flow::Continue) => {}
                (_, next) => return (next, false),
            }
        }
        (Flow::Yield, false)
    }

    /// Pulls one piece, on the seat if that is expected to be quick. What is unsent is sent by others meanwhile.
    fn pull_piece(&mut self, turn: &mut Turn, response: &mut Responding) -> Pulled {
        if response.is_inert() {
            return response.pull(&mut self.out);
        }
        let lent = self.lend_unsent(turn);
        let entry = response.entry.of_body();
        let mut out = std::mem::take(&mut self.out);
        let pulled = match response.blocks() {
            true => self.may_block(entry, || response.pull(&mut out)),
            false => self.seated(entry, || response.pull(&mut out)),
        };
        self.out = out;
        if let Some(lent) = lent {
            turn.connection.take_unsent_back(lent, &self.unsent);
        }
        pulled
    }

    /// Leaves what is unsent to others, if there is any; tells how much. It is sent when the seat is left.
    fn lend_unsent(&self, turn: &mut Turn) -> Option<u64> {
        if turn.connection.outbox.is_empty() {
            return None;
        }
        let seat = &self.shared.seats[turn.seat];
        seat.share(turn.slot, &self.unsent);
        let lent = turn.connection.lend_unsent(turn.slot, &self.unsent);
        if self.held.is_none() {
            seat.send_of(&self.unsent); // the client may have taken something since it was tried last
        }
        Some(lent)
    }

    /// Keeps what is encoded until more of it is, if that is not much. Adds its length to `gathered`.
    fn gather(&mut self, turn: &mut Turn, gathered: &mut usize) -> bool {
        let outbox = &mut turn.connection.outbox;
        let most = GATHERED.min(self.shared.limits.buffer);
        // What stands before it is gathered as well, and not what the client does not take.
        if *gathered >= most || (*gathered == 0 && !outbox.is_empty()) {
            return false;
        }
        outbox.gather(&self.out);
        *gathered += self.out.len();
        self.out.clear();
        true
    }

    /// Sends what the client takes of what is gathered.
    fn send_gathered(&mut self, turn: &mut Turn) -> Flow {
        match turn.connection.send_kept() {
            Ok(()) => Flow::Continue,
            Err(_) => Flow::Close(CloseReason::Disconnected),
        }
    }

    /// Ends a connection whose client takes too little of what is made ahead of it.
    fn cut_if_behind(&self, turn: &mut Turn) -> Option<Flow> {
        let (now, timeouts) = (self.now(turn), &self.shared.timeouts);
        let connection = &mut turn.connection;
        let taken = connection.was_taken();
        connection.set_deadline(Phase::Writing, taken, now, timeouts);
        connection.deadline.overdue(now)?;
        connection.tell_cut(Phase::Writing, connection.deadline.why(now), now);
        Some(Flow::Close(CloseReason::WriteTimedOut))
    }

    /// Whether the next piece is expected in no time: the pieces before it came so.
    fn comes_at_once(&self, response: &Responding) -> bool {
        let entry = response.entry.of_body();
        response.has_more_pieces()
            && self.held.is_some()
            && self.shared.predictor.forecast(entry) == Forecast::Short
    }

    /// Runs code that may block: on the seat if it is expected to be quick, without it if not.
    pub(super) fn may_block<T>(&mut self, entry: Entry, code: impl FnOnce() -> T) -> T {
        let leaves = self.shared.predictor.forecast(entry) != Forecast::Short;
        let watch = leaves.then(|| Stopwatch::start(&self.account));
        if leaves {
            self.leave_seat();
        }
        let value = self.seated(entry, code);
        if let Some(watch) = watch {
            let measured = watch.measure(&self.account);
            self.shared.predictor.learn(entry, measured);
        }
        value
    }

    /// Drops a body of which nothing more is needed, although not all of it is sent.
    fn close_body(&mut self, turn: &Turn, response: &mut Responding) {
        if !response.is_inert() {
            let entry = response.entry.of_body();
            self.seated(entry, || response.close_body(&turn.connection.current));
        }
    }

    /// Moves what the client has not taken to a file, if memory holds too much of it. If that cannot
    /// be, the rest is made when the client has taken what there is.
    fn spill_response(&mut self, turn: &mut Turn, response: &mut Responding) {
        let (limits, spool) = (&self.shared.limits, &self.shared.spool);
        let outbox = &mut turn.connection.outbox;
        if !outbox.must_spill(limits.buffer) {
            return;
        }
        let entry = self.shared.predictor.entry("", b"response");
        let spilled = self.may_block(entry, || outbox.spill(spool, limits.response_spool));
        if let Err(error) = spilled {
            response.hold_back(true);
            let request = &turn.connection.current;
            match error {
                SpoolError::Full => tracing::debug!(%request, %error, "response held back"),
                _ => tracing::warn!(%request, %error, "response held back"),
            }
        }
    }

    /// Reads what comes next of what was kept for the client.
    pub(super) fn refill(&mut self, turn: &mut Turn) -> Flow {
        let entry = self.shared.predictor.entry("", b"response");
        let outbox = &mut turn.connection.outbox;
        match self.may_block(entry, || outbox.refill()) {
            Ok(()) => Flow::Yield, // others first: there may be much of it
            Err(error) => match turn.connection.response.take() {
                Some(mut response) => {
                    let flow = self.abort(turn, &mut response, &Failure::Lost(error));
                    turn.connection.response = Some(response);
                    flow
                }
                None => Flow::Close(CloseReason::Aborted),
            },
        }
    }

    /// Sends what is encoded, and `data`; keeps what the client does not take, as it is while no more
    /// than `keep` bytes are in memory.
    pub(super) fn send(&mut self, turn: &mut Turn, data: Bytes, keep: usize) -> Flow {
        let connection = &mut *turn.connection;
        if self.out.is_empty() && data.is_empty() {
            return Flow::Continue;
        }
        let sent = connection.send(&self.out, data, keep);
        self.out.clear();
        match sent {
            Ok(()) => Flow::Continue,
            Err(_) => Flow::Close(CloseReason::Disconnected),
        }
    }

    /// The response is sent.
    fn complete(&mut self, turn: &mut Turn, response: &mut Responding) -> Flow {
        let outcome = response.outcome();
        let live = response.live.take();
        if !live.is_none_or(|live| turn.connection.take_back(live)) {
            let closing = &mut turn.connection.closing;
            closing.get_or_insert(CloseReason::UnreadBody);
        }
        turn.connection.count_answer();
        let request = &turn.connection.current;
        tracing::debug!(%request, ?outcome, "answered");
        let call = turn.connection.call();
        if !response.is_inert() || call.is_awaited() {
            // The end of the body and those who wait for the outcome are the application's code.
            self.seated(response.entry.of_body(), || {
                response.close_body(request);
                call.finish(&outcome);
            });
        }
        turn.connection.current.end();
        Flow::Continue
    }

    /// The response cannot be completed: the client is to see that it is truncated.
    fn abort(&mut self, turn: &Turn, response: &mut Responding, failure: &Failure) -> Flow {
        let request = &turn.connection.current;
        tracing::error!(%request, %failure, "response aborted");
        response.fail(failure);
        Flow::Close(match failure {
            Failure::Encode(error) => CloseReason::BadResponse(*error),
            Failure::Body(_) | Failure::Panicked(_) | Failure::Lost(_) => CloseReason::Aborted,
        })
    }

    /// Whether this is the last exchange of its connection, as far as the server has a say.
    fn decide_persistence(&self, turn: &Turn, exchange: &mut Exchange, live: Option<&Live>) {
        if self.shared.is_stopping() {
            exchange.close(CloseReason::Shutdown);
        }
        let limit = self.shared.limits.requests_per_connection;
        if limit.is_some_and(|limit| turn.connection.served + 1 >= limit) {
            exchange.close(CloseReason::RequestLimit);
        }
        if live.is_some_and(|live| !live.can_go_on()) {
            exchange.close(CloseReason::UnreadBody);
        }
    }

    /// Encodes the head; one that cannot be sent is replaced by a 500.
    fn encode(
        &mut self,
        turn: &Turn,
        exchange: &Exchange,
        response: &mut Response,
        ending: &mut Ending,
        entry: Entry,
    ) -> Result<Encoder, EncodeError> {
        self.out.clear();
        let error = match self.encode_head(turn, exchange, response) {
            Ok(encoder) => return Ok(encoder),
            Err(error) => error,
        };
        let request = &turn.connection.current;
        tracing::error!(%request, %error, "the response cannot be sent");
        *ending = Ending::Failed;
        self.replace(turn, response, entry);
        self.encode_head(turn, exchange, response)
    }

    /// Answers 500 instead of what cannot be sent.
    fn replace(&mut self, turn: &Turn, response: &mut Response, entry: Entry) {
        let own = status(StatusCode::INTERNAL_SERVER_ERROR);
        let refused = std::mem::replace(response, own);
        self.seated(entry.of_body(), || {
            close(refused.into_body().into_kind(), &turn.connection.current);
        });
    }

    fn encode_head(
        &mut self,
        turn: &Turn,
        exchange: &Exchange,
        response: &Response,
    ) -> Result<Encoder, EncodeError> {
        if response.status() == StatusCode::SWITCHING_PROTOCOLS {
            return Err(EncodeError::NotFinal(101)); // not one of this host's capabilities
        }
        let now = self.now(turn);
        let length = response.body().length();
        let length = length.map_or(BodyLength::Unknown, BodyLength::Known);
        let (status, headers) = (response.status(), response.headers());
        encode_head(
            &mut self.out,
            exchange,
            status,
            headers,
            length,
            self.date.at(now),
        )
    }

    /// The connection as one that waits.
    pub(super) fn waiter(&self, turn: &Turn) -> Waiter {
        Waiter {
            waker: self.nudge(turn),
            seat: turn.seat,
            slot: turn.slot,
        }
    }

    /// What wakes the connection when its body has more.
    fn nudge(&self, turn: &Turn) -> Waker {
        let seats = Arc::clone(&self.shared.seats);
        Waker::from(Arc::new(Nudge {
            seats,
            seat: turn.seat,
            slot: turn.slot,
        }))
    }
}

/// The answer to the application's error. Its text and its end are the application's code, and may
/// panic.
fn failed(error: Error, request: &Current) -> (Response, Ending) {
    let answered = catch(|| {
        let answer = error_response(error.as_ref());
        let of_input = error_in(error.as_ref()).filter(|_| request.is_told());
        let is_left = of_input == Some(InputError::Disconnected);
        if !is_left && of_input != Some(InputError::TimedOut) {
            let now = Instant::now();
            let sight = request.sight_of_call(now);
            sight.log_failed(answer.status(), &error, now);
        }
        drop(error);
        (answer, is_left)
    });
    match answered {
        Ok((answer, true)) => (answer, Ending::Disconnected),
        Ok((answer, false)) => (answer, Ending::Failed),
        Err(panic) => {
            tracing::error!(%request, %panic, "the application's error panicked");
            (status(StatusCode::INTERNAL_SERVER_ERROR), Ending::Panicked)
        }
    }
}

fn closing(after: AfterResponse) -> Option<CloseReason> {
    match after {
        AfterResponse::KeepAlive => None,
        AfterResponse::Close(reason) => Some(reason),
        AfterResponse::Upgrade => Some(CloseReason::Upgraded),
    }
}

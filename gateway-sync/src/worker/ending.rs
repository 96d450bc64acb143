//! What ends otherwise than by an answer of the application: refusals, cuts, what is overdue.

use bytes::Bytes;
use gateway_core::server::Pace;
use gateway_core::{Application, BodyKind, CancelReason, Ending, Response, status};
use gateway_http1::{BodyLength, CloseReason, Exchange, Reading, encode_head};
use http::header::RETRY_AFTER;
use http::{HeaderValue, Method, StatusCode};

use super::respond::LEFT;
use super::{Flow, Turn, Worker};
use crate::deadline::Phase;
use crate::request::Refused;
use crate::seat::Sweep;

impl<A: Application> Worker<'_, A> {
    /// Does what a sweep asks for, unless the connection has got on meanwhile.
    pub(super) fn heed(&mut self, turn: &mut Turn, flow: Flow, sweep: Sweep) -> Flow {
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
            // The end that was found may be the one that the stop has made.
            Flow::Close(found) => unfinished.cut(found),
            Flow::Continue | Flow::Yield => unfinished.cut(reason),
        };
        if let Some(phase) = cut {
            connection.tell_cut(phase, "the wait for the stop is over", turn.now);
        }
        Flow::Close(reason)
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
            Phase::Queued => {
                let asked_for_head = connection.give_up_call();
                let is_head = asked_for_head.is_some_and(|it| it.head.method == Method::HEAD);
                self.answer_late(turn, is_head)
            }
            Phase::Writing => Flow::Close(CloseReason::WriteTimedOut),
            Phase::Body => Flow::Close(CloseReason::UnreadBody),
            _ => Flow::Close(CloseReason::TimedOut(reading)),
        }
    }

    /// Answers 503 in the application's stead, which had no time to be called.
    pub(super) fn answer_late(&mut self, turn: &mut Turn, is_head: bool) -> Flow {
        let answer = status(StatusCode::SERVICE_UNAVAILABLE);
        let exchange = Exchange::unread(CloseReason::TimedOut(Reading::Idle));
        self.answer_and_close(turn, answer, exchange, is_head)
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
                turn.connection.tell_idle(phase, why, turn.now);
                turn.connection.closing = Some(reason);
                self.advance(turn)
            }
            flow => flow,
        }
    }

    /// Answers a request that cannot be read. One that has its answer gets no other: a client that shares the connection
    /// would take that for the answer to its next request.
    pub(super) fn refuse(&mut self, turn: &mut Turn, refused: Refused) -> Flow {
        let Refused { error, is_head, .. } = refused;
        let now = self.now(turn);
        if refused.is_answered {
            turn.connection
                .tell_cut(Phase::Body, &error.to_string(), now);
            turn.connection.closing = Some(CloseReason::Refused(error));
            return Flow::Continue;
        }
        turn.connection.tell_refused(&refused, now);
        self.answer_and_close(
            turn,
            status(error.status()),
            Exchange::refused(error),
            is_head,
        )
    }

    /// Moves what is here of a request body to a file; a request whose body cannot be kept is refused.
    ///
    /// Writing may block, rarely and for long. So it is done as calls are: on the seat if it is expected to be quick,
    /// without it if not, and who is mistaken loses the seat after a millisecond.
    pub(super) fn spill(&mut self, turn: &mut Turn) -> Flow {
        let entry = self.shared.predictor.entry("", b"request");
        let (connection, spool) = (&mut turn.connection, &self.shared.spool);
        let spilled = self.may_block(entry, || connection.spill(spool));
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
    pub(super) fn answer_and_close(
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
        self.send(turn, Bytes::new(), usize::MAX)
    }

    /// Ends a connection, and with it the response that was on its way.
    pub(super) fn close(&mut self, mut turn: Turn, reason: CloseReason) {
        tracing::debug!(remote = %turn.connection.endpoint.remote, %reason, "connection closed");
        self.tell_end(&mut turn, reason);
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

    /// Says in the log what is cut off with a connection that is closed for `reason`, if that is anything.
    fn tell_end(&self, turn: &mut Turn, reason: CloseReason) {
        let now = self.now(turn);
        let connection = &mut turn.connection;
        let Some(phase) = connection.unfinished().cut(reason) else {
            return;
        };
        // What the stop has cancelled while it was out was told of then.
        if connection.call().reason() == Some(CancelReason::Shutdown) {
            return;
        }
        let response = connection.response.as_ref();
        match response.is_some_and(|response| response.left_in_call) {
            // Nobody was there to write to: blocking code goes on to its end.
            true => connection.tell_cut(Phase::Application, LEFT, now),
            false => connection.tell_cut(phase, &reason.to_string(), now),
        }
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

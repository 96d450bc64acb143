//! Calling the application, with a seat or without one.

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use gateway_core::server::{Call, Pace, Panic, RawHead, catch, error_response};
use gateway_core::{Application, CancelReason, Environ, Response, UnblockError, status};
use gateway_http1::{CloseReason, Exchange, RequestHead};
use http::{Method, StatusCode};

use super::{Flow, TURNS, Turn, Worker};
use crate::connection::Step;
use crate::deadline::{Phase, answer_due};
use crate::lending::{Asked, Beside, Loan, Wait};
use crate::log::RequestName;
use crate::predictor::{Entry, Forecast, Measured};
use crate::request::Request;
use crate::stopwatch::Stopwatch;

/// What an application answers. Large, and therefore left where it was put.
pub(super) type Answer = Option<gateway_core::Result<Response>>;

/// How a call ended.
pub(super) enum Ended {
    /// The application answered, or failed.
    Answered,
    Panicked(Panic),
    /// Nobody waits for the answer; an async application was dropped.
    Cancelled(CancelReason),
}

impl<A: Application> Worker<'_, A> {
    /// Has a request answered, now or when it is its turn to compute.
    pub(super) fn serve(&mut self, turn: &mut Turn, request: Box<Request>) -> Flow {
        let head = &request.head;
        if head.method == Method::CONNECT {
            // An origin server has no tunnels (RFC 9110 §9.3.6); what follows is for one.
            let exchange = head.exchange();
            let answer = status(StatusCode::NOT_IMPLEMENTED);
            let current = &turn.connection.current;
            current.queue(RequestName::of(head), request.since);
            let sight = current.sight_of_call(request.since);
            sight.log_refused(answer.status(), "this is no proxy", self.now(turn));
            return self.answer_and_close(turn, answer, exchange, false);
        }
        let entry = self.entry(&request);
        if request.live {
            return self.queue_live(turn, request);
        }
        if request.awaited {
            // It waits for the client, whatever else it does.
            return self.answer_awaited(turn, request, entry);
        }
        match self.shared.predictor.forecast(entry) {
            Forecast::Computes => self.wait_to_compute(turn, request, entry, self.most()),
            forecast => self.answer(turn, request, entry, forecast, Beside::Nothing),
        }
    }

    /// Has a request answered whose body the client holds back: the application asks for it, on a
    /// thread of its own. Half of the threads may wait for such clients; beyond it the server asks,
    /// and reads the body before the call.
    fn answer_awaited(&mut self, turn: &mut Turn, request: Box<Request>, entry: Entry) -> Flow {
        // One thread alone is left to others.
        let may_wait = self.shared.threads > 1;
        match may_wait.then(|| self.shared.lending.try_take()).flatten() {
            Some(loan) => self.answer(turn, request, entry, Forecast::Waits, Beside::Reads(loan)),
            None => {
                turn.connection.read_first(request);
                Flow::Continue
            }
        }
    }

    /// Has a request answered whose body is read as it comes, when it may have a thread for that.
    fn queue_live(&mut self, turn: &mut Turn, request: Box<Request>) -> Flow {
        if let Some(loan) = self.shared.lending.try_take() {
            return self.answer_live(turn, request, loan);
        }
        let ticket = self.shared.lending.queue(self.waiter(turn));
        self.wait_for_leave(turn, request, Wait::Read(ticket))
    }

    /// Has the request wait, unless it has leave by now.
    fn wait_for_leave(&mut self, turn: &mut Turn, request: Box<Request>, wait: Wait) -> Flow {
        match turn.connection.queue(request, wait) {
            Step::Lend(request, loan) => self.answer_live(turn, request, loan),
            Step::Admit(request, leave, beside) => self.admit(turn, request, leave, beside),
            Step::Compute(request, room) => self.compute(turn, request, room),
            _ => Flow::Rest(Phase::Queued, false),
        }
    }

    /// Has a request answered that computes, when there is a core for it, or refused if more than `most` wait for that.
    fn wait_to_compute(
        &mut self,
        turn: &mut Turn,
        request: Box<Request>,
        entry: Entry,
        most: usize,
    ) -> Flow {
        match self.shared.gate.room.ask(most, || self.waiter(turn)) {
            Asked::Leave(room) => {
                let beside = Beside::Computes(room);
                self.answer(turn, request, entry, Forecast::Computes, beside)
            }
            Asked::Queued(ticket) => self.wait_for_leave(turn, request, Wait::Compute(ticket)),
            Asked::Full => self.turn_away(turn, request, entry),
        }
    }

    /// Has a request answered that has waited for a core, when a thread is free. It is not refused any more, and takes
    /// turns with those that wait for a thread alone, of whom there may be many: its core waits too.
    pub(super) fn compute(&mut self, turn: &mut Turn, request: Box<Request>, room: Loan) -> Flow {
        let entry = self.entry(&request);
        let leave = &self.shared.calls.leave;
        let beside = match self.shared.predictor.forecast(entry) {
            Forecast::Computes => Beside::Computes(room),
            _ => Beside::Nothing, // others of its kind have been measured meanwhile
        };
        if let Some(leave) = leave.try_take() {
            return self.admit(turn, request, leave, beside);
        }
        let ticket = match &beside {
            Beside::Computes(_) => leave.queue_begun(self.waiter(turn)),
            _ => leave.queue(self.waiter(turn)),
        };
        self.wait_for_leave(turn, request, Wait::Call(ticket, beside))
    }

    /// Has a request answered that has waited, and for which a thread is free. If it computes and there is no core for
    /// it, it makes room and waits for one.
    pub(super) fn admit(
        &mut self,
        turn: &mut Turn,
        request: Box<Request>,
        leave: Loan,
        beside: Beside,
    ) -> Flow {
        let entry = self.entry(&request);
        let forecast = match &beside {
            Beside::Nothing => self.shared.predictor.forecast(entry),
            Beside::Reads(_) => Forecast::Waits,
            Beside::Computes(_) => Forecast::Computes,
        };
        let beside = match (forecast, beside) {
            (Forecast::Computes, Beside::Nothing) => match self.shared.gate.room.try_take() {
                Some(room) => Beside::Computes(room),
                None => {
                    drop(leave);
                    return self.wait_to_compute(turn, request, entry, usize::MAX);
                }
            },
            (_, beside) => beside,
        };
        let flow = self.answer_now(turn, request, entry, forecast, beside);
        drop(leave);
        flow
    }

    fn entry(&self, request: &Request) -> Entry {
        let head = &request.head;
        let path = &head.bytes()[head.path_range()];
        self.shared.predictor.entry(head.method.as_str(), path)
    }

    /// Answers 503 in the application's stead: too many requests wait already.
    pub(super) fn turn_away(
        &mut self,
        turn: &mut Turn,
        request: Box<Request>,
        entry: Entry,
    ) -> Flow {
        self.begin_call(turn);
        let answer = error_response(&UnblockError::Overloaded);
        let current = &turn.connection.current;
        current.queue(RequestName::of(&request.head), request.since);
        let sight = current.sight_of_call(request.since);
        sight.log_refused(answer.status(), "the queue is full", self.now(turn));
        if request.live || request.awaited {
            let exchange = Exchange::unread(CloseReason::UnreadBody);
            let is_head = request.head.method == Method::HEAD;
            return self.answer_and_close(turn, answer, exchange, is_head);
        }
        let exchange = request.head.exchange();
        let answer = Some(Ok(answer));
        self.respond(turn, entry, exchange, Ended::Answered, answer, None)
    }

    /// Has a request answered whose body is read as it comes.
    pub(super) fn answer_live(
        &mut self,
        turn: &mut Turn,
        request: Box<Request>,
        loan: Loan,
    ) -> Flow {
        let entry = self.entry(&request);
        self.answer(turn, request, entry, Forecast::Waits, Beside::Reads(loan))
    }

    /// Has a request answered, or refused if too many wait for a thread.
    pub(super) fn answer(
        &mut self,
        turn: &mut Turn,
        request: Box<Request>,
        entry: Entry,
        forecast: Forecast,
        beside: Beside,
    ) -> Flow {
        let leave = &self.shared.calls.leave;
        match leave.ask(self.most(), || self.waiter(turn)) {
            Asked::Leave(leave) => {
                let flow = self.answer_now(turn, request, entry, forecast, beside);
                drop(leave);
                flow
            }
            Asked::Queued(ticket) => self.wait_for_leave(turn, request, Wait::Call(ticket, beside)),
            Asked::Full => self.turn_away(turn, request, entry),
        }
    }

    /// Has a request answered, for whose call there is leave.
    pub(super) fn answer_now(
        &mut self,
        turn: &mut Turn,
        request: Box<Request>,
        entry: Entry,
        forecast: Forecast,
        beside: Beside,
    ) -> Flow {
        self.let_next_compute();
        self.begin_call(turn);
        let since = request.since;
        let due = answer_due(since, &self.shared.timeouts);
        if due.is_some_and(|due| due <= turn.now) {
            return self.give_up(turn, &request);
        }
        let (head, whole) = request.into_whole();
        let exchange = head.exchange();
        let expects_continue = head.expects_continue;
        let name = RequestName::of(&head);
        turn.connection.current.begin(name, since);
        turn.connection.pace = Pace::default();
        let (mut live, mut input) = (None, whole);
        match beside {
            Beside::Nothing => {}
            Beside::Computes(room) => {
                self.pass = Some(self.shared.gate.admit(room, &self.account));
            }
            Beside::Reads(loan) => {
                let timeouts = &self.shared.timeouts;
                let (lent, arriving) = turn.connection.lend(loan, expects_continue, timeouts);
                (live, input) = (Some(lent), arriving);
            }
        }
        let call = turn.connection.call();
        let endpoint = Arc::clone(&turn.connection.endpoint);
        let mut answer = None;
        let ended = match Environ::from_raw(raw(head), input, endpoint, call) {
            Ok(environ) => {
                if let Some(due) = due {
                    self.shared.seats[turn.seat].set_due(turn.slot, since, due);
                }
                let environ = environ.with_times(since, due);
                let (ended, measured) = self.call(environ, entry, forecast, call, &mut answer);
                if let Some(measured) = measured.filter(|_| live.is_none()) {
                    self.shared.predictor.learn(entry, measured);
                }
                ended
            }
            Err(error) => {
                answer = Some(Err(error.into()));
                Ended::Answered
            }
        };
        self.respond(turn, entry, exchange, ended, answer, live)
    }

    /// Gives the request a call that no other has used. The first of a turn finds it ready.
    fn begin_call(&self, turn: &mut Turn) {
        let fresh = std::mem::take(&mut turn.call_is_fresh);
        turn.connection.begin_call(fresh);
        if !fresh {
            turn.now = Instant::now();
            let seat = &self.shared.seats[turn.seat];
            let signs = seat.set_call(turn.slot, turn.connection.call());
            turn.connection.heed_before_call(signs);
        }
    }

    /// Gives up a request that has waited for longer than its answer may take.
    fn give_up(&mut self, turn: &mut Turn, request: &Request) -> Flow {
        let current = Arc::clone(&turn.connection.current);
        current.queue(RequestName::of(&request.head), request.since);
        // Queued, by what it says itself.
        turn.connection
            .tell_cut(Phase::Application, "the deadline passed", turn.now);
        self.answer_late(turn, request.head.method == Method::HEAD)
    }

    /// Calls the application: on the seat if it is expected to be back at once, without it if not.
    /// Tells what the call was, unless that says nothing of the next one.
    fn call(
        &mut self,
        environ: Environ,
        entry: Entry,
        forecast: Forecast,
        call: &Call,
        answer: &mut Answer,
    ) -> (Ended, Option<Measured>) {
        let application = &self.shared.application;
        // In an option, so that its drop, which is the application's code too, can be caught.
        let mut future = pin!(Some(async move {
            *answer = Some(application.call(environ).await);
        }));
        let waker = self.waker.clone();
        let mut cx = Context::from_waker(&waker);
        let watch = (forecast != Forecast::Short).then(|| Stopwatch::start(&self.account));
        if watch.is_some() {
            self.leave_seat();
        }
        let seated = self.held.is_some();
        let first = self.watched(entry, || poll(future.as_mut(), &mut cx));
        let missed = seated && self.held.is_none();
        let (ended, pending) = match first {
            Poll::Ready(ended) => (ended, false),
            Poll::Pending => {
                self.leave_seat();
                (self.wait(future.as_mut(), &mut cx, call), true)
            }
        };
        let ended = match catch(|| future.set(None)) {
            Ok(()) => ended,
            Err(panic) => Ended::Panicked(panic),
        };
        let measured = match watch {
            Some(watch) => Some(watch.measure(&self.account)),
            None if missed => None,  // the monitor, who saw it, has said so
            None if pending => None, // it says itself when it waits
            None => Some(Measured::Quick),
        };
        (ended, measured)
    }

    /// Runs application code that is no call, and may take its time: others compute meanwhile. Afterwards the seat may
    /// be gone.
    pub(super) fn seated<T>(&mut self, entry: Entry, code: impl FnOnce() -> T) -> T {
        self.let_next_compute();
        self.watched(entry, code)
    }

    /// Runs application code while the monitor watches. Afterwards the seat may be gone.
    fn watched<T>(&mut self, entry: Entry, code: impl FnOnce() -> T) -> T {
        let Some(held) = self.held else { return code() };
        let seat = &self.shared.seats[held.seat];
        let pulse = seat.begin(entry);
        self.shared.alarm.rouse();
        let value = code();
        if !seat.end(pulse) {
            self.held = None;
            self.turns = TURNS;
        }
        value
    }

    /// Gives the seat to another thread.
    pub(super) fn leave_seat(&mut self) {
        if let Some(held) = self.held.take() {
            self.shared.leave_seat(held.seat);
            self.turns = TURNS; // time passes: events are to be looked for first
        }
    }

    /// Sleeps until the future is ready, or nobody waits for it any more.
    fn wait<F>(&self, mut future: Pin<&mut Option<F>>, cx: &mut Context<'_>, call: &Call) -> Ended
    where
        F: Future<Output = ()>,
    {
        let mut cancelled = call.cancelled();
        loop {
            if let Poll::Ready(reason) = Pin::new(&mut cancelled).poll(cx) {
                return Ended::Cancelled(reason);
            }
            self.parker.wait();
            if let Poll::Ready(ended) = poll(future.as_mut(), cx) {
                return ended;
            }
        }
    }
}

/// The head as the interface takes it.
fn raw(head: RequestHead) -> RawHead {
    RawHead {
        target: head.target(),
        fields: head.fields(),
        method: head.method.clone(),
        version: head.version,
        bytes: head.into_bytes(),
    }
}

/// Polls the application; its panic is an end of the call, and not of the thread.
fn poll<F>(future: Pin<&mut Option<F>>, cx: &mut Context<'_>) -> Poll<Ended>
where
    F: Future<Output = ()>,
{
    let Some(future) = future.as_pin_mut() else {
        return Poll::Pending;
    };
    match catch(|| future.poll(cx)) {
        Ok(Poll::Ready(())) => Poll::Ready(Ended::Answered),
        Ok(Poll::Pending) => Poll::Pending,
        Err(panic) => Poll::Ready(Ended::Panicked(panic)),
    }
}

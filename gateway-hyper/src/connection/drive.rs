//! Drives hyper through a connection, with one lazy timer for all its deadlines.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use tokio::time::{Sleep, sleep_until};

use super::deadline::{Overdue, Waits};
use super::opening::Protocol;
use super::{State, kill};
use crate::cause::Cause;
use crate::fault;
use crate::shared::Phase;

/// Polls `connection` to its end, or cuts it off when it is overdue or the server must stop.
/// `begin_to_end` has hyper take no further request, and end at once if none runs.
///
/// When the server stops, an HTTP/1 connection ends with the next answer, which says so, or when it has
/// been idle for a while: a request that is on its way is answered. An HTTP/2 connection is told at once,
/// as its end loses nothing (GOAWAY, RFC 9113 §6.8).
///
/// `may_rest` says whether it returns when the connection has been idle for a while.
pub(super) async fn drive<C>(
    mut connection: Pin<&mut C>,
    begin_to_end: impl Fn(Pin<&mut C>),
    protocol: Protocol,
    may_rest: bool,
    state: &State,
) -> Driven
where
    C: Future<Output = hyper::Result<()>>,
{
    let mut driver = Driver::new(protocol, may_rest, state);
    let mut alarm = pin!(sleep_until(state.shared.clock.instant(driver.armed).into()));
    poll_fn(|cx| {
        state.set_waker(cx.waker());
        loop {
            if let Poll::Ready(ended) = connection.as_mut().poll(cx) {
                driver.log_end(ended);
                return Poll::Ready(Driven::Ended);
            }
            match driver.step(alarm.as_mut(), cx) {
                Step::Wait => return Poll::Pending,
                Step::Poll => {}
                Step::BeginToEnd => begin_to_end(connection.as_mut()),
                Step::Over(driven) => return Poll::Ready(driven),
            }
        }
    })
    .await
}

/// What became of a connection that was driven.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Driven {
    Ended,
    /// Nothing is asked, and nothing is on its way: hyper can be let go.
    Resting,
}

/// What comes after hyper has done what it can.
enum Step {
    /// Nothing, until something happens.
    Wait,
    /// hyper has something more to do.
    Poll,
    /// The same, and it is to come to an end.
    BeginToEnd,
    /// hyper is polled no more.
    Over(Driven),
}

/// What is known of a connection besides its [`State`].
struct Driver<'a> {
    state: &'a State,
    protocol: Protocol,
    may_rest: bool,
    /// Requests when it began to be driven.
    rested_since: u64,
    /// Since when hyper has been told to come to an end.
    ending: Option<u64>,
    /// When the timer goes off. It is not moved with each request: it is let go off, finds that the deadline
    /// has moved on, and is set anew. So a busy connection pays for a timer once in a few seconds.
    armed: u64,
    is_set: bool,
}

impl<'a> Driver<'a> {
    fn new(protocol: Protocol, may_rest: bool, state: &'a State) -> Self {
        Self {
            state,
            protocol,
            may_rest,
            rested_since: state.requests(),
            ending: None,
            armed: state.shared.clock.now(),
            is_set: false,
        }
    }

    fn waits(&self) -> Waits {
        let waits = self.state.waits();
        let may_rest = self.may_rest || waits.requests > self.rested_since;
        Waits {
            ending: self.ending,
            multiplexed: self.protocol == Protocol::Http2,
            may_rest: may_rest && !self.state.is_closing(),
            ..waits
        }
    }

    fn step(&mut self, alarm: Pin<&mut Sleep>, cx: &mut Context<'_>) -> Step {
        let shared = &self.state.shared;
        let phase = shared.stop.phase();
        let waits = self.waits();
        if phase == Phase::Cutting {
            self.log_cut(&waits, shared.stop.why_cutting());
            return Step::Over(Driven::Ended);
        }
        let asked_to_end = phase == Phase::Draining && waits.multiplexed;
        if self.ending.is_none() && (asked_to_end || self.state.is_last()) {
            return self.begin_to_end();
        }
        let Some((due, what)) = waits.due(self.state.timeouts()) else {
            return Step::Wait;
        };
        if self.poll_alarm(due, alarm, cx).is_pending() {
            return Step::Wait;
        }
        match shared.clock.now() < due {
            true => Step::Poll,
            false => self.be_overdue(what, &waits),
        }
    }

    /// Ready when the timer has gone off, which may have been set for something before.
    fn poll_alarm(
        &mut self,
        due: u64,
        mut alarm: Pin<&mut Sleep>,
        cx: &mut Context<'_>,
    ) -> Poll<()> {
        if due < self.armed || alarm.is_elapsed() {
            self.armed = due;
            alarm
                .as_mut()
                .reset(self.state.shared.clock.instant(due).into());
            self.is_set = false;
        }
        // Set once, it wakes this task: there is no need to ask it each time.
        if self.is_set || alarm.as_mut().poll(cx).is_pending() {
            self.is_set = true;
            return Poll::Pending;
        }
        Poll::Ready(())
    }

    fn be_overdue(&mut self, what: Overdue, waits: &Waits) -> Step {
        let state = self.state;
        let cause = cause_of(what);
        if let Some(cause) = cause {
            state.cut(cause);
        }
        match what {
            Overdue::Rest => return Step::Over(Driven::Resting),
            Overdue::Look => {
                state.set_look();
                return Step::Poll;
            }
            Overdue::Leaving => {
                state.set_left();
                return Step::Poll;
            }
            Overdue::Idle if self.ending.is_none() => {
                kill::log_idle(state, waits.turned_at);
                return self.begin_to_end();
            }
            // Told or answered once; then it is over.
            Overdue::Head if !state.is_head_overdue() => {
                state.set_head_overdue();
                log_head(state, waits);
                return match waits.multiplexed {
                    true => self.begin_to_end(),
                    false => Step::Poll,
                };
            }
            Overdue::Write | Overdue::Slow => {
                // What the kernel still holds for a client that does not take it is worth nothing.
                state.set_reset();
                self.log_cut(waits, cause.unwrap_or(Cause::NotTaken));
            }
            Overdue::Idle | Overdue::Head | Overdue::Gone => {}
        }
        Step::Over(Driven::Ended)
    }

    fn begin_to_end(&mut self) -> Step {
        self.ending = Some(self.state.shared.clock.now());
        Step::BeginToEnd
    }

    /// What is cut off besides requests, which have lines of their own: a half head, or what is not taken.
    fn log_cut(&self, waits: &Waits, why: Cause) {
        if let Some(since) = waits.head_since {
            kill::log_head(self.state, since, why, None);
        } else if waits.write_since.is_some() && !self.state.has_requests() {
            kill::log_connection(self.state, waits, why, None);
        }
    }

    /// hyper has ended the connection: on its own, if what the client sent was not to be borne.
    fn log_end(&self, ended: hyper::Result<()>) {
        let Err(error) = ended else { return };
        let detail = fault::detail(&error);
        tracing::debug!(remote = %self.state.endpoint.remote, %error, %detail, "connection ended");
        match fault::cause(&error) {
            None | Some(Cause::ClientLeft) => {}
            // Told already by who has cut it, or with each request that ran.
            Some(why) if self.state.is_cut() || self.state.is_told(why) => {}
            Some(_) if self.state.has_requests() => {} // they are about to tell
            Some(why) => kill::log_connection(self.state, &self.waits(), why, Some(&detail)),
        }
    }
}

/// Why a connection is cut that is overdue; nothing where the client has left by itself.
fn cause_of(what: Overdue) -> Option<Cause> {
    match what {
        Overdue::Write => Some(Cause::NotTaken),
        Overdue::Slow => Some(Cause::TakenTooSlowly),
        Overdue::Head => Some(Cause::HeadTooLate),
        Overdue::Idle => Some(Cause::Idle),
        Overdue::Rest | Overdue::Look | Overdue::Leaving | Overdue::Gone => None,
    }
}

/// A head that is not whole is answered; who has not begun one has asked for nothing.
fn log_head(state: &State, waits: &Waits) {
    let status = (!waits.multiplexed).then_some(408);
    match waits.head_since {
        Some(since) => kill::log_head(state, since, Cause::HeadTooLate, status),
        None => kill::log_idle(state, waits.turned_at),
    }
}

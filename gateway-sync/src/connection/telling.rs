//! What the log is told of a connection.

use std::time::Instant;

use gateway_http1::Reading;

use super::Connection;
use crate::deadline::Phase;
use crate::log::{Sight, Unfinished};
use crate::request::Refused;

impl Connection {
    /// Says in the log that it is cut off in `phase`, unless that was said. A connection on which that
    /// was said serves no further request.
    pub(crate) fn tell_cut(&mut self, phase: Phase, why: &str, now: Instant) {
        if !std::mem::replace(&mut self.told, true) && !self.current.is_told() {
            self.sight(phase, self.since(phase, now)).log_cut(why, now);
        }
    }

    /// Says in the log, to who looks for it, that it is closed in `phase`, having asked for nothing.
    pub(crate) fn tell_idle(&mut self, phase: Phase, why: &str, now: Instant) {
        if !std::mem::replace(&mut self.told, true) {
            let since = self.since(phase, now);
            self.sight(Phase::Idle, since).log_cut(why, now);
        }
    }

    /// Says in the log that a request is refused, instead of that it is cut off.
    pub(crate) fn tell_refused(&mut self, refused: &Refused, now: Instant) {
        let phase = match self.partial {
            Some(_) => Phase::Body,
            None => Phase::Head,
        };
        let mut sight = self.sight(phase, self.since(phase, now));
        if let Some(name) = &refused.name {
            sight.set_request(name);
        }
        let error = refused.error;
        sight.log_refused(error.status(), &error.to_string(), now);
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

//! What is overdue: each state of a connection has its time.

use std::time::{Duration, Instant};

use gateway_core::server::{Pace, Stage, Timeouts};

/// What a connection is doing, as far as time is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Phase {
    /// Between requests; nothing of the next one is here.
    Idle,
    /// Inside a request head, or before the first one.
    Head,
    /// Inside a request body.
    Body,
    /// The request waits for leave to read its body, or to be called.
    Queued,
    /// In the application, or waiting for the next piece of its body.
    Application,
    /// The client has not taken all of the response.
    Writing,
    /// The response is sent, what the client still sends is thrown away.
    Lingering,
}

impl Phase {
    /// The word for it in log lines.
    pub(crate) fn stage(self) -> Stage {
        match self {
            Self::Idle => Stage::Idle,
            Self::Head => Stage::ReadingHead,
            Self::Body => Stage::ReadingBody,
            Self::Queued => Stage::Queued,
            Self::Application => Stage::InApplication,
            Self::Writing | Self::Lingering => Stage::Writing,
        }
    }

    /// Whether a stop ends it, because nothing was asked for.
    pub(crate) fn is_over_at_stop(self) -> bool {
        matches!(self, Self::Idle | Self::Head | Self::Lingering)
    }

    /// How long the phase may last without progress, or at all for those where progress does not
    /// count.
    fn patience(self, timeouts: &Timeouts) -> Option<Duration> {
        match self {
            Self::Idle => Some(timeouts.idle),
            Self::Head => Some(timeouts.head),
            Self::Body => Some(timeouts.body_stall),
            Self::Queued | Self::Application => None,
            Self::Writing => Some(timeouts.write_stall),
            Self::Lingering => Some(timeouts.linger),
        }
    }

    /// A head must be whole in time: bytes buy no more of it.
    fn counts_progress(self) -> bool {
        matches!(self, Self::Body | Self::Writing | Self::Lingering)
    }

    /// Whether the client has the word, and must not be slower than the least rate.
    fn has_rate(self) -> bool {
        matches!(self, Self::Body | Self::Writing)
    }
}

/// How long a client that is thrown away what it still sends may go on with it (nginx
/// `lingering_time`: 30 s).
const LINGER_AT_MOST: Duration = Duration::from_secs(30);

/// By when a connection must have got on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Deadline {
    pub(crate) phase: Phase,
    /// When the phase began.
    pub(crate) since: Instant,
    /// Without progress; `None` where nothing is due.
    pub(crate) due: Option<Instant>,
    /// When the client falls below the least rate; `None` where there is none.
    too_slow: Option<Instant>,
}

/// What was due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Overdue {
    /// Nothing has moved for too long, or a head is not whole.
    Stalled,
    /// The client is below the least rate.
    TooSlow,
}

impl Deadline {
    pub(crate) fn new(phase: Phase, now: Instant, timeouts: &Timeouts) -> Self {
        let due = phase
            .patience(timeouts)
            .and_then(|patience| now.checked_add(patience));
        Self {
            phase,
            since: now,
            due,
            too_slow: None,
        }
    }

    /// For a call whose request was here at `since`, and which must have been answered when it is `due`.
    pub(crate) fn of_call(since: Instant, due: Option<Instant>) -> Self {
        Self {
            phase: Phase::Application,
            since,
            due,
            too_slow: None,
        }
    }

    /// For a request that was here at `since`, and waits for its call.
    pub(crate) fn of_queued(since: Instant, timeouts: &Timeouts) -> Self {
        Self {
            phase: Phase::Queued,
            ..Self::of_call(since, answer_due(since, timeouts))
        }
    }

    /// The deadline after a turn that left the connection in `phase`.
    pub(crate) fn next(
        self,
        phase: Phase,
        progress: bool,
        now: Instant,
        timeouts: &Timeouts,
    ) -> Self {
        if phase != self.phase {
            return Self::new(phase, now, timeouts);
        }
        if !progress || !phase.counts_progress() {
            return self;
        }
        let mut next = Self {
            since: self.since,
            ..Self::new(phase, now, timeouts)
        };
        if phase == Phase::Lingering {
            next.due = next.due.min(self.since.checked_add(LINGER_AT_MOST));
        }
        next
    }

    /// The same, for a client that is as fast as `pace` says. Its time goes on where it has the word.
    pub(crate) fn with(mut self, pace: &mut Pace, now: Instant, timeouts: &Timeouts) -> Self {
        if self.phase.has_rate() {
            pace.resume(now);
        } else {
            pace.pause(now);
        }
        self.too_slow = pace.due(timeouts);
        self
    }

    /// What comes first; `None` if nothing is due.
    pub(crate) fn first(self) -> Option<Instant> {
        [self.due, self.too_slow].into_iter().flatten().min()
    }

    /// What the client did too slowly, for the log.
    pub(crate) fn why(self, now: Instant) -> &'static str {
        match (self.phase, self.overdue(now)) {
            (Phase::Body | Phase::Writing, Some(Overdue::TooSlow)) => "below the least rate",
            (Phase::Idle, _) => "nothing was asked for too long",
            (Phase::Head, _) => "the head was not whole in time",
            (Phase::Body, _) => "nothing of the body came for too long",
            (Phase::Queued | Phase::Application, _) => "the deadline passed",
            (Phase::Writing, _) => "nothing of the response was taken for too long",
            (Phase::Lingering, _) => "the client does not close its side",
        }
    }

    pub(crate) fn overdue(self, now: Instant) -> Option<Overdue> {
        if self.due.is_some_and(|due| due <= now) {
            return Some(Overdue::Stalled);
        }
        let too_slow = self.too_slow.is_some_and(|due| due <= now);
        too_slow.then_some(Overdue::TooSlow)
    }
}

/// By when a request that was here at `since` must have been answered; `None` where nothing is due.
pub(crate) fn answer_due(since: Instant, timeouts: &Timeouts) -> Option<Instant> {
    since.checked_add(timeouts.request?)
}

#[cfg(test)]
mod tests {
    use super::Phase::*;
    use super::*;

    #[test]
    fn each_phase_has_its_time_and_progress_counts_where_it_should() {
        let timeouts = Timeouts::default();
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        // from, to, progress after 10 s: due when?
        for (from, to, progress, due) in [
            (Idle, Idle, false, Some(75)),
            (Idle, Head, true, Some(40)),
            (Head, Head, true, Some(30)),
            (Head, Body, true, Some(40)),
            (Body, Body, true, Some(40)),
            (Body, Body, false, Some(30)),
            (Body, Application, true, None),
            (Head, Queued, true, None),
            (Queued, Application, false, None),
            (Application, Writing, false, Some(40)),
            (Writing, Writing, true, Some(40)),
            (Writing, Writing, false, Some(30)),
            (Writing, Idle, true, Some(85)),
            (Writing, Lingering, true, Some(12)),
            (Lingering, Lingering, true, Some(12)),
            (Lingering, Lingering, false, Some(2)),
        ] {
            let deadline =
                Deadline::new(from, start, &timeouts).next(to, progress, at(10), &timeouts);
            assert_eq!(
                deadline.due,
                due.map(at),
                "{from:?} → {to:?}, progress {progress}"
            );
        }
    }

    #[test]
    fn a_request_that_waits_is_due_as_one_that_is_called() {
        let mut timeouts = Timeouts::default();
        let start = Instant::now();
        assert_eq!(Deadline::of_queued(start, &timeouts).first(), None);
        timeouts.request = Some(Duration::from_secs(3));
        let queued = Deadline::of_queued(start, &timeouts);
        assert_eq!(queued.first(), Some(start + Duration::from_secs(3)));
        timeouts.request = Some(Duration::MAX);
        assert_eq!(Deadline::of_queued(start, &timeouts).first(), None);
    }

    #[test]
    fn is_overdue_when_due() {
        let timeouts = Timeouts::default();
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let deadline = Deadline::new(Head, start, &timeouts);
        assert_eq!(deadline.overdue(at(29)), None);
        assert_eq!(deadline.overdue(at(30)), Some(Overdue::Stalled));
        let call = Deadline::new(Application, start, &timeouts);
        assert_eq!(call.overdue(at(u32::MAX.into())), None);
    }

    #[test]
    fn a_client_that_has_the_word_must_not_be_too_slow() {
        let timeouts = Timeouts::default(); // 240 bytes a second, after 5 s
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        // in which phase, after how many bytes, when is it too slow?
        for (phase, bytes, too_slow) in [
            (Idle, 0, None),
            (Head, 0, None),
            (Body, 0, Some(5)),
            (Body, 2400, Some(15)),
            (Queued, 0, None),
            (Application, 0, None),
            (Writing, 0, Some(5)),
            (Writing, 240, Some(6)),
            (Lingering, 0, None),
        ] {
            let mut pace = Pace::default();
            pace.add(bytes);
            let mut deadline = Deadline::new(phase, start, &timeouts);
            deadline.due = None; // that it stalls is another matter
            let deadline = deadline.with(&mut pace, start, &timeouts);
            let slow = too_slow.map(|_| Overdue::TooSlow);
            let when = too_slow.unwrap_or(1000);
            assert_eq!(deadline.overdue(at(when - 1)), None, "{phase:?} {bytes}");
            assert_eq!(deadline.overdue(at(when)), slow, "{phase:?} {bytes}");
        }
    }
}

//! What is overdue: each state of a connection has its time.

use std::time::{Duration, Instant};

use gateway_core::server::Timeouts;

/// What a connection is doing, as far as time is concerned; also the word in log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Phase {
    /// Between requests; nothing of the next one is here.
    Idle,
    /// Inside a request head, or before the first one.
    Head,
    /// Inside a request body.
    Body,
    /// In the application, or waiting for the next piece of its body.
    Application,
    /// The client has not taken all of the response.
    Writing,
    /// The response is sent, what the client still sends is thrown away.
    Lingering,
}

impl Phase {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Head => "reading head",
            Self::Body => "reading body",
            Self::Application => "in application",
            Self::Writing => "writing",
            Self::Lingering => "lingering",
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
            Self::Application => None,
            Self::Writing => Some(timeouts.write_stall),
            Self::Lingering => Some(timeouts.linger),
        }
    }

    /// A head must be whole in time: bytes buy no more of it.
    pub(crate) fn counts_progress(self) -> bool {
        matches!(self, Self::Body | Self::Writing | Self::Lingering)
    }
}

/// How long a client may go on sending what is thrown away (nginx `lingering_time`: 30 s).
const LINGER_AT_MOST: Duration = Duration::from_secs(30);

/// By when a connection must have got on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Deadline {
    pub(crate) phase: Phase,
    /// When the phase began.
    pub(crate) since: Instant,
    /// `None` where nothing is due.
    pub(crate) due: Option<Instant>,
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

    pub(crate) fn is_overdue(self, now: Instant) -> bool {
        self.due.is_some_and(|due| due <= now)
    }
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
    fn is_overdue_when_due() {
        let timeouts = Timeouts::default();
        let start = Instant::now();
        let deadline = Deadline::new(Head, start, &timeouts);
        assert!(!deadline.is_overdue(start + Duration::from_secs(29)));
        assert!(deadline.is_overdue(start + Duration::from_secs(30)));
        assert!(
            !Deadline::new(Application, start, &timeouts).is_overdue(at_the_end_of_time(start))
        );
    }

    fn at_the_end_of_time(start: Instant) -> Instant {
        start + Duration::from_secs(u32::MAX.into())
    }
}

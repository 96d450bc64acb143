//! What a connection waits for, and until when it may. Pure: times are arguments, in milliseconds
//! of the server's clock.

use gateway_core::server::{Stage, Timeouts};

use crate::shared::millis;

/// What a connection waits for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Waits {
    /// Requests so far.
    pub(crate) requests: u64,
    /// Requests that run.
    pub(crate) active: usize,
    /// Since when none runs, or since when the first of those has.
    pub(crate) turned_at: u64,
    /// Since when a part of a head is here.
    pub(crate) head_since: Option<u64>,
    /// Since when the client takes nothing of what is to be sent.
    pub(crate) write_since: Option<u64>,
    /// By when it takes that too slowly.
    pub(crate) write_due: Option<u64>,
    /// Since when the client sends no more.
    pub(crate) left_since: Option<u64>,
    /// Whether the application was told so.
    pub(crate) left: bool,
    /// Since when nobody is woken for what the client does, or somebody last looked.
    pub(crate) unwatched_since: Option<u64>,
    /// Since when the connection has been told to end, once all that it has is sent.
    pub(crate) ending: Option<u64>,
    /// Whether the server stops.
    pub(crate) stopping: bool,
    /// Whether requests do not wait for each other (HTTP/2).
    pub(crate) multiplexed: bool,
    /// Whether the connection may rest, as it has not done since its last request.
    pub(crate) may_rest: bool,
}

/// After which part of [`Timeouts::idle`] a connection without a request lets go of what it needs for
/// one: 5 s of 75. Most clients that have a further request have it before; to get it all again costs
/// some microseconds.
const REST: u32 = 15;

/// How long, in milliseconds, a client that sends no more is taken for one that waits for its
/// answer. Most calls are over by then; then the application is told that the client has left.
const LEAVING: u64 = 100;

/// How often, in milliseconds, it is looked whether the client is still there, behind bytes that nobody reads.
const LOOK: u64 = 100;

/// After how long, in milliseconds, it is certain enough that nobody waits: the call is dropped. A
/// client that closed its sending half only (RFC 9112 §9.6 allows it) has its answer until then.
const GONE: u64 = 5000;

/// What took too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Overdue {
    /// The client takes nothing of the response.
    Write,
    /// The client takes the response too slowly.
    Slow,
    /// The client does not finish a request head, or says nothing at all.
    Head,
    /// The client has no further request.
    Idle,
    /// The same, for a while.
    Rest,
    /// It is to be seen whether the client is still there.
    Look,
    /// The client sends no more, and may have left.
    Leaving,
    /// The client sends no more, and has left.
    Gone,
}

impl Waits {
    /// What is due first, and when; nothing while the application is what is waited for.
    pub(crate) fn due(&self, timeouts: &Timeouts) -> Option<(u64, Overdue)> {
        if let Some(since) = self.write_since {
            let stalled = after(since, timeouts.write_stall);
            return Some(match self.write_due {
                Some(slow) if slow < stalled => (slow, Overdue::Slow),
                _ => (stalled, Overdue::Write),
            });
        }
        if let (Some(since), true) = (self.head_since, self.multiplexed) {
            return Some((after(since, timeouts.head), Overdue::Head));
        }
        if self.active > 0 {
            let look = |since: u64| (since.saturating_add(LOOK), Overdue::Look);
            let Some(since) = self.left_since else {
                return self.unwatched_since.filter(|_| !self.multiplexed).map(look);
            };
            return Some(match self.left {
                false => (since.saturating_add(LEAVING), Overdue::Leaving),
                true => (since.saturating_add(GONE), Overdue::Gone),
            });
        }
        if let Some(since) = self.head_since {
            // Sent behind a request that was still running: its time begins when that is over.
            let since = since.max(self.turned_at);
            return Some((after(since, timeouts.head), Overdue::Head));
        }
        if self.requests == 0 && !self.stopping {
            return Some((after(self.turned_at, timeouts.head), Overdue::Head));
        }
        let idle = match self.stopping {
            false => timeouts.idle,
            true => timeouts.idle.min(timeouts.idle_at_stop),
        };
        let idle = after(self.turned_at, idle);
        let due = match self.ending {
            None if self.may_rest && !self.multiplexed && !self.stopping => {
                let rest = after(self.turned_at, timeouts.idle / REST);
                return Some((rest, Overdue::Rest));
            }
            None => idle,
            // Who has read GOAWAY closes; who has not does not hold the stop up.
            Some(since) if self.stopping && self.multiplexed => {
                after(since.max(self.turned_at), timeouts.linger)
            }
            // hyper may still hold the rest of a response that the client has no room for.
            Some(_) => idle.saturating_add(millis(timeouts.write_stall)),
        };
        Some((due, Overdue::Idle))
    }

    /// Since when it stands where it stands.
    pub(crate) fn since(&self) -> u64 {
        let head_since = self.head_since.filter(|_| self.active == 0);
        self.write_since.or(head_since).unwrap_or(self.turned_at)
    }

    /// Where the connection stands; while requests run, each of them stands somewhere.
    pub(crate) fn stage(&self) -> Stage {
        match self {
            Self {
                write_since: Some(_),
                ..
            } => Stage::Writing,
            Self { active: 1.., .. } => Stage::InApplication,
            Self {
                head_since: Some(_),
                ..
            } => Stage::ReadingHead,
            _ => Stage::Idle,
        }
    }
}

/// The end of a bound that began at `since`.
pub(super) fn after(since: u64, timeout: std::time::Duration) -> u64 {
    since.saturating_add(millis(timeout))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn timeouts() -> Timeouts {
        let mut timeouts = Timeouts::default();
        timeouts.head = Duration::from_millis(30);
        timeouts.write_stall = Duration::from_millis(40);
        timeouts.idle = Duration::from_millis(75);
        timeouts.idle_at_stop = Duration::from_millis(10);
        timeouts.linger = Duration::from_millis(20);
        timeouts
    }

    #[test]
    fn each_wait_has_its_bound_and_the_application_has_none() {
        let opening = Waits {
            turned_at: 5,
            ..Waits::default()
        };
        let idle = Waits {
            requests: 2,
            ..opening
        };
        let head = Waits {
            head_since: Some(9),
            ..idle
        };
        let call = Waits { active: 1, ..idle };
        let writing = Waits {
            write_since: Some(100),
            ..call
        };
        let unread = Waits {
            unwatched_since: Some(150),
            ..call
        };
        let leaving = Waits {
            left_since: Some(200),
            ..unread
        };
        let gone = Waits {
            left: true,
            ..leaving
        };
        for (waits, stage, due) in [
            (unread, Stage::InApplication, Some((250, Overdue::Look))),
            (leaving, Stage::InApplication, Some((300, Overdue::Leaving))),
            (gone, Stage::InApplication, Some((5200, Overdue::Gone))),
            (opening, Stage::Idle, Some((35, Overdue::Head))),
            (idle, Stage::Idle, Some((80, Overdue::Idle))),
            (
                Waits {
                    ending: Some(6),
                    ..idle
                },
                Stage::Idle,
                Some((120, Overdue::Idle)),
            ),
            (
                Waits {
                    ending: Some(1000),
                    stopping: true,
                    multiplexed: true,
                    ..idle
                },
                Stage::Idle,
                Some((1020, Overdue::Idle)),
            ),
            (
                Waits {
                    stopping: true,
                    ..idle
                },
                Stage::Idle,
                Some((15, Overdue::Idle)),
            ),
            (
                Waits {
                    may_rest: true,
                    ..idle
                },
                Stage::Idle,
                Some((10, Overdue::Rest)),
            ),
            (
                Waits {
                    may_rest: true,
                    stopping: true,
                    ..idle
                },
                Stage::Idle,
                Some((15, Overdue::Idle)),
            ),
            (
                Waits {
                    may_rest: true,
                    multiplexed: true,
                    ..idle
                },
                Stage::Idle,
                Some((80, Overdue::Idle)),
            ),
            (head, Stage::ReadingHead, Some((39, Overdue::Head))),
            (call, Stage::InApplication, None),
            (writing, Stage::Writing, Some((140, Overdue::Write))),
            (
                Waits {
                    write_due: Some(110),
                    ..writing
                },
                Stage::Writing,
                Some((110, Overdue::Slow)),
            ),
            (
                Waits {
                    multiplexed: true,
                    active: 1,
                    ..head
                },
                Stage::InApplication,
                Some((39, Overdue::Head)),
            ),
            // The rest of a response may still be on its way when the request is over.
            (
                Waits {
                    active: 0,
                    ..writing
                },
                Stage::Writing,
                Some((140, Overdue::Write)),
            ),
        ] {
            assert_eq!(waits.due(&timeouts()), due, "{stage}");
            assert_eq!(waits.stage(), stage);
        }
    }

    #[test]
    fn no_time_out_is_too_long() {
        let mut timeouts = timeouts();
        timeouts.head = Duration::MAX;
        assert_eq!(
            Waits::default().due(&timeouts),
            Some((u64::MAX, Overdue::Head))
        );
    }
}

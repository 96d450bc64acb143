//! Stopping without losing a request.
//!
//! ```text
//!   stop ─▶ take the backlog, listen no more ─▶ finish what runs, close what is idle ─▶ end
//!                                                    │ bound on the wait
//!                                                    └─▶ cancel, cut, log ─▶ end
//! ```
//!
//! What is done when is decided by [`Drain::next`], which knows no connection and no clock.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::{Duration, Instant};

use gateway_core::server::Stage;

use crate::log::Sight;
use crate::shared::Shared;

/// How often the log says what is waited for.
const REPORT: Duration = Duration::from_secs(1);

/// How often idle connections are looked for.
const LOOK: Duration = Duration::from_millis(50);

/// How long connections that were cut have to go away.
const CUT: Duration = Duration::from_millis(500);

/// Where a stop stands.
#[derive(Debug)]
pub(crate) struct Drain {
    since: Instant,
    listening: bool,
    next_look: Instant,
    next_report: Instant,
    /// When everything that is left is cut, if ever.
    bound: Option<Instant>,
    /// When the stop is over, whatever is left.
    end: Option<Instant>,
}

/// What a stop does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Act {
    /// Takes what the kernel has accepted, and listens no more.
    CloseListeners,
    CloseIdle,
    /// Says what is waited for.
    Report,
    /// The wait is over: what is left is cut.
    Cut,
    /// All is done.
    End,
    /// What was cut does not go away.
    GiveUp,
}

impl Drain {
    pub(crate) fn new(now: Instant, bound: Duration) -> Self {
        Self {
            since: now,
            listening: true,
            next_look: now,
            next_report: now + REPORT,
            bound: now.checked_add(bound),
            end: None,
        }
    }

    /// Goes on with the stop. True when it is over.
    pub(crate) fn step<A>(&mut self, shared: &Shared<A>, now: Instant) -> bool {
        while let Some(act) = self.next(now, shared.connections()) {
            match act {
                Act::CloseListeners => {
                    tracing::info!(bound = ?shared.timeouts.drain, "stopping");
                    shared.close_listeners();
                }
                Act::CloseIdle => shared.close_idle(now),
                Act::Report => report(&shared.sights(), now, "stopping"),
                Act::Cut => {
                    report(&shared.sights(), now, "the wait is over: cutting");
                    shared.cut_all();
                }
                Act::End => {
                    tracing::info!(after = ?now - self.since, "stopped");
                    return true;
                }
                Act::GiveUp => {
                    report(
                        &shared.sights(),
                        now,
                        "stopped with calls that do not return",
                    );
                    return true;
                }
            }
        }
        false
    }

    /// What to do next, with so many connections open; to be asked until it is nothing.
    fn next(&mut self, now: Instant, connections: usize) -> Option<Act> {
        if std::mem::take(&mut self.listening) {
            return Some(Act::CloseListeners);
        }
        if connections == 0 {
            return Some(Act::End);
        }
        if let Some(end) = self.end {
            return (now >= end).then_some(Act::GiveUp);
        }
        if self.bound.is_some_and(|bound| now >= bound) {
            self.end = Some(now + CUT);
            return Some(Act::Cut);
        }
        if now >= self.next_look {
            self.next_look = now + LOOK;
            return Some(Act::CloseIdle);
        }
        if now >= self.next_report {
            self.next_report = now + REPORT;
            return Some(Act::Report);
        }
        None
    }
}

/// Says what is waited for: how many connections in which stage, and the request that is the oldest.
fn report(sights: &[Sight], now: Instant, what: &str) {
    let mut stages: BTreeMap<Stage, usize> = BTreeMap::new();
    for sight in sights {
        *stages.entry(sight.stage).or_default() += 1;
    }
    let mut waits_for = String::new();
    for (stage, count) in stages {
        let comma = if waits_for.is_empty() { "" } else { ", " };
        let _ = write!(waits_for, "{comma}{count} {stage}"); // a string takes anything
    }
    let Some(oldest) = sights.iter().min_by_key(|sight| sight.rank()) else {
        return;
    };
    let (request, stage, age) = (oldest.request(), oldest.stage, oldest.age(now));
    tracing::info!(connections = sights.len(), waits_for, oldest = request, %stage, ?age, "{what}");
}

#[cfg(test)]
mod tests {
    use super::Act::*;
    use super::*;

    #[test]
    fn a_stop_takes_its_steps_in_order() {
        // bound in ms; then at which ms, with how many connections: what is done?
        type Step = (u64, usize, &'static [Act]);
        let cases: &[(u64, &[Step])] = &[
            (30_000, &[(0, 0, &[CloseListeners, End])]),
            (
                30_000,
                &[
                    (0, 2, &[CloseListeners, CloseIdle]),
                    (1, 2, &[]),
                    (50, 2, &[CloseIdle]),
                    (1000, 1, &[CloseIdle, Report]),
                    (1001, 1, &[]),
                    (2000, 1, &[CloseIdle, Report]),
                    (2001, 0, &[End]),
                ],
            ),
            (
                100,
                &[
                    (0, 1, &[CloseListeners, CloseIdle]),
                    (99, 1, &[CloseIdle]),
                    (100, 1, &[Cut]),
                    (599, 1, &[]),
                    (600, 1, &[GiveUp]),
                ],
            ),
            (0, &[(0, 3, &[CloseListeners, Cut]), (20, 0, &[End])]),
        ];
        for (bound, steps) in cases {
            let start = Instant::now();
            let mut drain = Drain::new(start, Duration::from_millis(*bound));
            for (at, connections, expected) in *steps {
                let now = start + Duration::from_millis(*at);
                let mut acts = Vec::new();
                while let Some(act) = drain.next(now, *connections) {
                    acts.push(act);
                    if matches!(act, End | GiveUp) {
                        break;
                    }
                }
                assert_eq!(acts, *expected, "bound {bound}, at {at}");
            }
        }
    }

    #[test]
    fn a_wait_may_be_longer_than_clocks_count() {
        let start = Instant::now();
        let mut drain = Drain::new(start, Duration::MAX);
        assert_eq!(drain.next(start, 1), Some(CloseListeners));
        let late = start + Duration::from_secs(1 << 30);
        assert_eq!(drain.next(late, 1), Some(CloseIdle));
    }
}

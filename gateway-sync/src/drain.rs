//! Stopping without losing a request.
//!
//! ```text
//!   stop ─▶ take the backlog, listen no more ─▶ finish what runs, close what is idle ─▶ end
//!                                                    │ bound on the wait
//!                                                    └─▶ cancel, cut, log ─▶ end
//! ```

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::monitor::SWEEP;
use crate::shared::Shared;

/// How often the log says what is waited for.
const REPORT: Duration = Duration::from_secs(1);

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

impl Drain {
    pub(crate) fn new(now: Instant, bound: Duration) -> Self {
        tracing::info!(?bound, "stopping");
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
        if std::mem::take(&mut self.listening) {
            shared.close_listeners();
        }
        let connections = shared.connections();
        if connections == 0 {
            tracing::info!(after = ?now - self.since, "stopped");
            return true;
        }
        if self.bound.is_some_and(|bound| now >= bound) {
            return self.end(shared, now, connections);
        }
        if now >= self.next_look {
            shared.close_idle(now);
            self.next_look = now + SWEEP / 10;
        }
        if now >= self.next_report {
            report(shared, now, "stopping: waiting for connections");
            self.next_report = now + REPORT;
        }
        false
    }

    /// The wait is over: cuts what is left, then gives it a moment to go away.
    fn end<A>(&mut self, shared: &Shared<A>, now: Instant, connections: usize) -> bool {
        let end = *self.end.get_or_insert_with(|| {
            report(shared, now, "the wait is over: connections are cut");
            shared.cut_all();
            now + CUT
        });
        if now >= end {
            tracing::error!(connections, "stopped with calls that do not return");
        }
        now >= end
    }
}

/// Says what the open connections are doing, and for how long the oldest of each has.
fn report<A>(shared: &Shared<A>, now: Instant, what: &str) {
    let mut states: BTreeMap<&str, (usize, Duration)> = BTreeMap::new();
    for sight in shared.sights() {
        let (count, oldest) = states.entry(sight.phase.as_str()).or_default();
        *count += 1;
        *oldest = now.saturating_duration_since(sight.since).max(*oldest);
    }
    for (state, (connections, oldest)) in states {
        tracing::info!(connections, state, ?oldest, "{what}");
    }
}

//! Waiting for what runs when the server stops, and saying what it waits for.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use crate::connection::deadline::Waits;
use crate::shared::{Shared, Stage};

/// How often the log says what is waited for.
const TELL: Duration = Duration::from_secs(1);

/// How long connections have to be gone when they are cut off. They need no time but their turn.
const CUT: Duration = Duration::from_secs(1);

/// Waits until no connection is left, at most `drain`; then cuts off what still runs.
pub(crate) async fn drain(shared: &Arc<Shared>) {
    wake_all(shared);
    let bound = Instant::now() + shared.settings.timeouts.drain;
    while shared.stop.stage() == Stage::Draining && Instant::now() < bound {
        let round = bound.min(Instant::now() + TELL);
        if all_ended(shared, round).await {
            return;
        }
        if shared.stop.stage() == Stage::Draining {
            tell(shared, "waiting for what runs");
        }
    }
    tell(shared, "cutting off what still runs");
    shared.stop.advance(Stage::Cutting);
    shared.pool.close();
    wake_all(shared);
    if !all_ended(shared, Instant::now() + CUT).await {
        tell(shared, "leaving behind what does not end");
    }
}

/// Whether all connections end before `until`. Returns early when the stop is speeded up.
async fn all_ended(shared: &Shared, until: Instant) -> bool {
    let stage = shared.stop.stage();
    loop {
        let mut ended = pin!(shared.ended.notified());
        ended.as_mut().enable(); // before the look, so that nothing is missed in between
        if shared.count.load(Ordering::Acquire) == 0 {
            return true;
        }
        if shared.stop.stage() != stage || timeout_at(until, ended).await.is_err() {
            return false;
        }
    }
}

pub(crate) fn wake_all(shared: &Shared) {
    for connection in shared.connections() {
        connection.wake();
    }
}

fn tell(shared: &Shared, what: &str) {
    let waits: Vec<Waits> = shared.connections().iter().map(|it| it.waits()).collect();
    let pool = shared.pool.load();
    let summary = Summary::of(&waits, shared.clock.now());
    tracing::info!(
        connections = waits.len(),
        requests = summary.requests,
        in_application = summary.in_application,
        writing = summary.writing,
        reading_head = summary.reading_head,
        oldest_ms = summary.oldest,
        blocking_running = pool.running,
        blocking_queued = pool.queued,
        "stopping: {what}"
    );
}

/// What connections wait for, counted.
#[derive(Debug, Default, PartialEq, Eq)]
struct Summary {
    requests: usize,
    in_application: usize,
    writing: usize,
    reading_head: usize,
    /// Age of the oldest request, in milliseconds; for HTTP/2, since when its connection is busy.
    oldest: u64,
}

impl Summary {
    fn of(waits: &[Waits], now: u64) -> Self {
        let mut summary = Self::default();
        for waits in waits {
            summary.requests += waits.active;
            match waits.state() {
                "writing" => summary.writing += 1,
                "in application" => summary.in_application += 1,
                "reading head" => summary.reading_head += 1,
                _ => {}
            }
            if waits.active > 0 {
                summary.oldest = summary.oldest.max(now.saturating_sub(waits.turned_at));
            }
        }
        summary
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_what_is_waited_for() {
        let running = Waits {
            requests: 3,
            active: 2,
            turned_at: 40,
            ..Waits::default()
        };
        let writing = Waits {
            active: 1,
            turned_at: 90,
            write_since: Some(95),
            ..running
        };
        let idle = Waits {
            active: 0,
            turned_at: 1,
            ..running
        };
        assert_eq!(
            Summary::of(&[running, writing, idle], 100),
            Summary {
                requests: 3,
                in_application: 1,
                writing: 1,
                reading_head: 0,
                oldest: 60,
            }
        );
    }
}

//! Waiting for what runs when the server stops, and saying what it waits for.

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use gateway_core::server::Stage;
use tokio::time::{Instant, sleep, timeout_at};

use crate::progress::{NONE_BEGUN, Progress};
use crate::shared::{Phase, Shared};

/// How often the log says what is waited for.
const TELL: Duration = Duration::from_secs(1);

/// How long connections have to be gone when they are cut off. They need no time but their turn.
const CUT: Duration = Duration::from_secs(1);

/// How long calls may take to return when nobody waits for them any more, and how often that is looked at.
const LAST_WAIT: Duration = Duration::from_secs(1);
const LOOK: Duration = Duration::from_millis(1);

/// Waits until no connection is left, at most `drain`; then cuts off what still runs.
pub(crate) async fn drain(shared: &Arc<Shared>) {
    wake_all(shared);
    // None where it is further off than the clock can tell.
    let bound = Instant::now().checked_add(shared.settings.timeouts.drain);
    let is_over = |now| bound.is_some_and(|bound| now >= bound);
    while shared.stop.phase() == Phase::Draining && !is_over(Instant::now()) {
        let tick = Instant::now() + TELL;
        let round = bound.map_or(tick, |bound| bound.min(tick));
        if all_ended(shared, round).await {
            return;
        }
        if shared.stop.phase() == Phase::Draining {
            tell(shared, "stopping");
        }
    }
    tell(shared, "the wait is over: cutting");
    shared.stop.end_drain();
    shared.pool.close();
    wake_all(shared);
    if !all_ended(shared, Instant::now() + CUT).await {
        tell(shared, "stopped with connections that do not end");
    }
    let threads = left_behind(shared).await;
    if threads > 0 {
        tracing::error!(
            threads,
            "threads are left behind in calls that do not return"
        );
    }
}

/// Waits for the threads of the pool to end what they are in; how many do not.
async fn left_behind(shared: &Shared) -> usize {
    let until = Instant::now() + LAST_WAIT;
    loop {
        let threads = shared.pool.load().running;
        if threads == 0 || Instant::now() >= until {
            return threads;
        }
        sleep(LOOK).await;
    }
}

/// Whether all connections end before `until`. Returns early when the stop is speeded up.
async fn all_ended(shared: &Shared, until: Instant) -> bool {
    let phase = shared.stop.phase();
    loop {
        let mut ended = pin!(shared.ended.notified());
        ended.as_mut().enable(); // before the look, so that nothing is missed in between
        if shared.count.load(Ordering::Acquire) == 0 {
            return true;
        }
        if shared.stop.phase() != phase || timeout_at(until, ended).await.is_err() {
            return false;
        }
    }
}

pub(crate) fn wake_all(shared: &Shared) {
    for connection in shared.connections() {
        connection.wake();
    }
}

/// Says what is waited for: how many requests and connections in which stage, and the request that has
/// been here the longest.
fn tell(shared: &Shared, what: &str) {
    let connections = shared.connections();
    let seen = connections.iter();
    let seen: Vec<Seen> = seen
        .flat_map(|it| see(&it.running(), it.waits().stage()))
        .collect();
    let waits_for = in_words(&seen);
    let count = connections.len();
    let oldest = seen.iter().filter_map(|(_, request)| request.as_ref());
    match oldest.min_by_key(|request| request.received_at) {
        Some(oldest) => {
            let (stage, age) = (oldest.stage(), oldest.age());
            tracing::info!(connections = count, waits_for, %oldest, %stage, ?age, "{what}");
        }
        None => tracing::info!(
            connections = count,
            waits_for,
            oldest = NONE_BEGUN,
            "{what}"
        ),
    }
}

/// A request and where it stands, or a connection without one.
type Seen = (Stage, Option<Arc<Progress>>);

/// Where the requests of a connection stand; if it has none, where it stands itself.
fn see(running: &[Arc<Progress>], at_rest: Stage) -> Vec<Seen> {
    if running.is_empty() {
        return vec![(at_rest, None)];
    }
    let stage = |request: &Arc<Progress>| (request.stage(), Some(Arc::clone(request)));
    running.iter().map(stage).collect()
}

/// `2 in application, 1 writing`.
fn in_words(seen: &[Seen]) -> String {
    let mut stages: BTreeMap<Stage, usize> = BTreeMap::new();
    for (stage, _) in seen {
        *stages.entry(*stage).or_default() += 1;
    }
    let words = stages
        .iter()
        .map(|(stage, count)| format!("{count} {stage}"));
    words.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_counts_as_its_requests_or_as_itself() {
        let request = http::Request::get("/a").body(()).unwrap();
        let (first, second) = (Progress::begin(&request), Progress::begin(&request));
        second.set_stage(Stage::Writing);
        let mut seen = see(&[first, second], Stage::Idle);
        assert_eq!(in_words(&seen), "1 in application, 1 writing");
        seen.extend(see(&[], Stage::Idle));
        seen.extend(see(&[], Stage::Idle));
        assert_eq!(in_words(&seen), "2 idle, 1 in application, 1 writing");
    }
}

//! [`Flow`]: how fast a client sends its request bodies, or takes its responses, on one connection.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use gateway_core::server::{Pace, Timeouts};

/// How fast a client sends, or takes, over all bodies that are on their way on its connection: with
/// HTTP/2 many share what the line can carry, and none of them alone says how fast the client is.
///
/// When none is on its way any more, the client has caught up, and the next begins anew. Only time
/// in which something waits for the client counts.
#[derive(Debug, Default)]
pub(crate) struct Flow(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    pace: Pace,
    /// Bodies on their way.
    bodies: usize,
    /// Those of them that wait for the client.
    waiting: usize,
    /// When the client was found too slow. What has waited since before is cut; then it has a new
    /// chance with what is left.
    cut_at: Option<Instant>,
}

impl Flow {
    /// A body is on its way.
    pub(crate) fn begin(&self) {
        self.lock().bodies += 1;
    }

    /// A body is no more on its way.
    pub(crate) fn end(&self) {
        let mut inner = self.lock();
        inner.bodies -= 1; // begun before
        if inner.bodies == 0 {
            *inner = Inner::default();
        }
    }

    /// One more body waits for the client.
    pub(crate) fn wait(&self, now: Instant) {
        let mut inner = self.lock();
        inner.waiting += 1;
        inner.pace.resume(now);
    }

    /// One body fewer waits for the client, which has moved so many bytes of it.
    pub(crate) fn go_on(&self, bytes: u64, now: Instant) {
        let mut inner = self.lock();
        inner.pace.add(bytes);
        inner.waiting -= 1; // waited before
        if inner.waiting == 0 {
            inner.pace.pause(now);
        }
    }

    /// Bytes of a body moved that did not wait.
    pub(crate) fn add(&self, bytes: u64) {
        self.lock().pace.add(bytes);
    }

    /// By when the client is too slow, for a body that waits since `since`.
    pub(crate) fn due(&self, since: Instant, timeouts: &Timeouts) -> Option<Instant> {
        let inner = self.lock();
        match inner.cut_at {
            Some(cut_at) if since <= cut_at => Some(cut_at),
            _ => inner.pace.due(timeouts),
        }
    }

    /// The client is too slow: whatever waits now is cut.
    pub(crate) fn cut(&self, now: Instant) {
        let mut inner = self.lock();
        inner.cut_at = Some(now);
        inner.pace = Pace::default();
        if inner.waiting > 0 {
            inner.pace.resume(now);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// 100 bytes a second, after 5 seconds.
    fn timeouts() -> Timeouts {
        let mut timeouts = Timeouts::default();
        timeouts.min_rate = 100;
        timeouts.rate_grace = Duration::from_secs(5);
        timeouts
    }

    /// When a body that waits since `since` is due, in seconds after `start`.
    fn due(flow: &Flow, start: Instant, since: u64) -> Option<u64> {
        let due = flow.due(after(start, since), &timeouts())?;
        Some(due.duration_since(start).as_secs())
    }

    fn after(start: Instant, seconds: u64) -> Instant {
        start + Duration::from_secs(seconds)
    }

    #[test]
    fn what_one_body_moves_is_to_the_good_of_all() {
        let (flow, start) = (Flow::default(), Instant::now());
        flow.begin();
        flow.begin();
        flow.wait(start);
        flow.wait(start);
        assert_eq!(due(&flow, start, 0), Some(5));
        flow.go_on(1000, after(start, 1));
        assert_eq!(due(&flow, start, 0), Some(15));
        flow.go_on(0, after(start, 2));
        assert_eq!(due(&flow, start, 0), None, "nothing waits");
        flow.wait(after(start, 50));
        assert_eq!(due(&flow, start, 50), Some(50 + 15 - 2));
    }

    #[test]
    fn who_has_caught_up_begins_anew() {
        let (flow, start) = (Flow::default(), Instant::now());
        flow.begin();
        flow.wait(start);
        flow.go_on(0, after(start, 4));
        flow.end();
        flow.begin();
        flow.wait(after(start, 60));
        assert_eq!(due(&flow, start, 60), Some(65));
    }

    #[test]
    fn a_cut_strikes_what_has_waited_and_not_what_comes_after() {
        let (flow, start) = (Flow::default(), Instant::now());
        flow.begin();
        flow.begin();
        flow.wait(start);
        flow.cut(after(start, 5));
        flow.wait(after(start, 6));
        assert_eq!(due(&flow, start, 0), Some(5));
        assert_eq!(due(&flow, start, 6), Some(10));
    }
}

//! [`Pace`]: how fast a client sends, or takes what is sent.

use std::time::{Duration, Instant};

use super::Timeouts;

/// How fast a client sends, or takes what is sent: it says by when the client falls below the least
/// rate ([`Timeouts::min_rate`]).
///
/// One for each body on its way. Only the time in which the client has the word counts: a host
/// [resumes](Self::resume) it when it waits for the client, and [pauses](Self::pause) it when it waits
/// for the application. It has no clock: time is an argument.
///
/// ```text
///   allowed time = grace + bytes ÷ rate       each byte buys the client more of it
/// ```
///
/// ```
/// use gateway_core::server::{Pace, Timeouts};
/// use std::time::{Duration, Instant};
///
/// let timeouts = Timeouts::default(); // 240 bytes a second, after 5 s
/// let start = Instant::now();
/// let mut pace = Pace::default();
/// pace.resume(start);
/// assert_eq!(pace.due(&timeouts), Some(start + Duration::from_secs(5)));
/// pace.add(2400);
/// assert_eq!(pace.due(&timeouts), Some(start + Duration::from_secs(15)));
/// pace.pause(start + Duration::from_secs(14));
/// assert_eq!(pace.due(&timeouts), None);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pace {
    bytes: u64,
    /// Waited for the client before `since`.
    spent: Duration,
    /// Since when the client has been waited for; `None` while it is not.
    since: Option<Instant>,
}

impl Pace {
    /// The client is waited for from `now` on. Does nothing if it is already.
    pub fn resume(&mut self, now: Instant) {
        self.since.get_or_insert(now);
    }

    /// The client is not waited for any more.
    pub fn pause(&mut self, now: Instant) {
        if let Some(since) = self.since.take() {
            self.spent += now.saturating_duration_since(since);
        }
    }

    /// So many bytes came, or were taken.
    pub fn add(&mut self, bytes: u64) {
        self.bytes = self.bytes.saturating_add(bytes);
    }

    /// When the client will be too slow, unless more bytes move; in the past if it is. `None` while
    /// it is not waited for, and where there is no least rate.
    pub fn due(&self, timeouts: &Timeouts) -> Option<Instant> {
        let since = self.since?;
        if timeouts.min_rate == 0 {
            return None;
        }
        let bought = Duration::from_secs(self.bytes / timeouts.min_rate)
            + Duration::from_secs(self.bytes % timeouts.min_rate) / divisor(timeouts.min_rate);
        let allowed = timeouts.rate_grace.saturating_add(bought);
        since.checked_add(allowed.saturating_sub(self.spent))
    }
}

/// A rate as a divisor of durations; one beyond 4 GiB a second is taken for that.
fn divisor(rate: u64) -> u32 {
    u32::try_from(rate).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(seconds: f64) -> Duration {
        Duration::from_secs_f64(seconds)
    }

    fn rate(min_rate: u64, grace: f64) -> Timeouts {
        Timeouts {
            min_rate,
            rate_grace: seconds(grace),
            ..Timeouts::default()
        }
    }

    #[test]
    fn each_byte_buys_time() {
        let start = Instant::now();
        for (bytes, min_rate, grace, due) in [
            (0, 100, 5.0, Some(5.0)),
            (50, 100, 5.0, Some(5.5)),
            (1000, 100, 0.0, Some(10.0)),
            (1000, 0, 5.0, None),
            (3, u64::MAX, 1.0, Some(1.0)),
        ] {
            let mut pace = Pace::default();
            pace.resume(start);
            pace.add(bytes);
            let found = pace.due(&rate(min_rate, grace));
            let found = found.map(|due| (due - start).as_secs_f64());
            match (found, due) {
                (Some(found), Some(due)) => assert!((found - due).abs() < 1e-6, "{bytes}"),
                (found, due) => assert_eq!(found, due, "{bytes}"),
            }
        }
    }

    #[test]
    fn only_time_in_which_the_client_is_waited_for_counts() {
        let start = Instant::now();
        let timeouts = rate(100, 5.0);
        let mut pace = Pace::default();
        pace.resume(start);
        pace.resume(start + seconds(1.0)); // still waited for since the start
        pace.pause(start + seconds(4.0));
        pace.pause(start + seconds(60.0));
        assert_eq!(pace.due(&timeouts), None);
        pace.resume(start + seconds(100.0));
        assert_eq!(pace.due(&timeouts), Some(start + seconds(101.0)));
    }

    #[test]
    fn a_client_that_was_too_slow_is_overdue_at_once() {
        let start = Instant::now();
        let mut pace = Pace::default();
        pace.resume(start);
        pace.pause(start + seconds(60.0));
        let again = start + seconds(61.0);
        pace.resume(again);
        assert_eq!(pace.due(&rate(100, 5.0)), Some(again));
    }
}

//! What a call did with its time: it waited, or it computed, or it was quick.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::time::{Duration, Instant};

use crate::predictor::Measured;

/// A call that came back sooner need not have left its seat.
const QUICK: Duration = Duration::from_millis(1);

/// The account that the kernel keeps of the calling thread: time on a processor, and time spent
/// waiting for one (`/proc/thread-self/schedstat`).
///
/// Both are the thread computing: on a busy machine a call that computes spends most of its time in
/// the queue for a processor, and would pass for one that waits.
#[derive(Debug)]
pub(crate) struct Account(Option<File>);

impl Account {
    /// The account of the calling thread, where the kernel keeps one.
    pub(crate) fn of_this_thread() -> Self {
        Self(File::open("/proc/thread-self/schedstat").ok())
    }

    /// Time on a processor or in the queue for one. Without an account, nothing: every long call
    /// then counts as one that waits.
    fn busy(&self) -> Duration {
        let mut text = [0; 64];
        let read = self
            .0
            .as_ref()
            .and_then(|file| file.read_at(&mut text, 0).ok());
        read.and_then(|length| parse(&text[..length]))
            .unwrap_or_default()
    }
}

/// Nanoseconds running, nanoseconds in the queue, and something else.
fn parse(text: &[u8]) -> Option<Duration> {
    let mut numbers = std::str::from_utf8(text).ok()?.split_ascii_whitespace();
    let mut next = || numbers.next()?.parse().ok();
    let (running, queued): (u64, u64) = (next()?, next()?);
    Some(Duration::from_nanos(running.saturating_add(queued)))
}

/// Measures one call.
#[derive(Debug)]
pub(crate) struct Stopwatch {
    wall: Instant,
    busy: Duration,
}

impl Stopwatch {
    pub(crate) fn start(account: &Account) -> Self {
        Self {
            busy: account.busy(),
            wall: Instant::now(),
        }
    }

    pub(crate) fn measure(&self, account: &Account) -> Measured {
        let wall = self.wall.elapsed();
        if wall < QUICK {
            return Measured::Quick;
        }
        judge(wall, account.busy().saturating_sub(self.busy))
    }
}

fn judge(wall: Duration, busy: Duration) -> Measured {
    match busy {
        _ if wall < QUICK => Measured::Quick,
        busy if busy * 2 >= wall => Measured::Computed,
        _ => Measured::Waited,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_waiting_from_computing() {
        let millis = Duration::from_millis;
        assert_eq!(
            judge(Duration::from_micros(999), Duration::ZERO),
            Measured::Quick
        );
        assert_eq!(judge(millis(100), millis(1)), Measured::Waited);
        assert_eq!(judge(millis(100), millis(2)), Measured::Waited);
        assert_eq!(judge(millis(2), millis(2)), Measured::Computed);
        assert_eq!(judge(millis(4), millis(2)), Measured::Computed);
    }

    #[test]
    fn reads_the_kernels_account() {
        assert_eq!(parse(b"582588 12 1\n"), Some(Duration::from_nanos(582_600)));
        assert_eq!(parse(b""), None);
        assert_eq!(parse(b"x y"), None);
    }

    #[test]
    fn a_thread_that_computes_is_seen_to() {
        let account = Account::of_this_thread();
        if account.0.is_none() {
            return; // a kernel without accounts
        }
        let watch = Stopwatch::start(&account);
        let mut sum = 0u64;
        while watch.wall.elapsed() < Duration::from_millis(20) {
            sum = std::hint::black_box(sum.wrapping_add(1));
        }
        assert_eq!(watch.measure(&account), Measured::Computed);
    }
}

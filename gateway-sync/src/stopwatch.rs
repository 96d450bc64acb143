//! What a call did with its time: it waited, or it computed, or it was quick.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

use crate::predictor::Measured;

/// A call that came back sooner need not have left its seat.
const QUICK: Duration = Duration::from_millis(1);

/// The account that the kernel keeps of the calling thread: time on a processor, and time spent
/// waiting for one (`/proc/thread-self/schedstat`).
///
/// Both are the thread computing: on a busy machine a call that computes spends most of its time in
/// the queue for a processor, and would pass for one that waits.
#[derive(Debug)]
pub(crate) struct Account {
    times: Option<File>,
    /// Where it says whether the thread is ready to run.
    stat: PathBuf,
}

impl Account {
    /// The account of the calling thread, where the kernel keeps one.
    pub(crate) fn of_this_thread() -> Self {
        let thread = fs::read_link("/proc/thread-self").unwrap_or_default();
        Self {
            times: File::open("/proc/thread-self/schedstat").ok(),
            stat: Path::new("/proc").join(thread).join("stat"),
        }
    }

    /// Whether the kernel keeps one.
    #[cfg(test)]
    pub(crate) fn is_kept(&self) -> bool {
        self.times.is_some()
    }

    /// What it says now. Any thread may ask.
    pub(crate) fn read(&self, now: Instant) -> Reading {
        Reading {
            at: now,
            busy: self.times().map_or(Duration::ZERO, Times::busy),
        }
    }

    /// Whether the thread has computed for half of the time since then, or more; or would, if it had a processor: its time in the
    /// queue for one is on its account when it comes to its turn.
    pub(crate) fn has_computed_since(&self, before: Reading, now: Reading) -> bool {
        let wall = now.at.saturating_duration_since(before.at);
        computes(wall, now.busy.saturating_sub(before.busy)) || self.is_ready()
    }

    /// Whether the thread runs, or would if it had a processor.
    fn is_ready(&self) -> bool {
        let stat = fs::read_to_string(&self.stat);
        stat.is_ok_and(|stat| state(&stat) == Some('R'))
    }

    /// Time of the calling thread, whose account this is, on a processor or in the queue for one. Without an account,
    /// nothing: every long call then counts as one that waits.
    fn busy_here(&self) -> Duration {
        let Some(times) = self.times() else {
            return Duration::ZERO;
        };
        // The account is brought up to date now and then only, as with each tick of some milliseconds.
        let running = clock_gettime(ClockId::ThreadCPUTime);
        let running = Duration::try_from(running).unwrap_or(times.running);
        running.saturating_add(times.queued)
    }

    fn times(&self) -> Option<Times> {
        let mut text = [0; 64];
        let length = self.times.as_ref()?.read_at(&mut text, 0).ok()?;
        parse(&text[..length])
    }
}

/// What an account said.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reading {
    pub(crate) at: Instant,
    busy: Duration,
}

/// What the account of a thread has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Times {
    running: Duration,
    queued: Duration,
}

impl Times {
    fn busy(self) -> Duration {
        self.running.saturating_add(self.queued)
    }
}

/// Nanoseconds running, nanoseconds in the queue, and something else.
fn parse(text: &[u8]) -> Option<Times> {
    let mut numbers = std::str::from_utf8(text).ok()?.split_ascii_whitespace();
    let mut next = || Some(Duration::from_nanos(numbers.next()?.parse().ok()?));
    Some(Times {
        running: next()?,
        queued: next()?,
    })
}

/// What a thread does, from its `stat`: the letter behind its name, which may be anything (proc(5)).
fn state(stat: &str) -> Option<char> {
    let (_, rest) = stat.rsplit_once(')')?;
    rest.trim_start().chars().next()
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
            busy: account.busy_here(),
            wall: Instant::now(),
        }
    }

    pub(crate) fn measure(&self, account: &Account) -> Measured {
        let wall = self.wall.elapsed();
        if wall < QUICK {
            return Measured::Quick;
        }
        judge(wall, account.busy_here().saturating_sub(self.busy))
    }
}

fn judge(wall: Duration, busy: Duration) -> Measured {
    match busy {
        _ if wall < QUICK => Measured::Quick,
        busy if computes(wall, busy) => Measured::Computed,
        _ => Measured::Waited,
    }
}

fn computes(wall: Duration, busy: Duration) -> bool {
    busy * 2 >= wall
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
        let busy = |text| parse(text).map(Times::busy);
        assert_eq!(busy(b"582588 12 1\n"), Some(Duration::from_nanos(582_600)));
        assert_eq!(parse(b""), None);
        assert_eq!(parse(b"x y"), None);
    }

    #[test]
    fn knows_who_is_ready_to_run() {
        assert_eq!(state("7 (a) R b) S 1 2"), Some('S'));
        assert_eq!(state("7 (a) R 1"), Some('R'));
        assert_eq!(state(""), None);
        let account = Account::of_this_thread();
        assert!(!account.is_kept() || account.is_ready());
        let other = std::thread::spawn(Account::of_this_thread).join().unwrap();
        assert!(!other.is_ready()); // it has ended
    }

    #[test]
    fn a_thread_that_computes_is_seen_to() {
        let account = Account::of_this_thread();
        if !account.is_kept() {
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

//! The tick: it finds calls that run too long, and what is overdue.
//!
//! It runs on the thread that called `serve`, every millisecond while calls are made and twice a
//! second otherwise. Of the application's code it runs wakers only, when it cancels a call.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long a call may keep a seat.
const TICK: Duration = Duration::from_millis(1);

/// How long between two looks at deadlines, and how long the tick sleeps when nothing runs.
pub(crate) const SWEEP: Duration = Duration::from_millis(500);

/// Ticks without a call before the tick sleeps.
const QUIET: u32 = 100;

/// The bell that ends the monitor's sleep.
#[derive(Debug, Default)]
pub(crate) struct Alarm {
    dozing: AtomicBool,
    rung: Mutex<bool>,
    bell: Condvar,
}

impl Alarm {
    /// Ends a long sleep, because a call begins. Costs a load while the tick is awake.
    pub(crate) fn rouse(&self) {
        if self.dozing.load(Ordering::SeqCst) {
            self.ring();
        }
    }

    /// Ends any sleep.
    pub(crate) fn ring(&self) {
        *self.rung() = true;
        self.bell.notify_one();
    }

    /// Sleeps for `duration`, or until rung.
    fn sleep(&self, duration: Duration) {
        let rung = self.rung();
        let waited = self.bell.wait_timeout_while(rung, duration, |rung| !*rung);
        let (mut rung, _) = waited.unwrap_or_else(PoisonError::into_inner);
        *rung = false;
    }

    fn rung(&self) -> MutexGuard<'_, bool> {
        self.rung.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the tick remembers of a seat.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Watch {
    pulse: u64,
}

impl Watch {
    /// Whether the pulse has not changed since the last look.
    pub(crate) fn is_at(&self, pulse: u64) -> bool {
        self.pulse == pulse
    }

    /// Looks at a seat's pulse. One that is odd, and the same as at the last look, is a call that lasts.
    pub(crate) fn look(&mut self, pulse: u64) -> Look {
        let before = std::mem::replace(&mut self.pulse, pulse);
        match (pulse == before, pulse & 1 == 1) {
            (true, true) => Look::Stuck(pulse),
            (false, _) => Look::Busy,
            (true, false) => Look::Quiet,
        }
    }
}

/// What a look at a seat's pulse says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Look {
    /// No call since the last look.
    Quiet,
    /// Calls come and go.
    Busy,
    /// One call has lasted since the last look.
    Stuck(u64),
}

/// When to look again.
#[derive(Debug)]
pub(crate) struct Rhythm {
    quiet: u32,
    next_sweep: Instant,
}

impl Rhythm {
    pub(crate) fn new(now: Instant) -> Self {
        Self {
            quiet: 0,
            next_sweep: now + SWEEP,
        }
    }

    /// Whether it is time to look at deadlines.
    pub(crate) fn sweeps(&mut self, now: Instant) -> bool {
        let due = now >= self.next_sweep;
        if due {
            self.next_sweep = now + SWEEP;
        }
        due
    }

    /// Sleeps for a tick, or longer once nothing has run for a while. `quiet` asks once more, after
    /// it has been said that the sleep will be long.
    pub(crate) fn rest(&mut self, alarm: &Alarm, active: bool, quiet: impl FnOnce() -> bool) {
        self.quiet = if active {
            0
        } else {
            self.quiet.saturating_add(1)
        };
        if self.quiet < QUIET {
            return alarm.sleep(TICK);
        }
        alarm.dozing.store(true, Ordering::SeqCst);
        if quiet() {
            alarm.sleep(SWEEP);
        }
        alarm.dozing.store(false, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_stuck_when_it_is_seen_twice() {
        let mut watch = Watch::default();
        for (pulse, expected) in [
            (0, Look::Quiet),
            (1, Look::Busy),
            (1, Look::Stuck(1)),
            (1, Look::Stuck(1)),
            (2, Look::Busy),
            (2, Look::Quiet),
            (5, Look::Busy),
            (7, Look::Busy), // another call, though both times in one
            (7, Look::Stuck(7)),
        ] {
            assert_eq!(watch.look(pulse), expected, "{pulse}");
        }
    }

    #[test]
    fn a_long_sleep_is_ended_by_a_call() {
        let alarm = Alarm::default();
        let mut rhythm = Rhythm::new(Instant::now());
        rhythm.quiet = QUIET;
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !alarm.dozing.load(Ordering::SeqCst) {
                    std::thread::yield_now();
                }
                alarm.rouse();
            });
            rhythm.rest(&alarm, false, || true);
        });
        assert!(!*alarm.rung());
    }
}

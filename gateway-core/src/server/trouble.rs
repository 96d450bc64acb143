//! [`Trouble`]: what goes wrong again and again, and is told once.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// For how long it must not have occurred to be over: 1 s.
const CALM: Duration = Duration::from_secs(1);

/// What goes wrong again and again, such as that there is no room for another connection: the log is told
/// when it begins, and once when it has not occurred for 1 s. Where each client that leaves makes room for one
/// more, it would else be told of each.
#[derive(Debug, Default)]
pub struct Trouble {
    last: Mutex<Option<Instant>>,
}

impl Trouble {
    /// It occurs, or still does. True if it is new.
    pub fn occurs(&self, now: Instant) -> bool {
        self.last().replace(now).is_none()
    }

    /// It still does, if it has occurred.
    pub fn lasts(&self, now: Instant) {
        if let Some(at) = &mut *self.last() {
            *at = now;
        }
    }

    /// Whether it has been over for long enough at `now`; true once.
    pub fn is_over(&self, now: Instant) -> bool {
        let mut last = self.last();
        let is_calm = |at: &mut Instant| now.saturating_duration_since(*at) >= CALM;
        last.take_if(is_calm).is_some()
    }

    /// When to ask whether it is over, if it occurred.
    pub fn calm_at(&self) -> Option<Instant> {
        self.last().map(|at| at + CALM)
    }

    fn last(&self) -> MutexGuard<'_, Option<Instant>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn begins_once_and_ends_once_however_often_it_occurs() {
        let trouble = Trouble::default();
        let start = Instant::now();
        assert_eq!(trouble.calm_at(), None);
        trouble.lasts(start);
        assert!(!trouble.is_over(start));
        assert!(trouble.occurs(start));
        let again = start + CALM / 2;
        assert!(!trouble.occurs(again));
        trouble.lasts(again);
        assert!(!trouble.is_over(start + CALM));
        assert_eq!(trouble.calm_at(), Some(again + CALM));
        assert!(trouble.is_over(again + CALM));
        assert!(!trouble.is_over(again + CALM));
        assert!(trouble.occurs(again + CALM));
    }
}

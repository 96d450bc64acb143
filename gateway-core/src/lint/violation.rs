//! [`Violation`]: a clause, and what breaks it.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How many violations are kept; an application that breaks a clause in each call would fill memory.
const KEPT: usize = 100;

/// A clause of the specification, and what breaks it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{clause}: {found}")]
pub struct Violation {
    clause: &'static str,
    must: bool,
    found: String,
}

/// Whether a clause is kept.
pub(super) type Check = Result<(), Violation>;

impl Violation {
    /// The number of the clause, such as `A2`.
    pub fn clause(&self) -> &'static str {
        self.clause
    }

    /// Whether the clause says MUST; else it says SHOULD, and nothing fails by it.
    pub fn is_must(&self) -> bool {
        self.must
    }
}

/// A clause that must be kept.
pub(super) fn must(clause: &'static str, kept: bool, found: impl FnOnce() -> String) -> Check {
    judged(clause, true, kept, found)
}

/// A clause that should be kept.
pub(super) fn should(clause: &'static str, kept: bool, found: impl FnOnce() -> String) -> Check {
    judged(clause, false, kept, found)
}

fn judged(clause: &'static str, must: bool, kept: bool, found: impl FnOnce() -> String) -> Check {
    if kept {
        return Ok(());
    }
    Err(Violation {
        clause,
        must,
        found: found(),
    })
}

/// What a [`Lint`](super::Lint) has found, the first hundred. Clones are the same list.
#[derive(Clone, Default)]
pub struct Findings(Arc<Mutex<Vec<Violation>>>);

impl Findings {
    /// All of it, in order.
    pub fn list(&self) -> Vec<Violation> {
        self.lock().clone()
    }

    /// Those that break a MUST.
    pub fn broken(&self) -> Vec<Violation> {
        let mut list = self.list();
        list.retain(Violation::is_must);
        list
    }

    pub(super) fn note(&self, violation: Violation) -> Violation {
        let mut list = self.lock();
        if list.len() < KEPT {
            list.push(violation.clone());
        }
        violation
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Violation>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.list()).finish()
    }
}

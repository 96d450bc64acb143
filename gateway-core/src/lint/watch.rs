//! [`Watch`]: what is known of one call while it is checked.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use http::{Method, StatusCode};

use super::violation::{Check, Findings, Violation};
use crate::{Capabilities, Environ, Response};

/// What is known of one call. Clones are the same call.
#[derive(Clone)]
pub(super) struct Watch(Arc<Inner>);

struct Inner {
    asked: Asked,
    findings: Findings,
    seen: Mutex<Seen>,
}

/// What the answer depends on.
pub(super) struct Asked {
    pub(super) method: Method,
    pub(super) can: Capabilities,
}

/// What has happened so far.
#[derive(Clone, Default)]
pub(super) struct Seen {
    /// The first violation in the input, whose own errors cannot say as much.
    of_input: Option<Violation>,
    /// The status that the application answered, if it did.
    pub(super) status: Option<StatusCode>,
    /// The length of the body, where it was known or declared before.
    pub(super) length: Option<u64>,
    /// Bytes that the body has given; `None` where the host takes them itself.
    pub(super) given: Option<u64>,
    /// The body has come to its end.
    pub(super) ended: bool,
}

impl Watch {
    pub(super) fn new(environ: &Environ, findings: Findings) -> Self {
        Self(Arc::new(Inner {
            asked: Asked {
                method: environ.method().clone(),
                can: environ.gateway().capabilities(),
            },
            findings,
            seen: Mutex::default(),
        }))
    }

    pub(super) fn asked(&self) -> &Asked {
        &self.0.asked
    }

    /// Notes what breaks a clause; it is an error if the clause says MUST.
    pub(super) fn judge(&self, check: Check) -> Check {
        match check.map_err(|violation| self.0.findings.note(violation)) {
            Err(violation) if violation.is_must() => Err(violation),
            _ => Ok(()),
        }
    }

    /// Makes all checks, up to the first MUST that is broken.
    pub(super) fn all<T: ?Sized>(&self, of: &T, checks: &[fn(&T) -> Check]) -> Check {
        checks.iter().try_for_each(|check| self.judge(check(of)))
    }

    /// Notes what breaks a clause in the input. Who reads it is told that it is broken, and the call
    /// fails with the violation.
    pub(super) fn judge_input(&self, check: Check) -> Check {
        let check = self.judge(check);
        if let Err(violation) = &check {
            self.lock().of_input.get_or_insert(violation.clone());
        }
        check
    }

    pub(super) fn of_input(&self) -> Option<Violation> {
        self.lock().of_input.clone()
    }

    /// The application answers, and the host will send it.
    pub(super) fn answers(&self, response: &Response, declared: Option<u64>) {
        let mut seen = self.lock();
        seen.status = Some(response.status());
        seen.length = response.body().length().or(declared);
    }

    pub(super) fn body_is_watched(&self) {
        self.lock().given = Some(0);
    }

    pub(super) fn body_gave(&self, bytes: u64) {
        if let Some(given) = &mut self.lock().given {
            *given += bytes;
        }
    }

    pub(super) fn body_ended(&self) {
        self.lock().ended = true;
    }

    pub(super) fn seen(&self) -> Seen {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Seen> {
        self.0.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

//! [`Linted`]: a host whose applications are checked.

use std::io;
use std::sync::{Mutex, PoisonError};

use gateway_core::{BoxApplication, Findings, Violation, lint};

use super::host::{Running, Setup, TestHost};
use super::part::Part;
use super::stage::{Flaw, Verdict};

/// A host that is given every application inside `lint`.
pub(super) struct Linted<'a> {
    host: &'a dyn TestHost,
    /// Of each application that was started.
    findings: Mutex<Vec<Findings>>,
}

impl<'a> Linted<'a> {
    pub(super) fn new(host: &'a dyn TestHost) -> Self {
        Self {
            host,
            findings: Mutex::default(),
        }
    }

    /// Nothing was found but what breaks these clauses.
    pub(super) fn found_nothing_but(&self, breaks: &[&str]) -> Verdict {
        let mut found = self.found().into_iter();
        match found.find(|found| !breaks.contains(&found.clause())) {
            Some(other) => Err(Flaw::of_clause(other.clause(), format!("lint: {other}"))),
            None => Ok(()),
        }
    }

    /// Each of these clauses was found broken.
    pub(super) fn found_all(&self, breaks: &'static [&'static str]) -> Verdict {
        let found = self.found();
        let is_missing = |clause: &&str| !found.iter().any(|found| found.clause() == *clause);
        match breaks.iter().copied().find(is_missing) {
            Some(clause) => Err(Flaw::of_clause(
                clause,
                "is broken, and lint has not found it",
            )),
            None => Ok(()),
        }
    }

    fn found(&self) -> Vec<Violation> {
        let findings = self.findings.lock().unwrap_or_else(PoisonError::into_inner);
        findings.iter().flat_map(Findings::list).collect()
    }
}

impl TestHost for Linted<'_> {
    fn name(&self) -> &str {
        self.host.name()
    }

    fn start(&self, application: BoxApplication, setup: Setup) -> io::Result<Running> {
        let application = lint(application);
        let mut findings = self.findings.lock().unwrap_or_else(PoisonError::into_inner);
        findings.push(application.findings());
        self.host.start(BoxApplication::new(application), setup)
    }

    fn parts(&self) -> &[Part] {
        self.host.parts()
    }
}

//! The suite inside [`lint`]: what the hosts do is checked in every case, and the fixture applications too.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use gateway_core::{BoxApplication, Findings, lint};
use gateway_test::conformance::{Case, Part, Running, Setup, TestHost, cases_for};
use gateway_test::fixtures::Style;
use gateway_tests::{HyperHost, SyncHost, hide_fixture_panics};

/// How many cases run at once: most of them wait for a slow client.
const AT_ONCE: usize = 8;

/// The parts of the suite in which it matters what an application does, and little time passes.
const PARTS: [Part; 3] = [Part::Interface, Part::Persistence, Part::Limits];

/// What is otherwise inside `lint`, as the application breaks a clause that hosts let pass.
const OTHERWISE: [&str; 1] = [
    "sends_any_final_status", // A6: a 405 that allows nothing, and the like
];

/// A host whose applications are checked.
struct Linted {
    host: &'static dyn TestHost,
    /// Of each application that was started.
    findings: Mutex<Vec<Findings>>,
}

impl TestHost for Linted {
    fn name(&self) -> &str {
        self.host.name()
    }

    fn start(&self, application: BoxApplication, setup: Setup) -> io::Result<Running> {
        let application = lint(application);
        let mut findings = self.findings.lock().unwrap_or_else(PoisonError::into_inner);
        findings.push(application.findings());
        self.host.start(BoxApplication::new(application), setup)
    }
}

#[test]
fn gateway_sync_keeps_the_clauses_in_every_case() {
    keeps_the_clauses(&SyncHost);
}

#[test]
fn gateway_hyper_keeps_the_clauses_in_every_case() {
    keeps_the_clauses(&HyperHost);
}

fn keeps_the_clauses(host: &'static dyn TestHost) {
    hide_fixture_panics();
    let mut cases = cases_for(host).unwrap_or_else(|flaw| panic!("{flaw}"));
    cases.retain(|case| PARTS.contains(&case.part));
    let (next, flaws) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::SeqCst)) {
                    let found = runs(host, case);
                    flaws
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .extend(found);
                }
            });
        }
    });
    let flaws = flaws.into_inner().unwrap_or_else(PoisonError::into_inner);
    assert!(flaws.is_empty(), "{}", flaws.join("\n\n"));
}

/// Runs a case with an async application, and gives what is wrong with it. Blocking ones differ by where
/// they run, which is nothing that is checked.
fn runs(host: &'static dyn TestHost, case: &Case) -> Vec<String> {
    if OTHERWISE.contains(&case.name) {
        return Vec::new();
    }
    let linted = Linted {
        host,
        findings: Mutex::default(),
    };
    let mut flaws = Vec::new();
    if let Err(flaw) = case.run(&linted, Style::Async) {
        flaws.push(format!("{}: {flaw}", case.name));
    }
    let findings = linted
        .findings
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner);
    for violation in findings.iter().flat_map(Findings::broken) {
        if binds_the_host(violation.clause()) {
            flaws.push(format!("{}: {violation}", case.name));
        }
    }
    flaws
}

/// A clause that the host has to keep, whatever the application of the case does.
fn binds_the_host(clause: &str) -> bool {
    clause.starts_with(['E', 'H', 'I'])
}

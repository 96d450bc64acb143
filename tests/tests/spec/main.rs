//! `docs/SPEC.md` is made of the clauses that stand above their checks: in `gateway-core/src/lint`, where a
//! wrapper can check them, and in `gateway-test/src/conformance`, where only a host over sockets shows them.
//!
//! After a clause has changed:
//!
//! ```text
//! GATEWAY_WRITE_SPEC=1 cargo test -p gateway-tests --test spec
//! ```

#![allow(clippy::unwrap_used, reason = "tests say by panicking what went wrong")]

mod clauses;
mod page;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::{env, fs};

use clauses::{Clause, Number};
use gateway_test::conformance::cases;
use gateway_tests::{BROKEN, Broken};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..")
}

#[test]
fn the_page_says_what_the_clauses_say() {
    let path = root().join("docs/SPEC.md");
    let page = page::page(&clauses::all());
    if env::var_os("GATEWAY_WRITE_SPEC").is_some() {
        fs::write(&path, &page).unwrap();
    }
    let written = fs::read_to_string(&path).unwrap_or_default();
    let differs = written.lines().zip(page.lines()).position(|(a, b)| a != b);
    assert!(
        written == page,
        "docs/SPEC.md is not what the clauses say, from line {:?} on: run this with GATEWAY_WRITE_SPEC=1",
        differs.map(|line| line + 1)
    );
}

#[test]
fn numbers_are_given_once_and_leave_no_gap() {
    let mut last = BTreeMap::new();
    for Clause { number, .. } in clauses::all() {
        let before = last.insert(number.room, number.place).unwrap_or(0);
        assert_eq!(
            number.place,
            before + 1,
            "{number} after {}{before}",
            number.room
        );
    }
    let rooms: String = last.keys().collect();
    assert_eq!(rooms, "ABEHIM");
}

#[test]
fn every_clause_says_must_or_should_and_why() {
    for clause in clauses::all() {
        let obliges = ["MUST", "SHOULD"]
            .iter()
            .any(|word| clause.rule.contains(word));
        assert!(obliges, "{}: {}", clause.number, clause.rule);
        assert!(!clause.why.is_empty(), "{} has no reason", clause.number);
    }
}

#[test]
fn every_check_names_the_clause_above_it() {
    for clause in clauses::all().iter().filter(|clause| clause.is_checked()) {
        let names = |judge: &str| {
            clause
                .below
                .contains(&format!("{judge}(\"{}\",", clause.number))
        };
        assert!(
            names("must") || names("should"),
            "the check below {} names another clause",
            clause.number
        );
        assert_eq!(
            names("must"),
            clause.rule.contains("MUST"),
            "{}",
            clause.number
        );
    }
}

#[test]
fn every_clause_has_a_test_that_shows_it() {
    for clause in clauses::all().iter().filter(|clause| !clause.is_checked()) {
        let shown = shown_by(clause.number).next();
        assert!(shown.is_some(), "no case shows {}", clause.number);
    }
}

#[test]
fn every_clause_has_a_test_that_violates_it() {
    let tests = clauses::tests_of_lint();
    for clause in clauses::all() {
        let number = clause.number;
        let violated = match clause.is_checked() {
            true => clauses::violation(&tests, number).is_some(),
            false => broken_by(number).is_some(),
        };
        assert!(violated, "no test and no host violates {number}");
    }
}

#[test]
fn every_broken_host_breaks_the_clause_that_its_case_shows() {
    for broken in BROKEN {
        let case = cases().find(|case| case.name == broken.case);
        let clause = case.map(|case| case.clause);
        assert_eq!(clause, Some(broken.clause), "{}", broken.case);
    }
}

#[test]
fn every_case_shows_a_clause_that_exists() {
    let known: Vec<_> = clauses::all()
        .iter()
        .map(|clause| clause.number.to_string())
        .collect();
    for case in cases() {
        let clause = case.clause;
        assert!(
            known.iter().any(|known| known == clause),
            "{}: {clause}",
            case.name
        );
    }
}

/// The cases of the suite that show a clause.
fn shown_by(number: Number) -> impl Iterator<Item = &'static str> {
    cases()
        .filter(move |case| case.clause == number.to_string())
        .map(|case| case.name)
}

/// The host that breaks a clause.
fn broken_by(number: Number) -> Option<&'static Broken> {
    BROKEN
        .iter()
        .find(|broken| broken.clause == number.to_string())
}

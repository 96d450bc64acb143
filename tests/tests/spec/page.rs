//! The page, made of the clauses.

use super::clauses::{Clause, tests_of_lint, violation};
use super::{broken_by, shown_by};

const PREFACE: &str = "\
# Specification

Version 0.1 of the gateway interface, apart from the versions of the crates: what an application, a host and whatever stands between
them may rely on. It changes when a clause changes, and [CHANGELOG](../CHANGELOG.md) says how.

MUST and SHOULD are to be read as RFC 2119 has them. A clause is named by whom it binds and a number, which it keeps. Each has its reason, its
source where it has one, and what shows that it is kept:

* *Checked by* `lint`: `gateway_core::lint(application)` checks both sides while a call is made, and names the clause that
  is broken. The test that is named violates it.
* *Shown by* cases of the suite for hosts, `gateway_test::conformance`, where no wrapper could see it. The word in parentheses is the part
  of the suite: `interface` is every host's, and what else a host has it says itself (`TestHost::parts`).
* *Violated by* a host that is broken on purpose: a case that fails on it, and names the clause. The hosts are a table,
  [tests/src/broken](../tests/src/broken/table.rs).

[The table at the end](#what-shows-each-clause) has for each clause a test that passes and one that violates it. This page is made of
lines that stand in the sources, directly above the checks; it is not edited.
";

/// Whom the clauses of a letter bind, in the order of the page.
const ROOMS: [(char, &str, &str); 6] = [
    ('A', "Applications", "What an application answers."),
    (
        'B',
        "Body",
        "What a response body gives, and what becomes of it.",
    ),
    (
        'E',
        "Environ",
        "What a host tells an application of a request.",
    ),
    ('I', "Input", "What a host gives an application to read."),
    (
        'H',
        "Hosts",
        "What a host does with a call, and with those who ask for it.",
    ),
    (
        'M',
        "Middleware",
        "What an application keeps to that holds another.",
    ),
];

/// The whole page.
pub(crate) fn page(clauses: &[Clause]) -> String {
    let tests = tests_of_lint();
    let mut page = PREFACE.to_owned();
    for (room, title, about) in ROOMS {
        page.push_str(&format!("\n## {title}\n\n{about}\n"));
        for clause in clauses.iter().filter(|clause| clause.number.room == room) {
            page.push_str(&section(clause, &tests));
        }
    }
    page.push_str(TABLE);
    for (room, ..) in ROOMS {
        let clauses = clauses.iter().filter(|clause| clause.number.room == room);
        page.extend(clauses.map(|clause| row(clause, &tests)));
    }
    page
}

const TABLE: &str = "
## What shows each clause

Every case of the suite runs inside `lint` too, with the fixture applications in both styles
([conformance.rs](../tests/tests/conformance.rs)): what a wrapper can check is kept in all of them, but where the application of a case
breaks it on purpose, and the case says so.

| clause | kept | violated |
|---|---|---|
";

fn row(clause: &Clause, tests: &str) -> String {
    let number = clause.number;
    let more = match shown_by(number).count() {
        0 | 1 => String::new(),
        count => format!(" and {} more", count - 1),
    };
    let kept = match shown_by(number).next() {
        Some(case) => format!("`{case}`{more}"),
        None if number.room == 'M' => "`middleware_of_this_crate_hands_the_call_on`".to_owned(),
        None => "every case, inside `lint`".to_owned(),
    };
    let violated = match (violation(tests, number), broken_by(number)) {
        (_, Some(broken)) => format!("a host that {}", broken.defect),
        (test, None) => format!("`{}`", test.unwrap_or("none")),
    };
    let anchor = number.to_string().to_lowercase();
    format!("| [{number}](#{anchor}) | {kept} | {violated} |\n")
}

fn section(clause: &Clause, tests: &str) -> String {
    let Clause {
        number,
        rule,
        why,
        file,
        ..
    } = clause;
    let mut text = format!("\n### {number}\n\n{rule}\n\n*Why*: {why}\n");
    if let Some(source) = &clause.source {
        text.push_str(&format!("\n*Source*: {source}\n"));
    }
    let (link, name) = (
        format!("../{file}"),
        file.rsplit('/').next().unwrap_or(file),
    );
    if let Some(test) = violation(tests, *number).filter(|_| clause.is_checked()) {
        text.push_str(&format!(
            "\n*Checked by* `lint` in [{name}]({link}); violated by `{test}`.\n"
        ));
    }
    let cases: Vec<_> = shown_by(*number).map(|case| format!("`{case}`")).collect();
    if !cases.is_empty() {
        text.push_str(&format!(
            "\n*Shown by* ({}): {}.\n",
            parts(clause),
            cases.join(", ")
        ));
    }
    if let Some(broken) = broken_by(*number) {
        text.push_str(&format!(
            "\n*Violated by* a host that {}: `{}` fails.\n",
            broken.defect, broken.case
        ));
    }
    text
}

/// The parts of the suite in which a clause is shown.
fn parts(clause: &Clause) -> String {
    let number = clause.number.to_string();
    let cases = gateway_test::conformance::cases();
    let mut parts: Vec<_> = cases
        .filter(|case| case.clause == number)
        .map(|case| case.part.to_string())
        .collect();
    parts.dedup();
    parts.join(", ")
}

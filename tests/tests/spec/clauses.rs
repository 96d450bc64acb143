//! The clauses, read from the sources.

use std::fmt;
use std::fs;
use std::path::Path;

use super::root;

/// Where clauses stand: first those that a wrapper checks.
const ROOMS: [&str; 2] = ["gateway-core/src/lint", "gateway-test/src/conformance"];

/// `E1`: a letter for whom it binds, and a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Number {
    pub(crate) room: char,
    pub(crate) place: u32,
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.room, self.place)
    }
}

impl Number {
    fn parse(text: &str) -> Option<Self> {
        let mut letters = text.chars();
        let room = letters.next().filter(char::is_ascii_uppercase)?;
        let place = letters.as_str().parse().ok()?;
        Some(Self { room, place })
    }
}

/// A clause, and what stands below it.
#[derive(Clone, Debug)]
pub(crate) struct Clause {
    pub(crate) number: Number,
    pub(crate) rule: String,
    pub(crate) why: String,
    pub(crate) source: Option<String>,
    /// Where it stands, from the root of the repository.
    pub(crate) file: String,
    /// The code up to the next clause.
    pub(crate) below: String,
}

impl Clause {
    /// Whether a wrapper checks it.
    pub(crate) fn is_checked(&self) -> bool {
        self.file.starts_with(ROOMS[0])
    }
}

/// All clauses, in order.
pub(crate) fn all() -> Vec<Clause> {
    let mut clauses = Vec::new();
    for room in ROOMS {
        for entry in fs::read_dir(root().join(room)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "rs") {
                let file = Path::new(room).join(path.file_name().unwrap());
                let text = fs::read_to_string(&path).unwrap();
                clauses.extend(read(&text, file.to_str().unwrap()));
            }
        }
    }
    clauses.sort_by_key(|clause| clause.number);
    clauses
}

fn read(text: &str, file: &str) -> Vec<Clause> {
    let mut clauses: Vec<Clause> = Vec::new();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let Some((number, start)) = begins(line) else {
            if let Some(clause) = clauses.last_mut() {
                clause.below.push_str(line.trim());
            }
            continue;
        };
        let mut text = start.to_owned();
        while let Some(more) = lines.next_if(|line| doc(line).is_some()).and_then(doc) {
            text.push_str(if more.is_empty() { "\n" } else { " " });
            text.push_str(more);
        }
        clauses.push(of_text(number, &text, file));
    }
    clauses
}

fn doc(line: &str) -> Option<&str> {
    line.trim().strip_prefix("///").map(str::trim)
}

/// `/// **E1.** The rule …`
fn begins(line: &str) -> Option<(Number, &str)> {
    let (number, rest) = doc(line)?.strip_prefix("**")?.split_once(".**")?;
    Some((Number::parse(number)?, rest.trim()))
}

fn of_text(number: Number, text: &str, file: &str) -> Clause {
    let mut clause = Clause {
        number,
        rule: String::new(),
        why: String::new(),
        source: None,
        file: file.to_owned(),
        below: String::new(),
    };
    for paragraph in text.lines().map(str::trim) {
        if let Some(why) = paragraph.strip_prefix("*Why*: ") {
            clause.why = why.to_owned();
        } else if let Some(source) = paragraph.strip_prefix("*Source*: ") {
            clause.source = Some(source.to_owned());
        } else if !paragraph.is_empty() {
            assert!(clause.rule.is_empty(), "{number} has a paragraph too many");
            clause.rule = paragraph.to_owned();
        }
    }
    clause
}

/// The tests in which each clause that a wrapper checks is violated.
pub(crate) fn tests_of_lint() -> String {
    fs::read_to_string(root().join("gateway-core/src/lint/tests.rs")).unwrap()
}

/// The test that violates a clause, by its name: `e1_… E1:`.
pub(crate) fn violation(tests: &str, number: Number) -> Option<&str> {
    let ends = format!(" {number}:");
    let line = tests.lines().map(str::trim).find(|line| {
        let name = line.split(' ').next().unwrap_or_default();
        line.strip_prefix(name)
            .is_some_and(|rest| rest.starts_with(&ends))
    })?;
    line.split(' ').next()
}

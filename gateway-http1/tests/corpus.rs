//! Every case of `tests/requests`, fed whole, cut in two, byte by byte, and with a tail.

#![allow(clippy::unwrap_used, reason = "a test that fails says so")]

use std::collections::BTreeSet;

use http::HeaderMap;

use gateway_http1::{CloseReason, Reading};
use gateway_test::corpus::{Case, ExpectedRequest, Outcome, folder, load};

use self::feed::{End, Read, Reads, feed};

mod feed;

/// Bytes of a case from which on it is not cut at every one.
const LONG: usize = 1024;

/// Bytes before and after each CR and LF at which long cases are cut.
const NEAR: usize = 64;

/// Compares what was read with what the case expects; `more` requests may follow.
#[track_caller]
fn check(case: &Case, how: &str, reads: &Reads, more: usize) {
    let name = &case.name;
    let complete = reads.requests.iter().filter(|read| read.complete).count();
    assert_eq!(
        complete,
        case.requests.len() + more,
        "{name} {how}: requests"
    );
    for (read, expected) in reads.requests.iter().zip(&case.requests) {
        check_request(&format!("{name} {how}"), read, expected);
    }
    let in_body = reads.requests.last().is_some_and(|read| !read.complete);
    let end = reads.end.as_ref().expect("feed sets the end");
    match &case.outcome {
        Outcome::Open if more == 0 => {
            assert_eq!(
                *end,
                End::Input(CloseReason::ClientClosed, Reading::Idle),
                "{name} {how}"
            );
        }
        Outcome::Open => {}
        Outcome::Closed => {
            assert_eq!(
                *end,
                End::Input(CloseReason::ClientAsked, Reading::Closed),
                "{name} {how}"
            );
        }
        Outcome::Refused {
            status,
            error,
            in_body: expected,
        } => {
            let refused = End::Error {
                name: error.clone(),
                status: *status,
            };
            assert_eq!((end, in_body), (&refused, *expected), "{name} {how}");
        }
        Outcome::Truncated { in_body: expected } => {
            assert_eq!(in_body, *expected, "{name} {how}");
            match end {
                End::Input(CloseReason::TruncatedBody { .. }, Reading::Body) if in_body => {}
                End::Input(CloseReason::TruncatedHead, Reading::Head) if !in_body => {}
                other => panic!("{name} {how}: {other:?}"),
            }
        }
    }
}

#[track_caller]
fn check_request(place: &str, read: &Read, expected: &ExpectedRequest) {
    let head = &read.head;
    assert_eq!(head.method.as_str(), expected.method, "{place}: method");
    assert_eq!(head.version, version(&expected.version), "{place}: version");
    assert_eq!(head.authority(), expected.host.as_deref(), "{place}: host");
    assert_eq!(
        head.expects_continue, expected.expects_continue,
        "{place}: expects"
    );
    assert_eq!(head.upgrade, expected.upgrade, "{place}: upgrade");
    assert_eq!(read.body, expected.body, "{place}: body");
    for (name, _) in &expected.headers {
        assert_eq!(
            values(&head.headers(), name),
            wanted(&expected.headers, name),
            "{place}: {name}"
        );
    }
    for name in &expected.absent {
        assert!(!head.headers().contains_key(name), "{place}: {name}");
    }
    assert_eq!(
        read.trailers.len(),
        expected.trailers.len(),
        "{place}: trailers"
    );
    for (name, _) in &expected.trailers {
        assert_eq!(
            values(&read.trailers, name),
            wanted(&expected.trailers, name),
            "{place}: {name}"
        );
    }
    // Through `Uri`, which writes the path that `http://a` leaves out.
    let target: http::Uri = expected.target.parse().unwrap();
    let uri = head.uri();
    assert_eq!(uri.to_string(), target.to_string(), "{place}: target");
}

fn version(text: &str) -> http::Version {
    match text {
        "1.0" => http::Version::HTTP_10,
        "1.1" => http::Version::HTTP_11,
        other => panic!("no such version: {other}"),
    }
}

fn values<'a>(fields: &'a HeaderMap, name: &str) -> Vec<&'a [u8]> {
    fields
        .get_all(name)
        .iter()
        .map(|value| value.as_bytes())
        .collect()
}

fn wanted<'a>(fields: &'a [(String, Vec<u8>)], name: &str) -> Vec<&'a [u8]> {
    let same = fields.iter().filter(|(other, _)| other == name);
    same.map(|(_, value)| value.as_slice()).collect()
}

fn cases() -> Vec<Case> {
    load(&folder()).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn there_are_cases_of_both_kinds() {
    let (valid, invalid): (Vec<_>, Vec<_>) = cases()
        .into_iter()
        .partition(|case| case.name.starts_with("valid/"));
    assert!(
        valid.len() >= 90 && invalid.len() >= 300,
        "{} {}",
        valid.len(),
        invalid.len()
    );
}

#[test]
fn reads_each_case_whole() {
    for case in cases() {
        check(&case, "whole", &feed(&case.bytes, []), 0);
    }
}

#[test]
fn reads_each_case_byte_by_byte() {
    for case in cases() {
        let cuts = 1..case.bytes.len();
        check(&case, "byte by byte", &feed(&case.bytes, cuts), 0);
    }
}

#[test]
fn reads_each_case_cut_at_every_byte() {
    for case in cases() {
        for at in cuts(&case.bytes) {
            check(&case, &format!("cut at {at}"), &feed(&case.bytes, [at]), 0);
        }
    }
}

/// Where a case is cut: at every byte below [`LONG`]. Of the few long ones the filling says nothing new, so
/// they are cut at 500 places or more all over, and at every byte that is [`NEAR`] a CR or LF. With
/// `GATEWAY_EVERY_CUT` in the environment they too are cut at every byte.
fn cuts(bytes: &[u8]) -> Vec<usize> {
    if bytes.len() < LONG || std::env::var_os("GATEWAY_EVERY_CUT").is_some() {
        return (1..bytes.len()).collect();
    }
    let step = 1 + bytes.len() / LONG;
    let mut cuts: BTreeSet<_> = (1..bytes.len()).step_by(step).collect();
    let ends = bytes.iter().enumerate();
    for (end, _) in ends.filter(|(_, byte)| matches!(byte, b'\r' | b'\n')) {
        cuts.extend(end.saturating_sub(NEAR).max(1)..(end + NEAR + 1).min(bytes.len()));
    }
    cuts.into_iter().collect()
}

#[test]
fn reads_each_case_with_a_request_after_it() {
    for case in cases() {
        if matches!(case.outcome, Outcome::Truncated { .. }) {
            continue;
        }
        let mut bytes = case.bytes.clone();
        bytes.extend_from_slice(b"GET /tail HTTP/1.1\r\nHost: tail\r\n\r\n");
        let reads = feed(&bytes, []);
        let more = usize::from(case.outcome == Outcome::Open);
        check(&case, "with a tail", &reads, more);
        if more == 1 {
            assert_eq!(
                reads.requests.last().unwrap().head.authority(),
                Some("tail"),
                "{}",
                case.name
            );
        }
    }
}

#[test]
fn reads_each_case_with_garbage_after_it() {
    for case in cases() {
        if matches!(case.outcome, Outcome::Truncated { .. }) {
            continue;
        }
        let mut bytes = case.bytes.clone();
        bytes.extend_from_slice(b"\0\xff garbage \r\n\r\n");
        let reads = feed(&bytes, []);
        let complete = reads.requests.iter().filter(|read| read.complete).count();
        assert_eq!(complete, case.requests.len(), "{}", case.name);
        if case.outcome == Outcome::Open {
            let refused = End::Error {
                name: "InvalidMethod".into(),
                status: 400,
            };
            assert_eq!(reads.end, Some(refused), "{}", case.name);
        }
    }
}

#[test]
fn every_error_has_a_case() {
    let cases = cases();
    for variant in variants(include_str!("../src/error.rs"), "Error") {
        let shown = cases.iter().any(
            |case| matches!(&case.outcome, Outcome::Refused { error, .. } if *error == variant),
        );
        assert!(shown, "no case is refused with {variant}");
    }
}

/// The names of the variants of an enum, as its source has them.
fn variants<'a>(source: &'a str, name: &str) -> Vec<&'a str> {
    let start = source.find(&format!("pub enum {name} {{")).unwrap();
    let lines = source[start..]
        .lines()
        .skip(1)
        .take_while(|line| *line != "}");
    let names: Vec<_> = lines
        .filter_map(|line| line.strip_prefix("    ")?.strip_suffix(','))
        .filter(|line| line.chars().all(char::is_alphanumeric))
        .collect();
    assert!(names.len() > 10, "{names:?}");
    names
}

//! What the report measures: some 370 samples in twenty minutes, of everything at least two.

use crate::compare::{Part, distance, part};

/// Ours and the baseline, and the peers that come nearest.
const NEAREST: [&str; 8] = [
    "bare-hyper",
    "sync:2",
    "sync:64",
    "hyper:64",
    "epoll",
    "axum",
    "actix-web",
    "may_minihttp",
];

/// The smallest programs there are, on the machine as it is: for their memory.
const SMALL: [&str; 5] = [
    "bare-hyper",
    "hello-sync",
    "hello-hyper",
    "axum",
    "actix-web",
];

/// Those that do more than a hello.
const WHOLE: [&str; 6] = [
    "bare-hyper",
    "sync:2",
    "sync:64",
    "hyper:64",
    "axum",
    "actix-web",
];

/// Calls that wait, on threads enough for all.
const WAITING: [&str; 6] = [
    "bare-hyper",
    "sync:300",
    "hyper:64",
    "hyper-blocking:300",
    "axum",
    "actix-web",
];

/// What has to bear crowds, rouille for those that give a connection a thread.
const BORNE: [&str; 6] = [
    "bare-hyper",
    "sync:64",
    "hyper:64",
    "axum",
    "actix-web",
    "rouille",
];

/// The parts of the report: one short sample of each if it is `quick`, else `times` the usual number.
pub(super) fn parts(quick: bool, times: usize) -> Result<Vec<Part>, String> {
    let effort = |rounds: usize| if quick { (1, 1) } else { (rounds * times, 2) };
    // What waits for 100 ms at the end of a sample does not count: of 2 s that would be a twentieth.
    let long = if quick { (1, 1) } else { (2 * times, 5) };
    let pinned = true;
    let everyone: Vec<&str> = ["own", "peers"].into();
    let python: Vec<&str> = ["bare-hyper", "sync:64", "hyper:64", "python"].into();
    let mut parts = vec![
        part(&everyone, &["hello-64"], effort(5), pinned)?,
        part(&NEAREST, &["hello-512", "browser"], effort(3), pinned)?,
        part(
            &NEAREST,
            &["hello-1", "close-1", "close-64", "close-512"],
            effort(2),
            pinned,
        )?,
        part(&WHOLE, &["upload", "download", "stream"], effort(2), pinned)?,
        part(&WHOLE, &["compute", "mixed", "half"], effort(2), !pinned)?,
        part(&WAITING, &["io"], long, !pinned)?,
        part(
            &["bare-hyper", "hyper:64", "axum"],
            &["io-2000"],
            long,
            !pinned,
        )?,
        part(
            &BORNE,
            &["idle", "slow-senders", "slow-readers"],
            effort(2),
            !pinned,
        )?,
        named(
            part(&SMALL, &["hello-1"], effort(2), !pinned)?,
            &[("small", "13 bytes, 1 connection, to the smallest programs")],
        ),
        named(
            part(&python, &["hello-64", "io-64"], effort(2), !pinned)?,
            &[
                ("python", "13 bytes, 64 connections, with several processes"),
                (
                    "python-io",
                    "waits 100 ms, 64 connections, with several processes",
                ),
            ],
        ),
    ];
    parts.push(distance(64, effort(3))?);
    Ok(parts)
}

/// A part whose scenarios differ from the others of their name in that servers and load share the cores:
/// they get names and titles of their own.
fn named(mut part: Part, names: &[(&str, &str)]) -> Part {
    for (scenario, (name, title)) in part.scenarios.iter_mut().zip(names) {
        scenario.name = (*name).to_owned();
        scenario.title = (*title).to_owned();
    }
    part
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::compare::Scenario;

    #[test]
    fn takes_twenty_minutes() {
        let minutes = |quick| {
            let parts = parts(quick, 1).unwrap();
            parts
                .iter()
                .map(|part| part.estimate().as_secs_f64())
                .sum::<f64>()
                / 60.0
        };
        assert!(
            (14.0..=22.0).contains(&minutes(false)),
            "{}",
            minutes(false)
        );
        assert!(minutes(true) < minutes(false) / 2.0);
    }

    #[test]
    fn every_scenario_comes_once() {
        let parts = parts(false, 1).unwrap();
        let scenarios: Vec<&Scenario> = parts.iter().flat_map(|part| &part.scenarios).collect();
        let names: HashSet<&str> = scenarios.iter().map(|s| s.name.as_str()).collect();
        assert_eq!(names.len(), scenarios.len());
    }

    #[test]
    fn more_rounds_take_longer() {
        let samples = |times| {
            parts(false, times)
                .unwrap()
                .iter()
                .map(Part::samples)
                .sum::<usize>()
        };
        assert_eq!(samples(3), 3 * samples(1));
    }
}

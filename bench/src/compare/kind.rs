//! What an endpoint does, as its figures show it: whether the cores are what limits it, or time that passes.

use super::results::ScenarioFacts;
use super::sample::{Figure, Sample, Series};
use crate::output::number;
use crate::stats::median;

/// What an endpoint does.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Kind {
    /// With the figures that show it.
    pub(crate) sentence: String,
    /// What that means for threads.
    pub(crate) so: &'static str,
}

/// What keeps the servers from answering more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Limit {
    Cores,
    Load,
    CoresAndTime,
    Time,
}

/// What an endpoint does on a machine with so many cores: whether they are what limits it, or time that passes.
pub(super) fn kind(one: &Series, other: &Series, cores: usize, scenario: &ScenarioFacts) -> Kind {
    let most = |of: fn(&Sample) -> f64| {
        let of_side = |side: &Series| median(side.samples.iter().map(of)).unwrap_or_default();
        f64::max(of_side(one), of_side(other))
    };
    let (used, load) = (
        most(|sample| sample.cores),
        most(|sample| sample.load_cores),
    );
    let others = one.samples.iter().chain(&other.samples);
    let others = median(others.map(|sample| sample.others)).unwrap_or_default();
    let connections = scenario.connections;
    let machine = cores.max(1) as f64;
    // What other processes take is not there for the server; of a busy machine nothing can be said.
    let free = 1.0 - others / machine;
    if free < 0.5 {
        let sentence = format!(
            "What limits it is not known: other processes took {others:.1} of {machine} cores."
        );
        return Kind { sentence, so: "" };
    }
    if used == 0.0 {
        let sentence = format!("What it costs is not known, with {connections} connections.");
        return Kind { sentence, so: "" };
    }
    let cores = if scenario.pinned { 1.0 } else { machine };
    let (what, so) = match limit(used, load, cores * free, scenario.pinned) {
        Limit::Cores => ("The cores are its limit", CORES),
        Limit::Load => ("The load is its limit", ""),
        Limit::CoresAndTime => ("It computes and waits", THREADS),
        Limit::Time => ("It waits", THREADS),
    };
    let sentence = format!(
        "{what}: with {connections} connections a request takes {}, {}; of {cores} {}.",
        costs(one),
        costs(other),
        if cores > 1.0 { "cores" } else { "core" }
    );
    Kind { sentence, so }
}

/// `6.00 µs of CPU on gateway-sync, which uses 1.0`.
fn costs(side: &Series) -> String {
    let cpu = side.median(Figure::Cpu).unwrap_or_default();
    let cpu = match cpu < 1e3 {
        true => format!("{} µs", number(Some(cpu))),
        false => format!("{} ms", number(Some(cpu / 1e3))),
    };
    let used = median(side.samples.iter().map(|sample| sample.cores)).unwrap_or_default();
    format!(
        "{cpu} of CPU on {}, which uses {used:.1}",
        product(&side.server)
    )
}

/// The product that a server of the distance service shows; other servers stand for themselves.
pub(crate) fn product(server: &str) -> &str {
    match server.split_once(':').map_or(server, |(name, _)| name) {
        "distance-sync" => "gateway-sync",
        "distance-hyper" => "gateway-hyper",
        _ => server,
    }
}

/// What the limit is, by the cores that server and load used and those that there are for the server: with the load,
/// unless it has one `apart`. The load has one thread, so that on many cores quick calls leave most of them idle, and yet
/// do not wait. Where quick calls share the cores with the load, which they keep at work, each waits for the other now and
/// then.
fn limit(used: f64, load: f64, cores: f64, apart: bool) -> Limit {
    let taken = if apart { used } else { used + load };
    let all = if !apart && load >= 0.3 { 0.7 } else { 0.85 };
    match used / cores {
        _ if taken / cores >= all => Limit::Cores,
        _ if load >= 0.85 => Limit::Load,
        share if share >= 0.4 => Limit::CoresAndTime,
        _ => Limit::Time,
    }
}

/// What follows where cores are the limit.
const CORES: &str = " Where cores are the limit, more threads than cores gain little throughput, but quick calls beside long \
    ones wait less.";

/// What follows where calls wait.
const THREADS: &str = " Where calls wait, blocking code takes a thread for each: when all are taken, the next waits for \
    one, and `threads(n)` says how many there are.";

#[cfg(test)]
mod tests {
    use super::*;

    fn said(sample: Sample, pinned: bool) -> Kind {
        let side = Series {
            server: "x".into(),
            samples: vec![Sample {
                requests_per_s: 100.0,
                ..sample
            }],
            ..Series::default()
        };
        let scenario = ScenarioFacts {
            connections: 64,
            pinned,
            ..ScenarioFacts::default()
        };
        kind(&side, &side, 2, &scenario)
    }

    #[test]
    fn tells_what_the_limit_is() {
        // Cores used by the server, by the load, and there; whether the load has one apart.
        let cases = [
            (
                "quick calls share two cores",
                (1.1, 0.8, 2.0, false),
                Limit::Cores,
            ),
            ("quick calls, pinned", (1.0, 0.7, 1.0, true), Limit::Cores),
            (
                "quick calls that wait for the load at times",
                (0.9, 0.6, 2.0, false),
                Limit::Cores,
            ),
            (
                "computes most of the time",
                (1.4, 0.05, 2.0, false),
                Limit::CoresAndTime,
            ),
            (
                "quick calls on 16 cores",
                (1.2, 1.0, 16.0, false),
                Limit::Load,
            ),
            (
                "a quick server, pinned",
                (0.7, 0.98, 1.0, true),
                Limit::Load,
            ),
            ("computes", (1.9, 0.05, 2.0, false), Limit::Cores),
            ("computes, pinned", (0.97, 0.02, 1.0, true), Limit::Cores),
            (
                "computes and waits",
                (1.0, 0.05, 2.0, false),
                Limit::CoresAndTime,
            ),
            ("waits", (0.1, 0.05, 2.0, false), Limit::Time),
            ("waits, pinned", (0.05, 0.05, 1.0, true), Limit::Time),
        ];
        for (name, (used, load, cores, apart), expected) in cases {
            assert_eq!(limit(used, load, cores, apart), expected, "{name}");
        }
    }

    #[test]
    fn says_it_with_the_cores_that_the_server_has() {
        let cases = [
            (
                (1.0, 2000.0),
                false,
                "It computes and waits: with 64 connections a request takes 2.00 ms of CPU on x, which uses 1.0, 2.00 ms of CPU on x, which uses 1.0; of 2 cores.",
            ),
            (
                (1.0, 2000.0),
                true,
                "The cores are its limit: with 64 connections a request takes 2.00 ms of CPU on x, which uses 1.0, 2.00 ms of CPU on x, which uses 1.0; of 1 core.",
            ),
            (
                (0.1, 150.0),
                true,
                "It waits: with 64 connections a request takes 150 µs of CPU on x, which uses 0.1, ",
            ),
            ((0.0, 0.0), false, "What it costs is not known"),
        ];
        for ((cores, cpu_us), pinned, expected) in cases {
            let sample = Sample {
                cores,
                cpu_us,
                ..Sample::default()
            };
            let sentence = said(sample, pinned).sentence;
            assert!(sentence.starts_with(expected), "{sentence}");
        }
    }

    #[test]
    fn says_nothing_of_the_limit_on_a_busy_machine() {
        for (others, expected) in [
            (1.4, "What limits it is not known"),
            (0.8, "It computes and waits"),
        ] {
            let sample = Sample {
                cores: 0.5,
                others,
                ..Sample::default()
            };
            let sentence = said(sample, false).sentence;
            assert!(sentence.starts_with(expected), "{others}: {sentence}");
        }
    }
}

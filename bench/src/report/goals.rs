//! What the hosts were to reach, whether they do, and what stands in the way.

use super::hindrance::Hindrance;
use crate::compare::{BASELINE, Figure, Results};

/// One aim.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Goal {
    /// In words, with its bound.
    pub(super) what: String,
    /// What was measured; `None` if it was not.
    pub(super) measured: Option<f64>,
    bound: Bound,
    /// What keeps it from being reached.
    hindrance: Hindrance,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Bound {
    AtMost(f64),
    AtLeast(f64),
}

/// CPU a request: scenario, ours, whose it is compared with, and the ratio that is not to be exceeded.
const CPU: [(&str, &str, &str, f64); 19] = [
    ("hello-64", "sync:2", "bare-hyper", 0.85),
    ("hello-64", "sync:64", "bare-hyper", 0.85),
    ("hello-64", "sync:64", "bare-hyper", 0.90),
    ("hello-64", "sync:64", "sync:2", 1.10),
    ("hello-512", "sync:2", "bare-hyper", 0.72),
    ("hello-512", "sync:64", "bare-hyper", 0.72),
    ("hello-64", "sync:64", "epoll", 1.10),
    ("hello-64", "sync:64", "actix-web", 1.0),
    ("hello-64", "sync:64", "may_minihttp", 1.0),
    ("browser", "sync:64", "bare-hyper", 0.85),
    ("hello-64", "hyper:64", "bare-hyper", 1.03),
    ("hello-64", "hyper:64", "bare-hyper", 1.05),
    ("hello-64", "hyper:64", "axum", 1.0),
    ("upload", "sync:64", "bare-hyper", 1.05),
    ("upload", "hyper:64", "bare-hyper", 1.05),
    ("download", "sync:64", "bare-hyper", 1.05),
    ("download", "hyper:64", "bare-hyper", 1.05),
    ("stream", "sync:64", "bare-hyper", 1.05),
    ("stream", "hyper:64", "bare-hyper", 1.05),
];

/// Tails that are to be no longer than bare hyper's.
const TAILS: [(&str, &str, Figure); 4] = [
    ("hello-64", "sync:64", Figure::P99),
    ("hello-64", "sync:64", Figure::P999),
    ("half", "sync:64", Figure::P99),
    ("half", "sync:64", Figure::P999),
];

/// Requests a second that time alone would allow: scenario, ours, the ideal, and how much of it is to be reached.
const IDEALS: [(&str, &str, f64, f64); 5] = [
    ("io", "sync:300", 2_560.0, 0.97),
    ("io", "sync:300", 2_560.0, 0.95),
    ("io", "hyper-blocking:300", 2_560.0, 0.97),
    ("io", "hyper:64", 2_560.0, 0.97),
    ("io-2000", "hyper:64", 20_000.0, 0.97),
];

/// All aims, in the order of the page.
pub(super) fn goals(results: &Results) -> Vec<Goal> {
    let cpu = CPU.iter().map(|(scenario, ours, theirs, most)| Goal {
        what: format!("{scenario}: CPU a request of {ours} ≤ {most:.2} of {theirs}"),
        measured: results.compared(scenario, (ours, theirs), Figure::Cpu),
        bound: Bound::AtMost(*most),
        hindrance: Hindrance::of_cpu(scenario, ours, theirs),
    });
    let tails = TAILS.iter().map(|(scenario, ours, figure)| Goal {
        what: format!(
            "{scenario}: {} of {ours} ≤ 1.00 of bare-hyper",
            figure.name()
        ),
        measured: results.compared(scenario, (ours, BASELINE), *figure),
        bound: Bound::AtMost(1.0),
        hindrance: Hindrance::of_tail(scenario, ours),
    });
    let ideals = IDEALS.iter().map(|(scenario, ours, ideal, least)| Goal {
        what: format!("{scenario}: {ours} ≥ {least} of the ideal {ideal}/s"),
        measured: results
            .median(ours, scenario, Figure::Rate)
            .map(|rate| rate / ideal),
        bound: Bound::AtLeast(*least),
        hindrance: Hindrance::Wakes { scenario, ours },
    });
    let computing = ["sync:64", "hyper:64"].map(|ours| {
        let ideal = results.machine.cores as f64 / 0.002;
        Goal {
            what: format!("compute: {ours} ≥ 0.98 of cores ÷ 2 ms"),
            measured: results
                .median(ours, "compute", Figure::Rate)
                .map(|rate| rate / ideal),
            bound: Bound::AtLeast(0.98),
            hindrance: Hindrance::SharedCores { ideal },
        }
    });
    let meanwhile = Goal {
        what: "compute: p99 of a newcomer's hello on sync:64 ≤ 5 ms".into(),
        measured: results.median("sync:64", "compute", Figure::TailWait),
        bound: Bound::AtMost(5.0),
        hindrance: Hindrance::Said(
            "A newcomer waits until the kernel gives a core to the thread that accepts.",
        ),
    };
    let memory = Goal {
        what: "memory of examples/hello on gateway-sync before the load ≤ 4 MiB".into(),
        measured: results.median("hello-sync", "small", Figure::IdleMemory),
        bound: Bound::AtMost(4.0),
        hindrance: Hindrance::Said("The program and its libraries, as they are mapped."),
    };
    cpu.chain(tails)
        .chain(ideals)
        .chain(computing)
        .chain([meanwhile, memory])
        .collect()
}

impl Goal {
    /// What stands in its way, by the same figures.
    pub(super) fn obstacle(&self, results: &Results) -> String {
        self.hindrance.said(results)
    }

    /// Whether it is reached; `None` if it was not measured.
    pub(super) fn is_reached(&self) -> Option<bool> {
        let measured = self.measured?;
        Some(match self.bound {
            Bound::AtMost(most) => measured <= most,
            Bound::AtLeast(least) => measured >= least,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::tests::hello;

    #[test]
    fn says_what_is_reached() {
        let results = hello(&[
            ("bare-hyper", 100.0, 10.0, 1.0),
            ("sync:2", 100.0, 8.5, 1.0),
            ("sync:64", 100.0, 9.0, 1.2),
        ]);
        let goals = goals(&results);
        let reached = |start: &str| {
            let goal = goals.iter().find(|goal| goal.what.starts_with(start));
            goal.unwrap_or_else(|| panic!("{start}")).is_reached()
        };
        let cases = [
            ("hello-64: CPU a request of sync:2 ", Some(true)),
            ("hello-64: CPU a request of sync:64 ≤ 0.85", Some(false)),
            ("hello-64: CPU a request of sync:64 ≤ 1.10 of epoll", None),
            ("hello-64: p99 ms of sync:64", Some(false)),
            ("memory of examples/hello", None),
            ("io: sync:300", None),
        ];
        for (start, expected) in cases {
            assert_eq!(reached(start), expected, "{start}");
        }
    }
}

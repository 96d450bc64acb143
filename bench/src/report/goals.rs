//! What the hosts were to reach, whether they do, and what stands in the way.

use super::hindrance::Hindrance;
use crate::compare::{BASELINE, Figure, Results};
use crate::output::number;
use crate::stats::quantile;

/// One aim.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Goal {
    /// In words, with its bound.
    pub(super) what: String,
    /// What was measured; `None` if it was not.
    pub(super) measured: Option<f64>,
    /// The same of each round.
    rounds: Vec<f64>,
    bound: Bound,
    /// What keeps it from being reached.
    hindrance: Hindrance,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Bound {
    AtMost(f64),
    AtLeast(f64),
}

/// CPU a request: scenario, each of ours, whose it is compared with, and the ratio that is not to be exceeded.
const CPU: [(&str, &[&str], &str, f64); 14] = [
    ("hello-64", THREADED, BASELINE, 0.85),
    ("hello-64", &["sync:64"], BASELINE, 0.90),
    ("hello-64", &["sync:64"], "sync:2", 1.10),
    ("hello-512", THREADED, BASELINE, 0.72),
    ("hello-64", THREADED, "epoll", 1.10),
    ("hello-64", THREADED, "actix-web", 1.0),
    ("hello-64", THREADED, "may_minihttp", 1.0),
    ("browser", THREADED, BASELINE, 0.85),
    ("hello-64", &["hyper:64"], BASELINE, 1.03),
    ("hello-64", &["hyper:64"], BASELINE, 1.05),
    ("hello-64", &["hyper:64"], "axum", 1.0),
    ("upload", ALL, BASELINE, 1.05),
    ("download", ALL, BASELINE, 1.05),
    ("stream", ALL, BASELINE, 1.05),
];

const THREADED: &[&str] = &["sync:2", "sync:64"];
const ALL: &[&str] = &["sync:2", "sync:64", "hyper:64"];

/// Where tails are to be no longer than bare hyper's.
const TAILS: [(&str, Figure); 4] = [
    ("hello-64", Figure::P99),
    ("hello-64", Figure::P999),
    ("half", Figure::P99),
    ("half", Figure::P999),
];

/// Requests a second that time alone would allow: scenario, ours, the ideal, and how much of it is to be reached.
const IDEALS: [(&str, &str, f64, f64); 5] = [
    ("io", "sync:300", 2_560.0, 0.97),
    ("io", "sync:300", 2_560.0, 0.95),
    ("io", "hyper-blocking:300", 2_560.0, 0.97),
    ("io", "hyper:64", 2_560.0, 0.97),
    ("io-2000", "hyper:64", 20_000.0, 0.97),
];

/// How long such a call waits, in seconds: those that begin in the last of it do not end within the sample.
const WAIT: f64 = 0.1;

/// All aims, in the order of the page.
pub(super) fn goals(results: &Results) -> Vec<Goal> {
    let cpu = CPU.iter().flat_map(|(scenario, ours, theirs, most)| {
        ours.iter().map(move |ours| Goal {
            what: format!("{scenario}: CPU a request of {ours} ≤ {most:.2} of {theirs}"),
            measured: results.compared(scenario, (ours, theirs), Figure::Cpu),
            rounds: results.compared_by_round(scenario, (ours, theirs), Figure::Cpu),
            bound: Bound::AtMost(*most),
            hindrance: Hindrance::of_cpu(scenario, ours, theirs, *most),
        })
    });
    let tails = TAILS.iter().flat_map(|(scenario, figure)| {
        ALL.iter().map(move |ours| Goal {
            what: format!(
                "{scenario}: {} of {ours} ≤ 1.00 of {BASELINE}",
                figure.name()
            ),
            measured: results.compared(scenario, (ours, BASELINE), *figure),
            rounds: results.compared_by_round(scenario, (ours, BASELINE), *figure),
            bound: Bound::AtMost(1.0),
            hindrance: Hindrance::of_tail(scenario, ours, *figure),
        })
    });
    let ideals = IDEALS.iter().map(|(scenario, ours, ideal, least)| {
        let seconds = results.seconds(scenario).unwrap_or(f64::INFINITY);
        let ideal_then = ideal * (1.0 - WAIT / seconds);
        Goal {
            what: format!(
                "{scenario}: {ours} ≥ {least} of the ideal {ideal}/s, but for the last {WAIT} s"
            ),
            bound: Bound::AtLeast(*least),
            hindrance: Hindrance::Late { scenario, ours },
            ..Goal::of(results, scenario, ours, Figure::Rate, ideal_then)
        }
    });
    let computing = ["sync:64", "hyper:64"].map(|ours| {
        let ideal = results.machine.cores as f64 / 0.002;
        Goal {
            what: format!("compute: {ours} ≥ 0.98 of cores ÷ 2 ms"),
            bound: Bound::AtLeast(0.98),
            hindrance: Hindrance::Cores { ours, ideal },
            ..Goal::of(results, "compute", ours, Figure::Rate, ideal)
        }
    });
    let meanwhile = Goal {
        what: "compute: p99 of a newcomer's hello on sync:64 ≤ 5 ms".into(),
        bound: Bound::AtMost(5.0),
        hindrance: Hindrance::Said(
            "A newcomer waits until the kernel gives a core to the thread that accepts.",
        ),
        ..Goal::of(results, "compute", "sync:64", Figure::TailWait, 1.0)
    };
    let memory = Goal {
        what: "memory of examples/hello on gateway-sync before the load ≤ 4 MiB".into(),
        bound: Bound::AtMost(4.0),
        hindrance: Hindrance::Said("The program and its libraries, as they are mapped."),
        ..Goal::of(results, "small", "hello-sync", Figure::IdleMemory, 1.0)
    };
    cpu.chain(tails)
        .chain(ideals)
        .chain(computing)
        .chain([meanwhile, memory])
        .collect()
}

/// What the ideals leave out, and what is reached of them with it.
pub(super) fn ideals(results: &Results) -> String {
    let mut seen = Vec::new();
    let reached: Vec<String> = IDEALS
        .iter()
        .filter_map(|(scenario, ours, ideal, _)| {
            let rate = results.median(ours, scenario, Figure::Rate)?;
            let is_new = !seen.contains(&(scenario, ours));
            seen.push((scenario, ours));
            is_new.then(|| format!("{:.3} ({scenario}, {ours})", rate / ideal))
        })
        .collect();
    match reached.is_empty() {
        true => String::new(),
        false => format!(
            " A call of {WAIT} s that begins in the last {WAIT} s of a sample does not end in it, which the ideals leave out; of the whole \
             second's they reached {}.",
            reached.join(", ")
        ),
    }
}

impl Goal {
    /// A figure of a server, in units of `unit`, before it is said what is aimed at.
    fn of(results: &Results, scenario: &str, server: &str, figure: Figure, unit: f64) -> Self {
        let rounds = results.by_round(server, scenario, figure).flatten();
        Self {
            what: String::new(),
            measured: results.median(server, scenario, figure).map(|it| it / unit),
            rounds: rounds.map(|it| it / unit).collect(),
            bound: Bound::AtLeast(0.0),
            hindrance: Hindrance::Said(""),
        }
    }

    /// A figure of it, with a digit more where it is near the bound.
    pub(super) fn shown(&self, figure: f64) -> String {
        let (Bound::AtMost(bound) | Bound::AtLeast(bound)) = self.bound;
        match (figure / bound - 1.0).abs() < 0.01 {
            true => format!("{figure:.3}"),
            false => number(Some(figure)),
        }
    }

    /// What stands in its way, by the same figures.
    pub(super) fn obstacle(&self, results: &Results) -> String {
        self.hindrance.said(results)
    }

    /// Whether it is reached; `None` if it was not measured.
    pub(super) fn is_reached(&self) -> Option<bool> {
        Some(self.bound.holds(self.measured?))
    }

    /// The least and the most of all rounds; `None` if there are fewer than two.
    pub(super) fn between(&self) -> Option<(f64, f64)> {
        let share = |share| quantile(self.rounds.iter().copied(), share);
        share(0.0).zip(share(1.0)).filter(|_| self.rounds.len() > 1)
    }

    /// Whether it is reached, for a reader: what one round says and another does not is told.
    pub(super) fn verdict(&self) -> &'static str {
        let Some(reached) = self.is_reached() else {
            return "not measured";
        };
        let unanimous = self
            .rounds
            .iter()
            .all(|it| self.bound.holds(*it) == reached);
        match (reached, unanimous) {
            (true, true) => "yes",
            (true, false) => "yes, not in every round",
            (false, true) => "**no**",
            (false, false) => "**no**, but in some rounds",
        }
    }
}

impl Bound {
    fn holds(self, measured: f64) -> bool {
        match self {
            Self::AtMost(most) => measured <= most,
            Self::AtLeast(least) => measured >= least,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::tests::hello;
    use crate::stats::median;

    #[test]
    fn tells_what_rounds_do_not_agree_on() {
        let cases: [(&[f64], &str); 5] = [
            (&[1.0], "yes"),
            (&[0.9, 1.0, 1.0], "yes"),
            (&[0.9, 1.0, 1.1], "yes, not in every round"),
            (&[1.2, 1.1, 1.3], "**no**"),
            (&[1.0, 1.1, 1.3], "**no**, but in some rounds"),
        ];
        for (rounds, expected) in cases {
            let goal = Goal {
                what: String::new(),
                measured: median(rounds.iter().copied()),
                rounds: rounds.to_vec(),
                bound: Bound::AtMost(1.0),
                hindrance: Hindrance::Said(""),
            };
            assert_eq!(goal.verdict(), expected, "{rounds:?}");
        }
    }

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
        let goal = goals.iter().find(|goal| goal.what.contains("≤ 0.85"));
        let shown = goal.map(|goal| [0.9, 0.853, 0.8496].map(|figure| goal.shown(figure)));
        assert_eq!(shown, Some(["0.90", "0.853", "0.850"].map(str::to_owned)));
        assert_eq!(ideals(&results), "");
    }
}

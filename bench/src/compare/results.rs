//! All that was measured in one run, as it is kept in JSON.

use serde::{Deserialize, Serialize};

use super::machine::Machine;
use super::sample::{Figure, Series};
use crate::stats::{median, ratio};

/// The server that the others are compared with.
pub(crate) const BASELINE: &str = "bare-hyper";

/// What was measured, and how.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Results {
    pub(crate) machine: Machine,
    /// The command line.
    pub(crate) command: String,
    /// Cores of others beyond which a sample counts as noisy.
    pub(crate) noise: f64,
    pub(crate) servers: Vec<ServerFacts>,
    pub(crate) scenarios: Vec<ScenarioFacts>,
    pub(crate) series: Vec<Series>,
    /// What was not measured, and why.
    pub(crate) left_out: Vec<String>,
    /// A table of instructions and allocations, for the page; or nothing.
    #[serde(default)]
    pub(crate) counted: String,
    /// A table of where instructions go, for the page; or nothing.
    #[serde(default)]
    pub(crate) profile: String,
    /// Whether the user ended it before all was measured.
    #[serde(skip)]
    pub(crate) interrupted: bool,
}

/// A server, for the report.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct ServerFacts {
    pub(crate) name: String,
    /// The package that it is made of, with its version.
    pub(crate) version: String,
    pub(crate) settings: String,
    pub(crate) command: String,
}

/// A scenario, for the report.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct ScenarioFacts {
    pub(crate) name: String,
    pub(crate) title: String,
    /// Connections, those beside included.
    pub(crate) connections: usize,
    pub(crate) rounds: usize,
    pub(crate) seconds: u64,
    /// Whether server and load had a core each.
    pub(crate) pinned: bool,
}

impl ScenarioFacts {
    /// Name and title; the title alone where it begins with the name.
    pub(crate) fn heading(&self) -> String {
        match self.title.strip_prefix(&self.name) {
            Some(rest) if rest.starts_with(',') => self.title.clone(),
            _ => format!("{}: {}", self.name, self.title),
        }
    }
}

impl Results {
    /// Whether it is what was asked for.
    ///
    /// # Errors
    ///
    /// If it was interrupted, or nothing at all was measured.
    pub(crate) fn check(&self) -> Result<(), String> {
        if self.interrupted {
            return Err("interrupted: what is written is what was measured until then".into());
        }
        if self.series.is_empty() {
            let why = self.left_out.join("; ");
            return Err(format!("nothing was measured: {why}"));
        }
        Ok(())
    }

    /// The series of a server in a scenario.
    pub(crate) fn of(&self, server: &str, scenario: &str) -> Option<&Series> {
        self.series
            .iter()
            .find(|series| series.server == server && series.scenario == scenario)
    }

    /// All series of a scenario, in the order of the servers.
    pub(crate) fn in_scenario(&self, scenario: &str) -> impl Iterator<Item = &Series> {
        let of = move |server: &'_ ServerFacts| self.of(&server.name, scenario);
        self.servers.iter().filter_map(of)
    }

    /// How long a sample of a scenario takes, in seconds.
    pub(crate) fn seconds(&self, scenario: &str) -> Option<f64> {
        let facts = self.scenarios.iter().find(|facts| facts.name == scenario);
        facts.map(|facts| facts.seconds as f64)
    }

    /// The median of a figure.
    pub(crate) fn median(&self, server: &str, scenario: &str, figure: Figure) -> Option<f64> {
        self.of(server, scenario)?.median(figure)
    }

    /// A server's figure as a multiple of the baseline's in the same round: the median over the rounds.
    pub(crate) fn ratio(&self, server: &str, scenario: &str, figure: Figure) -> Option<f64> {
        self.compared(scenario, (server, BASELINE), figure)
    }

    /// A figure of one server as a multiple of another's in the same round: the median over the rounds.
    pub(crate) fn compared(
        &self,
        scenario: &str,
        (ours, theirs): (&str, &str),
        figure: Figure,
    ) -> Option<f64> {
        let rounds = self.compared_by_round(scenario, (ours, theirs), figure);
        median(rounds)
    }

    /// A figure of one server in each round, as a multiple of another's in the same.
    pub(crate) fn compared_by_round(
        &self,
        scenario: &str,
        (ours, theirs): (&str, &str),
        figure: Figure,
    ) -> Vec<f64> {
        let of = |server| self.by_round(server, scenario, figure);
        let pairs = of(ours).zip(of(theirs));
        pairs
            .filter_map(|(ours, theirs)| ratio(ours, theirs))
            .collect()
    }

    /// A figure of each round.
    pub(crate) fn by_round(
        &self,
        server: &str,
        scenario: &str,
        figure: Figure,
    ) -> impl Iterator<Item = Option<f64>> {
        let series = self.of(server, scenario);
        let samples = series.into_iter().flat_map(|series| &series.samples);
        samples.map(move |sample| figure.of(sample))
    }

    /// Samples, those that were taken again, and those that stayed noisy.
    pub(crate) fn quality(&self) -> (usize, u32, usize) {
        self.series
            .iter()
            .fold((0, 0, 0), |(all, again, noisy), series| {
                (
                    all + series.samples.len(),
                    again + series.retries,
                    noisy + series.noisy(self.noise),
                )
            })
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::super::sample::Sample;
    use super::*;
    use crate::load::Waits;

    /// Results of one scenario, `hello-64`: server, rate, CPU, p99.
    pub(crate) fn hello(rows: &[(&str, f64, f64, f64)]) -> Results {
        let mut results = Results {
            noise: 0.2,
            scenarios: vec![ScenarioFacts {
                name: "hello-64".into(),
                title: "13 bytes, 64 connections".into(),
                connections: 64,
                rounds: 1,
                seconds: 2,
                pinned: true,
            }],
            ..Results::default()
        };
        for (server, requests_per_s, cpu_us, p99_ms) in rows {
            results.servers.push(ServerFacts {
                name: (*server).into(),
                ..ServerFacts::default()
            });
            results.series.push(Series {
                server: (*server).into(),
                scenario: "hello-64".into(),
                samples: vec![Sample {
                    requests_per_s: *requests_per_s,
                    cpu_us: *cpu_us,
                    p50_ms: p99_ms / 2.0,
                    p99_ms: *p99_ms,
                    p999_ms: p99_ms * 2.0,
                    idle_kib: 3072,
                    peak_kib: 4096,
                    waits: Waits {
                        answered: 9,
                        failed: 0,
                        p50_ms: Some(0.5),
                        p99_ms: Some(1.5),
                        max_ms: Some(2.0),
                    },
                    ..Sample::default()
                }],
                retries: 0,
            });
        }
        results
    }

    #[test]
    fn what_is_not_whole_is_an_error() {
        let whole = hello(&[("bare-hyper", 100.0, 8.0, 1.0)]);
        assert_eq!(whole.check(), Ok(()));
        let interrupted = Results {
            interrupted: true,
            ..whole
        };
        assert!(interrupted.check().is_err());
        let empty = Results {
            left_out: vec!["axum: not built".into()],
            ..Results::default()
        };
        let said = "nothing was measured: axum: not built".to_owned();
        assert_eq!(empty.check(), Err(said));
    }

    #[test]
    fn compares_with_the_baseline() {
        let results = hello(&[("bare-hyper", 100.0, 8.0, 1.0), ("sync:2", 120.0, 6.0, 2.0)]);
        let cases = [
            (Figure::Rate, Some(1.2)),
            (Figure::Cpu, Some(0.75)),
            (Figure::P99, Some(2.0)),
        ];
        for (figure, expected) in cases {
            assert_eq!(results.ratio("sync:2", "hello-64", figure), expected);
        }
        assert_eq!(results.ratio("sync:2", "io", Figure::Rate), None);
        let pair = ("sync:2", "bare-hyper");
        let rounds = results.compared_by_round("hello-64", pair, Figure::Cpu);
        assert_eq!(rounds, [0.75]);
        assert_eq!(results.in_scenario("hello-64").count(), 2);
    }

    #[test]
    fn a_path_is_not_said_twice() {
        let cases = [("/io", "/io, 64 connections"), ("io", "waits 100 ms")];
        let said = cases.map(|(name, title)| {
            let (name, title) = (name.into(), title.into());
            ScenarioFacts {
                name,
                title,
                ..ScenarioFacts::default()
            }
            .heading()
        });
        assert_eq!(said, ["/io, 64 connections", "io: waits 100 ms"]);
    }

    #[test]
    fn counts_what_was_taken_again() {
        let mut results = hello(&[("bare-hyper", 100.0, 8.0, 1.0), ("sync:2", 120.0, 6.0, 2.0)]);
        results.series[0].retries = 3;
        results.series[1].samples[0].others = 0.4;
        assert_eq!(results.quality(), (2, 3, 1));
    }

    #[test]
    fn comes_back_from_json() {
        let results = hello(&[("bare-hyper", 100.0, 8.0, 1.0)]);
        let text = serde_json::to_string(&results).unwrap();
        let back: Results = serde_json::from_str(&text).unwrap();
        assert_eq!(back.servers, results.servers);
        assert_eq!(back.series[0].samples, results.series[0].samples);
    }
}

//! What stands in the way of an aim: told by the figures of the same run, so that it is true of them.

use crate::compare::{BASELINE, Figure, Results};
use crate::output::number;

/// What keeps a server from an aim.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Hindrance {
    /// What the kernel does for a request is most of it.
    Kernel {
        scenario: &'static str,
        ours: &'static str,
        theirs: &'static str,
    },
    /// Each call that waits wakes a thread.
    Wakes {
        scenario: &'static str,
        ours: &'static str,
    },
    /// The load has no core of its own.
    SharedCores { ideal: f64 },
    /// The rounds differ among themselves, and it is not known why.
    Rounds {
        scenario: &'static str,
        ours: &'static str,
        figure: Figure,
    },
    /// Words that need no figure.
    Said(&'static str),
}

/// The loop that reads nothing: what no server can go below.
const FLOOR: &str = "epoll";

const UNSENT: &str = "Set so (`Limits::buffer`), the kernel keeps no more than 64 KiB unsent for a connection, so that a client that \
    reads slowly is seen, and does not take megabytes of its memory; a large body is not handed over in one call.";

const PIECES: &str = "The first piece is sent by itself, when it is made; those behind it are copied, to leave together.";

const THREADS: &str = "Each call that waits is a thread, which takes a core from those that answer when it wakes; bare \
    hyper's wait without one.";

const TAKEN: &str = "Two threads are both in calls that wait, and quick ones wait for them: that is what `threads(n)` is for.";

impl Hindrance {
    /// What keeps ours from costing as little CPU as was aimed at.
    pub(super) fn of_cpu(scenario: &'static str, ours: &'static str, theirs: &'static str) -> Self {
        match scenario {
            "download" => Self::Said(UNSENT),
            "stream" => Self::Said(PIECES),
            _ => Self::Kernel {
                scenario,
                ours,
                theirs,
            },
        }
    }

    /// What makes the tail of ours longer than bare hyper's.
    pub(super) fn of_tail(scenario: &'static str, ours: &'static str, figure: Figure) -> Self {
        match (scenario, ours) {
            ("half", "sync:2") => Self::Said(TAKEN),
            ("half", "sync:64") => Self::Said(THREADS),
            _ => Self::Rounds {
                scenario,
                ours,
                figure,
            },
        }
    }

    /// It in words, with the figures of this run.
    pub(super) fn said(self, results: &Results) -> String {
        match self {
            Self::Said(text) => text.to_owned(),
            Self::Kernel {
                scenario,
                ours,
                theirs,
            } => {
                let floor = results.ratio(FLOOR, scenario, Figure::Cpu);
                let mut text = format!(
                    "{}; {}.",
                    parted(results, scenario, ours),
                    parted(results, scenario, theirs)
                );
                if floor.is_some() {
                    let floor = number(floor);
                    text +=
                        &format!(" {FLOOR}, which reads no request, costs {floor} of {BASELINE}.");
                }
                text
            }
            Self::Wakes { scenario, ours } => {
                let of = |server| number(results.median(server, scenario, Figure::Switches));
                let base = results.median(BASELINE, scenario, Figure::Rate);
                format!(
                    "{ours} changes threads {} times a request, {BASELINE} {}. That one reaches {}/s, with the cores \
                     shared with the load.",
                    of(ours),
                    of(BASELINE),
                    number(base)
                )
            }
            Self::Rounds {
                scenario,
                ours,
                figure,
            } => format!(
                "not known. Of its rounds: {}; of {BASELINE}'s: {}.",
                rounds(results, scenario, ours, figure),
                rounds(results, scenario, BASELINE, figure)
            ),
            Self::SharedCores { ideal } => {
                let base = results.median(BASELINE, "compute", Figure::Rate);
                format!(
                    "The load and the newcomer use the same cores: {BASELINE} reaches {} of it.",
                    number(base.map(|rate| rate / ideal))
                )
            }
        }
    }
}

/// A figure of each round.
fn rounds(results: &Results, scenario: &str, server: &str, figure: Figure) -> String {
    let rounds = results.by_round(server, scenario, figure);
    rounds.map(number).collect::<Vec<_>>().join(", ")
}

/// What a request costs a server, and what of it is not the kernel's.
fn parted(results: &Results, scenario: &str, server: &str) -> String {
    let cpu = results.median(server, scenario, Figure::Cpu);
    let kernel = results.median(server, scenario, Figure::Kernel);
    let own = cpu.zip(kernel).map(|(cpu, kernel)| cpu - kernel);
    format!(
        "{server} takes {} µs, of which {} are the kernel's and {} its own",
        number(cpu),
        number(kernel),
        number(own)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::tests::hello;

    #[test]
    fn tells_the_kernels_part_from_the_servers() {
        let mut results = hello(&[
            ("bare-hyper", 100.0, 10.0, 1.0),
            ("sync:64", 100.0, 9.0, 1.0),
            ("epoll", 100.0, 8.0, 1.0),
        ]);
        for (series, kernel_us) in results.series.iter_mut().zip([8.5, 7.5, 7.8]) {
            series.samples[0].kernel_us = kernel_us;
        }
        let hindrance = Hindrance::of_cpu("hello-64", "sync:64", "bare-hyper");
        assert_eq!(
            hindrance.said(&results),
            "sync:64 takes 9.00 µs, of which 7.50 are the kernel's and 1.50 its own; \
             bare-hyper takes 10.0 µs, of which 8.50 are the kernel's and 1.50 its own. \
             epoll, which reads no request, costs 0.80 of bare-hyper."
        );
    }

    #[test]
    fn tells_the_rounds_of_a_tail() {
        let results = hello(&[
            ("bare-hyper", 100.0, 10.0, 1.0),
            ("sync:2", 100.0, 9.0, 3.0),
        ]);
        let hindrance = Hindrance::of_tail("hello-64", "sync:2", Figure::P99);
        assert_eq!(
            hindrance.said(&results),
            "not known. Of its rounds: 3.00; of bare-hyper's: 1.00."
        );
    }

    #[test]
    fn says_what_is_not_measured_by_a_dash() {
        let wakes = Hindrance::Wakes {
            scenario: "io",
            ours: "sync:300",
        };
        assert!(wakes.said(&hello(&[])).contains("changes threads – times"));
    }
}

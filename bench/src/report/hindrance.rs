//! What stands in the way of an aim: told by the figures of the same run, so that it is true of them.

use crate::compare::{BASELINE, Figure, Results, Sample};
use crate::output::number;
use crate::stats::median;

/// What keeps a server from an aim.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Hindrance {
    /// What the kernel does for a request is most of it.
    Kernel {
        scenario: &'static str,
        ours: &'static str,
        theirs: &'static str,
        /// The ratio that is not to be exceeded.
        most: f64,
    },
    /// Calls that wait take longer than they wait.
    Late {
        scenario: &'static str,
        ours: &'static str,
    },
    /// Calls that compute take longer than on a core of their own, or have not all of the cores.
    Cores { ours: &'static str, ideal: f64 },
    /// Threads are ready to run, and have no core.
    Ready {
        scenario: &'static str,
        ours: &'static str,
        figure: Figure,
    },
    /// Words that need no figure.
    Said(&'static str),
}

/// The loop that reads nothing: what no server can go below.
const FLOOR: &str = "epoll";

const TAKEN: &str = "Two threads are both in calls that wait, and quick ones wait for them: that is what `threads(n)` is for.";

impl Hindrance {
    /// What keeps ours from costing as little CPU as was aimed at.
    pub(super) fn of_cpu(
        scenario: &'static str,
        ours: &'static str,
        theirs: &'static str,
        most: f64,
    ) -> Self {
        Self::Kernel {
            scenario,
            ours,
            theirs,
            most,
        }
    }

    /// What makes the tail of ours longer than bare hyper's.
    pub(super) fn of_tail(scenario: &'static str, ours: &'static str, figure: Figure) -> Self {
        match (scenario, ours) {
            ("half", "sync:2") => Self::Said(TAKEN),
            _ => Self::Ready {
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
                most,
            } => {
                let sides = format!(
                    "{}; {}.",
                    parted(results, scenario, ours),
                    parted(results, scenario, theirs)
                );
                match theirs == BASELINE {
                    true => sides + &floor(results, scenario, most),
                    false => sides,
                }
            }
            Self::Late { scenario, ours } => late(results, scenario, ours),
            Self::Cores { ours, ideal } => cores(results, ours, ideal),
            Self::Ready {
                scenario,
                ours,
                figure,
            } => ready(results, scenario, ours, figure),
        }
    }
}

/// What the loop that reads nothing leaves of an aim for who reads requests.
fn floor(results: &Results, scenario: &str, most: f64) -> String {
    let Some(floor) = results.ratio(FLOOR, scenario, Figure::Cpu) else {
        return String::new();
    };
    let costs = number(Some(floor));
    let left = number(Some(most - floor));
    let so = match floor < most {
        true => format!("that leaves {left} of it for reading requests and making answers"),
        false => "more than is aimed at".to_owned(),
    };
    format!(" {FLOOR}, which reads no request, costs {costs} of {BASELINE}: {so}.")
}

fn late(results: &Results, scenario: &str, ours: &str) -> String {
    let of = |server, figure| number(results.median(server, scenario, figure));
    let [half, most] = [Figure::P50, Figure::P99].map(|figure| of(ours, figure));
    let [base_half, base_most] = [Figure::P50, Figure::P99].map(|figure| of(BASELINE, figure));
    format!(
        "A call waits 100 ms. With {ours} it takes {half} ms at the median, and up to {most} ms for 99 of 100; with {BASELINE} \
         {base_half} and {base_most}, and that one has {} answers a second. {}.",
        of(BASELINE, Figure::Rate),
        used(results, scenario, ours),
    )
}

fn cores(results: &Results, ours: &str, ideal: f64) -> String {
    let call = |server| {
        let us = results.median(server, "compute", Figure::Cpu);
        number(us.map(|us| us / 1e3))
    };
    let base = results.median(BASELINE, "compute", Figure::Rate);
    format!(
        "A request took {ours} {} ms of CPU, and of the cores ÷ that it reaches {}. {}. {BASELINE} took {} ms, and reaches {}.",
        call(ours),
        number(of_own(results, ours)),
        used(results, "compute", ours),
        call(BASELINE),
        number(base.map(|rate| rate / ideal)),
    )
}

/// Requests a second as a share of what the cores could do at what a request takes of them.
fn of_own(results: &Results, ours: &str) -> Option<f64> {
    let us = results.median(ours, "compute", Figure::Cpu)?;
    let rate = results.median(ours, "compute", Figure::Rate)?;
    Some(rate * us / 1e6 / results.machine.cores as f64)
}

fn ready(results: &Results, scenario: &str, ours: &str, figure: Figure) -> String {
    let delay = |server| number(results.median(server, scenario, Figure::Delay));
    format!(
        "{}. Its threads were ready to run and had no core for {} µs a request, those of {BASELINE} for {}. {}{} of its rounds: {}; of \
         {BASELINE}'s: {}.",
        used(results, scenario, ours),
        delay(ours),
        delay(BASELINE),
        moved(results, scenario, ours, figure).unwrap_or_default(),
        figure.name(),
        rounds(results, scenario, ours, figure),
        rounds(results, scenario, BASELINE, figure)
    )
}

/// Whether all answers take longer or the last of them alone, where one client in a hundred waits longer than with the
/// baseline.
fn moved(results: &Results, scenario: &str, ours: &str, figure: Figure) -> Option<String> {
    let of = |figure| results.ratio(ours, scenario, figure);
    let (cpu, median, tail) = (of(Figure::Cpu)?, of(Figure::P50)?, of(figure)?);
    let so = match median >= 0.9 * tail {
        true => {
            "requests wait for each other, so that all answers take longer, not the last of them alone"
        }
        false => "the last of the answers are put off, and not all of them",
    };
    Some(format!(
        "A request takes {} of {BASELINE}'s CPU, and the median answer {} of its time: {so}. ",
        number(Some(cpu)),
        number(Some(median)),
    ))
}

/// The cores that a server used, and those that others did.
fn used(results: &Results, scenario: &str, server: &str) -> String {
    let samples = results.of(server, scenario).map(|it| &it.samples[..]);
    let samples = samples.unwrap_or_default();
    let of = |figure: fn(&Sample) -> f64| number(median(samples.iter().map(figure)));
    format!(
        "Of {} cores {server} used {}, the load {}, other processes {}",
        results.machine.cores,
        of(|sample| sample.cores),
        of(|sample| sample.load_cores),
        of(|sample| sample.others),
    )
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
        let hindrance = Hindrance::of_cpu("hello-64", "sync:64", "bare-hyper", 0.85);
        assert_eq!(
            hindrance.said(&results),
            "sync:64 takes 9.00 µs, of which 7.50 are the kernel's and 1.50 its own; \
             bare-hyper takes 10.0 µs, of which 8.50 are the kernel's and 1.50 its own. \
             epoll, which reads no request, costs 0.80 of bare-hyper: that leaves 0.05 of it for reading requests and making answers."
        );
        let hindrance = Hindrance::of_cpu("hello-64", "sync:64", "bare-hyper", 0.72);
        let said = hindrance.said(&results);
        assert!(
            said.ends_with("costs 0.80 of bare-hyper: more than is aimed at."),
            "{said}"
        );
        let hindrance = Hindrance::of_cpu("hello-64", "sync:64", "epoll", 1.1);
        assert!(!hindrance.said(&results).contains("which reads no request"));
    }

    #[test]
    fn tells_the_rounds_of_a_tail() {
        let mut results = hello(&[
            ("bare-hyper", 100.0, 10.0, 1.0),
            ("sync:2", 100.0, 9.0, 3.0),
        ]);
        results.machine.cores = 2;
        for (series, delay_us) in results.series.iter_mut().zip([4.0, 6.0]) {
            let sample = &mut series.samples[0];
            (sample.delay_us, sample.cores, sample.load_cores) = (delay_us, 0.9, 0.8);
        }
        let hindrance = Hindrance::of_tail("hello-64", "sync:2", Figure::P99);
        assert_eq!(
            hindrance.said(&results),
            "Of 2 cores sync:2 used 0.90, the load 0.80, other processes 0.00. Its threads were ready to run and had no core \
             for 6.00 µs a request, those of bare-hyper for 4.00. A request takes 0.90 of bare-hyper's CPU, and the median answer \
             3.00 of its time: requests wait for each other, so that all answers take longer, not the last of them alone. p99 ms of its rounds: 3.00; of bare-hyper's: 1.00."
        );
    }

    #[test]
    fn tells_what_a_call_took_that_computes() {
        let mut results = hello(&[
            ("bare-hyper", 920.0, 2100.0, 1.0),
            ("sync:64", 950.0, 2050.0, 1.0),
        ]);
        results.machine.cores = 2;
        for series in &mut results.series {
            series.scenario = "compute".into();
            series.samples[0].cores = 1.95;
        }
        let hindrance = Hindrance::Cores {
            ours: "sync:64",
            ideal: 1000.0,
        };
        assert_eq!(
            hindrance.said(&results),
            "A request took sync:64 2.05 ms of CPU, and of the cores ÷ that it reaches 0.97. Of 2 cores sync:64 used 1.95, the load 0.00, other processes 0.00. \
             bare-hyper took 2.10 ms, and reaches 0.92."
        );
    }

    #[test]
    fn says_what_is_not_measured_by_a_dash() {
        let late = Hindrance::Late {
            scenario: "io",
            ours: "sync:300",
        };
        assert!(late.said(&hello(&[])).contains("it takes – ms"));
    }
}

//! What an endpoint does, as its figures show it: whether the cores are what limits it, or time that passes.

use super::sample::{Figure, Series};
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

/// What an endpoint does: whether the cores are what limits it, or time that passes.
pub(super) fn kind(one: &Series, other: &Series, cores: usize, connections: usize) -> Kind {
    let used =
        |side: &Series| median(side.samples.iter().map(|sample| sample.cores)).unwrap_or_default();
    let used = f64::max(used(one), used(other));
    let all = one.samples.iter().chain(&other.samples);
    let others = median(all.map(|sample| sample.others)).unwrap_or_default();
    let cpu = one.median(Figure::Cpu).unwrap_or_default();
    let cores = cores.max(1) as f64;
    // What other processes take is not there for the server; of a busy machine nothing can be said.
    let left = cores - others;
    if left < cores / 2.0 {
        let sentence = format!(
            "What limits it is not known: other processes took {others:.1} of {cores} cores."
        );
        return Kind { sentence, so: "" };
    }
    if used == 0.0 {
        let sentence = format!("What it costs is not known, with {connections} connections.");
        return Kind { sentence, so: "" };
    }
    let (what, so) = match used / left {
        // Quick calls leave a part of the cores to the load.
        share if share >= 0.85 || cpu < 200.0 && share >= 0.3 => ("The cores are its limit", CORES),
        share if share >= 0.4 => ("It computes and waits", THREADS),
        _ => ("It waits", THREADS),
    };
    let sentence = format!(
        "{what}: {} of CPU a request, {used:.1} of {cores} cores used by {connections} connections.",
        match cpu < 1e3 {
            true => format!("{} µs", number(Some(cpu))),
            false => format!("{} ms", number(Some(cpu / 1e3))),
        }
    );
    Kind { sentence, so }
}

/// What follows where cores are the limit.
const CORES: &str = " Where cores are the limit, more threads than cores gain nothing.";

/// What follows where calls wait.
const THREADS: &str = " Where calls wait, blocking code takes a thread for each: when all are taken, the next waits for \
    one, and `threads(n)` says how many there are.";

#[cfg(test)]
mod tests {
    use super::super::sample::Sample;
    use super::*;

    fn side(cores: f64, cpu_us: f64, others: f64) -> Series {
        let sample = Sample {
            requests_per_s: 100.0,
            cpu_us,
            cores,
            others,
            ..Sample::default()
        };
        Series {
            samples: vec![sample],
            ..Series::default()
        }
    }

    #[test]
    fn tells_waiting_from_computing() {
        let cases = [
            (0.1, 150.0, "It waits: 150 µs of CPU"),
            (1.0, 2000.0, "It computes and waits: 2.00 ms of CPU"),
            (1.9, 2000.0, "The cores are its limit"),
            (0.9, 8.0, "The cores are its limit: 8.00 µs of CPU"),
            (0.0, 0.0, "What it costs is not known"),
        ];
        for (cores, cpu, expected) in cases {
            let side = side(cores, cpu, 0.0);
            let said = kind(&side, &side, 2, 64);
            assert!(
                said.sentence.starts_with(expected),
                "{cores} {cpu}: {said:?}"
            );
        }
    }

    #[test]
    fn says_nothing_of_the_limit_on_a_busy_machine() {
        for (others, expected) in [
            (1.4, "What limits it is not known"),
            (0.8, "It computes and waits"),
        ] {
            let side = side(0.5, 2000.0, others);
            let said = kind(&side, &side, 2, 64).sentence;
            assert!(said.starts_with(expected), "{others}: {said}");
        }
    }
}

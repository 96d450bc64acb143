//! What one sample of a server in a scenario says, and what many of them say together.

use serde::{Deserialize, Serialize};

use crate::load::Waits;
use crate::output::number;
use crate::stats::median;

/// One sample.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Sample {
    /// Answers to the load that is measured.
    pub(crate) requests: u64,
    /// Answers a second to the load that is measured.
    pub(crate) requests_per_s: f64,
    /// What half, 99 % and 99.9 % of them took at most, in milliseconds.
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
    pub(crate) p999_ms: f64,
    /// Connections that failed, answers that were cut, late or not a 2xx or 3xx.
    pub(crate) errors: u64,
    /// Processor time of the server for a request, in microseconds. The load beside is included; so are newcomers,
    /// where they ask for the same: what they ask for otherwise is no such request.
    pub(crate) cpu_us: f64,
    /// What of it was the kernel's.
    #[serde(default)]
    pub(crate) kernel_us: f64,
    /// How often threads of the server let go of their core or lost it, for a request.
    #[serde(default)]
    pub(crate) switches: f64,
    /// For how long threads of the server were ready to run and had no core, for a request, in microseconds.
    #[serde(default)]
    pub(crate) delay_us: f64,
    /// Cores that the server used.
    pub(crate) cores: f64,
    /// Cores that the load used, of which its one thread can use one; 0 where that was not noted.
    #[serde(default)]
    pub(crate) load_cores: f64,
    /// Resident memory before the load and at its most, in KiB.
    pub(crate) idle_kib: u64,
    pub(crate) peak_kib: u64,
    /// What the client that looks in waited.
    pub(crate) waits: Waits,
    /// Answers a second to the load beside, where there is one.
    pub(crate) beside_per_s: Option<f64>,
    /// Connections beside that the server cut or never took.
    pub(crate) lost: Option<usize>,
    /// Cores that other processes used meanwhile.
    pub(crate) others: f64,
}

/// The samples of a server in a scenario.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Series {
    pub(crate) server: String,
    pub(crate) scenario: String,
    /// One of each round.
    pub(crate) samples: Vec<Sample>,
    /// Samples that were taken again because others took too much of the machine.
    pub(crate) retries: u32,
}

/// A figure of a sample, with its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Figure {
    Rate,
    Cpu,
    Kernel,
    Switches,
    Delay,
    P50,
    P99,
    P999,
    Wait,
    TailWait,
    LongestWait,
    IdleMemory,
    PeakMemory,
}

impl Figure {
    /// The figure of one sample; `None` where it says nothing about it.
    pub(crate) fn of(self, sample: &Sample) -> Option<f64> {
        // A server that is not known has no memory.
        let mib = |kib: u64| (kib > 0).then(|| kib as f64 / 1024.0);
        // Without a request there are no times of requests.
        let answered = |figure: f64| (sample.requests_per_s > 0.0).then_some(figure);
        match self {
            Self::Rate => Some(sample.requests_per_s),
            // Of a process that is not known, no time is known either.
            Self::Cpu => answered(sample.cpu_us).filter(|us| *us > 0.0),
            Self::Kernel => answered(sample.kernel_us).filter(|us| *us > 0.0),
            Self::Switches => answered(sample.switches).filter(|_| sample.kernel_us > 0.0),
            Self::Delay => answered(sample.delay_us).filter(|us| *us > 0.0),
            Self::P50 => answered(sample.p50_ms),
            Self::P99 => answered(sample.p99_ms),
            Self::P999 => answered(sample.p999_ms),
            Self::Wait => sample.waits.p50_ms,
            Self::TailWait => sample.waits.p99_ms,
            Self::LongestWait => sample.waits.max_ms,
            Self::IdleMemory => mib(sample.idle_kib),
            Self::PeakMemory => mib(sample.peak_kib),
        }
    }

    /// Its name, with its unit.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Rate => "requests/s",
            Self::Cpu => "CPU µs/request",
            Self::Kernel => "kernel µs/request",
            Self::Switches => "switches/request",
            Self::Delay => "µs/request without a core",
            Self::P50 => "p50 ms",
            Self::P99 => "p99 ms",
            Self::P999 => "p99.9 ms",
            Self::Wait => "newcomer p50 ms",
            Self::TailWait => "newcomer p99 ms",
            Self::LongestWait => "newcomer max ms",
            Self::IdleMemory => "idle MiB",
            Self::PeakMemory => "peak MiB",
        }
    }

    /// It in a sentence: what one has instead of what the other has.
    pub(crate) fn instead(self, good: f64, bad: f64) -> String {
        let (good, bad) = (number(Some(good)), number(Some(bad)));
        match self {
            Self::Rate => format!("{good} requests/s instead of {bad}"),
            Self::Cpu => format!("{good} µs of CPU a request instead of {bad}"),
            Self::LongestWait => {
                format!("whoever connects anew waits {good} ms at most instead of {bad}")
            }
            Self::P99 => format!("p99 of {good} ms instead of {bad}"),
            Self::PeakMemory => format!("{good} MiB at most instead of {bad}"),
            _ => format!("{} {good} instead of {bad}", self.name()),
        }
    }

    /// Whether more of it is better.
    pub(crate) fn more_is_better(self) -> bool {
        self == Self::Rate
    }
}

impl Series {
    /// The median of a figure.
    pub(crate) fn median(&self, figure: Figure) -> Option<f64> {
        median(self.samples.iter().filter_map(|sample| figure.of(sample)))
    }

    /// Failures of all samples: of the load, and of the client that looks in.
    pub(crate) fn errors(&self) -> u64 {
        self.samples
            .iter()
            .map(|sample| sample.errors + sample.waits.failed as u64)
            .sum()
    }

    /// Samples during which others took more of the machine than `cores`.
    pub(crate) fn noisy(&self, cores: f64) -> usize {
        self.samples.iter().filter(|s| s.others > cores).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_without_answers_has_no_times() {
        let sample = Sample {
            p99_ms: 3.0,
            idle_kib: 2048,
            ..Sample::default()
        };
        assert_eq!(Figure::P99.of(&sample), None);
        assert_eq!(Figure::Cpu.of(&sample), None);
        assert_eq!(Figure::Rate.of(&sample), Some(0.0));
        assert_eq!(Figure::IdleMemory.of(&sample), Some(2.0));
    }

    #[test]
    fn takes_medians_over_samples() {
        let sample = |rate, failed, others| Sample {
            requests_per_s: rate,
            errors: 2,
            waits: Waits {
                failed,
                ..Waits::default()
            },
            others,
            ..Sample::default()
        };
        let series = Series {
            samples: vec![
                sample(10.0, 0, 0.1),
                sample(30.0, 1, 0.5),
                sample(20.0, 0, 0.3),
            ],
            ..Series::default()
        };
        assert_eq!(series.median(Figure::Rate), Some(20.0));
        assert_eq!(series.errors(), 7);
        assert_eq!(series.noisy(0.2), 2);
        assert_eq!(Series::default().median(Figure::Rate), None);
    }
}

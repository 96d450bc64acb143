//! Which of two hosts to choose for an endpoint, and why: decided from the figures alone.

use super::kind::{Kind, kind};
use super::results::{BASELINE, Results};
use super::sample::{Figure, Sample, Series};
use crate::stats::spread;

/// What to choose for an endpoint.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Verdict {
    /// Name and path of the endpoint.
    pub(crate) endpoint: String,
    /// The server to choose; `None` if it does not matter.
    pub(crate) choose: Option<String>,
    /// What the endpoint does, as the figures show it.
    pub(crate) kind: Kind,
    /// What speaks for the choice.
    pub(crate) because: Vec<String>,
    /// What speaks against it.
    pub(crate) but: Vec<String>,
}

/// What is looked at, the weightiest first, and from which difference on it counts, as a share and in its unit: less is
/// noise or matters to nobody.
const CRITERIA: [(Figure, f64, f64); 5] = [
    (Figure::Rate, 0.05, 0.0),
    (Figure::Cpu, 0.10, 0.0),
    (Figure::P99, 0.25, 0.0),
    // The longest of many: an unlucky one says nothing of a server.
    (Figure::LongestWait, 1.0, 50.0),
    (Figure::PeakMemory, 0.25, 0.0),
];

/// Processor time is counted in hundredths of a second, and may be one more or less at both ends, in µs.
const TWO_TICKS: f64 = 20_000.0;

/// Failures in a thousand requests from which on a server does not do.
const FAILURES: f64 = 0.001;

/// A verdict for each endpoint that two servers were measured on; of more, or beside the baseline, no choice
/// of a host is made.
pub(crate) fn verdicts(results: &Results) -> Vec<Verdict> {
    results
        .scenarios
        .iter()
        .filter_map(|scenario| {
            let mut sides = results.in_scenario(&scenario.name);
            let (one, other) = (sides.next()?, sides.next()?);
            if sides.next().is_some() || one.server == BASELINE {
                return None;
            }
            let mut verdict = decide(one, other);
            verdict.endpoint = scenario.title.clone();
            verdict.kind = kind(one, other, results.machine.cores, scenario);
            Some(verdict)
        })
        .collect()
}

/// One line for each verdict, in words.
pub(crate) fn in_words(verdict: &Verdict) -> String {
    let choice = match &verdict.choose {
        Some(server) => format!("choose {server}"),
        None => "either will do".to_owned(),
    };
    let Kind { sentence, so } = &verdict.kind;
    let mut text = format!("{}: {choice}. {sentence}{so}", verdict.endpoint);
    let because = match verdict.because.as_slice() {
        [] => "No figure differs by more than noise".to_owned(),
        reasons => format!("Because: {}", reasons.join("; ")),
    };
    text += &format!(" {because}.");
    if !verdict.but.is_empty() {
        text += &format!(" Against it: {}.", verdict.but.join("; "));
    }
    text
}

fn decide(one: &Series, other: &Series) -> Verdict {
    let mut verdict = Verdict {
        endpoint: String::new(),
        choose: None,
        kind: Kind::default(),
        because: Vec::new(),
        but: Vec::new(),
    };
    if let Some((better, reason)) = by_failures(one, other) {
        verdict.choose = Some(better.server.clone());
        verdict.because.push(reason);
    }
    for (figure, share, least) in CRITERIA {
        let Some((better, reason)) = by_figure(one, other, figure, share, least) else {
            continue;
        };
        let chosen = verdict.choose.get_or_insert_with(|| better.server.clone());
        if *chosen == better.server {
            verdict.because.push(reason);
        } else {
            verdict.but.push(reason);
        }
    }
    verdict
}

/// The server that does not fail, if the other one does.
fn by_failures<'a>(one: &'a Series, other: &'a Series) -> Option<(&'a Series, String)> {
    let (first, second) = (failures(one), failures(other));
    if (first > FAILURES) == (second > FAILURES) {
        return None;
    }
    let (better, worse) = if first < second {
        (one, other)
    } else {
        (other, one)
    };
    let count = worse.errors();
    Some((better, format!("{} failed {count} times", worse.server)))
}

/// Failures as a share of what was asked.
fn failures(series: &Series) -> f64 {
    let answered: f64 = series
        .samples
        .iter()
        .map(|sample| sample.requests as f64 + sample.waits.answered as f64)
        .sum();
    let failed = series.errors() as f64;
    failed / (answered + failed).max(1.0)
}

/// The server that is better by a figure, if the difference counts.
fn by_figure<'a>(
    one: &'a Series,
    other: &'a Series,
    figure: Figure,
    share: f64,
    least: f64,
) -> Option<(&'a Series, String)> {
    let (first, second) = (one.median(figure)?, other.median(figure)?);
    let noise = [one, other]
        .map(|side| noise(side, figure))
        .into_iter()
        .fold(share, f64::max);
    if first.max(second) <= first.min(second) * (1.0 + noise) + least {
        return None;
    }
    let first_wins = (first > second) == figure.more_is_better();
    let (better, good, bad) = if first_wins {
        (one, first, second)
    } else {
        (other, second, first)
    };
    Some((better, figure.instead(good, bad)))
}

/// How far the samples of one server lie apart: a difference within it shows nothing.
fn noise(series: &Series, figure: Figure) -> f64 {
    let figures: Vec<f64> = series.samples.iter().filter_map(|s| figure.of(s)).collect();
    let spread = spread(&figures).unwrap_or_default();
    match figure {
        Figure::Cpu => series.samples.iter().map(coarseness).fold(spread, f64::max),
        _ => spread,
    }
}

/// How much of a sample's processor time may be due to how coarsely it is counted.
fn coarseness(sample: &Sample) -> f64 {
    TWO_TICKS / (sample.cpu_us * sample.requests as f64)
}

#[cfg(test)]
mod tests {
    use super::super::results::tests::hello;
    use super::*;

    fn series(server: &str, rates: &[f64], cpu_us: f64, p99_ms: f64) -> Series {
        let sample = |requests_per_s: &f64| Sample {
            requests: 100_000,
            requests_per_s: *requests_per_s,
            cpu_us,
            p99_ms,
            ..Sample::default()
        };
        Series {
            server: server.into(),
            samples: rates.iter().map(sample).collect(),
            ..Series::default()
        }
    }

    #[test]
    fn the_weightiest_difference_decides() {
        let of = |rates: &[f64], cpu, p99| series("a", rates, cpu, p99);
        let base = series("b", &[100.0], 10.0, 1.0);
        let cases = [
            ("nothing differs", of(&[102.0], 10.5, 1.1), None, 0, 0),
            ("more requests", of(&[110.0], 10.0, 1.0), Some("a"), 1, 0),
            ("fewer requests", of(&[90.0], 10.0, 1.0), Some("b"), 1, 0),
            (
                "within its own noise",
                of(&[80.0, 110.0, 140.0], 10.0, 1.0),
                None,
                0,
                0,
            ),
            ("less CPU", of(&[100.0], 8.0, 1.0), Some("a"), 1, 0),
            (
                "less CPU, longer tail",
                of(&[100.0], 8.0, 2.0),
                Some("a"),
                1,
                1,
            ),
            (
                "more requests, dearer",
                of(&[150.0], 20.0, 0.5),
                Some("a"),
                2,
                1,
            ),
        ];
        for (name, one, choose, because, but) in cases {
            let verdict = decide(&one, &base);
            assert_eq!(verdict.choose.as_deref(), choose, "{name}");
            assert_eq!(verdict.because.len(), because, "{name}: {verdict:?}");
            assert_eq!(verdict.but.len(), but, "{name}: {verdict:?}");
            // Who is asked about first makes no difference.
            assert_eq!(decide(&base, &one), verdict, "{name}");
        }
    }

    #[test]
    fn what_is_counted_too_coarsely_decides_nothing() {
        let of = |name, requests, longest| {
            let mut series = series(name, &[100.0], if name == "a" { 75.0 } else { 100.0 }, 1.0);
            series.samples[0].requests = requests;
            series.samples[0].waits.max_ms = Some(longest);
            series
        };
        for (requests, longest, choose) in [
            (400, [0.2, 1.0], None), // 3 hundredths of a second and 4
            (400, [0.2, 90.0], Some("a")),
            (40_000, [0.2, 1.0], Some("a")),
        ] {
            let [one, other] = [("a", longest[0]), ("b", longest[1])];
            let verdict = decide(&of(one.0, requests, one.1), &of(other.0, requests, other.1));
            assert_eq!(verdict.choose.as_deref(), choose, "{verdict:?}");
        }
    }

    #[test]
    fn a_server_that_fails_is_not_chosen_however_fast_it_is() {
        let mut fast = series("fast", &[500.0], 1.0, 1.0);
        fast.samples[0].errors = 500;
        let verdict = decide(&fast, &series("sound", &[100.0], 10.0, 2.0));
        assert_eq!(verdict.choose.as_deref(), Some("sound"));
        assert_eq!(verdict.because, ["fast failed 500 times"]);
        assert_eq!(verdict.but.len(), 3);
    }

    #[test]
    fn says_what_follows_from_the_figures() {
        let mut results = hello(&[
            ("sync", 125_000.0, 6.0, 0.5),
            ("hyper", 100_000.0, 8.0, 0.4),
        ]);
        results.machine.cores = 2;
        results.series[0].samples[0].cores = 1.0;
        for series in &mut results.series {
            series.samples[0].requests = 300_000;
        }
        let [verdict] = verdicts(&results).try_into().unwrap();
        assert_eq!(
            in_words(&verdict),
            "13 bytes, 64 connections: choose sync. The cores are its limit: with 64 connections a request takes 6.00 µs of CPU \
             on sync, which uses 1.0, 8.00 µs of CPU on hyper, which uses 0.0; of 1 core. Where cores are the limit, more threads than cores gain little throughput, but quick calls beside long ones wait less. Because: 125\u{202f}000 requests/s \
             instead of 100\u{202f}000; 6.00 µs of CPU a request instead of 8.00."
        );
        assert!(verdicts(&hello(&[("sync", 1.0, 1.0, 1.0)])).is_empty());
    }
}

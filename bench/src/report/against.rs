//! Where others are better: found by the program, so that nobody leaves it out.

use crate::compare::{Figure, Results};
use crate::output::number;
use crate::stats::median;

/// Ours.
const OURS: [&str; 7] = [
    "sync:2",
    "sync:64",
    "sync:300",
    "hyper:64",
    "hyper-blocking:300",
    "hello-sync",
    "hello-hyper",
];

/// What is compared, and from which ratio on it is told.
const FIGURES: [(Figure, f64); 9] = [
    (Figure::Rate, 1.05),
    (Figure::Cpu, 1.05),
    (Figure::P99, 1.25),
    (Figure::P999, 1.25),
    (Figure::Wait, 1.5),
    (Figure::TailWait, 1.5),
    (Figure::LongestWait, 1.5),
    (Figure::IdleMemory, 1.25),
    (Figure::PeakMemory, 1.25),
];

/// A row for each of ours in each scenario where one of the others is better in every round, and by such a ratio at the
/// median: scenario, ours, in what. The loop that answers whatever it is sent is no server, and left out.
pub(super) fn against(results: &Results) -> Vec<[String; 3]> {
    let mut rows = Vec::new();
    for scenario in &results.scenarios {
        for ours in OURS {
            let worse: Vec<String> = FIGURES
                .iter()
                .filter_map(|(figure, least)| worse(results, &scenario.name, ours, *figure, *least))
                .collect();
            if !worse.is_empty() {
                rows.push([scenario.name.clone(), ours.to_owned(), worse.join("; ")]);
            }
        }
    }
    rows
}

fn worse(
    results: &Results,
    scenario: &str,
    ours: &str,
    figure: Figure,
    least: f64,
) -> Option<String> {
    let mine = results.median(ours, scenario, figure)?;
    let others = results
        .in_scenario(scenario)
        .filter(|series| !is_ours(&series.server) && series.server != "epoll");
    let better = others.filter_map(|series| {
        let apart = always_better(results, scenario, (ours, &series.server), figure)?;
        (apart >= least).then_some((apart, series))
    });
    let (_, best) = better.reduce(|one, other| if other.0 > one.0 { other } else { one })?;
    Some(format!(
        "{} {} against {} of {}",
        number(Some(mine)),
        figure.name(),
        number(best.median(figure)),
        best.server
    ))
}

/// How much better than ours theirs is at the median, as a ratio; `None` unless it is better in every round.
fn always_better(
    results: &Results,
    scenario: &str,
    pair: (&str, &str),
    figure: Figure,
) -> Option<f64> {
    let rounds = results.compared_by_round(scenario, pair, figure);
    let apart = rounds.iter().map(|ratio| match figure.more_is_better() {
        true => 1.0 / ratio,
        false => *ratio,
    });
    let always = apart.clone().all(|apart| apart > 1.0);
    median(apart).filter(|_| always)
}

fn is_ours(server: &str) -> bool {
    let (name, _) = server.split_once([':', '-']).unwrap_or((server, ""));
    ["sync", "hyper", "distance", "hello"].contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::tests::hello;
    use crate::compare::{Sample, Series};

    #[test]
    fn knows_whose_a_server_is() {
        let ours = [
            "sync:2",
            "hyper:64",
            "hyper-blocking:300",
            "distance-sync:64",
            "hello-sync",
        ];
        assert!(ours.into_iter().all(is_ours));
        assert!(
            !["axum", "bare-hyper", "uwsgi/wsgi"]
                .into_iter()
                .any(is_ours)
        );
    }

    #[test]
    fn what_is_not_so_in_every_round_is_not_told() {
        // Requests a second of bare hyper and ours, in rounds between which the machine changes its speed.
        let cases: [(&[(f64, f64)], usize); 4] = [
            (&[(100.0, 80.0)], 1),
            (&[(100.0, 80.0), (70.0, 60.0), (200.0, 100.0)], 1),
            (&[(100.0, 80.0), (100.0, 101.0), (100.0, 80.0)], 0),
            (&[(100.0, 99.0), (100.0, 98.0), (100.0, 50.0)], 0),
        ];
        for (rounds, expected) in cases {
            let mut results = hello(&[("bare-hyper", 0.0, 8.0, 1.0), ("sync:2", 0.0, 8.0, 1.0)]);
            let [theirs, ours] = &mut results.series[..] else {
                unreachable!("of two servers")
            };
            let of = |rate: f64, series: &Series| Sample {
                requests_per_s: rate,
                ..series.samples[0]
            };
            theirs.samples = rounds.iter().map(|it| of(it.0, theirs)).collect();
            ours.samples = rounds.iter().map(|it| of(it.1, ours)).collect();
            assert_eq!(against(&results).len(), expected, "{rounds:?}");
        }
    }

    #[test]
    fn names_the_best_of_the_others_where_it_is_better() {
        type Rows<'a> = &'a [(&'a str, f64, f64, f64)];
        let cases: [(Rows<'_>, &[&str]); 4] = [
            (
                &[
                    ("bare-hyper", 100.0, 10.0, 1.0),
                    ("sync:2", 120.0, 8.0, 0.9),
                ],
                &[],
            ),
            (
                &[
                    ("bare-hyper", 100.0, 10.0, 1.0),
                    ("axum", 100.0, 12.0, 0.9),
                    ("sync:2", 120.0, 11.0, 0.9),
                ],
                &["11.0 CPU µs/request against 10.0 of bare-hyper"],
            ),
            (
                &[("epoll", 200.0, 5.0, 0.1), ("sync:2", 120.0, 11.0, 0.9)],
                &[],
            ),
            (
                &[
                    ("bare-hyper", 100.0, 8.0, 1.0),
                    ("hyper:64", 90.0, 8.1, 1.0),
                ],
                &["90.0 requests/s against 100 of bare-hyper"],
            ),
        ];
        for (rows, expected) in cases {
            let said = against(&hello(rows));
            let said: Vec<&str> = said.iter().map(|[_, _, what]| what.as_str()).collect();
            assert_eq!(said, expected);
        }
    }
}

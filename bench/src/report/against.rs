//! Where others are better: found by the program, so that nobody leaves it out.

use crate::compare::{Figure, Results, Series};
use crate::output::number;

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

/// A row for each of ours in each scenario where the best of the others is better by more than such a ratio, and in
/// every round: scenario, ours, in what. The loop that answers whatever it is sent is no server, and left out.
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
    let own = results.of(ours, scenario)?;
    let mine = own.median(figure)?;
    let others = results
        .in_scenario(scenario)
        .filter(|series| !is_ours(&series.server) && series.server != "epoll")
        .filter_map(|series| Some((series, series.median(figure)?)));
    let better = |one: f64, other: f64| match figure.more_is_better() {
        true => one > other,
        false => one < other,
    };
    let (series, best) =
        others.reduce(|one, other| if better(other.1, one.1) { other } else { one })?;
    let apart = f64::max(mine, best) / f64::min(mine, best);
    let mut rounds = figures(series, figure);
    let always = rounds.all(|theirs| figures(own, figure).all(|ours| better(theirs, ours)));
    (always && apart >= least).then(|| {
        let (mine, best) = (number(Some(mine)), number(Some(best)));
        format!(
            "{mine} {} against {best} of {}",
            figure.name(),
            series.server
        )
    })
}

/// A figure of each round.
fn figures(series: &Series, figure: Figure) -> impl Iterator<Item = f64> {
    let samples = series.samples.iter();
    samples.filter_map(move |sample| figure.of(sample))
}

fn is_ours(server: &str) -> bool {
    let (name, _) = server.split_once([':', '-']).unwrap_or((server, ""));
    ["sync", "hyper", "distance", "hello"].contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::tests::hello;

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
        let mut results = hello(&[("bare-hyper", 100.0, 8.0, 1.0), ("sync:2", 80.0, 8.0, 1.0)]);
        assert_eq!(against(&results).len(), 1);
        let ours = &mut results.series[1].samples;
        ours.extend([ours[0]; 2]);
        ours[2].requests_per_s = 101.0; // the median is what it was
        assert_eq!(against(&results).len(), 0);
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

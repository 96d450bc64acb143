//! The first screen of the page: which host, and what it costs against what people use now.

use std::fmt::Write;

use crate::compare::{Figure, Results, ScenarioFacts, Verdict, product, verdicts};
use crate::output::{markdown, number, plain_table, times};
use crate::stats::median;

/// Ours: what it is, and the servers that it is in the tables, of which a scenario has one.
const OURS: [(&str, &[&str]); 2] = [
    ("gateway-sync", &["sync:64", "sync:300", "hello-sync"]),
    ("gateway-hyper", &["hyper:64", "hello-hyper"]),
];

/// What most of those who ask use now.
const THEIRS: &str = "axum";

/// What is told of each: figure, and its name in the head of a table.
const FIGURES: [(Figure, &str); 3] = [
    (Figure::Cpu, "CPU"),
    (Figure::Rate, "requests/s"),
    (Figure::P99, "p99"),
];

/// The scenario of the servers in Python.
const PYTHON: &str = "python";

/// Both answers, as far as they were measured.
pub(super) fn in_short(results: &Results) -> String {
    [
        hosts(&verdicts(results)),
        costs(results),
        python(results).unwrap_or_default(),
    ]
    .concat()
}

fn hosts(verdicts: &[Verdict]) -> String {
    if verdicts.is_empty() {
        return String::new();
    }
    let mut table = plain_table(["endpoint", "what it does", "choose", "because"]);
    for verdict in verdicts {
        let choice = verdict.choose.as_deref().map_or("either", product);
        let because = match verdict.because.as_slice() {
            [] => "no figure differs by more than noise".to_owned(),
            reasons => reasons.join("; "),
        };
        table.add_row([&*verdict.endpoint, &verdict.kind.sentence, choice, &because]);
    }
    let mut lessons: Vec<&str> = verdicts.iter().map(|verdict| verdict.kind.so).collect();
    lessons.sort_unstable();
    lessons.dedup();
    let lessons = lessons.concat();
    let lessons = match lessons.trim() {
        "" => String::new(),
        lessons => format!("\n{lessons}\n"),
    };
    format!(
        "\n## Which host suits an endpoint?\n\nThe same application on both, the distance service, with 64 threads for \
         blocking calls, as many as there are connections: where all wait at once, none is free for whoever connects anew, which more \
         threads mend. In doubt: [blocking code on gateway-sync, async code on gateway-hyper](hosts.md).\n\n{}{lessons}",
        markdown(table).replace("---:", "---")
    )
}

/// Ratios to what people use now, scenario by scenario.
fn costs(results: &Results) -> String {
    let head = OURS
        .iter()
        .flat_map(|(ours, _)| FIGURES.map(|(_, figure)| format!("{ours}: {figure}")));
    let mut table = plain_table(["scenario".to_owned()].into_iter().chain(head));
    for scenario in &results.scenarios {
        let cells: Vec<String> = OURS
            .iter()
            .flat_map(|(_, servers)| {
                FIGURES.map(|(figure, _)| times(to_theirs(results, scenario, servers, figure)))
            })
            .collect();
        if cells.iter().any(|cell| !cell.is_empty()) {
            table.add_row([scenario.title.clone()].into_iter().chain(cells));
        }
    }
    if table.is_empty() {
        return String::new();
    }
    let mut text = format!(
        "\n## What does it cost against {THEIRS}?\n\nAs multiples of {THEIRS}'s: CPU a request and p99 are better below \
         ×1, requests a second above. A difference within the spread, which [all figures](#all-figures) have, shows nothing. gateway-sync has 64 \
         threads (300 where 256 calls wait), gateway-hyper async code; the smallest programs are `examples/hello`. Two threads do not do where calls \
         wait (`half`, `mixed`): *sync:2* in all figures.\n\n{}\n",
        markdown(table)
    );
    for (ours, servers) in OURS {
        let scenarios = results.scenarios.iter();
        let ratios: Vec<f64> = scenarios
            .filter_map(|scenario| to_theirs(results, scenario, servers, Figure::Cpu))
            .collect();
        let _ = text.write_str(&in_words(ours, &ratios).unwrap_or_default());
    }
    text + &alone(results).unwrap_or_default()
}

/// A single connection, where server and load share the cores and where each has one.
fn alone(results: &Results) -> Option<String> {
    let of = |ours, scenario, figure| {
        times(results.compared(scenario, (ours, THEIRS), figure)).to_owned()
    };
    let shared = of("hello-sync", "small", Figure::Cpu);
    let apart = of("sync:64", "hello-1", Figure::Cpu);
    let known = !shared.is_empty() && !apart.is_empty();
    known.then(|| {
        format!(
            "- A single connection, where load and server share the cores, costs gateway-sync {shared} of {THEIRS}'s CPU, and is answered {} as often; \
             where each has a core of its own, {apart} and {}: the difference is where the kernel runs them. Without a client \
             that connects anew every 20 ms it was the other way around: 34 to 37 thousand answers a second of gateway-sync, 16 of gateway-hyper (three \
             runs of `wrk -c1 -t1 -d2s` each).\n",
            of("hello-sync", "small", Figure::Rate),
            of("sync:64", "hello-1", Figure::Rate),
        )
    })
}

/// Ours as a multiple of theirs, in a scenario.
fn to_theirs(
    results: &Results,
    scenario: &ScenarioFacts,
    servers: &[&str],
    figure: Figure,
) -> Option<f64> {
    let name = &scenario.name;
    let mut ratios = servers
        .iter()
        .map(|server| results.compared(name, (server, THEIRS), figure));
    ratios.find_map(|ratio| ratio)
}

fn in_words(ours: &str, ratios: &[f64]) -> Option<String> {
    let [least, most] = [f64::min, f64::max].map(|of| ratios.iter().copied().reduce(of));
    Some(format!(
        "- {ours}: half of these scenarios cost {} or less of {THEIRS}'s CPU, the best {}, the worst {}.\n",
        times(median(ratios.iter().copied())),
        times(Some(least?)),
        times(Some(most?)),
    ))
}

/// The fastest server in Python, with each kind of application, against the slower of ours.
fn python(results: &Results) -> Option<String> {
    let of = |server: &str| results.median(server, PYTHON, Figure::Rate);
    let ours = OURS
        .iter()
        .filter_map(|(name, servers)| Some((*name, of(servers.first()?)?)));
    let (ours, rate) = ours.reduce(|one, other| if other.1 < one.1 { other } else { one })?;
    let best = |style: &str| {
        let all = results
            .in_scenario(PYTHON)
            .filter(|series| series.server.ends_with(style))
            .filter_map(|series| Some((series.server.as_str(), series.median(Figure::Rate)?)));
        let (server, best) = all.reduce(|one, other| if other.1 > one.1 { other } else { one })?;
        let times = times(Some(rate / best));
        Some(format!("{times} {server}'s {}", number(Some(best))))
    };
    Some(format!(
        "- Against Python, where all share two cores: {} requests/s of {ours} are {} and {}, the fastest there.\n",
        number(Some(rate)),
        best("/wsgi")?,
        best("/flask")?,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::tests::hello;

    #[test]
    fn says_what_ours_cost_against_theirs() {
        let results = hello(&[
            ("axum", 100_000.0, 8.0, 1.0),
            ("sync:64", 110_000.0, 6.0, 0.5),
            ("hyper:64", 95_000.0, 8.8, 1.0),
        ]);
        let text = in_short(&results);
        for part in [
            "## What does it cost against axum?",
            "×0.75 |",
            "×1.10 |",
            "×0.50 |",
            "- gateway-sync: half of these scenarios cost ×0.75 or less of axum's CPU, the best ×0.75, the worst ×0.75.",
            "- gateway-hyper: half of these scenarios cost ×1.10",
        ] {
            assert!(text.contains(part), "{part}:\n{text}");
        }
    }

    #[test]
    fn says_which_host_to_choose() {
        let results = hello(&[
            ("distance-sync:64", 100.0, 8.0, 1.0),
            ("distance-hyper:64", 50.0, 8.0, 1.0),
        ]);
        let text = in_short(&results);
        assert!(
            text.contains("| gateway-sync | 100 requests/s instead of 50.0"),
            "{text}"
        );
        assert!(!text.contains("axum"), "{text}");
    }

    #[test]
    fn puts_the_slower_of_ours_beside_the_fastest_in_python() {
        let mut results = hello(&[
            ("sync:64", 60_000.0, 8.0, 1.0),
            ("hyper:64", 50_000.0, 8.0, 1.0),
            ("uwsgi/wsgi", 20_000.0, 8.0, 1.0),
            ("granian/wsgi", 25_000.0, 8.0, 1.0),
            ("granian/flask", 5_000.0, 8.0, 1.0),
        ]);
        results.scenarios[0].name = PYTHON.into();
        results
            .series
            .iter_mut()
            .for_each(|series| series.scenario = PYTHON.into());
        let said = python(&results).unwrap();
        let expected = "50\u{202f}000 requests/s of gateway-hyper are ×2.00 granian/wsgi's 25\u{202f}000 and ×10.00 granian/flask's 5\u{202f}000";
        assert!(said.contains(expected), "{said}");
    }

    #[test]
    fn nothing_measured_is_nothing_said() {
        assert_eq!(in_short(&hello(&[])), "");
    }
}

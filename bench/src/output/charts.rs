//! Which charts are made of a run.

use std::path::Path;

use super::chart::{Drawn, Line, Scale, bars, grouped, lines};
use crate::compare::{Figure, Results, ScenarioFacts};

/// Bars of more servers cannot be told apart.
const MOST: usize = 8;

/// The scenario in which every server is measured.
const COMMON: &str = "hello-64";

/// The report's scenario for servers in Python, which would make the others invisible in a chart.
const PYTHON: &str = "python";

/// A chart that was drawn: its file's name, and its title.
pub(crate) type Chart = (&'static str, String);

/// Draws the charts of a run into a folder, and says which.
///
/// # Errors
///
/// If a file cannot be written.
pub(crate) fn draw(
    results: &Results,
    folder: &Path,
) -> Result<Vec<Chart>, Box<dyn std::error::Error + Send + Sync>> {
    let all: [(&str, &str, Draw); 5] = [
        (
            "throughput.svg",
            "Requests a second, as a multiple of bare hyper's",
            throughput,
        ),
        ("tail.svg", "p99 in milliseconds", tail),
        ("cpu.svg", "CPU µs a request", cpu),
        ("python.svg", "Requests a second", python),
        (
            "memory.svg",
            "Resident memory at its most, by connections",
            memory,
        ),
    ];
    let mut drawn = Vec::new();
    for (file, title, draw) in all {
        let title = match ranked(results, file) {
            Some(scenario) => format!("{title}: {}", scenario.title),
            None => title.to_owned(),
        };
        if let Some(drawing) = draw(results, &folder.join(file), &title) {
            drawing?;
            drawn.push((file, title));
        }
    }
    Ok(drawn)
}

/// What draws a chart; `None` if there are no figures for it.
type Draw = fn(&Results, &Path, &str) -> Option<Drawn>;

/// The one scenario that a chart is of, if it is of one: the common one, or what was measured instead.
fn ranked<'a>(results: &'a Results, file: &str) -> Option<&'a ScenarioFacts> {
    let named = |name| {
        results
            .scenarios
            .iter()
            .find(|scenario| scenario.name == name)
    };
    match file {
        "cpu.svg" => named(COMMON).or_else(|| shown(results).into_iter().next()),
        "python.svg" => named(PYTHON),
        _ => None,
    }
}

fn throughput(results: &Results, path: &Path, title: &str) -> Option<Drawn> {
    let scenarios = with_baseline(results);
    let of = stood_in(|server, scenario| results.ratio(server, scenario, Figure::Rate));
    let lines = by_server(results, &scenarios, of);
    let names = names(&scenarios);
    (!names.is_empty() && lines.len() > 1)
        .then(|| grouped(path, title, &names, &lines, Scale::Linear, true))
}

fn tail(results: &Results, path: &Path, title: &str) -> Option<Drawn> {
    let scenarios = with_baseline(results);
    let of = stood_in(|server, scenario| results.median(server, scenario, Figure::P99));
    let lines = by_server(results, &scenarios, of);
    let names = names(&scenarios);
    (!names.is_empty() && !lines.is_empty())
        .then(|| grouped(path, title, &names, &lines, Scale::Log, false))
}

fn cpu(results: &Results, path: &Path, title: &str) -> Option<Drawn> {
    let scenario = ranked(results, "cpu.svg")?;
    ranking(results, path, title, &scenario.name, Figure::Cpu)
}

fn python(results: &Results, path: &Path, title: &str) -> Option<Drawn> {
    ranking(results, path, title, PYTHON, Figure::Rate)
}

/// All servers of a scenario, the best first.
fn ranking(
    results: &Results,
    path: &Path,
    title: &str,
    scenario: &str,
    figure: Figure,
) -> Option<Drawn> {
    let mut rows: Vec<(&str, f64)> = results
        .in_scenario(scenario)
        .filter_map(|series| Some((series.server.as_str(), series.median(figure)?)))
        .collect();
    rows.sort_by(|(_, one), (_, other)| one.total_cmp(other));
    if figure.more_is_better() {
        rows.reverse();
    }
    (rows.len() > 1).then(|| bars(path, title, &rows))
}

/// Over the scenarios that differ in nothing but connections, the idle ones included.
fn memory(results: &Results, path: &Path, title: &str) -> Option<Drawn> {
    let mut scenarios: Vec<&ScenarioFacts> = results
        .scenarios
        .iter()
        .filter(|s| s.name.starts_with("hello-") || s.name.starts_with("idle"))
        .collect();
    scenarios.sort_by_key(|scenario| scenario.connections);
    scenarios.dedup_by_key(|scenario| scenario.connections);
    let at: Vec<f64> = scenarios.iter().map(|s| s.connections as f64).collect();
    let of = |server: &str, scenario: &str| results.median(server, scenario, Figure::PeakMemory);
    let drawn = by_server(results, &scenarios, of);
    (at.len() > 1).then(|| lines(path, title, ("connections", &at), "MiB", &drawn))
}

/// The scenarios that at least two servers share, each once.
fn shown(results: &Results) -> Vec<&ScenarioFacts> {
    let mut scenarios: Vec<&ScenarioFacts> = Vec::new();
    for scenario in &results.scenarios {
        let known = scenarios.iter().any(|known| known.name == scenario.name);
        if !known
            && !scenario.name.starts_with(PYTHON)
            && results.in_scenario(&scenario.name).count() > 1
        {
            scenarios.push(scenario);
        }
    }
    scenarios
}

/// Those of them in which the baseline is as well, if it was measured at all.
fn with_baseline(results: &Results) -> Vec<&ScenarioFacts> {
    let has_it = |s: &ScenarioFacts| results.of(crate::compare::BASELINE, &s.name).is_some();
    let mut scenarios = shown(results);
    if scenarios.iter().any(|scenario| has_it(scenario)) {
        scenarios.retain(|scenario| has_it(scenario));
    }
    scenarios
}

/// A line for each of the servers that are in most of the scenarios.
fn by_server(
    results: &Results,
    scenarios: &[&ScenarioFacts],
    of: impl Fn(&str, &str) -> Option<f64>,
) -> Vec<Line> {
    let mut lines: Vec<(usize, usize, Line)> = results
        .servers
        .iter()
        .enumerate()
        .map(|(place, server)| {
            let values = scenarios.iter().map(|s| of(&server.name, &s.name));
            let values: Vec<Option<f64>> = values.collect();
            let missing = values.iter().filter(|value| value.is_none()).count();
            let name = server.name.clone();
            (missing, place, Line { name, values })
        })
        .filter(|(missing, ..)| *missing < scenarios.len())
        .collect();
    lines.sort_by_key(|(missing, place, _)| (*missing, *place));
    lines.truncate(MOST);
    lines.sort_by_key(|(_, place, _)| *place);
    lines.into_iter().map(|(.., line)| line).collect()
}

/// Who stands in for a server in scenarios that it is not in: its host with threads enough, or as the smallest program.
const STAND_INS: [(&str, &[&str]); 2] = [
    ("sync:64", &["sync:300", "hello-sync"]),
    ("hyper:64", &["hello-hyper"]),
];

fn stood_in(of: impl Fn(&str, &str) -> Option<f64>) -> impl Fn(&str, &str) -> Option<f64> {
    move |server, scenario| {
        let stand_ins = STAND_INS.iter().find(|(of, _)| *of == server);
        let all = stand_ins.map_or(&[][..], |(_, all)| all).iter();
        of(server, scenario).or_else(|| all.copied().find_map(|server| of(server, scenario)))
    }
}

fn names<'a>(scenarios: &[&'a ScenarioFacts]) -> Vec<&'a str> {
    scenarios
        .iter()
        .map(|scenario| scenario.name.as_str())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::tests::hello;

    #[test]
    fn draws_only_what_there_are_figures_for() {
        let folder = tempfile::tempdir().unwrap();
        type Rows<'a> = &'a [(&'a str, f64, f64, f64)];
        let cases: [(Rows<'_>, &[&str]); 3] = [
            (&[], &[]),
            (
                &[("sync:2", 9.0, 1.0, 1.0), ("hyper", 9.0, 1.0, 1.0)],
                &["tail.svg", "cpu.svg"],
            ),
            (
                &[("bare-hyper", 9.0, 1.0, 1.0), ("sync:2", 9.0, 1.0, 1.0)],
                &["throughput.svg", "tail.svg", "cpu.svg"],
            ),
        ];
        for (rows, expected) in cases {
            let drawn = draw(&hello(rows), folder.path()).unwrap();
            let files: Vec<&str> = drawn.iter().map(|(file, _)| *file).collect();
            assert_eq!(files, expected);
            assert!(files.iter().all(|file| folder.path().join(file).exists()));
        }
    }
}

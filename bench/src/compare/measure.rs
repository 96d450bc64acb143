//! Round by round: every server in turn, so that a change of the machine's speed meets all of them.

use std::io;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use super::machine::Machine;
use super::results::{Results, ScenarioFacts, ServerFacts};
use super::runner::{NOISE, Runner};
use super::sample::Series;
use super::scenario::Scenario;
use super::server::Server;
use super::version::version_of;

/// What a sample takes besides the load.
const AROUND: Duration = Duration::from_millis(900);

/// Servers in scenarios.
#[derive(Clone, Debug)]
pub(crate) struct Part {
    pub(crate) servers: Vec<Server>,
    pub(crate) scenarios: Vec<Scenario>,
    /// Samples of each.
    pub(crate) rounds: usize,
    /// Length of a sample.
    pub(crate) seconds: u64,
    /// Server on one core, load on another.
    pub(crate) pin: bool,
}

impl Part {
    /// The samples that it takes if none is taken again.
    pub(crate) fn samples(&self) -> usize {
        let pairs: usize = self.scenarios.iter().map(|s| self.takers(s).count()).sum();
        self.rounds * pairs
    }

    /// How long that takes: starting, warming up and ending included, as long as servers are quick at
    /// it, and wrk and crowds at connecting.
    pub(crate) fn estimate(&self) -> Duration {
        self.samples() as u32 * (Duration::from_secs(self.seconds) + AROUND)
    }

    fn takers<'a>(&'a self, scenario: &'a Scenario) -> impl Iterator<Item = &'a Server> {
        self.servers.iter().filter(|server| server.suits(scenario))
    }
}

/// Measures all parts. A server that does not answer is left out of what remains of its scenario;
/// after an interruption, what was measured is what there is.
///
/// # Errors
///
/// If wrk is not there.
pub(crate) fn measure(parts: &[Part], runner: &Runner) -> io::Result<Results> {
    let machine = Machine::here();
    crate::load::version()?;
    let mut results = Results {
        machine,
        command: std::env::args().skip(1).collect::<Vec<_>>().join(" "),
        noise: NOISE,
        ..Results::default()
    };
    let parts = roomy(available(parts, &mut results), &mut results);
    let progress = progress(parts.iter().map(Part::samples).sum());
    for part in &parts {
        let runner = Runner {
            seconds: part.seconds,
            pin: part.pin,
            ..runner.clone()
        };
        for scenario in &part.scenarios {
            let ended = sample_all(part, scenario, &runner, &progress, &mut results);
            if ended.is_err() {
                results
                    .left_out
                    .push("what came after an interruption".into());
                results.interrupted = true;
                progress.finish_and_clear();
                return Ok(results);
            }
        }
    }
    progress.finish_and_clear();
    Ok(results)
}

fn sample_all(
    part: &Part,
    scenario: &Scenario,
    runner: &Runner,
    progress: &ProgressBar,
    results: &mut Results,
) -> io::Result<()> {
    let mut takers: Vec<(&Server, Series)> = part
        .takers(scenario)
        .map(|server| (server, empty(server, scenario)))
        .collect();
    let mut ended = Ok(());
    'rounds: for round in 1..=part.rounds {
        let mut failed = Vec::new();
        for (server, series) in &mut takers {
            let (name, rounds) = (&server.name, part.rounds);
            progress.set_message(format!("{} {round}/{rounds} {name}", scenario.name));
            match runner.sample(server, scenario, &mut series.retries) {
                Ok(sample) => series.samples.push(sample),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {
                    ended = Err(error);
                    break 'rounds;
                }
                Err(error) => {
                    results
                        .left_out
                        .push(format!("{name} in {}: {error}", scenario.name));
                    failed.push(name.clone());
                }
            }
            progress.inc(1);
        }
        takers.retain(|(server, _)| !failed.contains(&server.name));
    }
    note(part, scenario, &takers, results);
    results.series.extend(
        takers
            .into_iter()
            .map(|(_, series)| series)
            .filter(|series| !series.samples.is_empty()),
    );
    ended
}

/// Leaves out the servers whose programs are not there, and says how to get them.
fn available(parts: &[Part], results: &mut Results) -> Vec<Part> {
    let mut parts = parts.to_vec();
    for part in &mut parts {
        part.servers.retain(|server| match server.missing() {
            None => true,
            Some(install) => {
                let text = format!("{}: not built, which {install} does", server.name);
                if !results.left_out.contains(&text) {
                    results.left_out.push(text);
                }
                false
            }
        });
    }
    parts
}

/// Leaves out the parts that take more cores than the machine has, and says so in a line.
fn roomy(parts: Vec<Part>, results: &mut Results) -> Vec<Part> {
    if results.machine.cores > 1 {
        return parts;
    }
    let (pinned, others): (Vec<_>, Vec<_>) = parts.into_iter().partition(|part| part.pin);
    let scenarios: Vec<&str> = pinned
        .iter()
        .flat_map(|part| &part.scenarios)
        .map(|scenario| scenario.name.as_str())
        .collect();
    if !scenarios.is_empty() {
        let names = scenarios.join(", ");
        let text =
            format!("{names}: server and load have a core each there, and this machine has one");
        results.left_out.push(text);
    }
    others
}

fn empty(server: &Server, scenario: &Scenario) -> Series {
    Series {
        server: server.name.clone(),
        scenario: scenario.name.clone(),
        ..Series::default()
    }
}

/// Notes the scenario and its servers for the report, each once.
fn note(part: &Part, scenario: &Scenario, takers: &[(&Server, Series)], results: &mut Results) {
    results.scenarios.push(ScenarioFacts {
        name: scenario.name.clone(),
        title: scenario.title.clone(),
        connections: scenario.connections(),
        rounds: part.rounds,
        seconds: part.seconds,
        pinned: part.pin,
    });
    for (server, _) in takers {
        if results
            .servers
            .iter()
            .any(|known| known.name == server.name)
        {
            continue;
        }
        results.servers.push(ServerFacts {
            name: server.name.clone(),
            version: version_of(&server.name),
            settings: server.settings.clone(),
            command: server.shown(),
        });
    }
}

fn progress(samples: usize) -> ProgressBar {
    let style = ProgressStyle::with_template("{pos:>4}/{len} {elapsed}+{eta} {wide_msg}");
    ProgressBar::new(samples as u64)
        .with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_core_leaves_out_what_takes_two() {
        let part = |name, pin| super::super::part(&["bare-hyper"], &[name], (1, 1), pin).unwrap();
        let parts = vec![
            part("hello-64", true),
            part("io", false),
            part("browser", true),
        ];
        let both =
            "hello-64, browser: server and load have a core each there, and this machine has one";
        for (cores, left, said) in [(1, 1, vec![both]), (2, 3, vec![])] {
            let mut results = Results::default();
            results.machine.cores = cores;
            assert_eq!(roomy(parts.clone(), &mut results).len(), left, "{cores}");
            assert_eq!(results.left_out, said, "{cores}");
        }
        let mut results = Results::default();
        assert_eq!(roomy(vec![part("io", false)], &mut results).len(), 1);
        assert!(results.left_out.is_empty());
    }
}

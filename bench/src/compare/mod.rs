//! `compare`: servers side by side.

mod choice;
mod decide;
mod hosts;
mod kind;
mod machine;
mod measure;
mod peers;
mod results;
mod runner;
mod sample;
mod scenario;
mod server;
mod version;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32};

use clap::Args;

pub(crate) use decide::{Verdict, verdicts};
pub(crate) use hosts::advice;
pub(crate) use kind::product;
pub(crate) use measure::{Part, measure};
#[cfg(test)]
pub(crate) use results::tests;
pub(crate) use results::{BASELINE, Results, ScenarioFacts};
pub(crate) use sample::{Figure, Sample, Series};
#[cfg(test)]
pub(crate) use scenario::Scenario;

use self::runner::Runner;
use self::server::Places;
use crate::output;
use crate::process::raise_descriptors;

type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// Starts servers in turn, round by round, loads each with wrk, and reports medians as ratios to bare
/// hyper.
#[derive(Args)]
pub(crate) struct Compare {
    /// Servers: bare-hyper, sync:N, hyper:N, hyper-blocking:N (N threads), distance-sync:N,
    /// distance-hyper:N, hello-sync, hello-hyper, a peer's name; or the groups own, peers, python, all
    #[arg(
        long,
        value_delimiter = ',',
        default_value = "own",
        conflicts_with = "hosts_only"
    )]
    servers: Vec<String>,
    /// Scenarios by name, or all; `--list` tells them
    #[arg(
        long,
        value_delimiter = ',',
        default_value = "hello-64",
        conflicts_with = "hosts_only"
    )]
    scenarios: Vec<String>,
    /// Samples of each server in each scenario
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..))]
    rounds: u16,
    /// Length of a sample
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..))]
    seconds: u64,
    /// Connections of the load that is measured, instead of the scenario's
    #[arg(long, visible_alias = "concurrency", value_parser = at_least_one)]
    connections: Option<usize>,
    /// Gives server and load a core each: less spread, and no server has more than a core
    #[arg(long)]
    pin: bool,
    #[command(flatten)]
    hosts: Hosts,
    #[command(flatten)]
    conduct: Conduct,
    /// Where results.json, report.md and the charts go
    #[arg(long, default_value = "target/bench")]
    output: PathBuf,
    /// Names the servers and scenarios, and measures nothing
    #[arg(long)]
    list: bool,
}

/// One application on both hosts.
#[derive(Args)]
struct Hosts {
    /// Compares the hosts on the distance service, and says which to choose
    #[arg(long)]
    hosts_only: bool,
    /// Threads for blocking calls, on either host
    #[arg(long, default_value_t = 64, requires = "hosts_only", value_parser = clap::value_parser!(u16).range(1..))]
    threads: u16,
    /// An application of yours that runs already, as sync=http://127.0.0.1:8001; give one for each host
    #[arg(
        long,
        value_name = "NAME=URL",
        requires = "hosts_only",
        conflicts_with = "pin"
    )]
    url: Vec<hosts::Target>,
    /// What it is asked for; may be given more than once
    #[arg(long, default_value = "/", requires = "url")]
    path: Vec<String>,
}

/// How samples are taken.
#[derive(Args, Clone)]
pub(crate) struct Conduct {
    /// Takes no sample again because of what others do on the machine
    #[arg(long)]
    any_load: bool,
    /// How often a sample may be taken again
    #[arg(long, default_value_t = 3)]
    retries: u32,
}

impl Conduct {
    /// What takes the samples, with the servers' words in a folder. Length and cores are those of the part that is
    /// measured.
    pub(crate) fn runner(&self, folder: &std::path::Path) -> Result<Runner> {
        let logs = folder.join("logs");
        std::fs::create_dir_all(&logs)?;
        raise_descriptors()?;
        let interrupted = Arc::new(AtomicBool::new(false));
        for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
            signal_hook::flag::register(signal, Arc::clone(&interrupted))?;
        }
        Ok(Runner {
            seconds: 1,
            pin: false,
            retries: if self.any_load { 0 } else { self.retries },
            budget: Arc::new(AtomicU32::new(u32::MAX)),
            logs,
            rounds: crate::serve::rounds(),
            interrupted,
        })
    }
}

/// Servers in scenarios by name: so many rounds of so many seconds.
///
/// # Errors
///
/// If there is no such server or scenario.
pub(crate) fn part(
    servers: &[&str],
    scenarios: &[&str],
    (rounds, seconds): (usize, u64),
    pin: bool,
) -> std::result::Result<Part, String> {
    let places = Places::usual().map_err(|error| error.to_string())?;
    Ok(Part {
        servers: choice::servers(servers, &places)?,
        scenarios: choice::scenarios(scenarios)?,
        rounds,
        seconds,
        pin,
    })
}

/// The distance service on both hosts, with 64 connections.
///
/// # Errors
///
/// If the place of this program is not known.
pub(crate) fn distance(threads: u16, effort: (usize, u64)) -> std::result::Result<Part, String> {
    hosts::distance(threads, 64, effort, false).map_err(|error| error.to_string())
}

impl Compare {
    pub(crate) fn run(self) -> Result {
        if self.list {
            list();
            return Ok(());
        }
        let runner = self.conduct.runner(&self.output)?;
        let results = match self.hosts.hosts_only {
            false => measure(&[self.part()?], &runner)?,
            true => self.hosts(runner)?,
        };
        output::print(&results);
        output::write(&results, &self.output)?;
        if self.hosts.hosts_only {
            hosts::advice(&results)
                .iter()
                .for_each(|line| println!("\n{line}"));
        }
        println!("written: {}", self.output.display());
        Ok(results.check()?)
    }

    fn hosts(&self, runner: Runner) -> Result<Results> {
        let (connections, rounds) = (self.connections.unwrap_or(64), usize::from(self.rounds));
        if self.hosts.url.is_empty() {
            let effort = (rounds, self.seconds);
            let part = hosts::distance(self.hosts.threads, connections, effort, self.pin)?;
            return Ok(measure(&[part], &runner)?);
        }
        hosts::all_differ(&self.hosts.url)?;
        let seconds = self.seconds;
        let runner = Runner { seconds, ..runner };
        hosts::users(
            &self.hosts.url,
            &self.hosts.path,
            connections,
            rounds,
            &runner,
        )
    }

    fn part(&self) -> Result<Part> {
        let mut scenarios = choice::scenarios(&self.scenarios)?;
        if let Some(connections) = self.connections {
            for scenario in &mut scenarios {
                scenario.request.connections = connections;
                scenario.title += &format!(" (here {connections})");
            }
        }
        Ok(Part {
            servers: choice::servers(&self.servers, &Places::usual()?)?,
            scenarios,
            rounds: usize::from(self.rounds),
            seconds: self.seconds,
            pin: self.pin,
        })
    }
}

fn at_least_one(text: &str) -> std::result::Result<usize, &'static str> {
    let count = text.parse().ok().filter(|count| *count > 0);
    count.ok_or("not a number from 1 up")
}

fn list() {
    println!("servers: {}", choice::names("all").join(", "));
    println!(
        "and: hello-sync, hello-hyper, and with any number N of threads: sync:N, hyper:N, hyper-blocking:N, distance-sync:N, distance-hyper:N"
    );
    for name in scenario::names() {
        // Each name in the list is one: a test runs them all.
        let title = scenario::Scenario::named(name).map(|scenario| scenario.title);
        println!("{name:<14} {}", title.unwrap_or_default());
    }
}

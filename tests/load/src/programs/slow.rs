//! `slow`: what thousands of slow clients cost a normal one, and how they end.

use std::time::{Duration, Instant};

use clap::Args;

use super::started::Started;
use crate::Result;
use crate::figures::{Figures, median, print_table};
use crate::process::Process;
use crate::swarm::Manner;

/// Measured in turn: without slow clients, with them at a server that does nothing else, with them at
/// the same server. The second is what the clients and the kernel cost by themselves.
const PLACES: [Place; 3] = [Place::Nowhere, Place::Elsewhere, Place::Here];

/// Who the slow clients are, in equal shares.
const MANNERS: [Manner; 4] = [Manner::Head, Manner::Body, Manner::Large, Manner::Pieces];

/// Requests a second for the times to an answer: what leaves the machine room.
const RATE: f64 = 2000.0;

/// Slow clients: half of them send a byte every half second, half within a request head and half within
/// a body; the others read 1 MiB at 1 KiB a second.
#[derive(Args)]
pub(crate) struct Slow {
    /// The servers, with the number of threads after a colon.
    #[arg(long, value_delimiter = ',', default_value = "sync:2,sync:64,hyper:64")]
    servers: Vec<String>,
    /// How many slow clients.
    #[arg(long, default_value_t = 10_000)]
    clients: usize,
    /// How often each is measured.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// How long a measurement takes, in seconds.
    #[arg(long, default_value_t = 2.0)]
    seconds: f64,
    /// Leaves out how the slow clients end.
    #[arg(long)]
    no_ends: bool,
    /// Leaves out what they cost.
    #[arg(long)]
    no_costs: bool,
}

/// Where the slow clients are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Nowhere,
    Elsewhere,
    Here,
}

/// What normal clients saw at full speed, and at a rate that leaves room.
struct Sample {
    full: Figures,
    paced: Figures,
}

impl Slow {
    pub(crate) fn run(self) -> Result {
        let mut costs = Vec::new();
        let mut ends = Vec::new();
        for server in &self.servers {
            if !self.no_costs {
                costs.push(self.cost(server)?);
            }
            if !self.no_ends {
                ends.extend(self.ends(server)?);
            }
        }
        if !self.no_costs {
            println!(
                "\n{} slow clients beside 64 normal ones: medians of {} × {} s. Requests a second as fast \
                 as they come; times to an answer at {RATE} requests a second.",
                self.clients, self.rounds, self.seconds
            );
            let head = [
                "server",
                "requests/s without",
                "elsewhere",
                "here",
                "here ÷ without",
                "here ÷ elsewhere",
                "CPU µs/request without",
                "here",
                "p99 ms without",
                "elsewhere",
                "here",
                "here ÷ elsewhere",
                "MiB with",
                "errors",
            ];
            print_table(&head, &costs);
        }
        if !self.no_ends {
            println!(
                "\nHow the slow clients end, with a least rate of 4096 bytes a second and 10 s for a head"
            );
            let head = [
                "server", "manner", "clients", "end", "first s", "median s", "last s",
            ];
            print_table(&head, &ends);
        }
        Ok(())
    }

    /// Measures without slow clients, with them elsewhere, and with them here, in turn.
    fn cost(&self, server: &str) -> Result<Vec<String>> {
        // Nobody is to be cut while it is measured; the rate is watched all the same.
        let options = "--min-rate 1 --head 3600 --write-stall 3600";
        let (sink, started) = (Started::new("sink", "")?, Started::new(server, options)?);
        started.drive("/hello", 64, 1.0, 0.0)?; // warms up
        let mut samples: [Vec<Sample>; 3] = Default::default();
        let mut memory = 0;
        for round in 0..self.rounds {
            for (place, samples) in PLACES.iter().zip(&mut samples) {
                eprintln!(
                    "{server}: round {}/{}, slow clients {place:?}",
                    round + 1,
                    self.rounds
                );
                let swarms = match place {
                    Place::Nowhere => Vec::new(),
                    Place::Elsewhere => self.swarms(&sink)?,
                    Place::Here => self.swarms(&started)?,
                };
                sink.come_to_rest()?;
                started.come_to_rest()?;
                samples.push(Sample {
                    full: started.drive("/hello", 64, self.seconds, 0.0)?,
                    paced: started.drive("/hello", 64, self.seconds, RATE)?,
                });
                if *place == Place::Here {
                    memory = memory.max(started.process.memory()?);
                }
                let lost = ended(swarms)?;
                if lost > 0.0 {
                    eprintln!("{server}: {lost} slow clients were gone before the end");
                }
                std::thread::sleep(Duration::from_millis(500)); // for those who leave
            }
        }
        Ok(row(server, &samples, memory))
    }

    /// Has the slow clients cut, by the least rate and the head deadline.
    fn ends(&self, server: &str) -> Result<Vec<Vec<String>>> {
        eprintln!("{server}: how slow clients end");
        let started = Started::new(server, "--min-rate 4096 --head 10")?;
        let mut swarms = self.swarms(&started)?;
        let until = Instant::now() + Duration::from_secs(90);
        let mut reports = Vec::new();
        while Instant::now() < until {
            std::thread::sleep(Duration::from_secs(2));
            reports = swarms
                .iter_mut()
                .map(|swarm| swarm.ask("report"))
                .collect::<Result<_>>()?;
            if reports
                .iter()
                .all(|report: &Figures| report.of("alive") == 0.0)
            {
                break;
            }
        }
        Ok(MANNERS
            .iter()
            .zip(&reports)
            .map(|(manner, report)| self.end(server, *manner, report))
            .collect())
    }

    fn end(&self, server: &str, manner: Manner, report: &Figures) -> Vec<String> {
        let times = ["first", "median", "last"];
        let ends: Vec<_> = report
            .iter()
            .filter(|(name, _)| !times.contains(name))
            .map(|(name, count)| format!("{} {count}", name.replace('_', " ")))
            .collect();
        let mut row = vec![
            server.to_owned(),
            manner.name(),
            (self.clients / MANNERS.len()).to_string(),
            ends.join(", "),
        ];
        row.extend(times.map(|time| format!("{:.1}", report.of(time))));
        row
    }

    fn swarms(&self, at: &Started) -> Result<Vec<Process>> {
        let each = self.clients / MANNERS.len();
        MANNERS
            .iter()
            .map(|manner| at.swarm(*manner, each))
            .collect()
    }
}

/// How many of the clients have ended before they were called off.
fn ended(swarms: Vec<Process>) -> Result<f64> {
    let mut ended = 0.0;
    for mut swarm in swarms {
        let report = swarm.ask("report")?;
        let names = ["whole", "closed", "reset", "status_408", "status_503"];
        ended += names.iter().map(|name| report.of(name)).sum::<f64>();
    }
    Ok(ended)
}

fn row(server: &str, samples: &[Vec<Sample>; 3], memory: u64) -> Vec<String> {
    let rates = samples
        .each_ref()
        .map(|of| median(of.iter().map(|s| s.full.of("rate"))));
    let p99s = samples
        .each_ref()
        .map(|of| median(of.iter().map(|s| s.paced.of("p99"))));
    let cpu = |sample: &Sample| sample.full.of("processor") * 1e6 / sample.full.of("requests");
    let cpus = samples.each_ref().map(|of| median(of.iter().map(cpu)));
    let errors: f64 = samples
        .iter()
        .flatten()
        .map(|s| s.full.of("errors") + s.paced.of("errors"))
        .sum();
    let [rate, rate_elsewhere, rate_here] = rates;
    let [p99, p99_elsewhere, p99_here] = p99s;
    let [cpu, _, cpu_here] = cpus;
    vec![
        server.to_owned(),
        format!("{rate:.0}"),
        format!("{rate_elsewhere:.0}"),
        format!("{rate_here:.0}"),
        format!("{:.2}", rate_here / rate),
        format!("{:.2}", rate_here / rate_elsewhere),
        format!("{cpu:.1}"),
        format!("{cpu_here:.1}"),
        format!("{p99:.2}"),
        format!("{p99_elsewhere:.2}"),
        format!("{p99_here:.2}"),
        format!("{:.2}", p99_here / p99_elsewhere),
        format!("{:.0}", memory as f64 / (1024.0 * 1024.0)),
        errors.to_string(),
    ]
}

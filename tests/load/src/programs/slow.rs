//! `slow`: what thousands of slow clients cost a normal one, and how they end.

use std::time::{Duration, Instant};

use clap::Args;

use super::started::Started;
use crate::Result;
use crate::checks::{Bound, Checks};
use crate::figures::{Figures, median, mib, print_table, quantile};
use crate::process::Process;
use crate::swarm::Manner;

/// Measured in turn: without slow clients, with them at a server that does nothing else, with them at
/// the same server. The second is what the clients and the kernel cost by themselves.
const PLACES: [Place; 3] = [Place::Nowhere, Place::Elsewhere, Place::Here];

/// Who the slow clients are, in equal shares.
const MANNERS: [Manner; 4] = [Manner::Head, Manner::Body, Manner::Large, Manner::Pieces];

/// By what share throughput and p99 of normal clients may be worse beside slow ones.
const WORSE: f64 = 0.1;

/// How slow clients are cut: the options of the server, for how long it is watched, and by when all of a
/// manner must have ended, in seconds; none where the settings let them be.
const ENDS: [(&str, &str, f64, [Option<f64>; 4]); 2] = [
    // Heads by `head` (30 s), bodies by the least rate (240 bytes a second, after 5 s). Who takes 1 KiB a
    // second is faster than that.
    ("", "by default", 60.0, [Some(45.0), Some(20.0), None, None]),
    (
        "--min-rate 4096 --head 10",
        "least rate 4096, head 10 s",
        120.0,
        [Some(25.0), Some(20.0), Some(120.0), Some(120.0)],
    ),
];

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
    /// Lets server and load share the cores.
    #[arg(long)]
    no_pin: bool,
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
        if !self.no_pin {
            crate::pin::part()?;
        }
        let mut checks = Checks::default();
        let mut costs = Vec::new();
        let mut ends = Vec::new();
        for server in &self.servers {
            if !self.no_costs {
                costs.push(self.cost(server, &mut checks)?);
            }
            if !self.no_ends {
                ends.extend(self.ends(server, &mut checks)?);
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
                "here ÷ without",
                "here ÷ elsewhere",
                "MiB with",
                "errors",
            ];
            print_table(&head, &costs);
        }
        if !self.no_ends {
            println!("\nHow the slow clients end");
            let head = [
                "server", "settings", "manner", "clients", "end", "first s", "median s", "last s",
            ];
            print_table(&head, &ends);
        }
        checks.conclude("slow")
    }

    /// Measures without slow clients, with them elsewhere, and with them here, in turn.
    fn cost(&self, server: &str, checks: &mut Checks) -> Result<Vec<String>> {
        // Nobody is to be cut while it is measured; the rate is watched all the same.
        let options = "--min-rate 1 --head 3600 --write-stall 3600";
        let (sink, started) = (Started::new("sink", "")?, Started::new(server, options)?);
        started.drive("/hello", 64, 1.0, 0.0)?; // warms up
        let descriptors = started.process.descriptors()?;
        let mut samples: [Vec<Sample>; 3] = Default::default();
        let (mut memory, mut gone) = (0, 0.0);
        for round in 0..self.rounds {
            let mut order = [0, 1, 2];
            if round % 2 == 1 {
                order.reverse(); // what drifts is in all of them
            }
            for number in order {
                let (place, samples) = (&PLACES[number], &mut samples[number]);
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
                gone += ended(server, swarms)?;
                started.let_go(descriptors)?;
            }
        }
        check(server, &samples, checks);
        checks.add(
            server,
            "slow clients lost meanwhile",
            gone,
            Bound::AtMost(0.0),
        );
        Ok(row(server, &samples, memory))
    }

    /// Has the slow clients cut, by the least rate and the head deadline.
    fn ends(&self, server: &str, checks: &mut Checks) -> Result<Vec<Vec<String>>> {
        let mut rows = Vec::new();
        for (options, settings, seconds, must) in ENDS {
            eprintln!("{server}: how slow clients end, {settings}");
            let reports = self.watch(server, options, seconds)?;
            for ((manner, report), must) in MANNERS.iter().zip(&reports).zip(must) {
                rows.push(self.end(server, settings, *manner, report));
                if let Some(by) = must {
                    checks.add(
                        server,
                        left(*manner),
                        report.of("alive"),
                        Bound::AtMost(0.0),
                    );
                    checks.add(server, last(*manner), report.of("last"), Bound::AtMost(by));
                }
            }
        }
        Ok(rows)
    }

    /// Has slow clients come, and gives what has become of each manner after so many seconds, or when all
    /// have ended.
    fn watch(&self, server: &str, options: &str, seconds: f64) -> Result<Vec<Figures>> {
        let started = Started::new(server, options)?;
        let mut swarms = self.swarms(&started)?;
        let until = Instant::now() + Duration::from_secs_f64(seconds);
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
        Ok(reports)
    }

    fn end(&self, server: &str, settings: &str, manner: Manner, report: &Figures) -> Vec<String> {
        let times = ["first", "median", "last"];
        let ends: Vec<_> = report
            .iter()
            .filter(|(name, _)| !times.contains(name))
            .map(|(name, count)| format!("{} {count}", name.replace('_', " ")))
            .collect();
        let mut row = vec![
            server.to_owned(),
            settings.to_owned(),
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

/// How many of the clients have ended before they were called off. Says how they did.
fn ended(server: &str, swarms: Vec<Process>) -> Result<f64> {
    let mut ended = 0.0;
    for (manner, mut swarm) in MANNERS.iter().zip(swarms) {
        let report = swarm.ask("report")?;
        for name in ["whole", "closed", "reset", "status_408", "status_503"] {
            let clients = report.of(name);
            if clients > 0.0 {
                let (first, last) = (report.of("first"), report.of("last"));
                let manner = manner.name();
                eprintln!(
                    "{server}: gone before the end: {clients} of {manner}, {name}, after {first:.1} to {last:.1} s"
                );
            }
            ended += clients;
        }
    }
    Ok(ended)
}

fn left(manner: Manner) -> &'static str {
    match manner {
        Manner::Head => "heads not cut",
        Manner::Body => "bodies not cut",
        _ => "readers not cut",
    }
}

fn last(manner: Manner) -> &'static str {
    match manner {
        Manner::Head => "last head cut after, s",
        Manner::Body => "last body cut after, s",
        _ => "last reader cut after, s",
    }
}

/// Throughput and p99 beside slow clients, against those beside slow clients of another server: what
/// clients and kernel cost by themselves is in both.
fn check(server: &str, samples: &[Vec<Sample>; 3], checks: &mut Checks) {
    let [without, elsewhere, here] = samples;
    let rate = |sample: &Sample| sample.full.of("rate");
    let p99 = |sample: &Sample| sample.paced.of("p99");
    let ratio = |of: &dyn Fn(&Sample) -> f64| {
        median(
            here.iter()
                .zip(elsewhere)
                .map(|(here, there)| of(here) / of(there)),
        )
    };
    let (least, most) = (Bound::AtLeast(1.0 - WORSE), Bound::AtMost(1.0 + WORSE));
    let noise = swing(without.iter().map(rate));
    checks.add_noisy(
        server,
        "throughput, here ÷ elsewhere",
        ratio(&rate),
        least,
        noise,
    );
    let noise = swing(without.iter().map(p99));
    checks.add_noisy(server, "p99, here ÷ elsewhere", ratio(&p99), most, noise);
    let all = samples.iter().flatten();
    let errors = all.map(|sample| sample.full.of("errors") + sample.paced.of("errors"));
    checks.add(
        server,
        "errors of normal clients",
        errors.sum(),
        Bound::AtMost(0.0),
    );
}

/// By what share of their median numbers differ from it: half of what lies between the quarter that is
/// lowest and the quarter that is highest.
fn swing(numbers: impl Iterator<Item = f64>) -> f64 {
    let mut numbers: Vec<_> = numbers.collect();
    let [low, middle, high] = [0.25, 0.5, 0.75].map(|share| quantile(&mut numbers, share));
    (high - low) / 2.0 / middle
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
        format!("{:.2}", p99_here / p99),
        format!("{:.2}", p99_here / p99_elsewhere),
        mib(memory),
        errors.to_string(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_swings_is_told_as_a_share() {
        assert_eq!(swing([10.0; 4].into_iter()), 0.0);
        assert_eq!(swing([8.0, 9.0, 10.0, 11.0, 12.0].into_iter()), 0.1);
    }
}

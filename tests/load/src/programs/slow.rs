//! `slow`: what thousands of slow clients cost a normal one, and how they end.

use std::time::{Duration, Instant};

use clap::Args;

use super::costs::Plan;
use super::started::Started;
use super::swarms::{MANNERS, Swarms};
use crate::Result;
use crate::checks::{Bound, Checks};
use crate::figures::{Figures, print_table};
use crate::swarm::Manner;

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

/// Slow clients: half of them send a byte every half second, half within a request head and half within
/// a body; the others read 1 MiB at 1 KiB a second.
#[derive(Args)]
pub(crate) struct Slow {
    /// The servers, with the number of threads after a colon.
    #[arg(
        long,
        value_delimiter = ',',
        default_value = "sync:2,sync:64,hyper:64,hyper-blocking:2"
    )]
    servers: Vec<String>,
    /// How many slow clients.
    #[arg(long, default_value_t = 10_000)]
    clients: usize,
    /// How often they come.
    #[arg(long, default_value_t = 4)]
    rounds: usize,
    /// How many samples are taken each time.
    #[arg(long, default_value_t = 10)]
    samples: usize,
    /// How long each sample takes, in seconds.
    #[arg(long, default_value_t = 0.5)]
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

impl Slow {
    pub(crate) fn run(self) -> Result {
        if !self.no_pin {
            crate::pin::part()?;
        }
        let plan = Plan {
            clients: self.clients,
            rounds: self.rounds,
            samples: self.samples,
            seconds: self.seconds,
        };
        let mut checks = Checks::default();
        let mut costs = Vec::new();
        let mut ends = Vec::new();
        for server in &self.servers {
            if !self.no_costs {
                let cost = plan.measure(server)?;
                cost.check(&mut checks);
                costs.push(cost);
            }
            if !self.no_ends {
                ends.extend(self.ends(server, &mut checks)?);
            }
        }
        if !self.no_costs {
            plan.print(&costs);
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
        let mut swarms = Swarms::start(&started, self.clients)?;
        let until = Instant::now() + Duration::from_secs_f64(seconds);
        let mut reports = Vec::new();
        while Instant::now() < until {
            std::thread::sleep(Duration::from_secs(2));
            reports = swarms.reports()?;
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

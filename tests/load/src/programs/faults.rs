//! `faults`: clients that vanish, in whatever they are at.

use std::time::Duration;

use clap::Args;

use super::started::Started;
use crate::Result;
use crate::checks::{Bound, Checks};
use crate::drive::Drive;
use crate::figures::{Figures, mib, print_table};
use crate::process::Process;
use crate::swarm::Manner;

/// How many normal clients there are, and how many requests a second they make together.
const NORMAL: usize = 8;
const RATE: f64 = 500.0;

/// How soon a server is to let go of those who vanished, in milliseconds: before a deadline would have
/// it cut them. The least rate comes first, 5 s after they began.
const LET_GO: f64 = 3000.0;

/// How much memory a server may keep for the next clients, in bytes a client of one crowd, however many have come: what
/// gateway-sync has for one that takes a response slowly, 192 KiB, and a third for what the allocator has between.
const KEPT: f64 = 256.0 * 1024.0;

/// Clients that are killed (SIGKILL) in whatever they are at, again and again, beside normal ones: whether
/// those notice, and whether the server lets go of all that it had for the others.
#[derive(Args)]
pub(crate) struct Faults {
    /// The servers, with the number of threads after a colon.
    #[arg(
        long,
        value_delimiter = ',',
        default_value = "sync:2,hyper:64,hyper-blocking:64"
    )]
    servers: Vec<String>,
    /// How many clients vanish at once.
    #[arg(long, default_value_t = 1000)]
    clients: usize,
    /// How often.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
}

impl Faults {
    pub(crate) fn run(self) -> Result {
        let manners = [
            Manner::Idle,
            Manner::Head,
            Manner::Body,
            Manner::Large,
            Manner::Pieces,
        ];
        let mut rows = Vec::new();
        let mut checks = Checks::default();
        for server in &self.servers {
            let started = Started::new(server, "")?;
            started.drive("/hello", 64, 1.0, 0.0)?;
            let mut all = Vec::new();
            for manner in manners {
                eprintln!("{server}: {} clients vanish, {manner:?}", self.clients);
                let seen = self.vanish(&started, manner)?;
                rows.push(seen.row(server, manner));
                all.push(seen);
            }
            self.check(server, &all, &mut checks);
        }
        println!(
            "\n{} clients vanish {} times, beside {NORMAL} normal ones at {RATE} requests a second",
            self.clients, self.rounds
        );
        let head = [
            "server",
            "they were",
            "errors of normal clients",
            "p99 ms",
            "descriptors before",
            "after",
            "let go after ms, longest",
            "MiB before",
            "MiB after",
        ];
        print_table(&head, &rows);
        checks.conclude("faults")
    }

    fn vanish(&self, started: &Started, manner: Manner) -> Result<Seen> {
        let (memory, descriptors) = (started.settled_memory()?, started.process.descriptors()?);
        let drive = Drive::new(started.address, "/hello", NORMAL, self.seconds(), RATE);
        let mut driving = Process::start(&drive.command())?;
        let normal = descriptors + NORMAL;
        let mut let_go = Duration::ZERO;
        for _ in 0..self.rounds {
            let mut swarm = started.swarm(manner, self.clients)?;
            std::thread::sleep(Duration::from_millis(600));
            swarm.kill();
            let_go = let_go.max(started.let_go(normal)?);
        }
        let normal = driving.line()?.parse()?;
        drop(driving);
        let left = started.settled_memory()?;
        Ok(Seen {
            normal,
            descriptors: (descriptors, started.process.descriptors()?),
            let_go,
            memory: (memory, left),
        })
    }

    /// How long the normal clients ask.
    fn seconds(&self) -> f64 {
        2.0 * self.rounds as f64
    }

    /// The worst of what was seen of a server is to be within the bounds.
    fn check(&self, server: &str, all: &[Seen], checks: &mut Checks) {
        let least = |of: fn(&Seen) -> f64| all.iter().map(of).fold(f64::INFINITY, f64::min);
        let most = |of: fn(&Seen) -> f64| all.iter().map(of).fold(f64::NEG_INFINITY, f64::max);
        let answers = least(|seen| seen.normal.of("requests"));
        let asked = Bound::AtLeast(RATE * self.seconds() / 2.0);
        checks.add(server, "answers to normal clients", answers, asked);
        let kept = most(|seen| seen.memory.1 as f64) - least(|seen| seen.memory.0 as f64);
        for (what, found, bound) in [
            (
                "memory kept, bytes a client",
                kept / self.clients as f64,
                KEPT,
            ),
            (
                "errors of normal clients",
                most(|seen| seen.normal.of("errors")),
                0.0,
            ),
            ("descriptors kept", most(Seen::kept), 0.0),
            (
                "let go after, ms",
                most(|seen| seen.let_go.as_secs_f64() * 1e3),
                LET_GO,
            ),
        ] {
            checks.add(server, what, found, Bound::AtMost(bound));
        }
    }
}

/// What was seen while clients vanished in one manner.
struct Seen {
    /// By the normal clients.
    normal: Figures,
    /// Of the server, before and after.
    descriptors: (usize, usize),
    /// The longest that the server took to let go of them.
    let_go: Duration,
    /// In bytes, before and after.
    memory: (u64, u64),
}

impl Seen {
    /// How many descriptors the server has more than before.
    fn kept(&self) -> f64 {
        self.descriptors.1 as f64 - self.descriptors.0 as f64
    }

    fn row(&self, server: &str, manner: Manner) -> Vec<String> {
        vec![
            server.to_owned(),
            manner.name(),
            self.normal.of("errors").to_string(),
            format!("{:.1}", self.normal.of("p99")),
            self.descriptors.0.to_string(),
            self.descriptors.1.to_string(),
            self.let_go.as_millis().to_string(),
            mib(self.memory.0),
            mib(self.memory.1),
        ]
    }
}

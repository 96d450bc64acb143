//! `faults`: clients that vanish, in whatever they are at.

use std::time::Duration;

use clap::Args;

use super::started::Started;
use crate::Result;
use crate::figures::{Figures, mib, print_table};
use crate::process::Process;
use crate::swarm::Manner;

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
        for server in &self.servers {
            let started = Started::new(server, "")?;
            started.drive("/hello", 64, 1.0, 0.0)?;
            for manner in manners {
                eprintln!("{server}: {} clients vanish, {manner:?}", self.clients);
                rows.push(self.vanish(server, &started, manner)?);
            }
        }
        println!(
            "\n{} clients vanish {} times, beside 8 normal ones at 500 requests a second",
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
        Ok(())
    }

    fn vanish(&self, server: &str, started: &Started, manner: Manner) -> Result<Vec<String>> {
        let (memory, descriptors) = (started.settled_memory()?, started.process.descriptors()?);
        let seconds = 2.0 * self.rounds as f64;
        let drive = crate::drive::Drive::new(started.address, "/hello", 8, seconds, 500.0);
        let mut driving = Process::start(&drive.command())?;
        let normal = descriptors + 8;
        let mut longest = Duration::ZERO;
        for _ in 0..self.rounds {
            let mut swarm = started.swarm(manner, self.clients)?;
            std::thread::sleep(Duration::from_millis(600));
            swarm.kill();
            longest = longest.max(started.let_go(normal)?);
        }
        let seen: Figures = driving.line()?.parse()?;
        drop(driving);
        let left = started.settled_memory()?;
        Ok(vec![
            server.to_owned(),
            manner.name(),
            seen.of("errors").to_string(),
            format!("{:.1}", seen.of("p99")),
            descriptors.to_string(),
            started.process.descriptors()?.to_string(),
            longest.as_millis().to_string(),
            mib(memory),
            mib(left),
        ])
    }
}

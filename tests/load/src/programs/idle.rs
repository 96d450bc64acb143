//! `idle`: what an idle connection costs in memory.

use clap::Args;

use super::started::Started;
use crate::Result;
use crate::checks::{Bound, Checks};
use crate::figures::{mib, print_table};
use crate::swarm::Manner;

/// What an idle connection may cost, in bytes: gateway-sync, and gateway-hyper over HTTP/1.
const SYNC: f64 = 4096.0;
const HYPER: f64 = 16384.0;

/// What an idle connection costs the server's process in memory; what the kernel keeps for its socket is
/// left out.
#[derive(Args)]
pub(crate) struct Idle {
    /// The servers, with the number of threads after a colon.
    #[arg(long, value_delimiter = ',', default_value = "sync:2,sync:64,hyper:64")]
    servers: Vec<String>,
    /// How many connections.
    #[arg(long, default_value_t = 10_000)]
    connections: usize,
}

impl Idle {
    pub(crate) fn run(self) -> Result {
        let mut rows = Vec::new();
        let mut checks = Checks::default();
        for server in &self.servers {
            eprintln!("{server}");
            rows.push(self.measure(server, &mut checks)?);
        }
        println!(
            "\nBytes of the server's memory for each of {} idle connections",
            self.connections
        );
        let head = [
            "server",
            "before any request",
            "after one request",
            "MiB before",
            "MiB after all have left",
        ];
        print_table(&head, &rows);
        checks.conclude("idle")
    }

    fn measure(&self, server: &str, checks: &mut Checks) -> Result<Vec<String>> {
        let started = Started::new(server, "--head 3600")?; // who says nothing is not to be cut
        // What is there once and for all comes with the first requests.
        started.drive("/hello", 64, 1.0, 0.0)?;
        let none = started.settled_memory()?;
        let mut swarm = started.swarm(Manner::Idle, self.connections)?;
        let silent = started.settled_memory()?;
        let answered = swarm.ask("ask")?.of("answered");
        if answered < self.connections as f64 {
            return Err(
                format!("{server}: {answered} of {} were answered", self.connections).into(),
            );
        }
        let idle = started.settled_memory()?;
        drop(swarm);
        let left = started.settled_memory()?;
        let each =
            |memory: u64| (memory.saturating_sub(none) as f64 / self.connections as f64).round();
        let most = Bound::AtMost(match server.starts_with("sync") {
            true => SYNC,
            false => HYPER,
        });
        checks.add(server, "bytes, before any request", each(silent), most);
        checks.add(server, "bytes, after a request", each(idle), most);
        Ok(vec![
            server.to_owned(),
            each(silent).to_string(),
            each(idle).to_string(),
            mib(none),
            mib(left),
        ])
    }
}

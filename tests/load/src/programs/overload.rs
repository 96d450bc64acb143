//! `overload`: ten times the load that can be carried.

use std::time::{Duration, Instant};

use clap::Args;

use super::started::Started;
use crate::Result;
use crate::checks::{Bound, Checks};
use crate::drive::Drive;
use crate::figures::{mib, print_table};
use crate::process::Process;

/// How soon a server is to be itself again, in milliseconds after the load's end.
const BACK: f64 = 1000.0;

/// How soon a refusal is to come, in milliseconds: well before the call of anyone who waits.
const QUICK: f64 = 500.0;

/// How much memory a client may cost, in bytes.
const EACH: f64 = 64.0 * 1024.0;

/// How long a call takes, in milliseconds.
const CALL: f64 = 20.0;

/// How many times as long as by the queue alone the longest answer may take, and what is allowed besides, in
/// milliseconds: machines have other things to do.
const PATIENCE: f64 = 4.0;
const ALLOWANCE: f64 = 500.0;

/// Calls that block for 20 ms, asked for by ten times as many clients as threads and places in the
/// queue. A refused client asks again after 100 ms.
#[derive(Args)]
pub(crate) struct Overload {
    /// The servers, with the number of threads after a colon.
    #[arg(
        long,
        value_delimiter = ',',
        default_value = "sync:16,hyper-blocking:16"
    )]
    servers: Vec<String>,
    /// Calls that may wait for a thread.
    #[arg(long, default_value_t = 32)]
    queue: usize,
    /// Budgets: how many calls the application lets run at once. One beyond the threads is none.
    #[arg(long, value_delimiter = ',', default_value = "1000,8")]
    budgets: Vec<usize>,
    /// How long the load lasts, in seconds.
    #[arg(long, default_value_t = 10.0)]
    seconds: f64,
}

impl Overload {
    pub(crate) fn run(self) -> Result {
        let mut rows = Vec::new();
        let mut checks = Checks::default();
        for server in &self.servers {
            for budget in &self.budgets {
                eprintln!("{server}, at most {budget} calls at once");
                rows.push(self.measure(server, *budget, &mut checks)?);
            }
        }
        println!(
            "\nTen times the clients that threads and queue ({}) can hold, for {} s; calls of 20 ms; then a \
             client that comes when they have gone",
            self.queue, self.seconds
        );
        let head = [
            "server",
            "budget",
            "clients",
            "answered/s",
            "of ideal",
            "p50 ms",
            "p99 ms",
            "longest ms",
            "503/s",
            "503 p50 ms",
            "503 p99 ms",
            "errors",
            "most calls at once",
            "MiB before",
            "MiB most",
            "first answer after the load, ms",
            "next 50, longest ms",
        ];
        print_table(&head, &rows);
        checks.conclude("overload")
    }

    fn measure(&self, server: &str, budget: usize, checks: &mut Checks) -> Result<Vec<String>> {
        let threads: usize = server
            .split_once(':')
            .map_or("64", |(_, threads)| threads)
            .parse()?;
        let options = format!("--queue {} --budget {budget}", self.queue);
        let mut started = Started::new(server, &options)?;
        started.drive("/block", threads, 1.0, 0.0)?; // all threads have run once
        let before = started.settled_memory()?;
        started.process.ask("figures")?;
        let clients = 10 * (threads + self.queue);
        let drive = Drive::new(started.address, "/block", clients, self.seconds, 0.0);
        let mut driving = Process::start(&drive.command())?;
        let most = self.most_memory(&started)?;
        let load: crate::figures::Figures = driving.line()?.parse()?;
        drop(driving);
        let (first, next) = self.back_to_normal(&started)?;
        let calls = started.process.ask("figures")?;
        let at_once = threads.min(budget);
        let ideal = at_once as f64 * 1e3 / CALL;
        let turns = self.before(server, threads, budget).div_ceil(at_once) + 1;
        let ran = calls.of("most");
        let at_most = [
            ("first answer after the load, ms", first, BACK),
            ("the next answers, longest ms", next, BACK),
            ("calls at once", ran, at_once as f64),
            (
                "the longest answer, ms",
                load.of("max"),
                PATIENCE * turns as f64 * CALL + ALLOWANCE,
            ),
            (
                "memory, bytes a client",
                (most.saturating_sub(before)) as f64 / clients as f64,
                EACH,
            ),
            ("errors", load.of("errors"), 0.0),
        ];
        for (what, found, most) in at_most {
            checks.add(server, what, found, Bound::AtMost(most));
        }
        checks.add(server, "refused", load.of("refused"), Bound::AtLeast(1.0));
        checks.add(
            server,
            "503, p99 ms",
            load.of("refused_p99"),
            Bound::AtMost(QUICK),
        );
        Ok(vec![
            server.to_owned(),
            budget.to_string(),
            clients.to_string(),
            format!("{:.0}", load.of("rate")),
            format!("{:.2}", load.of("rate") / ideal),
            format!("{:.0}", load.of("p50")),
            format!("{:.0}", load.of("p99")),
            format!("{:.0}", load.of("max")),
            format!("{:.0}", load.of("refused") / self.seconds),
            format!("{:.1}", load.of("refused_p50")),
            format!("{:.1}", load.of("refused_p99")),
            load.of("errors").to_string(),
            ran.to_string(),
            mib(before),
            mib(most),
            format!("{first:.0}"),
            format!("{next:.0}"),
        ])
    }

    /// How many calls may be before one that is let in: those of the queue, and those that wait for a budget below the
    /// threads, which they do on threads of gateway-sync, beyond the queue.
    fn before(&self, server: &str, threads: usize, budget: usize) -> usize {
        match server.starts_with("sync") {
            true => self.queue + threads.saturating_sub(budget),
            false => self.queue,
        }
    }

    /// The most memory that the server has while the load lasts.
    fn most_memory(&self, started: &Started) -> Result<u64> {
        let until = Instant::now() + Duration::from_secs_f64(self.seconds);
        let mut most = 0;
        while Instant::now() < until {
            most = most.max(started.process.memory()?);
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(most)
    }

    /// The time to the first answer after the load, and the longest of fifty that follow.
    fn back_to_normal(&self, started: &Started) -> Result<(f64, f64)> {
        let one = Drive::new(started.address, "/block", 1, 0.001, 0.0);
        let first: crate::figures::Figures = Process::start(&one.command())?.line()?.parse()?;
        let fifty = started.drive("/block", 1, 1.0, 0.0)?;
        Ok((first.of("max"), fifty.of("max")))
    }
}

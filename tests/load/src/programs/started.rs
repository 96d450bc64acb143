//! [`Started`]: a server in a process of its own; and who is started against it.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::Result;
use crate::drive::Drive;
use crate::figures::Figures;
use crate::process::Process;
use crate::swarm::{Manner, Swarm};

/// A server in a process of its own.
pub(super) struct Started {
    pub(super) process: Process,
    pub(super) address: SocketAddr,
}

impl Started {
    /// Starts the server that is called so, such as `sync:64`, with further options of `serve`.
    pub(super) fn new(server: &str, options: &str) -> Result<Self> {
        let (host, threads) = server.split_once(':').unwrap_or((server, "64"));
        let line = format!("serve --host {host} --threads {threads} {options}");
        let words: Vec<_> = line.split_ascii_whitespace().map(str::to_owned).collect();
        let mut process = crate::pin::server(|| Process::start(&words))?;
        let address = process.line()?.parse()?;
        Ok(Self { process, address })
    }

    /// So many slow or idle clients, connected. They give way to normal ones, whose times are measured on the same
    /// core.
    pub(super) fn swarm(&self, manner: Manner, clients: usize) -> Result<Process> {
        let mut swarm = Process::start_yielding(&Swarm::command(self.address, manner, clients))?;
        swarm.line()?;
        Ok(swarm)
    }

    /// Has normal clients ask, and gives what they saw; with it the processor time that the server
    /// took meanwhile, in seconds.
    pub(super) fn drive(
        &self,
        path: &str,
        clients: usize,
        seconds: f64,
        rate: f64,
    ) -> Result<Figures> {
        let before = self.process.processor_time()?;
        let drive = Drive::new(self.address, path, clients, seconds, rate);
        let figures: Figures = Process::start(&drive.command())?.line()?.parse()?;
        let time = self.process.processor_time()? - before;
        Ok(figures.with("processor", time.as_secs_f64()))
    }

    /// How much processor time the server takes now, watched for so many seconds; in milliseconds a second.
    pub(super) fn share_of_core(&self, seconds: f64) -> Result<f64> {
        let before = self.process.processor_time()?;
        std::thread::sleep(Duration::from_secs_f64(seconds));
        let taken = self.process.processor_time()? - before;
        Ok(taken.as_secs_f64() * 1e3 / seconds)
    }

    /// Waits until the server has done what it does for clients that have just come, and only what they go
    /// on asking for is left: when it has taken little of a core for a while. Not for ever.
    pub(super) fn come_to_rest(&self) -> Result {
        const LOOK: Duration = Duration::from_millis(500);
        let until = Instant::now() + Duration::from_secs(60);
        let mut little = 0;
        while little < 3 && Instant::now() < until {
            let before = self.process.processor_time()?;
            std::thread::sleep(LOOK);
            let taken = self.process.processor_time()? - before;
            little = if taken < LOOK / 5 { little + 1 } else { 0 };
        }
        Ok(())
    }

    /// Waits until the server has let go of clients that have left: until it has so many descriptors again, or
    /// fewer. A slow client may have two, and those of two crowds are more than a process may have. Gives how
    /// long it took; not for ever.
    pub(super) fn let_go(&self, descriptors: usize) -> Result<Duration> {
        const PATIENCE: Duration = Duration::from_secs(20);
        let left = Instant::now();
        while self.process.descriptors()? > descriptors && left.elapsed() < PATIENCE {
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(left.elapsed())
    }

    /// Its memory, once that has settled: when it has been the same for 6 s, which is longer than servers
    /// wait before they give back what they have not used. Not for ever.
    pub(super) fn settled_memory(&self) -> Result<u64> {
        const LOOK: Duration = Duration::from_millis(500);
        const LOOKS: u32 = 12;
        let until = Instant::now() + Duration::from_secs(30);
        let mut last = self.process.memory()?;
        let mut same = 0;
        while same < LOOKS && Instant::now() < until {
            std::thread::sleep(LOOK);
            let now = self.process.memory()?;
            same = if now == last { same + 1 } else { 0 };
            last = now;
        }
        Ok(last)
    }
}

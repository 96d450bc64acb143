//! Takes samples: starts a server, loads it, looks at it, ends it.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use super::sample::Sample;
use super::scenario::{Beside, Scenario};
use super::server::Server;
use crate::load::{Crowd, Load, Probe, Wrk, wait_until_answering, warm_up};
use crate::process::{Running, Tree, machine_time, own_time};
use crate::serve::ROUNDS;

/// How long a server may take until it answers.
const START: Duration = Duration::from_secs(20);

/// Cores that other processes may take during a sample; beyond it the sample is taken again.
pub(crate) const NOISE: f64 = 0.2;

/// How samples are taken.
#[derive(Clone, Debug)]
pub(crate) struct Runner {
    /// Length of a sample.
    pub(crate) seconds: u64,
    /// Server on core 0, load on core 1.
    pub(crate) pin: bool,
    /// How often a noisy sample may be taken again, before it is taken as it is.
    pub(crate) retries: u32,
    /// How often any sample of the run may still be taken again, so that it comes to an end.
    pub(crate) budget: Arc<AtomicU32>,
    /// Where the servers' own words go.
    pub(crate) logs: PathBuf,
    /// What `/compute` computes, the same on all servers in Rust.
    pub(crate) rounds: u64,
    /// Set when the user wants no more.
    pub(crate) interrupted: Arc<AtomicBool>,
}

impl Runner {
    /// A sample of a server of ours, and how often it was taken again.
    ///
    /// # Errors
    ///
    /// If the server does not answer, wrk is not there, or the user interrupts.
    pub(crate) fn sample(
        &self,
        server: &Server,
        scenario: &Scenario,
        again: &mut u32,
    ) -> io::Result<Sample> {
        let mut best: Option<Sample> = None;
        for attempt in 0..=self.retries {
            if attempt > 0 {
                if !self.may_repeat() {
                    break;
                }
                *again += 1;
            }
            let sample = self.once(server, scenario)?;
            if best.is_none_or(|best| sample.others < best.others) {
                best = Some(sample);
            }
            if sample.others <= NOISE {
                break;
            }
        }
        best.ok_or_else(|| io::ErrorKind::InvalidInput.into())
    }

    /// A sample of a server that somebody else has started, with the process that it is, if that is
    /// known.
    ///
    /// # Errors
    ///
    /// If it does not answer, wrk is not there, or the user interrupts.
    pub(crate) fn foreign(
        &self,
        address: SocketAddr,
        process: Option<u32>,
        scenario: &Scenario,
    ) -> io::Result<Sample> {
        self.go_on()?;
        let path = &scenario.request.path;
        wait_until_answering(address, path, START, || false)?;
        let tree = process.map(Tree::of).transpose()?;
        let idle_kib = tree.as_ref().map_or(0, Tree::resident);
        warm_up(address, path)?;
        let sample = self.load(address, tree.as_ref(), path, scenario)?;
        self.go_on()?;
        Ok(Sample { idle_kib, ..sample })
    }

    fn once(&self, server: &Server, scenario: &Scenario) -> io::Result<Sample> {
        self.go_on()?;
        let address = free_address()?;
        let log = self
            .logs
            .join(format!("{}.log", server.name.replace('/', "-")));
        let mut process = Running::start(
            &server.command(address),
            &server.folder,
            (ROUNDS, &self.rounds.to_string()),
            self.pin.then_some(0),
            &log,
        )?;
        wait_until_answering(address, server.health, START, || process.is_alive()).map_err(
            |error| {
                let name = &server.name;
                let text = format!("{name} does not answer: {error}; see {}", log.display());
                io::Error::new(error.kind(), text)
            },
        )?;
        let tree = process.tree()?;
        let idle_kib = tree.resident();
        warm_up(address, server.health)?;
        let sample = self.load(address, Some(&tree), server.health, scenario)?;
        self.go_on()?;
        Ok(Sample { idle_kib, ..sample })
    }

    fn load(
        &self,
        address: SocketAddr,
        tree: Option<&Tree>,
        health: &str,
        scenario: &Scenario,
    ) -> io::Result<Sample> {
        let core = self.pin.then_some(1);
        let crowd = match scenario.beside {
            Beside::Crowd(manner, count) => Some(Crowd::gather(address, manner, count, core)?),
            Beside::Load(_) | Beside::Nothing => None,
        };
        let watch = Watch::start(tree)?;
        let probe = Probe::start(address, health.to_owned(), core);
        let beside = match &scenario.beside {
            Beside::Load(request) => Some(Wrk::start(address, request, self.seconds, core)?),
            Beside::Crowd(..) | Beside::Nothing => None,
        };
        let load = Wrk::start(address, &scenario.request, self.seconds, core)?.finish();
        let beside = beside.map(Wrk::finish).transpose();
        let waits = probe.finish();
        let used = watch.stop(tree)?;
        let peak_kib = tree.map_or(0, Tree::peak);
        let lost = crowd.map(Crowd::disperse);
        let (load, beside) = (load?, beside?);
        let others = waits.answered as u64 + beside.map_or(0, |beside| beside.requests);
        Ok(Sample {
            requests: load.requests,
            requests_per_s: load.rate(),
            p50_ms: ms(load.p50_us),
            p99_ms: ms(load.p99_us),
            p999_ms: ms(load.p999_us),
            errors: load.errors + beside.map_or(0, |beside| beside.errors),
            cpu_us: used.server * used.wall * 1e6 / (load.requests + others).max(1) as f64,
            cores: used.server,
            idle_kib: 0,
            peak_kib,
            waits,
            beside_per_s: beside.as_ref().map(Load::rate),
            lost,
            others: used.others,
        })
    }

    /// Takes one of the repetitions that are left.
    fn may_repeat(&self) -> bool {
        let left = self.budget.load(Ordering::Relaxed);
        self.budget.store(left.saturating_sub(1), Ordering::Relaxed);
        left > 0
    }

    fn go_on(&self) -> io::Result<()> {
        if self.interrupted.load(Ordering::Relaxed) {
            return Err(io::ErrorKind::Interrupted.into());
        }
        Ok(())
    }
}

/// Processor times at the start of a sample.
struct Watch {
    start: Instant,
    server: Duration,
    own: Duration,
    machine: Duration,
}

/// What a sample took, in cores, and its length in seconds.
struct Used {
    server: f64,
    others: f64,
    wall: f64,
}

impl Watch {
    fn start(server: Option<&Tree>) -> io::Result<Self> {
        Ok(Self {
            server: server.map(Tree::time).unwrap_or_default(),
            own: own_time()?,
            machine: machine_time()?,
            start: Instant::now(),
        })
    }

    /// The load's own time counts once it has been waited for.
    fn stop(self, server: Option<&Tree>) -> io::Result<Used> {
        let wall = self.start.elapsed().as_secs_f64();
        let spent = |now: Duration, then: Duration| now.saturating_sub(then).as_secs_f64() / wall;
        let machine = spent(machine_time()?, self.machine);
        let own = spent(own_time()?, self.own);
        let used = spent(server.map(Tree::time).unwrap_or_default(), self.server);
        // Of a server that is not known, nothing can be told from the others.
        let others = if server.is_some() {
            machine - own - used
        } else {
            0.0
        };
        Ok(Used {
            server: used,
            others: others.max(0.0),
            wall,
        })
    }
}

/// An address that was free a moment ago: the server binds it itself.
fn free_address() -> io::Result<SocketAddr> {
    TcpListener::bind("127.0.0.1:0")?.local_addr()
}

fn ms(us: u64) -> f64 {
    us as f64 / 1e3
}

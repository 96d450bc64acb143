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
use crate::process::{Running, Tree, Usage, machine_time, own_time};
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
    /// Server on one core, load on another.
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
        self.quiet(again, || self.once(server, scenario))
    }

    /// A sample of a server that somebody else has started, with the process that it is, if that is
    /// known, and how often it was taken again.
    ///
    /// # Errors
    ///
    /// If it does not answer, wrk is not there, or the user interrupts.
    pub(crate) fn foreign(
        &self,
        address: SocketAddr,
        process: Option<u32>,
        scenario: &Scenario,
        again: &mut u32,
    ) -> io::Result<Sample> {
        let path = &scenario.request.path;
        self.quiet(again, || {
            self.go_on()?;
            wait_until_answering(address, path, START, || false)?;
            self.warm(address, process.map(Tree::of), path, scenario)
        })
    }

    /// The first sample during which others leave the machine alone, or the best of those that may be
    /// taken.
    fn quiet(
        &self,
        again: &mut u32,
        mut once: impl FnMut() -> io::Result<Sample>,
    ) -> io::Result<Sample> {
        let mut best = once()?;
        for _ in 0..self.retries {
            if best.others <= NOISE || !self.may_repeat() {
                break;
            }
            *again += 1;
            let sample = once()?;
            if sample.others < best.others {
                best = sample;
            }
        }
        Ok(best)
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
        self.warm(address, Some(process.tree()), server.health, scenario)
    }

    /// A sample of a server that answers.
    fn warm(
        &self,
        address: SocketAddr,
        tree: Option<Tree>,
        health: &str,
        scenario: &Scenario,
    ) -> io::Result<Sample> {
        let idle_kib = tree.map_or(Ok(0), Tree::settled)?;
        tree.map_or(Ok(()), Tree::forget_peak)?;
        warm_up(address, health)?;
        let sample = self.load(address, tree, health, scenario)?;
        self.go_on()?;
        Ok(Sample { idle_kib, ..sample })
    }

    fn load(
        &self,
        address: SocketAddr,
        tree: Option<Tree>,
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
        let peak_kib = tree.map_or(Ok(0), Tree::peak)?;
        let lost = crowd.map(Crowd::disperse);
        let (load, beside) = (load?, beside?);
        let of_beside = beside.map_or(0, |beside| beside.requests);
        let alike = match health == scenario.request.path {
            true => waits.answered as u64,
            false => 0,
        };
        let all = (load.requests + of_beside + alike).max(1) as f64;
        Ok(Sample {
            requests: load.requests,
            requests_per_s: load.rate(),
            p50_ms: ms(load.p50_us),
            p99_ms: ms(load.p99_us),
            p999_ms: ms(load.p999_us),
            errors: failures(&load, scenario) + beside.map_or(0, |beside| beside.errors),
            cpu_us: used.time.as_secs_f64() * 1e6 / all,
            kernel_us: used.kernel.as_secs_f64() * 1e6 / all,
            switches: used.switches as f64 / all,
            delay_us: used.delay.as_secs_f64() * 1e6 / all,
            cores: used.server,
            load_cores: used.load,
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
    server: Usage,
    own: Duration,
    machine: Duration,
}

/// What a sample took.
struct Used {
    /// Of the server.
    time: Duration,
    kernel: Duration,
    switches: u64,
    delay: Duration,
    /// The same time in cores.
    server: f64,
    load: f64,
    others: f64,
}

impl Watch {
    fn start(server: Option<Tree>) -> io::Result<Self> {
        Ok(Self {
            server: server.map_or(Ok(Usage::default()), Tree::usage)?,
            own: own_time()?,
            machine: machine_time()?,
            start: Instant::now(),
        })
    }

    /// The load's own time counts once it has been waited for.
    fn stop(self, server: Option<Tree>) -> io::Result<Used> {
        let wall = self.start.elapsed().as_secs_f64();
        let spent = |now: Duration, then: Duration| now.saturating_sub(then).as_secs_f64() / wall;
        let machine = spent(machine_time()?, self.machine);
        let own = spent(own_time()?, self.own);
        let usage = server.map_or(Ok(Usage::default()), Tree::usage)?;
        let used = spent(usage.time, self.server.time);
        // Of a server that is not known, nothing can be told from the others.
        let others = if server.is_some() {
            machine - own - used
        } else {
            0.0
        };
        Ok(Used {
            time: usage.time.saturating_sub(self.server.time),
            kernel: usage.kernel.saturating_sub(self.server.kernel),
            switches: usage.switches.saturating_sub(self.server.switches),
            delay: usage.delay.saturating_sub(self.server.delay),
            server: used,
            load: own,
            others: others.max(0.0),
        })
    }
}

/// What failed of a load. Where nothing was answered nothing was found wrong either: it all failed.
fn failures(load: &Load, scenario: &Scenario) -> u64 {
    match load.requests {
        0 => load.errors.max(scenario.request.connections as u64),
        _ => load.errors,
    }
}

/// An address that was free a moment ago: the server binds it itself.
fn free_address() -> io::Result<SocketAddr> {
    TcpListener::bind("127.0.0.1:0")?.local_addr()
}

fn ms(us: u64) -> f64 {
    us as f64 / 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runner(retries: u32, budget: u32) -> Runner {
        Runner {
            seconds: 1,
            pin: false,
            retries,
            budget: Arc::new(AtomicU32::new(budget)),
            logs: PathBuf::new(),
            rounds: 1,
            interrupted: Arc::default(),
        }
    }

    #[test]
    fn takes_a_sample_again_while_others_are_at_work() {
        // Retries of a sample and of the run; what others take in each; the sample that is kept.
        type Case<'a> = ((u32, u32), &'a [f64], f64);
        let cases: [Case<'_>; 6] = [
            ((3, 9), &[0.1], 0.1),
            ((3, 9), &[0.5, 0.3, 0.2], 0.2),
            ((2, 9), &[0.5, 0.3, 0.9], 0.3),
            ((0, 9), &[0.5], 0.5),
            ((3, 1), &[0.5, 0.6], 0.5),
            ((3, 0), &[0.5], 0.5),
        ];
        for ((retries, budget), others, kept) in cases {
            let (mut again, mut left) = (0, others.iter());
            let sample = runner(retries, budget).quiet(&mut again, || {
                let others = *left.next().expect("no more samples than these");
                Ok(Sample {
                    others,
                    ..Sample::default()
                })
            });
            assert_eq!(sample.unwrap().others, kept, "{others:?}");
            assert_eq!(again as usize, others.len() - 1, "{others:?}");
            assert!(left.next().is_none(), "{others:?}");
        }
    }
}

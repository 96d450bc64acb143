//! Servers side by side: in turn, round by round, so that a change of the machine's speed meets all
//! of them.

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use clap::Args;

use crate::load::{Load, drive};
use crate::process::{Running, machine_time};

/// How long a server may take until it can be connected to.
const START: Duration = Duration::from_secs(10);

/// Cores that other processes may take during a sample; beyond it the sample is taken again.
const NOISE: f64 = 0.2;

/// How often a sample is taken again before it is taken as it is, and marked.
const RETRIES: usize = 3;

/// Measures servers side by side.
#[derive(Args)]
pub(crate) struct Compare {
    /// Servers: a host of `serve`, with the number of threads after a colon.
    #[arg(
        long,
        value_delimiter = ',',
        default_value = "bare-hyper,sync:2,sync:64,hyper:64"
    )]
    servers: Vec<String>,
    /// The path asked for.
    #[arg(long, default_value = "/hello")]
    path: String,
    /// Samples of each server.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Length of a sample.
    #[arg(long, default_value_t = 3)]
    seconds: u64,
    /// Kept connections.
    #[arg(long, default_value_t = 64)]
    connections: usize,
    /// Gives the server core 0 and the load core 1.
    #[arg(long)]
    pin: bool,
}

#[derive(Clone, Copy, Debug)]
struct Sample {
    load: Load,
    /// Processor time of the server for each request, in microseconds.
    cpu: f64,
    noisy: bool,
}

impl Compare {
    pub(crate) fn run(self) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        let mut samples: Vec<Vec<Sample>> = vec![Vec::new(); self.servers.len()];
        for round in 0..self.rounds {
            for (server, samples) in self.servers.iter().zip(&mut samples) {
                eprintln!("round {}/{}: {server}", round + 1, self.rounds);
                samples.push(self.quiet_sample(server)?);
            }
        }
        self.print(&samples);
        Ok(())
    }

    fn quiet_sample(&self, server: &str) -> io::Result<Sample> {
        let mut sample = self.sample(server)?;
        for _ in 0..RETRIES {
            if !sample.noisy {
                break;
            }
            sample = self.sample(server)?;
        }
        Ok(sample)
    }

    fn sample(&self, server: &str) -> io::Result<Sample> {
        let address = free_address()?;
        let process = Running::start(&command(server, address)?, self.pin.then_some(0))?;
        wait_for(address)?;
        drive(
            address,
            &self.path,
            self.connections,
            1,
            self.pin.then_some(1),
        )?; // warms up
        let (before, all, start) = (process.time()?, machine_time()?, Instant::now());
        let load = drive(
            address,
            &self.path,
            self.connections,
            self.seconds,
            self.pin.then_some(1),
        )?;
        let (used, all) = (process.time()? - before, machine_time()? - all);
        let wall = start.elapsed().as_secs_f64();
        // The load is one thread, and never takes more than the whole time.
        let others = (all.saturating_sub(used).as_secs_f64() / wall - 1.0).max(0.0);
        let cpu = used.as_secs_f64() * 1e6 / load.requests as f64;
        Ok(Sample {
            load,
            cpu,
            noisy: others > NOISE,
        })
    }

    fn print(&self, samples: &[Vec<Sample>]) {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        println!(
            "{} · {} connections · {} × {} s · {cores} cores{}",
            self.path,
            self.connections,
            self.rounds,
            self.seconds,
            if self.pin {
                " · server and load pinned to one each"
            } else {
                ""
            }
        );
        println!();
        println!(
            "| server | requests/s | CPU µs/request | ratio | p50 ms | p99 ms | errors | noisy |"
        );
        println!("|---|---:|---:|---:|---:|---:|---:|---:|");
        let baseline = samples
            .first()
            .map_or(f64::NAN, |first| median(first, |s| s.cpu));
        for (server, samples) in self.servers.iter().zip(samples) {
            let cpu = median(samples, |s| s.cpu);
            println!(
                "| {server} | {:.0} | {cpu:.2} | {:.2} | {:.2} | {:.2} | {} | {} |",
                median(samples, |s| s.load.rate),
                cpu / baseline,
                median(samples, |s| s.load.p50.as_secs_f64() * 1e3),
                median(samples, |s| s.load.p99.as_secs_f64() * 1e3),
                samples.iter().map(|s| s.load.errors).sum::<u64>(),
                samples.iter().filter(|s| s.noisy).count(),
            );
        }
    }
}

/// `sync:64` as a command of this program.
fn command(server: &str, address: SocketAddr) -> io::Result<Vec<String>> {
    let (host, threads) = server.split_once(':').unwrap_or((server, "64"));
    let program = std::env::current_exe()?.display().to_string();
    let words = [
        "serve",
        "--host",
        host,
        "--threads",
        threads,
        "--bind",
        &address.to_string(),
    ];
    Ok(std::iter::once(program)
        .chain(words.map(str::to_owned))
        .collect())
}

/// An address that was free a moment ago: the server binds it itself.
fn free_address() -> io::Result<SocketAddr> {
    TcpListener::bind("127.0.0.1:0")?.local_addr()
}

fn wait_for(address: SocketAddr) -> io::Result<()> {
    let until = Instant::now() + START;
    while let Err(error) = TcpStream::connect(address) {
        if Instant::now() > until {
            return Err(error);
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

fn median(samples: &[Sample], figure: impl Fn(&Sample) -> f64) -> f64 {
    let mut figures: Vec<f64> = samples.iter().map(figure).collect();
    figures.sort_by(f64::total_cmp);
    let middle = figures.len() / 2;
    match figures.len() {
        0 => f64::NAN,
        length if length % 2 == 1 => figures[middle],
        _ => (figures[middle - 1] + figures[middle]) / 2.0,
    }
}

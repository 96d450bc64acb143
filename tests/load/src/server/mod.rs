//! `serve`: one server, told by its arguments what to be.

mod application;
mod sink;

use std::io::BufRead;
use std::time::Duration;

use clap::{Args, ValueEnum};
use gateway_core::server::{Limits, Timeouts};

use crate::Result;
use application::Application;

/// One server. It says where it listens, answers each line of its standard input with its figures,
/// and ends with it.
#[derive(Args)]
pub(crate) struct Serve {
    /// Which server.
    #[arg(long, value_enum)]
    host: Host,
    /// Threads for calls.
    #[arg(long, default_value_t = 64)]
    threads: usize,
    /// Calls that may wait for a thread.
    #[arg(long)]
    queue: Option<usize>,
    /// How many calls of `/block` may run at once.
    #[arg(long, default_value_t = 8)]
    budget: usize,
    /// The least rate, in bytes a second.
    #[arg(long)]
    min_rate: Option<u64>,
    /// For how long a client may be slower at first, in seconds.
    #[arg(long)]
    rate_grace: Option<u64>,
    /// The head deadline, in seconds.
    #[arg(long)]
    head: Option<u64>,
    /// How long a client may take nothing, in seconds.
    #[arg(long)]
    write_stall: Option<u64>,
}

/// Which server, and what kind of application it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Host {
    /// gateway-sync, blocking application.
    Sync,
    /// gateway-hyper, async application.
    Hyper,
    /// gateway-hyper, blocking application.
    HyperBlocking,
    /// No server: takes all that is sent, and sends what is asked for, as bare as it can be done.
    Sink,
}

impl Serve {
    pub(crate) fn run(self) -> Result {
        let application = Application::new(self.budget);
        let figures = application.clone();
        std::thread::spawn(move || {
            for line in std::io::stdin().lock().lines() {
                if line.is_err() {
                    break;
                }
                println!("{}", figures.figures());
            }
            std::process::exit(0);
        });
        match self.host {
            Host::Sink => sink::run(),
            Host::Sync => {
                let mut server = gateway_sync::Server::bind("127.0.0.1:0")?
                    .threads(self.threads)
                    .limits(limits())
                    .timeouts(self.timeouts());
                if let Some(queue) = self.queue {
                    server = server.queue(queue);
                }
                tell(server.local_addr());
                Ok(server.serve(application.blocking())?)
            }
            Host::Hyper | Host::HyperBlocking => {
                let mut server = gateway_hyper::Server::bind("127.0.0.1:0")?
                    .threads(self.threads)
                    .limits(limits())
                    .timeouts(self.timeouts());
                if let Some(queue) = self.queue {
                    server = server.queue(queue);
                }
                tell(server.local_addr());
                match self.host {
                    Host::Hyper => Ok(server.run(application.asynchronous())?),
                    _ => Ok(server.run(application.blocking())?),
                }
            }
        }
    }

    fn timeouts(&self) -> Timeouts {
        let mut timeouts = Timeouts::default();
        if let Some(rate) = self.min_rate {
            timeouts.min_rate = rate;
        }
        if let Some(seconds) = self.rate_grace {
            timeouts.rate_grace = Duration::from_secs(seconds);
        }
        if let Some(seconds) = self.head {
            timeouts.head = Duration::from_secs(seconds);
        }
        if let Some(seconds) = self.write_stall {
            timeouts.write_stall = Duration::from_secs(seconds);
        }
        timeouts
    }
}

/// The defaults, but for the connections: there are to be more than ten thousand.
fn limits() -> Limits {
    let mut limits = Limits::default();
    limits.connections = 19_000;
    limits.backlog = 4096;
    limits
}

fn tell(address: Option<std::net::SocketAddr>) {
    if let Some(address) = address {
        println!("{address}");
    }
}

//! `serve`: one server with the endpoints that are measured, by name.

mod application;
mod bare_hyper;
mod bodies;
#[allow(
    unreachable_pub,
    reason = "bench/peers includes the file, as its interface"
)]
mod endpoints;

use std::net::SocketAddr;

use clap::{Args, ValueEnum};
use gateway_core::blocking;
use gateway_core::server::Limits;

pub(crate) use endpoints::{ROUNDS, rounds};

type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// Connections at once: more than the idle connections that are measured, which are as many as our
/// default allows.
pub(crate) const CONNECTIONS: usize = 20_000;

/// Serves the endpoints that are measured: `/hello` (13 bytes), `/io` (waits 100 ms), `/compute`
/// (2 ms of a core), `/mixed` (both), `/upload` (answers the length received), `/big` (1 MiB),
/// `/stream` (16 pieces of 4 KiB), `/delay?s=1.5`.
#[derive(Args)]
pub(crate) struct Serve {
    /// Which server.
    #[arg(long, value_enum, default_value = "sync")]
    host: Host,
    /// Where it listens; it says so in a line, with the port that the system has chosen for 0.
    #[arg(long, default_value = "127.0.0.1:8000")]
    bind: SocketAddr,
    /// Threads for calls: of the threaded server, or of the async server's pool.
    #[arg(long, default_value_t = 64)]
    threads: usize,
}

#[derive(Clone, Copy, ValueEnum)]
enum Host {
    /// gateway-sync, blocking application.
    Sync,
    /// gateway-hyper, async application.
    Hyper,
    /// gateway-hyper, blocking application on its pool.
    HyperBlocking,
    /// hyper alone, no gateway: the baseline.
    BareHyper,
}

impl Serve {
    pub(crate) fn run(self) -> Result {
        let mut limits = Limits::default();
        limits.connections = CONNECTIONS;
        match self.host {
            Host::Sync => {
                let server = gateway_sync::Server::bind(self.bind)?;
                say(server.local_addr());
                let server = server.threads(self.threads).limits(limits);
                Ok(server.serve(blocking(application::blocking))?)
            }
            Host::Hyper => Ok(self.hyper(limits)?.run(application::asynchronous)?),
            Host::HyperBlocking => Ok(self.hyper(limits)?.run(blocking(application::blocking))?),
            Host::BareHyper => bare_hyper::serve(self.bind, limits.backlog),
        }
    }

    fn hyper(&self, limits: Limits) -> Result<gateway_hyper::Server> {
        let server = gateway_hyper::Server::bind(self.bind)?;
        say(server.local_addr());
        Ok(server.threads(self.threads).limits(limits))
    }
}

/// Says where the server listens, once it does.
fn say(address: Option<SocketAddr>) {
    if let Some(address) = address {
        println!("listening on {address}");
    }
}

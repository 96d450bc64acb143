//! [`Server`]: the host, chosen by a flag.

use std::io;
use std::net::SocketAddr;

use gateway_core::Application;
use tokio::runtime::Runtime;

/// What serves the application.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Host {
    /// Threads; tokio beside them has the timers and channels that axum waits for.
    Sync,
    /// hyper on tokio.
    Hyper,
}

/// A host that is bound and does not serve yet.
pub struct Server(Bound);

enum Bound {
    Sync(gateway_sync::Server, Runtime),
    Hyper(gateway_hyper::Server),
}

impl Server {
    /// Binds `host` to `address`.
    ///
    /// # Errors
    ///
    /// If the address cannot be bound, or tokio cannot start a thread.
    pub fn bind(host: Host, address: SocketAddr) -> io::Result<Self> {
        Ok(Self(match host {
            Host::Sync => {
                let runtime = tokio::runtime::Builder::new_multi_thread()
                    .worker_threads(1)
                    .enable_time()
                    .build()?;
                let server = gateway_sync::Server::bind(address)?;
                Bound::Sync(server.tokio(runtime.handle().clone()), runtime)
            }
            Host::Hyper => Bound::Hyper(gateway_hyper::Server::bind(address)?),
        }))
    }

    /// Where it listens.
    pub fn local_addr(&self) -> Option<SocketAddr> {
        match &self.0 {
            Bound::Sync(server, _) => server.local_addr(),
            Bound::Hyper(server) => server.local_addr(),
        }
    }

    /// Asks it to stop, from elsewhere: it finishes what runs.
    pub fn stopper(&self) -> Box<dyn Fn() + Send + Sync> {
        match &self.0 {
            Bound::Sync(server, _) => {
                let handle = server.handle();
                Box::new(move || handle.stop())
            }
            Bound::Hyper(server) => {
                let handle = server.handle();
                Box::new(move || handle.stop())
            }
        }
    }

    /// Serves until it is stopped.
    ///
    /// # Errors
    ///
    /// As the host's own.
    pub fn serve(self, application: impl Application) -> io::Result<()> {
        match self.0 {
            Bound::Sync(server, _runtime) => server.serve(application),
            Bound::Hyper(server) => server.run(application),
        }
    }
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Server").field(&self.local_addr()).finish()
    }
}

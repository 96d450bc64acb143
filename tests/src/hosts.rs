//! The hosts of this repository, as the suite starts them.

use std::io;

use gateway_core::BoxApplication;
use gateway_test::conformance::{Listen, Running, Setup, TestHost};

/// All hosts of this repository.
pub fn hosts() -> Vec<&'static dyn TestHost> {
    vec![&SyncHost, &HyperHost]
}

/// gateway-sync.
#[derive(Clone, Copy, Debug)]
pub struct SyncHost;

/// gateway-hyper, on a runtime of its own.
#[derive(Clone, Copy, Debug)]
pub struct HyperHost;

/// A host whose `Server` has the face that both have, and which is served by `$serve`.
macro_rules! test_host {
    ($host:ident, $name:literal, $server:path, $serve:ident) => {
        impl TestHost for $host {
            fn name(&self) -> &str {
                $name
            }

            fn start(&self, application: BoxApplication, setup: Setup) -> io::Result<Running> {
                use $server as Server;
                let mut listen = setup.listen.into_iter();
                let mut server = match listen.next().ok_or_else(nowhere)? {
                    Listen::Tcp => Server::bind(LOCAL)?,
                    Listen::TcpAt(address) => Server::bind(address)?,
                    Listen::TcpBound(listener) => Server::from_listener(listener)?,
                    Listen::Unix(path) => Server::bind_unix(path)?,
                    Listen::UnixBound(listener) => Server::from_unix_listener(listener)?,
                    _ => return Err(nowhere()),
                };
                for place in listen {
                    server = match place {
                        Listen::Tcp => server.and_bind(LOCAL)?,
                        Listen::TcpAt(address) => server.and_bind(address)?,
                        Listen::Unix(path) => server.and_bind_unix(path)?,
                        _ => return Err(nowhere()),
                    };
                }
                let server = server
                    .threads(setup.threads)
                    .limits(setup.limits)
                    .timeouts(setup.timeouts);
                let (addresses, handle) = (server.local_addrs().to_vec(), server.handle());
                let serve = move || server.$serve(application);
                Ok(Running::spawn(addresses, move || handle.stop(), serve))
            }
        }
    };
}

test_host!(SyncHost, "gateway-sync", gateway_sync::Server, serve);
test_host!(HyperHost, "gateway-hyper", gateway_hyper::Server, run);

const LOCAL: &str = "127.0.0.1:0";

fn nowhere() -> io::Error {
    io::Error::new(io::ErrorKind::Unsupported, "no such place to listen")
}

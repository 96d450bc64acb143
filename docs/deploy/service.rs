//! A service as it is deployed: told by the environment where to listen, or handed its socket;
//! a path for probes, a log, and a stop that finishes what runs.

use std::{env, io, thread};

use gateway_core::{Environ, Error, Mount, Result, blocking, text};
use gateway_sync::Server;
use listenfd::ListenFd;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

fn hello(environ: Environ) -> Result {
    Ok(text(format!("Hello from {}\n", environ.url())))
}

async fn healthy(_environ: Environ) -> Result {
    Ok(text("ok\n"))
}

/// What is served; apart from where, so that tests can call it.
pub fn application() -> Mount {
    Mount::new().at("/health", healthy).at("", blocking(hello))
}

/// The socket that a supervisor handed over, or else a new one at `BIND`.
fn bind() -> io::Result<Server> {
    let mut inherited = ListenFd::from_env();
    if let Ok(Some(listener)) = inherited.take_tcp_listener(0) {
        return Server::from_listener(listener);
    }
    if let Ok(Some(listener)) = inherited.take_unix_listener(0) {
        return Server::from_unix_listener(listener);
    }
    let address = env::var("BIND").unwrap_or_else(|_| "127.0.0.1:8000".to_owned());
    match address.strip_prefix("unix:") {
        Some(path) => Server::bind_unix(path),
        None => Server::bind(address),
    }
}

fn main() -> Result<(), Error> {
    tracing_subscriber::fmt().with_writer(io::stderr).init();
    let server = bind()?;
    let handle = server.handle();
    let mut signals = Signals::new([SIGINT, SIGTERM])?;
    thread::spawn(move || {
        if signals.forever().next().is_some() {
            handle.stop(); // finishes what runs, within `Timeouts::drain`
        }
    });
    server.serve(application())?;
    Ok(())
}

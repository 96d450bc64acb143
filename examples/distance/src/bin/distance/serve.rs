//! Serving, until a signal says stop.

use std::{io, net::SocketAddr, process, thread};

use gateway_core::{Application, Error};
use signal_hook::{
    consts::{SIGINT, SIGTERM},
    iterator::Signals,
};

use crate::cli::{Host, On};

/// Serves `app` at `address`. Returns when all that ran is answered after Ctrl-C or TERM; a second
/// signal ends the process at once.
///
/// # Errors
///
/// The address cannot be listened on, or the host fails.
pub(crate) fn serve(
    name: &str,
    on: &On,
    address: &str,
    app: impl Application,
) -> Result<(), Error> {
    let bad = |error: io::Error| format!("cannot listen on {address}: {error}");
    match on.host {
        Host::Sync => {
            let mut server = gateway_sync::Server::bind(address).map_err(bad)?;
            if let Some(threads) = on.threads {
                server = server.threads(threads.into());
            }
            let handle = server.handle();
            on_signal(move || handle.stop())?;
            announce(name, "gateway-sync", server.local_addr());
            server.serve(app)?;
        }
        Host::Hyper => {
            let mut server = gateway_hyper::Server::bind(address).map_err(bad)?;
            if let Some(threads) = on.threads {
                server = server.threads(threads.into());
            }
            let handle = server.handle();
            on_signal(move || handle.stop())?;
            announce(name, "gateway-hyper", server.local_addr());
            server.run(app)?;
        }
    }
    eprintln!("Stopped.");
    Ok(())
}

/// One line on where to find the service; tests read the port from it.
fn announce(name: &str, host: &str, address: Option<SocketAddr>) {
    let address = address
        .map(|address| address.to_string())
        .unwrap_or_default();
    eprintln!("The {name} listens on http://{address}/ ({host}). Ctrl-C stops it.");
}

/// Runs `stop` on the first Ctrl-C or TERM, and ends the process on the second.
fn on_signal(stop: impl FnOnce() + Send + 'static) -> io::Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM])?;
    thread::spawn(move || {
        let mut signals = signals.forever();
        if signals.next().is_some() {
            eprintln!("Stopping: what runs is finished. Once more stops at once.");
            stop();
        }
        if let Some(signal) = signals.next() {
            process::exit(128 + signal); // as a shell reports it
        }
    });
    Ok(())
}

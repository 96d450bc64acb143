//! The notes on a host of one's choice: `cargo run -p axum-on-gateway -- --host sync`.

#![forbid(unsafe_code)]

use std::io;
use std::net::SocketAddr;
use std::thread;

use axum_on_gateway::{Host, Notes, Server, application};
use clap::Parser;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

/// An axum application on either host of gateway.
#[derive(Parser)]
struct Options {
    /// What serves it.
    #[arg(long, value_enum, default_value = "sync")]
    host: Host,
    /// Where to listen.
    #[arg(long, default_value = "127.0.0.1:8000")]
    listen: SocketAddr,
}

fn main() -> io::Result<()> {
    let options = Options::parse();
    tracing_subscriber::fmt().init();
    let server = Server::bind(options.host, options.listen)?;
    let notes = Notes::new();
    stop_on_signals(&server, notes.clone())?;
    server.serve(application(notes))
}

/// SIGINT and SIGTERM end the streams, and let what runs finish.
fn stop_on_signals(server: &Server, notes: Notes) -> io::Result<()> {
    let stop = server.stopper();
    let mut signals = Signals::new([SIGINT, SIGTERM])?;
    thread::spawn(move || {
        if signals.forever().next().is_some() {
            notes.close();
            stop();
        }
    });
    Ok(())
}

//! The distance service, on the host of your choice.
//!
//! ```text
//! distance --host sync --bind 127.0.0.1:8000
//! distance stand-in --delay 0.1 &
//! distance --host hyper --geocoder http://127.0.0.1:8001
//! ```

#![forbid(unsafe_code)]

mod cli;
mod serve;

use std::{
    io::{self, IsTerminal},
    process::ExitCode,
    sync::Arc,
};

use clap::Parser;
use distance::geocoder::{Embedded, Geocoder, Upstream};
use tracing_subscriber::EnvFilter;

use cli::{Cli, Command};
use serve::serve;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(io::stderr().is_terminal())
        .with_writer(io::stderr)
        .init();
    match run(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("distance: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli) -> Result<(), gateway_core::Error> {
    let cities = Arc::new(Embedded::open()?);
    if let Some(Command::StandIn(stand_in)) = cli.command {
        let app = distance::stand_in(cities, stand_in.delay);
        let address = stand_in.bind.unwrap_or_else(|| "127.0.0.1:8001".to_owned());
        return serve("stand-in geocoder", &stand_in.on, &address, app);
    }
    let geocoder: Arc<dyn Geocoder> = match &cli.geocoder {
        Some(url) => Arc::new(Upstream::new(url, cli.geocoder_timeout)?),
        None => Arc::clone(&cities) as _,
    };
    let address = cli::address(cli.bind, std::env::var_os("PORT"))?;
    serve(
        "distance service",
        &cli.on,
        &address,
        distance::application(geocoder, cities),
    )
}

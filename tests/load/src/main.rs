//! What gateway hosts bear that is too much for CI: thousands of slow clients, ten thousand idle ones,
//! ten times the load that can be carried, clients that vanish.
//!
//! Each program starts its server and its clients as processes of their own, so that neither's work is
//! taken for the other's, and ends with a table, a verdict on each figure that has a bound, and the same as a
//! line of JSON; it fails if one of them does not hold. `serve`, `swarm` and `drive` are those processes; they
//! are told what to do by their arguments and over standard input, and answer over standard output.

#![forbid(unsafe_code)]
#![allow(
    clippy::print_stdout,
    reason = "programs whose output is their purpose"
)]

mod checks;
mod drive;
mod figures;
mod pin;
mod process;
mod programs;
mod server;
mod swarm;

use clap::{Parser, Subcommand};

/// What a program comes to.
type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

#[derive(Parser)]
#[command(version, about)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Slow clients: what they cost a normal one, and how they end.
    Slow(programs::Slow),
    /// Idle connections: what one costs in memory.
    Idle(programs::Idle),
    /// Ten times the load that can be carried.
    Overload(programs::Overload),
    /// Clients that vanish.
    Faults(programs::Faults),
    /// A server, for the programs.
    #[command(hide = true)]
    Serve(server::Serve),
    /// Many slow or idle clients, for the programs.
    #[command(hide = true)]
    Swarm(swarm::Swarm),
    /// Normal clients, for the programs.
    #[command(hide = true)]
    Drive(drive::Drive),
}

fn main() -> Result {
    match Arguments::parse().command {
        Command::Slow(program) => program.run(),
        Command::Idle(program) => program.run(),
        Command::Overload(program) => program.run(),
        Command::Faults(program) => program.run(),
        Command::Serve(serve) => serve.run(),
        Command::Swarm(swarm) => swarm.run(),
        Command::Drive(drive) => drive.run(),
    }
}

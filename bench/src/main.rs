//! Side-by-side measurements of gateway hosts.
//!
//! `serve` is one server with the endpoints that are measured; `compare` starts servers in turn, each
//! as a process of its own, drives them with wrk, and reports medians as ratios to bare hyper; `report`
//! does that with everything, and makes docs/benchmarks.md of it.
//!
//! ```text
//!   compare ─▶ measure ── round by round ──▶ runner ─▶ process (start, /proc, end)
//!                 │                            └─────▶ load (wrk, the client that looks in, crowds)
//!              Results ─▶ output (table, Markdown, JSON, SVG)
//! ```

#![forbid(unsafe_code)]
#![allow(clippy::print_stdout, reason = "a program whose output is its purpose")]

mod compare;
mod load;
mod output;
mod process;
mod report;
mod serve;
mod stats;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(version, about)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serves the endpoints that are measured.
    Serve(serve::Serve),
    /// Measures servers side by side.
    Compare(compare::Compare),
    /// Makes docs/benchmarks.md.
    ///
    /// Where it asks what a request costs, it gives server and load a core each, without being told to; a machine with
    /// one core leaves that out.
    Report(report::Report),
}

fn main() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::Serve(serve) => serve.run(),
        Command::Compare(compare) => compare.run(),
        Command::Report(report) => report.run(),
    };
    if let Err(error) = done {
        eprintln!("gateway-bench: {error}");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

//! `report`: everything that the page of the documentation says, in one run.

mod against;
mod goals;
mod hindrance;
mod page;
mod plan;
mod short;

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicU32;

use clap::Args;

use crate::compare::{Conduct, Results, advice, measure};
use crate::output;

type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// Of all samples, at most this share is taken again, so that the run ends.
const REPEATED: usize = 4;

/// Measures everything that docs/benchmarks.md says, and writes it.
#[derive(Args)]
pub(crate) struct Report {
    /// One round of one second each: to see that everything runs
    #[arg(long)]
    quick: bool,
    /// Samples of each server, as a multiple of the usual number
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..))]
    times: u16,
    #[command(flatten)]
    conduct: Conduct,
    /// The page
    #[arg(long, default_value = "docs/benchmarks.md")]
    page: PathBuf,
    /// Where results.json and the charts go
    #[arg(long, default_value = "docs/benchmarks")]
    output: PathBuf,
    /// A table of instructions and allocations for the page, as bench/instructions prints it
    #[arg(long)]
    instructions: Option<PathBuf>,
    /// A table of where the instructions of an answer go, as bench/profile prints it
    #[arg(long)]
    profile: Option<PathBuf>,
    /// Writes the page and the charts anew from the results of an earlier run
    #[arg(long)]
    redraw: bool,
}

impl Report {
    pub(crate) fn run(self) -> Result {
        let mut results = match self.redraw {
            true => output::read(&self.output)?,
            false => self.measured()?,
        };
        if let Some(instructions) = &self.instructions {
            results.counted = fs::read_to_string(instructions)?;
        }
        if let Some(profile) = &self.profile {
            results.profile = fs::read_to_string(profile)?;
        }
        let charts = output::keep(&results, &self.output)?;
        let folder = self
            .output
            .file_name()
            .unwrap_or_default()
            .to_string_lossy();
        let page = page::page(&results, &charts, &folder);
        fs::write(&self.page, page)?;
        advice(&results)
            .iter()
            .for_each(|line| println!("{line}\n"));
        println!("{}", output::quality(&results));
        println!("written: {}", self.page.display());
        Ok(())
    }

    fn measured(&self) -> Result<Results> {
        let parts = plan::parts(self.quick, usize::from(self.times))?;
        let samples: usize = parts.iter().map(|part| part.samples()).sum();
        let seconds: u64 = parts.iter().map(|part| part.estimate().as_secs()).sum();
        println!(
            "{samples} samples, about {} minutes if none is taken again",
            seconds.div_ceil(60)
        );
        // What the servers say is no part of the documentation.
        let logs = tempfile::tempdir()?;
        let mut runner = self.conduct.runner(logs.path())?;
        runner.budget = Arc::new(AtomicU32::new((samples / REPEATED) as u32));
        let mut results = measure(&parts, &runner)?;
        // Where bench/report put the counts is gone when the page is read.
        for path in [&self.instructions, &self.profile].into_iter().flatten() {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            results.command = results.command.replace(&*path.to_string_lossy(), &name);
        }
        Ok(results)
    }
}

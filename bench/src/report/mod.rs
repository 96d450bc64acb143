//! `report`: everything that the page of the documentation says, in one run.

mod against;
mod goals;
mod hindrance;
mod page;
mod plan;
mod short;

use std::fs;
use std::path::{Path, PathBuf};
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
    /// The page: docs/benchmarks.md, or of a quick or interrupted run target/bench/benchmarks.md
    #[arg(long)]
    page: Option<PathBuf>,
    /// Where results.json and the charts go: a folder beside the page, benchmarks
    #[arg(long)]
    output: Option<PathBuf>,
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
            true => output::read(&self.places(true).1)?,
            false => self.measured()?,
        };
        let (page, output) = self.places(!self.quick && !results.interrupted);
        if let Some(instructions) = &self.instructions {
            results.counted = fs::read_to_string(instructions)?;
        }
        if let Some(profile) = &self.profile {
            results.profile = fs::read_to_string(profile)?;
        }
        let charts = output::keep(&results, &output)?;
        let folder = output.file_name().unwrap_or_default().to_string_lossy();
        fs::write(&page, page::page(&results, &charts, &folder))?;
        advice(&results)
            .iter()
            .for_each(|line| println!("{line}\n"));
        println!("{}", output::quality(&results));
        println!("written: {}", page.display());
        Ok(results.check()?)
    }

    /// Where the page goes, and its results and charts. What is not the `whole` is no documentation.
    fn places(&self, whole: bool) -> (PathBuf, PathBuf) {
        let folder = Path::new(if whole { "docs" } else { "target/bench" });
        let or = |told: &Option<PathBuf>, usual| told.clone().unwrap_or(folder.join(usual));
        (
            or(&self.page, "benchmarks.md"),
            or(&self.output, "benchmarks"),
        )
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

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Arguments {
        #[command(flatten)]
        report: Report,
    }

    #[test]
    fn what_is_not_whole_does_not_become_the_documentation() {
        let whole = ("docs/benchmarks.md", "docs/benchmarks");
        let part = ("target/bench/benchmarks.md", "target/bench/benchmarks");
        let told = ["--page", "a.md", "--output", "b"].as_slice();
        let cases = [
            ([].as_slice(), true, whole),
            (&[], false, part),
            (told, true, ("a.md", "b")),
            (told, false, ("a.md", "b")),
        ];
        for (arguments, is_whole, (page, output)) in cases {
            let arguments = [&["report"], arguments].concat();
            let report = Arguments::parse_from(arguments).report;
            assert_eq!(report.places(is_whole), (page.into(), output.into()));
        }
    }
}

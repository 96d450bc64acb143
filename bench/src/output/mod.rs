//! What a run leaves: tables on the terminal, Markdown, JSON, charts.

mod chart;
mod charts;
mod markdown;
mod number;
mod table;

use std::fs;
use std::path::Path;

pub(crate) use charts::Chart;
pub(crate) use markdown::{left_out, machine, quality, scenarios, servers};
pub(crate) use number::{number, percent, times};
pub(crate) use table::{markdown, plain as plain_table};

use crate::compare::Results;

/// Where a run leaves the figures it was made of.
const JSON: &str = "results.json";

/// Writes `results.json` and the charts into a folder, and says which charts.
///
/// # Errors
///
/// If one of them cannot be written.
pub(crate) fn keep(
    results: &Results,
    folder: &Path,
) -> Result<Vec<Chart>, Box<dyn std::error::Error + Send + Sync>> {
    fs::create_dir_all(folder)?;
    fs::write(folder.join(JSON), serde_json::to_string_pretty(results)?)?;
    charts::draw(results, folder)
}

/// Reads what [`keep`] wrote.
///
/// # Errors
///
/// If it is not there, or another program wrote it.
pub(crate) fn read(folder: &Path) -> Result<Results, Box<dyn std::error::Error + Send + Sync>> {
    Ok(serde_json::from_str(&fs::read_to_string(
        folder.join(JSON),
    )?)?)
}

/// Prints the tables of all scenarios.
pub(crate) fn print(results: &Results) {
    for scenario in &results.scenarios {
        println!("\n{}", scenario.heading());
        let table = table::of_scenario(results, &scenario.name);
        println!("{}", table::terminal(table));
    }
    println!("\n{}", quality(results));
    for left_out in &results.left_out {
        println!("left out: {left_out}");
    }
}

/// Writes `results.json`, `report.md` and the charts into a folder.
///
/// # Errors
///
/// If one of them cannot be written.
pub(crate) fn write(
    results: &Results,
    folder: &Path,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let charts = keep(results, folder)?;
    fs::write(folder.join("report.md"), markdown::report(results, &charts))?;
    Ok(())
}

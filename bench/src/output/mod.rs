//! What a run leaves: tables on the terminal, Markdown, JSON, charts.

mod chart;
mod charts;
mod markdown;
mod number;
mod table;

use std::fs;
use std::path::Path;

pub(crate) use number::number;

use crate::compare::Results;

/// Where a run leaves the figures it was made of.
const JSON: &str = "results.json";

/// Prints the tables of all scenarios.
pub(crate) fn print(results: &Results) {
    for scenario in &results.scenarios {
        println!("\n{}: {}", scenario.name, scenario.title);
        println!(
            "{}",
            table::terminal(table::of_scenario(results, &scenario.name, &[]))
        );
    }
    println!("\n{}", markdown::quality(results));
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
    fs::create_dir_all(folder)?;
    fs::write(folder.join(JSON), serde_json::to_string_pretty(results)?)?;
    let charts = charts::draw(results, folder)?;
    fs::write(folder.join("report.md"), markdown::report(results, &charts))?;
    Ok(())
}

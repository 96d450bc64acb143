//! Tables, for the terminal and for Markdown.

use comfy_table::presets::{ASCII_MARKDOWN, UTF8_BORDERS_ONLY};
use comfy_table::{CellAlignment, ContentArrangement, Table};

use super::number::{number, percent, times};
use crate::compare::{BASELINE, Figure, Results, Series};
use crate::stats::spread;

/// The figures of which the median is told, each with its ratio to the baseline.
const FIGURES: [Figure; 10] = [
    Figure::Rate,
    Figure::Cpu,
    Figure::P50,
    Figure::P99,
    Figure::P999,
    Figure::Wait,
    Figure::TailWait,
    Figure::LongestWait,
    Figure::IdleMemory,
    Figure::PeakMemory,
];

/// The servers of a scenario, a row each.
pub(crate) fn of_scenario(results: &Results, scenario: &str) -> Table {
    let rows: Vec<&Series> = results.in_scenario(scenario).collect();
    let beside = rows
        .iter()
        .any(|row| row.samples.iter().any(|s| s.beside_per_s.is_some()));
    let crowd = rows
        .iter()
        .any(|row| row.samples.iter().any(|s| s.lost.is_some()));
    let mut header = vec!["server".to_owned()];
    header.extend(FIGURES.map(|figure| figure.name().to_owned()));
    header.extend(beside.then(|| "beside/s".to_owned()));
    header.extend(crowd.then(|| "lost".to_owned()));
    header.extend(["load", "errors", "spread", "noisy"].map(str::to_owned));
    let mut table = plain(header);
    for series in rows {
        let mut row = vec![series.server.clone()];
        row.extend(FIGURES.map(|figure| cell(results, series, figure)));
        row.extend(beside.then(|| number(extra(series, |s| s.beside_per_s))));
        row.extend(crowd.then(|| number(extra(series, |s| s.lost.map(|lost| lost as f64)))));
        let cpu: Vec<f64> = series.samples.iter().map(|sample| sample.cpu_us).collect();
        let load = extra(series, |s| Some(s.load_cores).filter(|cores| *cores > 0.0));
        row.push(load.map_or("–".to_owned(), |cores| format!("{cores:.2}")));
        row.push(series.errors().to_string());
        row.push(percent(spread(&cpu)));
        row.push(format!(
            "{}/{}",
            series.noisy(results.noise),
            series.samples.len()
        ));
        table.add_row(row);
    }
    table
}

/// An empty table: text to the left in the first column, numbers to the right in all others.
pub(crate) fn plain<T: Into<String>>(header: impl IntoIterator<Item = T>) -> Table {
    let mut table = Table::new();
    table.set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(header.into_iter().map(Into::<String>::into));
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

/// As the terminal shows it.
pub(crate) fn terminal(mut table: Table) -> String {
    table.load_style(UTF8_BORDERS_ONLY).to_string()
}

/// As Markdown has it. The crate knows no alignment there, so the second line is written anew.
pub(crate) fn markdown(mut table: Table) -> String {
    table.load_style(ASCII_MARKDOWN);
    let columns = table.column_count();
    let text = table.to_string();
    let mut lines: Vec<&str> = text.lines().collect();
    let rule = format!("|---|{}", "---:|".repeat(columns.saturating_sub(1)));
    if let Some(line) = lines.get_mut(1) {
        *line = &rule;
    }
    lines.join("\n") + "\n"
}

fn cell(results: &Results, series: &Series, figure: Figure) -> String {
    let value = number(series.median(figure));
    if series.server == BASELINE {
        return value;
    }
    let ratio = times(results.ratio(&series.server, &series.scenario, figure));
    format!("{value} {ratio}").trim_end().to_owned()
}

fn extra(series: &Series, of: impl Fn(&crate::compare::Sample) -> Option<f64>) -> Option<f64> {
    crate::stats::median(series.samples.iter().filter_map(of))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::tests::hello;

    #[test]
    fn a_row_says_each_figure_and_its_ratio() {
        let results = hello(&[
            ("bare-hyper", 100_000.0, 8.0, 1.0),
            ("sync:2", 125_000.0, 6.0, 0.5),
        ]);
        let text = markdown(of_scenario(&results, "hello-64"));
        assert!(terminal(of_scenario(&results, "hello-64")).contains("sync:2"));
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 4);
        assert!(lines[0].starts_with("| server"));
        assert!(lines[1].starts_with("|---|---:|"));
        let cells: Vec<&str> = lines[3].split('|').map(str::trim).collect();
        assert_eq!(cells[1], "sync:2");
        assert_eq!(cells[2], "125\u{202f}000 ×1.25");
        assert_eq!(cells[3], "6.00 ×0.75");
        assert_eq!(cells[5], "0.50 ×0.50");
        assert!(cells.contains(&"0/1"));
        let baseline: Vec<&str> = lines[2].split('|').map(str::trim).collect();
        assert_eq!(baseline[2], "100\u{202f}000");
    }
}

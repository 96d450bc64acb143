//! The report of a run as Markdown.

use std::fmt::Write;

use super::charts::Chart;
use super::number::number;
use super::table::{markdown, of_scenario, plain};
use crate::compare::{Results, ScenarioFacts};

/// The whole report of `compare`.
pub(crate) fn report(results: &Results, charts: &[Chart]) -> String {
    let mut text = String::from("# Servers side by side\n\n");
    text += &machine(results);
    text += &format!("\n{}\n", quality(results));
    text += &scenarios(results);
    for (file, title) in charts {
        // Writing to a string does not fail; nor does it below.
        let _ = write!(text, "\n![{title}]({file})\n");
    }
    text += "\n## Servers\n\n";
    text += &servers(results);
    text += &left_out(results);
    text
}

/// The facts that the figures belong to, as a table.
pub(crate) fn machine(results: &Results) -> String {
    let machine = &results.machine;
    let mut table = plain(["machine", ""]);
    table.add_row([
        "processor".into(),
        format!("{}, {} cores", machine.processor, machine.cores),
    ]);
    table.add_row([
        "memory".into(),
        format!("{} GiB", number(Some(machine.memory_gib))),
    ]);
    table.add_row(["kernel", &machine.kernel]);
    table.add_row(["compiler", &machine.compiler]);
    table.add_row(["load", &machine.wrk]);
    table.add_row(["commit", &machine.commit]);
    table.add_row(["date", &machine.date]);
    table.add_row(["command", &format!("`gateway-bench {}`", results.command)]);
    markdown(table).replacen("---:", "---", 1)
}

/// How far the samples can be trusted.
pub(crate) fn quality(results: &Results) -> String {
    let (samples, again, noisy) = results.quality();
    format!(
        "{samples} samples; {again} more were taken again because other processes took over {} cores \
         meanwhile; {noisy} were kept although they did.",
        results.noise
    )
}

/// A section with a table for each scenario.
pub(crate) fn scenarios(results: &Results) -> String {
    let mut text = String::new();
    for scenario in &results.scenarios {
        let _ = write!(
            text,
            "\n## {}\n\n{}.\n\n",
            scenario.heading(),
            conduct(scenario)
        );
        text += &markdown(of_scenario(results, &scenario.name));
    }
    text
}

fn conduct(scenario: &ScenarioFacts) -> String {
    let cores = match scenario.pinned {
        true => "server and load on a core each",
        false => "server and load share the cores",
    };
    format!(
        "{} rounds of {} s, {cores}",
        scenario.rounds, scenario.seconds
    )
}

/// What the servers are and how they were started.
pub(crate) fn servers(results: &Results) -> String {
    let mut table = plain(["server", "version", "settings", "command"]);
    for server in &results.servers {
        let command = format!("`{}`", server.command);
        table.add_row([&server.name, &server.version, &server.settings, &command]);
    }
    markdown(table).replace("---:", "---")
}

/// What was not measured, if anything.
pub(crate) fn left_out(results: &Results) -> String {
    let mut text = String::new();
    if !results.left_out.is_empty() {
        text += "\nLeft out:\n\n";
    }
    for what in &results.left_out {
        let _ = writeln!(text, "- {what}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::tests::hello;

    #[test]
    fn the_report_has_all_its_parts() {
        let mut results = hello(&[("bare-hyper", 9.0, 1.0, 1.0), ("sync:2", 9.0, 1.0, 1.0)]);
        results.left_out.push("axum: not built".into());
        results.machine.processor = "A fast one".into();
        let text = report(&results, &[("cpu.svg", "CPU".into())]);
        for part in [
            "| processor",
            "A fast one",
            "2 samples; 0 more",
            "## hello-64: 13 bytes, 64 connections",
            "1 rounds of 2 s, server and load on a core each.",
            "![CPU](cpu.svg)",
            "## Servers",
            "Left out:\n\n- axum: not built\n",
        ] {
            assert!(text.contains(part), "{part}:\n{text}");
        }
    }

    #[test]
    fn nothing_left_out_is_not_mentioned() {
        assert_eq!(left_out(&hello(&[])), "");
    }
}

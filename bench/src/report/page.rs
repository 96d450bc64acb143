//! The page of the documentation.

use std::fmt::Write;

use super::against::against;
use super::goals::{goals, ideals};
use super::short::in_short;
use crate::compare::{Figure, Results, advice};
use crate::output::{
    Chart, left_out, machine, markdown, number, percent, plain_table, quality, scenarios, servers,
};
use crate::stats::median;

/// The whole page. Charts lie in `folder` beside it.
pub(super) fn page(results: &Results, charts: &[Chart], folder: &str) -> String {
    let mut text = String::from(INTRODUCTION);
    text += &in_short(results);
    text += "\n## At a glance\n";
    text += GLANCE;
    for (file, title) in charts {
        // Writing to a string does not fail; nor does it below.
        let _ = write!(text, "\n![{title}]({folder}/{file})\n");
    }
    text += &disfavour(results);
    text += &reached(results);
    text += &times(results);
    text += &chosen(results);
    text += "\n## Where it was measured\n\n";
    text += &machine(results);
    let _ = write!(text, "\n{}\n", quality(results));
    text += "\n## All figures\n";
    text += FIGURES;
    text += &scenarios(results).replace("\n## ", "\n### ");
    text += &counts(&results.counted);
    text += "\n## The servers and their settings\n\n";
    text += &servers(results);
    text += &left_out(results);
    text += HOW;
    text += &limits(results);
    text += AGAIN;
    text
}

const INTRODUCTION: &str = "\
# Benchmarks

Every figure, word and chart here is made by one command, `bench/report`, from [its results](benchmarks/results.json); \
[how](#how-it-is-measured), [where](#where-it-was-measured), and [what does not favour us](#what-does-not-favour-us) are below. \
Most of what a small answer costs is the kernel's, on every server in Rust ([where the time goes](#where-the-time-goes)): what decides more \
than the host is how calls wait and compute.
";

const GLANCE: &str = "
In the charts of many scenarios *sync:64* is *sync:300* where 256 calls wait (`io`), and *sync:64* and *hyper:64* are `examples/hello` in `small`.
";

const FIGURES: &str = "
Medians over the rounds; × is the median of the ratios to bare hyper in the same round. *Newcomer*: a client that connects anew \
every 20 ms beside the load and asks for `/hello`, or `/healthz` of the distance service; what it waits includes \
connecting. *Beside*: what a second load of waiting requests gets. *Lost*: connections of the crowd that the server cut \
or did not take. *Load*: the cores that wrk used, of which its one thread has one. *Errors*: of all rounds, those of the newcomer included. *Spread*: greatest less smallest CPU a request over the rounds, as a share \
of the median: a difference smaller than it shows nothing. *Noisy*: samples during which other processes took over 0.2 cores. \
Memory of sync:N, hyper:64 and bare-hyper includes the measuring program, which is larger than the peers' are: in *small*, \
`examples/hello` on each host is the program that compares with them.
";

const HOW: &str = "
## How it is measured

Each sample starts its server anew on a port of its own, waits until it answers, warms it up for 0.4 s, and loads it with \
wrk on one thread. Servers take turns round by round, so that a change of the machine's speed meets all of them. Processor time is \
user and system time of all of the server's processes, divided by the answers to the load, and to the newcomer where it asks for the \
same; memory is what is resident, \
in which what forked processes share is counted for each, and so is code that was read from the program's file. \
Where it is asked what a request costs, the report gives server and load a core each, which takes two cores and is left out where there \
is one: no server has more than a core there, which says nothing of how servers scale.

wrk keeps a fixed number of requests under way, and asks less when a server is slow: its tails are those of a server, or of wrk, at \
the limit, and not what clients would see that come at their own rate. For each answer that took twice the mean time \
between answers or longer it adds those that would have waited behind it (its correction for coordinated omission): a stall counts \
several times, on every server alike. It is the only generator of load here: \
figures of two could not be compared, and where the load has one core, one that costs more than the server that it drives \
would measure itself. All servers in Rust compute the same in `/compute`; \
those in Python compute for 2 ms, which is far less work.
";

const AGAIN: &str = "
To do it again, on Debian:

```sh
apt-get install wrk valgrind linux-perf
bench/peers/build                 # the peers in Rust
apt-get install python3 python3-venv python3-dev gcc
bench/peers/python/install        # the peers in Python, if wanted
bench/report                      # twenty minutes; --quick for a look
```

`cargo run --release -p gateway-bench -- compare --help` measures any choice of servers and scenarios; `compare --hosts-only` compares \
both hosts on the distance service, or with `--url` and `--path` on an application of yours that runs already.
";

fn reached(results: &Results) -> String {
    let mut table = plain_table(["aim", "measured", "in its rounds", "reached"]);
    let mut obstacles = String::new();
    for goal in goals(results) {
        let rounds = goal.between().map_or("–".into(), |(least, most)| {
            format!("{} to {}", goal.shown(least), goal.shown(most))
        });
        let measured = goal.measured.map_or("–".into(), |it| goal.shown(it));
        table.add_row([&goal.what, &measured, &rounds, goal.verdict()]);
        if goal.is_reached() == Some(false) {
            let _ = writeln!(obstacles, "- {}: {}", goal.what, goal.obstacle(results));
        }
    }
    let mut text = format!(
        "\n## What was aimed at\n\nOf ratios and figures of each round, in which servers stand side by side: the median, the least and the most. Where \
         two aims are for the same, the looser is the older.{}\n\n{}",
        ideals(results),
        markdown(table)
    );
    if !obstacles.is_empty() {
        text += "\nWhat stands in the way of those that are not reached, by the figures of this run \
                 ([where the time goes](#where-the-time-goes) has more):\n\n";
        text += &obstacles;
    }
    text
}

/// What a request costs in the scenarios that say most of it: the kernel's part, the server's own, and changes of threads.
const TIMES: [&str; 10] = [
    "hello-64",
    "hello-512",
    "browser",
    "upload",
    "download",
    "stream",
    "compute",
    "half",
    "io",
    "io-2000",
];

fn times(results: &Results) -> String {
    let mut text = String::from(
        "\n## Where the time goes\n\nCPU µs a request by whose they are, and how often a thread of the server let go of its core \
         or lost it, and for how long threads were ready to run and had none. The kernel's part is that of the system calls and of what it does for the sockets within them. Who is at work is \
         sampled by the kernel's tick, some 500 times in 2 s: parts of a few per cent are rough.\n\n",
    );
    let header = [
        "scenario",
        "server",
        "kernel µs",
        "own µs",
        "own, of all",
        "switches",
        "µs without a core",
    ];
    let mut table = plain_table(header);
    for scenario in TIMES {
        for series in results.in_scenario(scenario) {
            let of = |figure| series.median(figure);
            let kernel = of(Figure::Kernel);
            let own = of(Figure::Cpu)
                .zip(kernel)
                .map(|(cpu, kernel)| cpu - kernel);
            let share = own.zip(of(Figure::Cpu)).map(|(own, cpu)| own / cpu);
            table.add_row([
                scenario.to_owned(),
                series.server.clone(),
                number(kernel),
                number(own),
                percent(share),
                number(of(Figure::Switches)),
                number(of(Figure::Delay)),
            ]);
        }
    }
    text += &markdown(table);
    if !results.profile.is_empty() {
        let _ = write!(
            text,
            "\nWhere the instructions of a 13-byte answer go that are not the kernel's, by the source they come from \
             (`bench/profile`, with 16 connections; gateway-http1 is gateway-sync's, hyper and tokio are gateway-hyper's). What gateway-hyper does beyond bare hyper: it reads \
             each head itself, strictly, before hyper reads it; watches what the connection reads and writes, for deadlines and \
             rates; and makes an environ, with a call that can be cancelled and says how it ended. What gateway-sync does beyond a loop with a \
             canned answer: it reads each head strictly, makes an environ of it, hands the call to whom it suits by how long such calls \
             take, makes a head of the answer, and keeps the deadlines. *std and others* is what the compiler has put in place from the \
             standard library (iterators, collections, atomics) and from `http`, `bytes` and `memchr`.\n\n{}",
            results.profile
        );
    }
    text
}

/// From how many cores of its one on the load is at its limit.
const BUSY: f64 = 0.95;

/// Where the load was the limit: there requests a second and tails compare it, and not the servers.
fn limits(results: &Results) -> String {
    let pinned = results.scenarios.iter().filter(|facts| facts.pinned);
    let samples = pinned.flat_map(|facts| results.in_scenario(&facts.name));
    let samples = samples.flat_map(|series| &series.samples);
    let noted: Vec<f64> = samples
        .map(|sample| sample.load_cores)
        .filter(|cores| *cores > 0.0)
        .collect();
    let busy = noted.iter().filter(|cores| **cores >= BUSY).count();
    if busy == 0 {
        return String::new();
    }
    format!(
        "\nIn {busy} of the {} samples in which it had a core of its own, wrk used {BUSY} of that core or more: it was the limit there, \
         not the server, whose requests a second and tails might be better than the figures.{}\n",
        noted.len(),
        idle_floor(results).unwrap_or_default()
    )
}

/// What it does to the processor time of a server that it is not at its limit.
fn idle_floor(results: &Results) -> Option<String> {
    let samples = &results.of("epoll", "hello-64")?.samples;
    let cores = median(samples.iter().map(|sample| sample.cores))?;
    Some(format!(
        " A server that is not at its limit finds fewer requests ready at once and wakes more often, so that its CPU a request is higher than \
         it would be at its limit: that of epoll above all, which used {} of its core in `hello-64`; it favours us in ratios to it.",
        number(Some(cores))
    ))
}

fn disfavour(results: &Results) -> String {
    let mut text = String::from("\n## What does not favour us\n\n");
    let rows = against(results);
    if rows.is_empty() {
        return text + "Nothing, in every round, of what was measured here.\n";
    }
    text += "Every figure in which another is better in every round, and at the median by 5 % or more (requests and CPU), a quarter \
             (tails and memory) or half (what newcomers wait); of several the best. Scenarios of one round say less than others. The loop that \
             answers whatever it is sent (epoll) is no server, and left out:\n\n";
    let mut table = plain_table(["scenario", "ours", "in what"]);
    for row in rows {
        table.add_row(row);
    }
    text + &markdown(table).replace("---:", "---")
}

fn chosen(results: &Results) -> String {
    let mut text = String::from(
        "\n## The choice of a host, in full\n\nThe same application on both hosts, the distance service: what speaks for \
         the choice, and what against it, as `compare --hosts-only` says it.\n\n",
    );
    for line in advice(results) {
        let _ = writeln!(text, "- {line}");
    }
    text
}

fn counts(counted: &str) -> String {
    if counted.is_empty() {
        return String::new();
    }
    format!(
        "\n## Instructions and allocations\n\nOf the pieces that are ours, counted by `bench/instructions`, which says the same \
         whatever else the machine does, but belongs to one build: in another the compiler may put pieces together otherwise. \
         `cargo bench -p gateway-bench` has times. A whole request allocates the bytes of its \
         head, which the environ keeps, the request while it is gathered, and the environ; a map of fields only when \
         somebody asks for it. Aimed at were none of ours. Each is what lets a request outlive the connection's buffers and \
         be handed from thread to thread as one pointer, and malloc and free are a tenth of an answer's instructions. An answer \
         that has a field, as `text` gives it one, has a map: http allocates its two tables. A test \
         (`bench/tests/allocations.rs`) sees that the three stay three.\n\n{counted}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::tests::hello;

    #[test]
    fn the_page_has_all_its_parts() {
        let mut results = hello(&[("bare-hyper", 100.0, 8.0, 1.0), ("sync:2", 90.0, 6.0, 1.0)]);
        assert!(!page(&results, &[], "x").contains("## Instructions"));
        results.counted = "| piece | 7 |\n".into();
        let text = page(&results, &[("cpu.svg", "CPU".into())], "benchmarks");
        for part in [
            "# Benchmarks",
            "![CPU](benchmarks/cpu.svg)",
            "## What was aimed at",
            " yes |",
            "not measured",
            "| hello-64 | sync:2 | 90.0 requests/s against 100 of bare-hyper |",
            "### hello-64: 13 bytes, 64 connections",
            "| piece | 7 |",
            "## How it is measured",
        ] {
            assert!(text.contains(part), "{part}:\n{text}");
        }
    }

    #[test]
    fn says_where_the_load_was_the_limit() {
        let mut results = hello(&[("bare-hyper", 100.0, 8.0, 1.0), ("sync:2", 90.0, 6.0, 1.0)]);
        assert_eq!(limits(&results), "");
        results.series[0].samples[0].load_cores = 0.8;
        results.series[1].samples[0].load_cores = 0.99;
        let said = limits(&results);
        assert!(said.contains("In 1 of the 2 samples"), "{said}");
        results.scenarios[0].pinned = false;
        assert_eq!(limits(&results), "");
    }

    #[test]
    fn says_so_where_nothing_is_against_us() {
        assert!(disfavour(&hello(&[])).contains("Nothing"));
    }
}

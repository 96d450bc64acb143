//! The load: wrk, and what it says.

use std::io;
use std::net::SocketAddr;
use std::process::Command;
use std::time::Duration;

/// What a run of wrk says.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Load {
    pub(crate) requests: u64,
    pub(crate) rate: f64,
    pub(crate) p50: Duration,
    pub(crate) p99: Duration,
    pub(crate) errors: u64,
}

/// Drives a server with wrk for `seconds`, over `connections` kept connections.
pub(crate) fn drive(
    address: SocketAddr,
    path: &str,
    connections: usize,
    seconds: u64,
    core: Option<usize>,
) -> io::Result<Load> {
    let mut command = match core {
        Some(core) => {
            let mut taskset = Command::new("taskset");
            taskset.args(["-c", &core.to_string(), "wrk"]);
            taskset
        }
        None => Command::new("wrk"),
    };
    command.args([
        "-t1",
        "--latency",
        &format!("-c{connections}"),
        &format!("-d{seconds}s"),
    ]);
    command.arg(format!("http://{address}{path}"));
    let output = command.output().map_err(|error| {
        io::Error::new(
            error.kind(),
            format!("wrk cannot be run ({error}); Debian has it: apt-get install wrk"),
        )
    })?;
    let text = String::from_utf8_lossy(&output.stdout);
    parse(&text)
        .ok_or_else(|| io::Error::other(format!("wrk said what is not understood:\n{text}")))
}

fn parse(text: &str) -> Option<Load> {
    let mut load = Load::default();
    for line in text.lines().map(str::trim) {
        let mut words = line.split_ascii_whitespace();
        match (words.next()?, words.next()) {
            ("50%", Some(time)) => load.p50 = duration(time)?,
            ("99%", Some(time)) => load.p99 = duration(time)?,
            (count, Some("requests")) => load.requests = count.parse().ok()?,
            ("Requests/sec:", Some(rate)) => load.rate = rate.parse().ok()?,
            ("Socket" | "Non-2xx", _) => {
                let digits = |word: &str| word.trim_end_matches(',').parse::<u64>().ok();
                load.errors += line
                    .split_ascii_whitespace()
                    .filter_map(digits)
                    .sum::<u64>();
            }
            _ => {}
        }
    }
    (load.requests > 0).then_some(load)
}

/// `12.34us`, `1.20ms`, `1.02s`.
fn duration(text: &str) -> Option<Duration> {
    let unit = text.find(|c: char| c.is_ascii_alphabetic())?;
    let number: f64 = text[..unit].parse().ok()?;
    let seconds = match &text[unit..] {
        "us" => number / 1e6,
        "ms" => number / 1e3,
        "s" => number,
        "m" => number * 60.0,
        _ => return None,
    };
    Some(Duration::from_secs_f64(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_wrk_says() {
        let load = parse(
            "Running 3s test @ http://127.0.0.1:8001/
  1 threads and 64 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     1.12ms  202.11us   4.37ms   90.01%
    Req/Sec    57.21k     2.10k   60.31k    70.00%
  Latency Distribution
     50%    1.10ms
     75%    1.18ms
     90%    1.27ms
     99%    1.98ms
  231698 requests in 3.03s, 35.13MB read
  Socket errors: connect 0, read 3, write 0, timeout 4
  Non-2xx or 3xx responses: 5
Requests/sec:  76483.54
Transfer/sec:     11.59MB
",
        )
        .unwrap();
        assert_eq!((load.requests, load.errors), (231_698, 12));
        assert_eq!(load.p99, Duration::from_micros(1980));
        assert!((load.rate - 76483.54).abs() < 0.01);
    }
}

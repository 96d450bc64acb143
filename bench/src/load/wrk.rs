//! wrk: how it is called, and what it says.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde::Deserialize;
use tempfile::NamedTempFile;

use crate::process::on_core;

/// Has wrk say what its own table leaves out, and exactly. Runs when the load is over, so that it
/// costs nothing before.
const DONE: &str = r#"
done = function(summary, latency)
   local e = summary.errors
   io.write(string.format('gateway-bench {"requests":%d,"duration_us":%d,"bytes":%d,' ..
      '"errors":%d,"p50_us":%d,"p99_us":%d,"p999_us":%d,"max_us":%d}\n',
      summary.requests, summary.duration, summary.bytes,
      e.connect + e.read + e.write + e.status + e.timeout,
      latency:percentile(50), latency:percentile(99), latency:percentile(99.9), latency.max))
end
"#;

/// What marks the line of [`DONE`].
const MARK: &str = "gateway-bench ";

/// An answer that takes longer counts as an error.
const TIMEOUT: Duration = Duration::from_secs(5);

/// What a run of wrk says; times in microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub(crate) struct Load {
    pub(crate) requests: u64,
    duration_us: u64,
    /// Received, heads included.
    pub(crate) bytes: u64,
    /// Connections that failed, answers that were cut or late, and statuses other than 2xx and 3xx.
    pub(crate) errors: u64,
    pub(crate) p50_us: u64,
    pub(crate) p99_us: u64,
    pub(crate) p999_us: u64,
    pub(crate) max_us: u64,
}

impl Load {
    /// Answers a second.
    pub(crate) fn rate(&self) -> f64 {
        self.requests as f64 / (self.duration_us.max(1) as f64 / 1e6)
    }
}

/// What is asked, again and again.
#[derive(Clone, Debug, Default)]
pub(crate) struct Request {
    /// Path and query.
    pub(crate) path: String,
    /// Fields of the head, besides Host.
    pub(crate) headers: Vec<(String, String)>,
    /// Length of the body; with one, it is a POST.
    pub(crate) upload: Option<usize>,
    /// Connections at once.
    pub(crate) connections: usize,
}

/// A run of wrk under way.
pub(crate) struct Wrk {
    process: Child,
    _script: NamedTempFile,
}

impl Wrk {
    /// Starts a load of `seconds`, on one core if it is given. One thread: what drives two cores of
    /// servers to their limit.
    ///
    /// # Errors
    ///
    /// If wrk is not there, which the text of the error says how to mend.
    pub(crate) fn start(
        address: SocketAddr,
        request: &Request,
        seconds: u64,
        core: Option<usize>,
    ) -> io::Result<Self> {
        let mut script = NamedTempFile::with_suffix(".lua")?;
        script.write_all(lua(request).as_bytes())?;
        let mut command = Command::new("wrk");
        command
            .arg("-t1")
            .arg(format!("-c{}", request.connections))
            .arg(format!("-d{seconds}s"))
            .arg(format!("--timeout={}s", TIMEOUT.as_secs()))
            .arg(format!("--script={}", script.path().display()));
        for (name, value) in &request.headers {
            command.arg(format!("--header={name}: {value}"));
        }
        command
            .arg(format!("http://{address}{}", request.path))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let process = on_core(core, || command.spawn()).map_err(missing)?;
        Ok(Self {
            process,
            _script: script,
        })
    }

    /// Waits until the load is over.
    ///
    /// # Errors
    ///
    /// If wrk failed, with what it said.
    pub(crate) fn finish(self) -> io::Result<Load> {
        let output = self.process.wait_with_output()?;
        let text = String::from_utf8_lossy(&output.stdout);
        parse(&text).ok_or_else(|| {
            let said = String::from_utf8_lossy(&output.stderr);
            io::Error::other(format!(
                "wrk did not report: {}",
                format!("{text}{said}").trim()
            ))
        })
    }
}

/// The version of wrk, as it says it.
pub(crate) fn version() -> io::Result<String> {
    let output = Command::new("wrk").arg("-v").output().map_err(missing)?;
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text);
    let words: Vec<&str> = text.split_ascii_whitespace().take(2).collect();
    Ok(words.join(" "))
}

fn missing(error: io::Error) -> io::Error {
    let text = format!("wrk cannot be run ({error}); Debian has it: apt-get install wrk");
    io::Error::new(error.kind(), text)
}

fn lua(request: &Request) -> String {
    match request.upload {
        Some(length) => {
            format!("wrk.method = 'POST'\nwrk.body = string.rep('x', {length})\n{DONE}")
        }
        None => DONE.to_owned(),
    }
}

fn parse(text: &str) -> Option<Load> {
    let line = text.lines().find_map(|line| line.strip_prefix(MARK))?;
    serde_json::from_str(line).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAID: &str = r#"Running 3s test @ http://127.0.0.1:8001/hello
  1 threads and 64 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     1.12ms  202.11us   4.37ms   90.01%
    Req/Sec    57.21k     2.10k   60.31k    70.00%
  231698 requests in 3.03s, 35.13MB read
  Socket errors: connect 0, read 3, write 0, timeout 4
Requests/sec:  76483.54
Transfer/sec:     11.59MB
gateway-bench {"requests":231698,"duration_us":2000000,"bytes":36836000,"errors":7,"p50_us":1100,"p99_us":1980,"p999_us":2400,"max_us":4370}
"#;

    #[test]
    fn reads_what_wrk_says() {
        let load = parse(SAID).unwrap();
        let expected = Load {
            requests: 231_698,
            duration_us: 2_000_000,
            bytes: 36_836_000,
            errors: 7,
            p50_us: 1100,
            p99_us: 1980,
            p999_us: 2400,
            max_us: 4370,
        };
        assert_eq!(load, expected);
        assert_eq!(load.rate(), 115_849.0);
    }

    #[test]
    fn does_not_take_half_a_report() {
        for cut in [
            "",
            "unable to connect to 127.0.0.1:8001 Connection refused\n",
            &SAID[..SAID.len() - 20],
            &SAID[..200],
        ] {
            assert_eq!(parse(cut), None, "{cut}");
        }
    }

    #[test]
    fn a_body_makes_a_post() {
        let mut request = Request::default();
        assert!(!lua(&request).contains("POST"));
        request.upload = Some(65_536);
        assert!(
            lua(&request).starts_with("wrk.method = 'POST'\nwrk.body = string.rep('x', 65536)\n")
        );
    }
}

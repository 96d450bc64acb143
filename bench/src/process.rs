//! Processes and their processor time, from `/proc`.

use std::io;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// A process that ends with the value.
pub(crate) struct Running(Child);

impl Running {
    /// Starts a command, on one core if it is given.
    pub(crate) fn start(command: &[String], core: Option<usize>) -> io::Result<Self> {
        let mut words = command.iter();
        let mut process = match core {
            Some(core) => {
                let mut taskset = Command::new("taskset");
                taskset.args(["-c", &core.to_string()]);
                taskset
            }
            None => Command::new(words.next().ok_or(io::ErrorKind::InvalidInput)?),
        };
        process.args(words).stdin(Stdio::null());
        Ok(Self(process.spawn()?))
    }

    /// Processor time used so far, by the process and its threads.
    pub(crate) fn time(&self) -> io::Result<Duration> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.0.id()))?;
        // The name, in parentheses, may hold anything; utime and stime are fields 14 and 15.
        let rest = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
        let ticks = rest
            .split_ascii_whitespace()
            .skip(11)
            .take(2)
            .filter_map(number)
            .sum();
        Ok(of_ticks(ticks))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Processor time that the whole machine has used, idle time left out.
pub(crate) fn machine_time() -> io::Result<Duration> {
    let stat = std::fs::read_to_string("/proc/stat")?;
    let line = stat.lines().next().unwrap_or_default();
    let fields: Vec<u64> = line
        .split_ascii_whitespace()
        .skip(1)
        .filter_map(number)
        .collect();
    // user, nice, system, idle, iowait, irq, softirq, steal
    let busy = fields.iter().take(8).sum::<u64>() - fields.iter().skip(3).take(2).sum::<u64>();
    Ok(of_ticks(busy))
}

fn number(text: &str) -> Option<u64> {
    text.parse().ok()
}

/// The kernel counts in hundredths of a second wherever this runs (`USER_HZ`, proc(5)).
fn of_ticks(ticks: u64) -> Duration {
    Duration::from_millis(ticks * 10)
}

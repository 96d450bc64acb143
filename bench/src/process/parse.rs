//! What the files of `/proc` say (proc(5)).

use std::time::Duration;

/// Parent and processor time of a process, from `/proc/PID/stat`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stat {
    pub(super) parent: u32,
    /// utime + stime, of all threads that the process has or had, and cutime + cstime: of the children that were
    /// waited for, and of theirs.
    pub(super) time: Duration,
    /// What of it was the kernel's: stime + cstime.
    pub(super) kernel: Duration,
}

/// Reads `/proc/PID/stat`.
pub(super) fn stat(text: &str) -> Option<Stat> {
    // The name, in parentheses, may hold anything, blanks and parentheses as well.
    let (_, rest) = text.rsplit_once(')')?;
    let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
    let ticks = |field: usize| fields.get(field)?.parse::<u64>().ok();
    Some(Stat {
        parent: fields.get(1)?.parse().ok()?,
        time: of_ticks(ticks(11)? + ticks(12)? + ticks(13)? + ticks(14)?),
        kernel: of_ticks(ticks(12)? + ticks(14)?),
    })
}

/// The processor time of the whole machine, idle time left out, from `/proc/stat`.
pub(super) fn busy(text: &str) -> Option<Duration> {
    let line = text.lines().next()?.strip_prefix("cpu ")?;
    let fields: Vec<u64> = line
        .split_ascii_whitespace()
        .map_while(|field| field.parse().ok())
        .collect();
    // user, nice, system, idle, iowait, irq, softirq, steal; guests are in user and nice already
    let idle: u64 = fields.get(3..5)?.iter().sum();
    Some(of_ticks(fields.iter().take(8).sum::<u64>() - idle))
}

/// How often a thread let go of its core or lost it, from `/proc/PID/task/TID/status`.
pub(super) fn switches(text: &str) -> u64 {
    let count = |line: &str| {
        let (name, count) = line.split_once(':')?;
        let is_one = name.ends_with("voluntary_ctxt_switches");
        is_one.then(|| count.trim().parse::<u64>().ok()).flatten()
    };
    text.lines().filter_map(count).sum()
}

/// How long a thread was ready to run and had no core, from `/proc/PID/task/TID/schedstat`: its time on a core, that
/// without one, both in nanoseconds, and how often it had one.
pub(super) fn delay(text: &str) -> Duration {
    let delay = text
        .split_whitespace()
        .nth(1)
        .and_then(|it| it.parse().ok());
    delay.map_or(Duration::ZERO, Duration::from_nanos)
}

/// A field of `/proc/PID/status` that is a size in KiB, as `VmHWM`.
pub(super) fn kib(text: &str, field: &str) -> Option<u64> {
    text.lines()
        .find_map(|line| line.strip_prefix(field)?.strip_prefix(':'))?
        .trim()
        .strip_suffix(" kB")?
        .parse()
        .ok()
}

/// The kernel counts in hundredths of a second wherever this runs (`USER_HZ`).
fn of_ticks(ticks: u64) -> Duration {
    Duration::from_millis(ticks * 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_time_of_a_process() {
        let cases = [
            (
                "812 (gunicorn: (a) b) S 7 812 812 0 -1 4194560 1 2 3 4 150 50 7 3 20 0 65 0 99",
                Some(Stat {
                    parent: 7,
                    time: Duration::from_millis(2100),
                    kernel: Duration::from_millis(530),
                }),
            ),
            ("812 (cut) S 7 812", None),
            ("", None),
        ];
        for (text, expected) in cases {
            assert_eq!(stat(text), expected, "{text:?}");
        }
    }

    #[test]
    fn leaves_out_idle_time_and_guests() {
        let cases = [
            (
                "cpu  100 20 30 4000 500 6 7 8 90 10\ncpu0 1 2 3\n",
                Some(Duration::from_millis(1710)),
            ),
            ("cpu  100 20", None),
            ("cpu0 1 2 3 4 5", None),
            ("", None),
        ];
        for (text, expected) in cases {
            assert_eq!(busy(text), expected, "{text:?}");
        }
    }

    #[test]
    fn reads_how_long_there_was_no_core() {
        for (text, expected) in [("5000 3000 2\n", 3000), ("", 0), ("1 x 2", 0)] {
            assert_eq!(delay(text), Duration::from_nanos(expected), "{text:?}");
        }
    }

    #[test]
    fn counts_switches_of_both_kinds() {
        let status = "Threads:\t3\nvoluntary_ctxt_switches:\t40\nnonvoluntary_ctxt_switches:\t2\n";
        for (text, expected) in [(status, 42), ("Threads:\t3\n", 0), ("", 0)] {
            assert_eq!(switches(text), expected, "{text:?}");
        }
    }

    #[test]
    fn reads_a_size() {
        let status = "Name:\tx\nVmHWM:\t    3412 kB\nVmRSS:\t12 kB\nThreads:\t3\n";
        let cases = [
            ("VmHWM", Some(3412)),
            ("VmRSS", Some(12)),
            ("Vm", None),
            ("Threads", None),
            ("VmSwap", None),
        ];
        for (field, expected) in cases {
            assert_eq!(kib(status, field), expected, "{field}");
        }
    }
}

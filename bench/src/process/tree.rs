//! A process and all that descend from it.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::time::Duration;

use super::parse::{self, Stat};

/// How often it is looked whether memory grows, and after how long each time.
const LOOKS: usize = 20;
const LOOK: Duration = Duration::from_millis(200);

/// A process with its descendants, looked for anew each time: masters start workers at any time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tree(u32);

/// What processes have used of the machine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Usage {
    /// Processor time, user and system, of all threads of all processes: those that have ended and were waited for
    /// are counted by who has waited.
    pub(crate) time: Duration,
    /// What of it was the kernel's.
    pub(crate) kernel: Duration,
    /// How often threads that are still there let go of their core or lost it.
    pub(crate) switches: u64,
    /// For how long those threads were ready to run and had no core; 0 where the kernel does not say.
    pub(crate) delay: Duration,
}

impl Tree {
    /// The tree below a process.
    pub(crate) fn of(root: u32) -> Self {
        Self(root)
    }

    /// What it has used so far.
    ///
    /// # Errors
    ///
    /// If there is no `/proc`.
    pub(crate) fn usage(self) -> io::Result<Usage> {
        let processes = processes()?;
        let mut usage = Usage::default();
        for process in self.members(&processes) {
            if let Some(stat) = processes.get(&process) {
                usage.time += stat.time;
                usage.kernel += stat.kernel;
                look_at_threads(process, &mut usage);
            }
        }
        Ok(usage)
    }

    /// Memory that is resident now, in KiB. What processes share is counted in each.
    ///
    /// # Errors
    ///
    /// If there is no `/proc`.
    pub(crate) fn resident(self) -> io::Result<u64> {
        self.kib("VmRSS")
    }

    /// Memory that is resident when it is ready: workers go on to load what they need after one of them answers. Waits
    /// until it hardly grows, where there are several processes.
    ///
    /// # Errors
    ///
    /// If there is no `/proc`.
    pub(crate) fn settled(self) -> io::Result<u64> {
        let mut last = self.resident()?;
        if self.members(&processes()?).count() == 1 {
            return Ok(last);
        }
        for _ in 0..LOOKS {
            std::thread::sleep(LOOK);
            let now = self.resident()?;
            if now.abs_diff(last) <= last / 100 {
                return Ok(now);
            }
            last = now;
        }
        Ok(last)
    }

    /// Has [`peak`](Self::peak) begin anew (`clear_refs`, proc_pid_clear_refs(5)); of a process that is not ours to change it
    /// remains that of its life.
    pub(crate) fn forget_peak(self) -> io::Result<()> {
        for process in self.members(&processes()?) {
            let _ = fs::write(format!("/proc/{process}/clear_refs"), "5");
        }
        Ok(())
    }

    /// The most memory that was resident since [`forget_peak`](Self::forget_peak), in KiB, each process at its own time.
    ///
    /// # Errors
    ///
    /// If there is no `/proc`.
    pub(crate) fn peak(self) -> io::Result<u64> {
        self.kib("VmHWM")
    }

    /// Whether this process descends from it.
    pub(super) fn has_started_this(self) -> bool {
        let this = std::process::id();
        let processes = processes().unwrap_or_default();
        self.0 != this && self.members(&processes).any(|process| process == this)
    }

    fn kib(self, field: &str) -> io::Result<u64> {
        let of = |process: u32| {
            let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
            parse::kib(&status, field)
        };
        Ok(self.members(&processes()?).filter_map(of).sum())
    }

    fn members(self, processes: &HashMap<u32, Stat>) -> impl Iterator<Item = u32> + use<> {
        let parents = processes
            .iter()
            .map(|(process, stat)| (*process, stat.parent));
        descendants(self.0, &parents.collect()).into_iter()
    }
}

/// Every process that there is now.
fn processes() -> io::Result<HashMap<u32, Stat>> {
    let names = fs::read_dir("/proc")?
        .map(|entry| Ok(entry?.file_name()))
        .collect::<io::Result<Vec<_>>>()?;
    let numbers = names.iter().filter_map(|name| name.to_str()?.parse().ok());
    // One may have ended meanwhile.
    Ok(numbers
        .filter_map(|process| Some((process, stat(process)?)))
        .collect())
}

/// Processor time that the whole machine has used.
pub(crate) fn machine_time() -> io::Result<Duration> {
    let text = fs::read_to_string("/proc/stat")?;
    parse::busy(&text).ok_or_else(|| io::Error::other("/proc/stat is not understood"))
}

/// Processor time of this process and the children that it has waited for.
pub(crate) fn own_time() -> io::Result<Duration> {
    let text = fs::read_to_string("/proc/self/stat")?;
    let stat = parse::stat(&text).ok_or_else(|| io::Error::other("/proc is not understood"))?;
    Ok(stat.time)
}

fn stat(process: u32) -> Option<Stat> {
    parse::stat(&fs::read_to_string(format!("/proc/{process}/stat")).ok()?)
}

/// Adds what only its threads tell. Nothing, if it has ended meanwhile.
fn look_at_threads(process: u32, usage: &mut Usage) {
    let Ok(threads) = fs::read_dir(format!("/proc/{process}/task")) else {
        return;
    };
    for thread in threads.flatten() {
        let read = |file| fs::read_to_string(thread.path().join(file)).unwrap_or_default();
        usage.switches += parse::switches(&read("status"));
        usage.delay += parse::delay(&read("schedstat"));
    }
}

fn descendants(root: u32, parents: &HashMap<u32, u32>) -> Vec<u32> {
    let mut found = vec![root];
    let mut seen = 0;
    while seen < found.len() {
        let parent = found[seen];
        found.extend(
            parents
                .iter()
                .filter(|(child, of)| **of == parent && **child != root)
                .map(|(child, _)| *child),
        );
        seen += 1;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_all_who_descend() {
        let parents = HashMap::from([(1, 0), (5, 1), (6, 5), (7, 5), (8, 7), (9, 1)]);
        let cases: [(u32, &[u32]); 4] = [(5, &[5, 6, 7, 8]), (7, &[7, 8]), (9, &[9]), (77, &[77])];
        for (root, expected) in cases {
            let mut found = descendants(root, &parents);
            found.sort_unstable();
            assert_eq!(found, expected, "{root}");
        }
    }

    #[test]
    fn sees_the_memory_of_a_process() {
        // Of this process others may be children that come and go.
        let mut child = std::process::Command::new("cat")
            .stdin(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let tree = Tree::of(child.id());
        let resident = tree.resident().unwrap();
        assert!(resident > 0);
        assert!(tree.peak().unwrap() >= resident);
        tree.forget_peak().unwrap();
        assert!(tree.peak().unwrap() >= tree.resident().unwrap());
        drop(child.stdin.take()); // which ends it
        child.wait().unwrap();
    }

    #[test]
    fn counts_the_time_of_those_that_have_ended() {
        let before = Tree::of(std::process::id()).usage().unwrap();
        let script = "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done";
        let mut child = std::process::Command::new("sh")
            .args(["-c", script])
            .spawn()
            .unwrap();
        assert!(child.wait().unwrap().success());
        let after = Tree::of(std::process::id()).usage().unwrap();
        assert!(after.time > before.time && after.kernel >= before.kernel);
        assert!(after.switches > 0); // it has waited
    }
}

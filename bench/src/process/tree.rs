//! A process and all that descend from it.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::time::Duration;

use super::parse::{self, Stat};

/// A process with its descendants, looked for anew each time: masters start workers at any time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tree(u32);

impl Tree {
    /// The tree below a process.
    pub(crate) fn of(root: u32) -> Self {
        Self(root)
    }

    /// Processor time so far, user and system, of all threads of all processes: those that have ended
    /// and were waited for are counted by who has waited.
    ///
    /// # Errors
    ///
    /// If there is no `/proc`.
    pub(crate) fn time(self) -> io::Result<Duration> {
        let processes = processes()?;
        Ok(self
            .members(&processes)
            .filter_map(|process| processes.get(&process))
            .map(|stat| stat.time + stat.children)
            .sum())
    }

    /// Memory that is resident now, in KiB. What processes share is counted in each.
    ///
    /// # Errors
    ///
    /// If there is no `/proc`.
    pub(crate) fn resident(self) -> io::Result<u64> {
        self.kib("VmRSS")
    }

    /// The most memory that was ever resident, in KiB, each process at its own time.
    ///
    /// # Errors
    ///
    /// If there is no `/proc`.
    pub(crate) fn peak(self) -> io::Result<u64> {
        self.kib("VmHWM")
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
    Ok(stat.time + stat.children)
}

fn stat(process: u32) -> Option<Stat> {
    parse::stat(&fs::read_to_string(format!("/proc/{process}/stat")).ok()?)
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
    fn sees_this_process() {
        let tree = Tree::of(std::process::id());
        assert!(tree.resident().unwrap() > 0);
        assert!(tree.peak().unwrap() >= tree.resident().unwrap());
    }

    #[test]
    fn counts_the_time_of_those_that_have_ended() {
        let before = Tree::of(std::process::id()).time().unwrap();
        let script = "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done";
        let mut child = std::process::Command::new("sh")
            .args(["-c", script])
            .spawn()
            .unwrap();
        assert!(child.wait().unwrap().success());
        assert!(Tree::of(std::process::id()).time().unwrap() > before);
    }
}

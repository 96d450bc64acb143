//! A process and all that descend from it.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::time::Duration;

use super::parse;

/// A process with its descendants, as they were when it was looked at.
pub(crate) struct Tree(Vec<u32>);

impl Tree {
    /// Looks for the descendants of a process now.
    pub(crate) fn of(root: u32) -> io::Result<Self> {
        let mut parents = HashMap::new();
        for entry in fs::read_dir("/proc")? {
            let name = entry?.file_name();
            let Some(process) = name.to_str().and_then(|name| name.parse().ok()) else {
                continue;
            };
            // It may have ended meanwhile.
            if let Some(stat) = stat(process) {
                parents.insert(process, stat.parent);
            }
        }
        Ok(Self(descendants(root, &parents)))
    }

    /// Processor time so far, user and system, of all threads.
    pub(crate) fn time(&self) -> Duration {
        self.0
            .iter()
            .filter_map(|process| Some(stat(*process)?.time))
            .sum()
    }

    /// Memory that is resident now, in KiB. What processes share is counted in each.
    pub(crate) fn resident(&self) -> u64 {
        self.kib("VmRSS")
    }

    /// The most memory that was ever resident, in KiB, each process at its own time.
    pub(crate) fn peak(&self) -> u64 {
        self.kib("VmHWM")
    }

    fn kib(&self, field: &str) -> u64 {
        self.0
            .iter()
            .filter_map(|process| {
                let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
                parse::kib(&status, field)
            })
            .sum()
    }
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

fn stat(process: u32) -> Option<parse::Stat> {
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
        let tree = Tree::of(std::process::id()).unwrap();
        assert!(tree.resident() > 0);
        assert!(tree.peak() >= tree.resident());
    }
}

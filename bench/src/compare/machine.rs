//! The machine and the versions that figures belong to.

use std::fs;
use std::process::Command;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use crate::load;
use crate::process::cores;

/// Facts without which figures say little.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Machine {
    pub(crate) processor: String,
    pub(crate) cores: usize,
    pub(crate) memory_gib: f64,
    pub(crate) kernel: String,
    pub(crate) compiler: String,
    pub(crate) wrk: String,
    /// The commit that was measured, `+` where files had been changed since.
    pub(crate) commit: String,
    pub(crate) date: String,
}

impl Machine {
    /// What this machine says of itself; `unknown` where it says nothing.
    pub(crate) fn here() -> Self {
        let read = |path| fs::read_to_string(path).unwrap_or_default();
        Self {
            processor: field(&read("/proc/cpuinfo"), "model name").unwrap_or_else(unknown),
            cores: cores(),
            memory_gib: memory(&read("/proc/meminfo")).unwrap_or_default(),
            kernel: said("uname", &["-sr"]),
            compiler: said("rustc", &["--version"]),
            wrk: load::version().unwrap_or_else(|_| unknown()),
            commit: commit(),
            date: httpdate::fmt_http_date(SystemTime::now()),
        }
    }
}

fn commit() -> String {
    let changed = said("git", &["status", "--porcelain", "--untracked-files=no"]);
    let commit = said("git", &["rev-parse", "--short", "HEAD"]);
    match changed.as_str() {
        "" => commit,
        _ => commit + "+",
    }
}

fn said(program: &str, arguments: &[&str]) -> String {
    match Command::new(program).args(arguments).output() {
        Ok(output) if output.status.success() => {
            String::from_utf8_lossy(&output.stdout).trim().to_owned()
        }
        _ => unknown(),
    }
}

fn unknown() -> String {
    "unknown".to_owned()
}

/// The first line `name : value`, whatever blanks there are.
fn field(text: &str, name: &str) -> Option<String> {
    text.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        (key.trim() == name).then(|| value.trim().to_owned())
    })
}

fn memory(text: &str) -> Option<f64> {
    let kib: f64 = field(text, "MemTotal")?.strip_suffix(" kB")?.parse().ok()?;
    Some(kib / 1024.0 / 1024.0)
}

/// The version of a package in a `Cargo.lock`, the highest where there are more.
pub(crate) fn locked(lock: &str, package: &str) -> Option<String> {
    let name = format!("name = \"{package}\"");
    let mut lines = lock.lines();
    let mut found = None;
    while lines.any(|line| line == name) {
        found = lines
            .next()
            .and_then(|line| line.strip_prefix("version = \"")?.strip_suffix('"'))
            .or(found);
    }
    found.map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_machines_files() {
        let text = "processor\t: 0\nmodel name\t: A: B\nmodel name\t: C\n";
        assert_eq!(field(text, "model name").as_deref(), Some("A: B"));
        assert_eq!(field(text, "model"), None);
        assert_eq!(memory("MemTotal:       1048576 kB\n"), Some(1.0));
        assert_eq!(memory("MemFree: 1 kB\n"), None);
    }

    #[test]
    fn finds_the_version_that_is_locked() {
        let lock = "[[package]]\nname = \"http\"\nversion = \"0.2.1\"\n\n\
                    [[package]]\nname = \"http\"\nversion = \"1.5.0\"\n\n\
                    [[package]]\nname = \"hyper\"\nversion = \"1.12.0\"\n";
        let cases = [
            ("http", Some("1.5.0")),
            ("hyper", Some("1.12.0")),
            ("axum", None),
        ];
        for (package, version) in cases {
            assert_eq!(locked(lock, package).as_deref(), version, "{package}");
        }
    }
}

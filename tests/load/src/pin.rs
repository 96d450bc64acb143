//! One core for the server under test, another for all that loads it, so that neither's work is taken for
//! the other's. Children run where they were started.

use std::sync::OnceLock;

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

use crate::Result;

/// The two cores, once they have been parted.
static CORES: OnceLock<[CpuSet; 2]> = OnceLock::new();

/// Keeps this process, and what it starts, on one core, and another for [`server`]. Where there is only one
/// core, all share it.
///
/// # Errors
///
/// The kernel refuses.
pub(crate) fn part() -> Result {
    let Some(cores) = two_of(&sched_getaffinity(None)?) else {
        eprintln!("there is one core only: server and load share it");
        return Ok(());
    };
    sched_setaffinity(None, &cores[1])?;
    let _ = CORES.set(cores); // the same again, if it was done
    Ok(())
}

/// Starts something on the server's core, if the cores are parted.
///
/// # Errors
///
/// Those of `start`, or the kernel refuses.
pub(crate) fn server<T>(start: impl FnOnce() -> Result<T>) -> Result<T> {
    let Some([server, load]) = CORES.get() else {
        return start();
    };
    sched_setaffinity(None, server)?;
    let started = start();
    sched_setaffinity(None, load)?;
    started
}

/// The first two cores that are allowed: a container may have 6 and 7.
fn two_of(allowed: &CpuSet) -> Option<[CpuSet; 2]> {
    let mut cores = (0..CpuSet::MAX_CPU).filter(|core| allowed.is_set(*core));
    let mut only = || {
        let core = cores.next()?;
        let mut only = CpuSet::new();
        only.set(core);
        Some(only)
    };
    Some([only()?, only()?])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_the_first_two_cores_that_are_allowed() {
        let mut allowed = CpuSet::new();
        allowed.set(6);
        assert!(two_of(&allowed).is_none());
        allowed.set(7);
        allowed.set(9);
        let [server, load] = two_of(&allowed).unwrap();
        assert!(server.is_set(6) && server.count() == 1);
        assert!(load.is_set(7) && load.count() == 1);
    }
}

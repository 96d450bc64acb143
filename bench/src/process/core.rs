//! Cores and descriptors of this process, which its children inherit.

use std::io;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// How many cores this process may use.
pub(crate) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// Does something on one core, and starts on it what it starts; on all that are allowed where
/// `core` is `None`. Cores are counted among those that are allowed: a container may have 6 and 7.
///
/// # Errors
///
/// Those of `action`, or if there are not so many cores.
pub(crate) fn on_core<T>(
    core: Option<usize>,
    action: impl FnOnce() -> io::Result<T>,
) -> io::Result<T> {
    let Some(core) = core else {
        return action();
    };
    let before = sched_getaffinity(None)?;
    let mut only = CpuSet::new();
    only.set(allowed(&before, core)?);
    sched_setaffinity(None, &only)?;
    let result = action();
    sched_setaffinity(None, &before)?;
    result
}

fn allowed(cores: &CpuSet, place: usize) -> io::Result<usize> {
    let mut allowed = (0..CpuSet::MAX_CPU).filter(|core| cores.is_set(*core));
    let missing =
        || io::Error::other("a core each for server and load takes two cores, and there are fewer");
    allowed.nth(place).ok_or_else(missing)
}

/// Lets this process and its children have as many descriptors as they may.
pub(crate) fn raise_descriptors() -> io::Result<()> {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(
        Resource::Nofile,
        Rlimit {
            current: limit.maximum,
            maximum: limit.maximum,
        },
    )?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_the_cores_that_are_allowed() {
        let mut cores = CpuSet::new();
        cores.set(6);
        cores.set(9);
        assert_eq!(allowed(&cores, 0).ok(), Some(6));
        assert_eq!(allowed(&cores, 1).ok(), Some(9));
        assert!(
            allowed(&cores, 2)
                .unwrap_err()
                .to_string()
                .contains("two cores")
        );
    }
}

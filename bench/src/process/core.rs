//! Cores and descriptors of this process, which its children inherit.

use std::io;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// How many cores this process may use.
pub(crate) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// Does something on one core, and starts on it what it starts; on all that are allowed where
/// `core` is `None`.
///
/// # Errors
///
/// Those of `action`, and of the kernel if there is no such core.
pub(crate) fn on_core<T>(
    core: Option<usize>,
    action: impl FnOnce() -> io::Result<T>,
) -> io::Result<T> {
    let Some(core) = core else {
        return action();
    };
    let before = sched_getaffinity(None)?;
    let mut only = CpuSet::new();
    only.set(core);
    sched_setaffinity(None, &only)?;
    let result = action();
    sched_setaffinity(None, &before)?;
    result
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

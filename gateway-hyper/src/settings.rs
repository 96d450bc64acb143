//! [`Settings`]: what a server was told, as plain values handed down.

use std::path::PathBuf;
use std::time::Duration;

use gateway_core::server::{Limits, LiveBodies, Timeouts};

/// Threads of the pool for blocking calls, unless told otherwise: 40, as AnyIO and so Starlette
/// have it (tokio: 512; granian: 128, which is known to eat a database's connections).
pub(crate) const THREADS: usize = 40;

/// Blocking calls that wait for a thread, unless told otherwise: as many as connections wait in the
/// backlog ([`Limits::backlog`]).
pub(crate) const QUEUE: usize = 1024;

/// HTTP/2 requests at once on a connection, unless told otherwise (nginx: 128; hyper: 200).
pub(crate) const STREAMS: u32 = 128;

/// The longest request head, in bytes, whatever it was told: hyper and h2 are told how much may come, and what is weighed
/// against HTTP/2 frames goes by it.
const HEAD: usize = 16 * 1024 * 1024;

/// Most header fields, whatever it was told: hyper has room for as many at each request, and a map of them holds
/// no more than 24 576.
const HEADERS: usize = 20_000;

/// The longest time that hyper is told: a year, as good as never.
pub(crate) const LONGEST: Duration = Duration::from_secs(365 * 24 * 3600);

/// What was told, as far as it can be done.
pub(crate) fn bounded(mut limits: Limits) -> Limits {
    limits.head = limits.head.min(HEAD);
    limits.headers = limits.headers.min(HEADERS);
    limits
}

/// What a server was told.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) limits: Limits,
    pub(crate) timeouts: Timeouts,
    /// Most threads of the pool for blocking calls.
    pub(crate) threads: usize,
    /// Most blocking calls that wait for a thread; beyond it 503.
    pub(crate) queue: usize,
    /// Most HTTP/2 requests at once on a connection.
    pub(crate) streams: u32,
    /// Which request bodies blocking code gets as they come.
    pub(crate) live_bodies: LiveBodies,
    /// Where temporary files are, if not where the system has its own.
    pub(crate) spool_in: Option<PathBuf>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            timeouts: Timeouts::default(),
            threads: THREADS,
            queue: QUEUE,
            streams: STREAMS,
            live_bodies: LiveBodies::default(),
            spool_in: None,
        }
    }
}

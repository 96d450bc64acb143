//! [`Settings`]: what a server was told, as plain values handed down.

use std::path::PathBuf;

use gateway_core::server::{Limits, LiveBodies, Timeouts};

/// Threads of the pool for blocking calls, unless told otherwise: 40, as AnyIO and so Starlette
/// have it (tokio: 512; granian: 128, which is known to eat a database's connections).
pub(crate) const THREADS: usize = 40;

/// Blocking calls that wait for a thread, unless told otherwise: as many as connections wait in the
/// backlog ([`Limits::backlog`]).
pub(crate) const QUEUE: usize = 1024;

/// HTTP/2 requests at once on a connection, unless told otherwise (nginx: 128; hyper: 200).
pub(crate) const STREAMS: u32 = 128;

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

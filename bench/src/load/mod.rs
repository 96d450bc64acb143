//! What servers are loaded with: wrk, the client that looks in beside it, and crowds of connections.

mod crowd;
mod plain;
mod probe;
mod wrk;

pub(crate) use crowd::{Crowd, Manner};
pub(crate) use plain::{wait_until_answering, warm_up};
pub(crate) use probe::{Probe, Waits};
pub(crate) use wrk::{Load, Request, Wrk, version};

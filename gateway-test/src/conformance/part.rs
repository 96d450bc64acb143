//! [`Part`]: what a host offers, and with it which cases it is to pass.

use std::fmt;

/// A part of the suite. [`Interface`](Self::Interface) is every host's; of the others a host
/// [says](super::TestHost::parts) which it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Part {
    /// Calls, environs, bodies, errors, outcomes: the interface itself.
    Interface,
    /// The host reads HTTP itself, and no server in front does it.
    Http,
    /// Several requests on one connection.
    Persistence,
    /// The host keeps to [`Limits`](gateway_core::server::Limits).
    Limits,
    /// The host keeps to [`Timeouts`](gateway_core::server::Timeouts).
    Timeouts,
    /// Many calls at once, and slow ones that hold nobody up.
    Concurrency,
    /// The host stops without losing a request.
    Stopping,
    /// The host listens wherever it is told.
    Listening,
}

impl Part {
    /// All of them.
    pub const ALL: &'static [Self] = &[
        Self::Interface,
        Self::Http,
        Self::Persistence,
        Self::Limits,
        Self::Timeouts,
        Self::Concurrency,
        Self::Stopping,
        Self::Listening,
    ];
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Interface => "interface",
            Self::Http => "http",
            Self::Persistence => "persistence",
            Self::Limits => "limits",
            Self::Timeouts => "timeouts",
            Self::Concurrency => "concurrency",
            Self::Stopping => "stopping",
            Self::Listening => "listening",
        })
    }
}

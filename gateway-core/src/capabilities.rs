//! [`Capabilities`]: what a host can do, and what an application needs of it.

use std::fmt;
use std::ops::{BitOr, BitOrAssign};

/// A set of things a host can do.
///
/// The host states its set through [`Gateway::capabilities`](crate::Gateway::capabilities); an
/// application states what it needs through [`Application::requires`](crate::Application::requires),
/// and a host that lacks any of it refuses to start.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Capabilities(u32);

impl Capabilities {
    /// Nothing.
    pub const NONE: Self = Self(0);
    /// Calls may run at the same time in several threads (PEP 3333 `wsgi.multithread`).
    pub const MULTITHREAD: Self = Self(1);
    /// Other processes may serve the same application (PEP 3333 `wsgi.multiprocess`).
    pub const MULTIPROCESS: Self = Self(1 << 1);
    /// The process serves one request and ends, as under CGI (PEP 3333 `wsgi.run_once`).
    pub const RUN_ONCE: Self = Self(1 << 2);
    /// Chunks of a response leave when they are made, not when the response is whole.
    pub const STREAMING: Self = Self(1 << 3);
    /// Interim (1xx) responses can be sent before the final one.
    pub const INTERIM: Self = Self(1 << 4);
    /// Trailer fields reach the application, and the client.
    pub const TRAILERS: Self = Self(1 << 5);
    /// The connection can be handed over after a 101.
    pub const UPGRADE: Self = Self(1 << 6);
    /// File bodies are sent by the kernel, without passing through the process.
    pub const SENDFILE: Self = Self(1 << 7);
    /// [`Environ::cancelled`](crate::Environ::cancelled) is set while the call runs, not after.
    pub const CANCELLATION: Self = Self(1 << 8);
    /// Async code runs inside a tokio runtime, and may use its reactor and timers.
    pub const TOKIO: Self = Self(1 << 9);

    const NAMES: [&'static str; 10] = [
        "multithread",
        "multiprocess",
        "run_once",
        "streaming",
        "interim",
        "trailers",
        "upgrade",
        "sendfile",
        "cancellation",
        "tokio",
    ];

    /// Whether everything in `other` is in this set.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// What is in this set or in `other`: `|`, where a constant is needed.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// What is in this set and not in `other`.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Whether the set is empty.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The names of what is in the set.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        let set = self.0;
        Self::NAMES
            .into_iter()
            .enumerate()
            .filter(move |(i, _)| set & (1 << i) != 0)
            .map(|(_, n)| n)
    }
}

impl BitOr for Capabilities {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        self.with(other)
    }
}

impl BitOrAssign for Capabilities {
    fn bitor_assign(&mut self, other: Self) {
        self.0 |= other.0;
    }
}

impl fmt::Display for Capabilities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return f.write_str("none");
        }
        for (i, name) in self.names().enumerate() {
            write!(f, "{}{name}", if i == 0 { "" } else { ", " })?;
        }
        Ok(())
    }
}

impl fmt::Debug for Capabilities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Capabilities({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_is_missing_by_name() {
        let host = Capabilities::MULTITHREAD | Capabilities::STREAMING;
        let needs = Capabilities::STREAMING | Capabilities::UPGRADE | Capabilities::TOKIO;
        assert!(!host.contains(needs));
        assert_eq!(needs.without(host).to_string(), "upgrade, tokio");
        assert_eq!(Capabilities::NONE.to_string(), "none");
    }
}

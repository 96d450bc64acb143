//! What stands in front of a host: nothing, nginx or HAProxy, each in a configuration that people run.

mod agree;
mod answers;
mod proxy;
mod recorder;

use std::fmt;

pub use agree::agree;
pub use answers::{Answer, answers_in};
pub use proxy::{Proxy, installed};
pub use recorder::{Recorder, Seen};

/// A way from the client to a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Front {
    /// The client speaks to the host.
    None,
    /// nginx, which has a request and a response whole before it passes them on.
    NginxBuffered,
    /// nginx, which passes on what comes as it comes.
    NginxStreamed,
    /// HAProxy as it is by default, in HTTP mode.
    Haproxy,
    /// HAProxy, which sends requests of all clients over the same connections to the host.
    HaproxyShared,
}

impl Front {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::None,
        Self::NginxBuffered,
        Self::NginxStreamed,
        Self::Haproxy,
        Self::HaproxyShared,
    ];

    /// The name of its program, where it has one.
    pub fn program(self) -> Option<&'static str> {
        match self {
            Self::None => None,
            Self::NginxBuffered | Self::NginxStreamed => Some("nginx"),
            Self::Haproxy | Self::HaproxyShared => Some("haproxy"),
        }
    }
}

impl fmt::Display for Front {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "direct",
            Self::NginxBuffered => "nginx-buffered",
            Self::NginxStreamed => "nginx-streamed",
            Self::Haproxy => "haproxy",
            Self::HaproxyShared => "haproxy-shared",
        })
    }
}

//! [`Outcome`]: how a request ended, told to those who asked with
//! [`Environ::on_finish`](crate::Environ::on_finish).

use std::fmt;

use http::StatusCode;

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Outcome {
    /// The status sent, if a response head was sent at all.
    pub status: Option<StatusCode>,
    /// Bytes of the response body handed to the connection, framing not counted.
    pub bytes_sent: u64,
    /// Whether the response is whole, or what cut it short.
    pub ending: Ending,
}

impl Outcome {
    /// Puts an outcome together; for hosts.
    pub fn new(status: Option<StatusCode>, bytes_sent: u64, ending: Ending) -> Self {
        Self {
            status,
            bytes_sent,
            ending,
        }
    }
}

/// Whether a response is whole, or what cut it short.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Ending {
    /// The response was sent whole.
    Complete,
    /// The application gave an error; before the head it was answered, after it the connection was
    /// aborted.
    Failed,
    /// The application panicked.
    Panicked,
    /// The client left.
    Disconnected,
    /// A deadline passed.
    TimedOut,
    /// The host stopped before the response was whole.
    Shutdown,
    /// The host gave the request up without saying why.
    Abandoned,
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Complete => "complete",
            Self::Failed => "failed",
            Self::Panicked => "panicked",
            Self::Disconnected => "disconnected",
            Self::TimedOut => "timed out",
            Self::Shutdown => "shutdown",
            Self::Abandoned => "abandoned",
        })
    }
}

/// A callback waiting for the outcome.
pub(crate) type OnFinish = Box<dyn FnOnce(&Outcome) + Send>;

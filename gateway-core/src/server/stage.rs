//! [`Stage`]: where a connection or a request stands.

use std::fmt;

/// Where a connection or a request stands; hosts name it in the log line of whatever they cut off,
/// and while they drain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Stage {
    /// Between two requests.
    Idle,
    /// The request head is not whole.
    ReadingHead,
    /// The request body is not whole, and is read before the application is called, or by it.
    ReadingBody,
    /// The request waits for a thread.
    Queued,
    /// The application has it.
    InApplication,
    /// The response is on its way.
    Writing,
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Idle => "idle",
            Self::ReadingHead => "reading head",
            Self::ReadingBody => "reading body",
            Self::Queued => "queued",
            Self::InApplication => "in application",
            Self::Writing => "writing",
        })
    }
}

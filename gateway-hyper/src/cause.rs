//! [`Cause`]: why a request or a connection is cut off, in the words of the log.

use std::fmt;

use gateway_core::{CancelReason, Ending};

/// Why a request or a connection is cut off. Its words are those of every host's log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Cause {
    /// The head was not whole in time.
    HeadTooLate = 1,
    /// No byte of the request body came for too long.
    BodyStalled,
    /// The request body came below the least rate.
    BodyTooSlow,
    /// The client took nothing of the response for too long.
    NotTaken,
    /// The client took the response below the least rate.
    TakenTooSlowly,
    /// No further request came. Nothing that runs ends by it.
    Idle,
    /// HTTP/2 frames that ask for nothing came in great number.
    Flood,
    /// HTTP/2 was asked for more than h2 bears: heads without end, streams reset unseen, empty frames.
    Excess,
    /// What the client sent was against the protocol.
    Broken,
    /// No HTTP/2 PING was answered.
    Unanswered,
    /// The request's own deadline passed.
    Deadline,
    /// The server stops, and has waited for as long as it was to.
    DrainOver,
    /// The server was told to end at once.
    Aborted,
    /// The client has left.
    ClientLeft,
}

impl Cause {
    const ALL: [Self; 14] = [
        Self::HeadTooLate,
        Self::BodyStalled,
        Self::BodyTooSlow,
        Self::NotTaken,
        Self::TakenTooSlowly,
        Self::Idle,
        Self::Flood,
        Self::Excess,
        Self::Broken,
        Self::Unanswered,
        Self::Deadline,
        Self::DrainOver,
        Self::Aborted,
        Self::ClientLeft,
    ];

    /// The cause of this code, which is never 0.
    pub(crate) fn of_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|cause| *cause as u8 == code)
    }

    /// What the application is told of it.
    pub(crate) fn reason(self) -> CancelReason {
        match self {
            Self::ClientLeft | Self::Flood | Self::Excess | Self::Broken | Self::Unanswered => {
                CancelReason::Disconnected
            }
            Self::DrainOver | Self::Aborted => CancelReason::Shutdown,
            _ => CancelReason::Deadline,
        }
    }

    /// How a request ends by it.
    pub(crate) fn ending(self) -> Ending {
        match self.reason() {
            CancelReason::Deadline => Ending::TimedOut,
            CancelReason::Shutdown => Ending::Shutdown,
            _ => Ending::Disconnected,
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::HeadTooLate => "the head was not whole in time",
            Self::BodyStalled => "nothing of the body came for too long",
            Self::BodyTooSlow | Self::TakenTooSlowly => "below the least rate",
            Self::NotTaken => "nothing of the response was taken for too long",
            Self::Idle => "nothing was asked for too long",
            Self::Flood => "too many frames that ask for nothing",
            Self::Excess => "more than HTTP/2 may ask for",
            Self::Broken => "what was sent is against the protocol",
            Self::Unanswered => "no ping was answered in time",
            Self::Deadline => "the deadline passed",
            Self::DrainOver => "the wait for the stop is over",
            Self::Aborted => "the server was aborted",
            Self::ClientLeft => "the client left",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cause_has_a_code_of_its_own() {
        for cause in Cause::ALL {
            assert_eq!(Cause::of_code(cause as u8), Some(cause));
        }
        assert_eq!(Cause::of_code(0), None);
    }

    #[test]
    fn who_leaves_is_told_from_who_is_cut_off() {
        for (cause, ending) in [
            (Cause::NotTaken, Ending::TimedOut),
            (Cause::DrainOver, Ending::Shutdown),
            (Cause::ClientLeft, Ending::Disconnected),
            (Cause::Broken, Ending::Disconnected),
        ] {
            assert_eq!(cause.ending(), ending);
        }
    }
}

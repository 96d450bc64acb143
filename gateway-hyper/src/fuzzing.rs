//! What this crate checks before and after hyper reads, by itself, for the fuzz targets of this
//! repository. No part of the interface: it changes as the checks do.

use gateway_core::server::Limits;
use http::StatusCode;
use http::request::Parts;

use crate::refusal::Refusal;
use crate::strict;
use crate::wire::Wire;

/// The reader that an HTTP/1 connection's bytes pass on their way to hyper.
pub struct StrictReader(Wire);

/// What it says of the bytes that it has not passed yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Looked {
    /// How many of them may pass.
    pub sound: usize,
    /// How many heads have passed on the connection.
    pub heads: u64,
    /// Whether what comes next, or is refused, belongs to a head.
    pub in_head: bool,
    /// Why what follows is refused, if it is.
    pub refused: Option<Refused>,
}

/// Why a request is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The name of the reason.
    pub reason: String,
    /// The status that answers it.
    pub status: StatusCode,
}

impl StrictReader {
    /// A connection on which nothing has been read.
    pub fn new(limits: &Limits) -> Self {
        Self(Wire::new(limits))
    }

    /// Looks at the bytes that were left the last time, and new ones behind them.
    pub fn look(&mut self, bytes: &[u8]) -> Looked {
        let verdict = self.0.look(bytes, u64::MAX);
        Looked {
            sound: verdict.sound,
            heads: self.0.heads(),
            in_head: self.0.refused_head(),
            refused: verdict.refusal.map(Refused::from),
        }
    }
}

/// Checks a head that hyper has parsed.
///
/// # Errors
///
/// It is refused.
pub fn check_head(parts: &mut Parts, limits: &Limits) -> Result<(), Refused> {
    strict::check(parts, limits).map_err(Refused::from)
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        Self {
            reason: format!("{refusal:?}"),
            status: refusal.status(),
        }
    }
}

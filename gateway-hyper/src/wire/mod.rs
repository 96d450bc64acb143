//! An HTTP/1 connection's incoming bytes, looked at before hyper sees them. Pure.
//!
//! hyper reads leniently what a front end may read differently: a bare LF ends a line, a
//! Content-Length beside a Transfer-Encoding is dropped without a word, `0 CRLF LF` is not the end of
//! a chunked body, and the request behind it is swallowed. Two readers that disagree about where a
//! request ends are what request smuggling is made of, so the bytes pass a strict reader first:
//!
//! ```text
//!   socket → Wire ── sound ──→ hyper → service
//!              └── refused: what follows is never seen by hyper
//! ```
//!
//! Whole heads pass, whole chunk lines, whole trailer sections, and body data as it comes. What is
//! here in part waits. A pass over a head finds its lines, and looks closely at the request line and
//! at the two fields that frame the body; names, values and the rest are read by hyper and checked
//! by [`strict`](crate::strict) in the parsed head.

mod chunked;
mod framing;
mod head;
mod lines;
mod trailers;

use gateway_core::server::Limits;

use crate::refusal::Refusal;

use chunked::Chunked;
use framing::Framing;
use head::Head;
pub(crate) use lines::is_token;

/// Where in its messages a connection's incoming bytes are.
pub(crate) struct Wire {
    limits: Limits,
    phase: Phase,
    heads: u64,
}

enum Phase {
    Head(Head),
    Length(u64),
    Chunked(Chunked),
    Refused { head: bool },
}

/// What can be said of some bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Verdict {
    /// How many of them may pass.
    pub(crate) sound: usize,
    /// What is wrong after these.
    pub(crate) refusal: Option<Refusal>,
}

impl Wire {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            limits: limits.clone(),
            phase: Phase::Head(Head::default()),
            heads: 0,
        }
    }

    /// Looks at the bytes that have not passed yet: those that were left the last time, and new ones
    /// behind them.
    pub(crate) fn look(&mut self, bytes: &[u8]) -> Verdict {
        let mut sound = 0;
        let refusal = loop {
            match self.step(&bytes[sound..]) {
                Ok(0) => break None,
                Ok(passed) => sound += passed,
                Err(refusal) => {
                    let head = self.is_in_head();
                    self.phase = Phase::Refused { head };
                    break Some(refusal);
                }
            }
        };
        Verdict { sound, refusal }
    }

    /// Heads that have passed so far.
    pub(crate) fn heads(&self) -> u64 {
        self.heads
    }

    /// Whether what comes next belongs to a head.
    pub(crate) fn is_in_head(&self) -> bool {
        matches!(self.phase, Phase::Head(_))
    }

    /// Whether it is, or was, a head that is refused, and not a body.
    pub(crate) fn refused_head(&self) -> bool {
        matches!(self.phase, Phase::Head(_) | Phase::Refused { head: true })
    }

    /// Passes one thing, and says how long it is; 0 if it is not whole yet.
    fn step(&mut self, bytes: &[u8]) -> Result<usize, Refusal> {
        match &mut self.phase {
            Phase::Refused { .. } => Ok(0),
            _ if bytes.is_empty() => Ok(0),
            Phase::Head(head) => {
                let Some((length, framing)) = head.look(bytes, &self.limits)? else {
                    return Ok(0);
                };
                self.heads += 1;
                self.phase = match framing {
                    Framing::Length(0) => Phase::Head(Head::default()),
                    Framing::Length(length) => Phase::Length(length),
                    Framing::Chunked => Phase::Chunked(Chunked::default()),
                };
                Ok(length)
            }
            Phase::Length(left) => {
                let length = at_most(bytes.len(), *left);
                *left -= length as u64;
                if *left == 0 {
                    self.phase = Phase::Head(Head::default());
                }
                Ok(length)
            }
            Phase::Chunked(chunked) => {
                let length = chunked.look(bytes, &self.limits)?;
                if chunked.is_over() {
                    self.phase = Phase::Head(Head::default());
                }
                Ok(length)
            }
        }
    }
}

/// `left`, but no more than there is.
fn at_most(there: usize, left: u64) -> usize {
    usize::try_from(left).map_or(there, |left| left.min(there))
}

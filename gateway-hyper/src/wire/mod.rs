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
//! here in part waits. A pass over a head finds its lines, and looks closely at the request line, at
//! names, and at the two fields that frame the body; values and the rest are read by hyper and checked by
//! [`strict`](crate::strict) in the parsed head.

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
pub(crate) use head::LONGEST_METHOD;
pub(crate) use trailers::{LONGEST as LONGEST_TRAILERS, is_forbidden as is_forbidden_in_trailers};

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
    /// behind them. Of the requests in them, those after the first `heads` of the connection are left.
    pub(crate) fn look(&mut self, bytes: &[u8], heads: u64) -> Verdict {
        let mut sound = 0;
        let refusal = loop {
            if self.is_in_head() && self.heads >= heads {
                break None;
            }
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

#[cfg(test)]
mod tests {
    use gateway_test::corpus;

    use super::*;

    /// How many bytes passed, how many heads were among them, and what was refused.
    type Read = (usize, u64, Option<Refusal>);

    /// Feeds pieces as a connection does: what did not pass comes again with the next.
    fn read(pieces: &[&[u8]]) -> Read {
        let mut wire = Wire::new(&Limits::default());
        let (mut waiting, mut passed) = (Vec::new(), 0);
        for piece in pieces {
            waiting.extend_from_slice(piece);
            let verdict = wire.look(&waiting, u64::MAX);
            waiting.drain(..verdict.sound);
            passed += verdict.sound;
            if verdict.refusal.is_some() {
                return (passed, wire.heads(), verdict.refusal);
            }
        }
        (passed, wire.heads(), None)
    }

    #[test]
    fn reads_the_same_however_the_bytes_arrive() {
        for case in corpus::load(&corpus::folder()).unwrap() {
            let (_, heads, refusal) = read(&[&case.bytes]);
            // Every cut of a small case; some of a case that is there for its size.
            let step = case.bytes.len() / 256 + 1;
            for at in (1..case.bytes.len()).step_by(step) {
                let (left, right) = case.bytes.split_at(at);
                let (_, cut_heads, cut_refusal) = read(&[left, right]);
                let same = (cut_heads, cut_refusal.map(Refusal::status));
                let name = &case.name;
                assert_eq!(
                    same,
                    (heads, refusal.map(Refusal::status)),
                    "{name} cut at {at}"
                );
            }
        }
    }

    #[test]
    fn passes_what_is_valid_and_nothing_else() {
        for case in corpus::load(&corpus::folder()).unwrap() {
            let (passed, _, refusal) = read(&[&case.bytes]);
            match &case.outcome {
                corpus::Outcome::Open => {
                    assert_eq!((passed, refusal), (case.bytes.len(), None), "{}", case.name);
                }
                // The framing of a body is decided here and nowhere else.
                corpus::Outcome::Refused { in_body: true, .. } => {
                    assert!(refusal.is_some(), "{}", case.name);
                }
                _ => {}
            }
        }
    }

    #[test]
    fn limits_hold_before_the_line_or_the_head_is_whole() {
        let endless = b"GET /".iter().chain(std::iter::repeat_n(&b'a', 9000));
        let (_, _, refusal) = read(&[&endless.copied().collect::<Vec<_>>()]);
        assert_eq!(refusal, Some(Refusal::RequestLineTooLong));

        let head = [b"GET / HTTP/1.1\r\nx: ".as_slice(), &[b'a'; 70_000]].concat();
        assert_eq!(read(&[&head]).2, Some(Refusal::HeadTooLong));

        let fields = "x: 1\r\n".repeat(101);
        let head = format!("GET / HTTP/1.1\r\n{fields}");
        assert_eq!(read(&[head.as_bytes()]).2, Some(Refusal::TooManyHeaders));
    }
}

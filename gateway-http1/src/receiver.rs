//! The receiving half of a connection: bytes in, events out.

use std::ops::Range;
use std::sync::Arc;

use http::HeaderMap;

use crate::chunked::{Chunked, Step};
use crate::close::{CloseReason, Reading};
use crate::error::Error;
use crate::framing::BodyFraming;
use crate::head::RequestHead;
use crate::limits::Limits;
use crate::lines::{Bounds, Search};
use crate::token;

/// The receiving half of one connection: head, body, end, head, body, end …
///
/// It holds no bytes: what it has not used stays with its owner, who presents it again with more.
#[derive(Debug)]
pub struct Receiver {
    limits: Arc<Limits>,
    state: State,
    /// Whether another request may follow the one at hand.
    keep_alive: bool,
}

#[derive(Debug)]
enum State {
    Head { search: Search, skipped: bool },
    Length(u64),
    Chunked(Chunked),
    End,
    Closed,
    Failed(Error),
}

impl State {
    const fn between_requests() -> Self {
        Self::Head {
            search: Search::NEW,
            skipped: false,
        }
    }
}

/// What [`Receiver::receive`] made of its input.
#[derive(Debug)]
#[must_use]
pub struct Received {
    /// How many bytes at the start of the input are done with; the others must be presented again.
    pub used: usize,
    /// What was read; `None` if more bytes are needed to say.
    pub event: Option<Event>,
}

/// A part of a request. Each request is one `Head`, any number of `Data`, perhaps `Trailers`, and `End`,
/// also where it has no body.
#[derive(Debug)]
pub enum Event {
    /// A request begins.
    Head(RequestHead),
    /// A piece of body, never empty: this range of the input.
    Data(Range<usize>),
    /// The trailers of a chunked body, where it has any.
    Trailers(HeaderMap),
    /// The request is complete.
    End,
}

impl Receiver {
    /// A connection on which nothing has been read.
    pub fn new(limits: impl Into<Arc<Limits>>) -> Self {
        Self {
            limits: limits.into(),
            state: State::between_requests(),
            keep_alive: true,
        }
    }

    /// Reads one event from the start of `input`.
    ///
    /// Call it again with what was not used until there is no event, then again with more bytes. After the
    /// last request of a connection ([`Reading::Closed`]) it uses up everything and says nothing, which is
    /// what a lingering close wants.
    ///
    /// # Errors
    ///
    /// The request is refused, and with it the connection: the same error comes from then on. Nothing is
    /// used, so that the offending bytes are still at the start of the input for a log line.
    pub fn receive(&mut self, input: &[u8]) -> Result<Received, Error> {
        let received = match &mut self.state {
            State::Head { .. } => self.receive_head(input),
            State::Length(_) => Ok(self.receive_data(input)),
            State::Chunked(_) => self.receive_chunked(input),
            State::End => Ok(self.end()),
            State::Closed => Ok(Received {
                used: input.len(),
                event: None,
            }),
            State::Failed(error) => Err(*error),
        };
        received.inspect_err(|error| self.state = State::Failed(*error))
    }

    /// What is being read; decides which deadline applies.
    pub fn reading(&self) -> Reading {
        match &self.state {
            State::Head { search, .. } if search.is_fresh() => Reading::Idle,
            State::Head { .. } => Reading::Head,
            State::Length(_) | State::Chunked(_) => Reading::Body,
            State::End => Reading::End,
            State::Closed | State::Failed(_) => Reading::Closed,
        }
    }

    /// How much of the body at hand has not been read: none outside a body, `None` inside a chunked one.
    pub fn remaining(&self) -> Option<u64> {
        match &self.state {
            State::Length(remaining) => Some(*remaining),
            State::Chunked(_) => None,
            _ => Some(0),
        }
    }

    /// What it means that the client closed its side now, with nothing left to present.
    pub fn end_of_input(&self) -> CloseReason {
        match &self.state {
            State::Failed(error) => CloseReason::Refused(*error),
            State::Closed => CloseReason::ClientAsked,
            _ => match self.reading() {
                Reading::Head => CloseReason::TruncatedHead,
                Reading::Body => CloseReason::TruncatedBody {
                    missing: self.remaining(),
                },
                _ => CloseReason::ClientClosed,
            },
        }
    }

    fn receive_head(&mut self, input: &[u8]) -> Result<Received, Error> {
        let State::Head { search, skipped } = &mut self.state else {
            return Ok(Received::nothing(0));
        };
        let start = match search.is_fresh() {
            true => match first_byte(input, *skipped)? {
                Start::Wait => return Ok(Received::nothing(0)),
                Start::At(start) => start,
            },
            false => 0,
        };
        *skipped |= start > 0;
        let bounds = Bounds {
            request_line: Some(self.limits.request_line),
            total: self.limits.head,
            // The request line is a line too.
            lines: self.limits.headers.saturating_add(1),
            too_long: Error::HeadTooLong,
        };
        let input = &input[start..];
        let Some(length) = search.find_end(input, &bounds)? else {
            return Ok(Received::nothing(start));
        };
        let head = RequestHead::read(&input[..length], search.lines(), &self.limits)?;
        self.keep_alive = head.keep_alive;
        self.state = match head.framing {
            BodyFraming::Empty | BodyFraming::Length(0) => State::End,
            BodyFraming::Length(length) => State::Length(length),
            BodyFraming::Chunked => State::Chunked(Chunked::default()),
        };
        Ok(Received::some(start + length, Event::Head(head)))
    }

    fn receive_data(&mut self, input: &[u8]) -> Received {
        let State::Length(remaining) = &mut self.state else {
            return Received::nothing(0);
        };
        if input.is_empty() {
            return Received::nothing(0);
        }
        let length = usize::try_from(*remaining).map_or(input.len(), |n| n.min(input.len()));
        *remaining -= length as u64;
        if *remaining == 0 {
            self.state = State::End;
        }
        Received::some(length, Event::Data(0..length))
    }

    fn receive_chunked(&mut self, input: &[u8]) -> Result<Received, Error> {
        let State::Chunked(chunked) = &mut self.state else {
            return Ok(Received::nothing(0));
        };
        Ok(match chunked.receive(input, &self.limits)? {
            Step::Incomplete(used) => Received::nothing(used),
            Step::Data(range) => Received::some(range.end, Event::Data(range)),
            Step::End(used, None) => Received { used, ..self.end() },
            Step::End(used, Some(trailers)) => {
                self.state = State::End;
                Received::some(used, Event::Trailers(trailers))
            }
        })
    }

    fn end(&mut self) -> Received {
        self.state = match self.keep_alive {
            true => State::between_requests(),
            false => State::Closed,
        };
        Received::some(0, Event::End)
    }
}

impl Received {
    fn nothing(used: usize) -> Self {
        Self { used, event: None }
    }

    fn some(used: usize, event: Event) -> Self {
        Self {
            used,
            event: Some(event),
        }
    }
}

/// Where the request line starts, if that can be said.
enum Start {
    Wait,
    At(usize),
}

/// Skips one empty line (RFC 9112 §2.2: old clients send one after a body), and judges the first byte, so
/// that what is no HTTP at all need not send a line feed to be found out.
fn first_byte(input: &[u8], skipped: bool) -> Result<Start, Error> {
    match input {
        [] => Ok(Start::Wait),
        [b'\n', ..] => Err(Error::BareLineFeed),
        [b'\r', ..] if skipped => Err(Error::InvalidRequestLine),
        [b'\r'] => Ok(Start::Wait),
        [b'\r', b'\n', rest @ ..] => Ok(match first_byte(rest, true)? {
            Start::At(_) | Start::Wait => Start::At(2),
        }),
        [b'\r', ..] => Err(Error::BareCarriageReturn),
        // The content type of a TLS handshake record.
        [0x16, ..] => Err(Error::TlsHandshake),
        [byte, ..] if token::is_token_byte(*byte) => Ok(Start::At(0)),
        _ => Err(Error::InvalidMethod),
    }
}

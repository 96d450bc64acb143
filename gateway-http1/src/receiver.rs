//! The receiving half of a connection: bytes in, events out.

use std::ops::Range;
use std::sync::Arc;

use http::HeaderMap;

use crate::chunked::{Chunked, Step};
use crate::close::{CloseReason, Reading};
use crate::error::Error;
use crate::framing::{BodyFraming, body_length};
use crate::head::RequestHead;
use crate::head_reader::HeadReader;
use crate::limits::Limits;

/// The longest head in bytes that is held against the next one: a browser's, with a few cookies.
///
/// An idle connection keeps it. Ten thousand of them hold 10 MB so, where heads of 60 KB would be 600 MB.
/// After a longer head the next is read in full.
const REMEMBERED: usize = 1024;

/// The receiving half of one connection: head, body, end, head, body, end …
///
/// What it has not used stays with its owner, who presents it again with more. Of what it has used it holds
/// the head, until the request ends, and then only one of up to 1 KiB: fields that come again are not read
/// again.
#[derive(Debug)]
pub struct Receiver {
    limits: Arc<Limits>,
    state: State,
    /// The request at hand, or the last one, if its head is no longer than [`REMEMBERED`]: its fields are
    /// likely to come again.
    last: Option<RequestHead>,
}

#[derive(Debug)]
enum State {
    Head(HeadReader),
    Length(u64),
    Chunked(Chunked),
    End,
    Closed,
    Failed(Error),
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
            state: State::Head(HeadReader::default()),
            last: None,
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
        let received = self.step(input);
        received.inspect_err(|error| self.state = State::Failed(*error))
    }

    /// What is being read; decides which deadline applies.
    pub fn reading(&self) -> Reading {
        match &self.state {
            State::Head(head) if head.is_idle() => Reading::Idle,
            State::Head(_) => Reading::Head,
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

    fn step(&mut self, input: &[u8]) -> Result<Received, Error> {
        Ok(match &mut self.state {
            State::Head(reader) => match reader.receive(input, self.last.as_ref(), &self.limits)? {
                (used, Some(head)) => self.begin(used, head),
                (used, None) => Received::nothing(used),
            },
            State::Length(_) if input.is_empty() => Received::nothing(0),
            State::Length(remaining) => {
                let length = body_length(*remaining, input);
                *remaining -= length as u64;
                if *remaining == 0 {
                    self.state = State::End;
                }
                Received::some(length, Event::Data(0..length))
            }
            State::Chunked(chunked) => match chunked.receive(input, &self.limits)? {
                Step::Incomplete(used) => Received::nothing(used),
                Step::Data(range) => Received::some(range.end, Event::Data(range)),
                Step::End(used, None) => self.end(used),
                Step::End(used, Some(trailers)) => {
                    self.state = State::End;
                    Received::some(used, Event::Trailers(trailers))
                }
            },
            State::End => self.end(0),
            State::Closed => Received::nothing(input.len()),
            State::Failed(error) => return Err(*error),
        })
    }

    fn begin(&mut self, used: usize, head: RequestHead) -> Received {
        self.last = Some(head.clone());
        self.state = match head.framing {
            BodyFraming::Empty | BodyFraming::Length(0) => State::End,
            BodyFraming::Length(length) => State::Length(length),
            BodyFraming::Chunked => State::Chunked(Chunked::default()),
        };
        Received::some(used, Event::Head(head))
    }

    fn end(&mut self, used: usize) -> Received {
        self.state = match self.last.as_ref().is_none_or(|last| last.keep_alive) {
            true => State::Head(HeadReader::default()),
            false => State::Closed,
        };
        self.last.take_if(|last| last.bytes().len() > REMEMBERED);
        Received::some(used, Event::End)
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

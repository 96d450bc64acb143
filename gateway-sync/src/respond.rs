//! A response on its way from the application to the wire.

use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use gateway_core::server::{Panic, catch};
use gateway_core::{BodyKind, Delivery, Ending, Error, Outcome};
use gateway_http1::{AfterResponse, EncodeError, Encoder, Exchange};
use http::{HeaderMap, StatusCode};
use http_body::Frame;

use crate::lending::Ticket;
use crate::live::Live;
use crate::log::Current;
use crate::predictor::Entry;

/// Up to this many bytes a body is copied behind its head, so that both leave in one piece; beyond
/// it the two are gathered by the kernel.
const COPY: usize = 4 * 1024;

/// A response whose head is made, and of whose body perhaps not all is.
pub(crate) struct Responding {
    pub(crate) entry: Entry,
    pub(crate) live: Option<Live>,
    pub(crate) waker: Option<Waker>,
    /// It waits for leave to make more of its body.
    pub(crate) ticket: Option<Ticket>,
    status: StatusCode,
    ending: Ending,
    sent: u64,
    trailers: Option<HeaderMap>,
    body: BodyKind,
    encoder: Option<Encoder>,
    failure: Option<Ending>,
    /// It is made ahead of its client.
    buffered: bool,
    /// It was, and no more of it can be kept: it goes on when the client has taken what there is.
    held_back: bool,
    /// Only a reset tells the client that the body is truncated.
    undelimited: bool,
    /// The client left while its call ran, which answered all the same.
    pub(crate) left_in_call: bool,
}

/// What pulling the body gave.
pub(crate) enum Pulled {
    /// Bytes to send: what was encoded, then this.
    Piece(Bytes),
    /// The body is over; the rest of it was encoded.
    Over(AfterResponse),
    /// Nothing yet; the waker will tell.
    Pending,
    /// The response cannot be completed.
    Failed(Failure),
}

/// Why a response cannot be completed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error("the body failed: {0}")]
    Body(String),
    #[error("the body {0}")]
    Panicked(Panic),
    #[error("{0}")]
    Encode(EncodeError),
    #[error("what was kept of it is lost: {0}")]
    Lost(std::io::Error),
}

impl Responding {
    pub(crate) fn new(
        entry: Entry,
        exchange: &Exchange,
        encoder: Encoder,
        status: StatusCode,
        ending: Ending,
        body: BodyKind,
    ) -> Self {
        let unknown = encoder.wants_body() && encoder.remaining().is_none();
        let undelimited = unknown && exchange.is_http10();
        Self {
            entry,
            live: None,
            waker: None,
            ticket: None,
            status,
            ending,
            sent: 0,
            trailers: None,
            body,
            encoder: Some(encoder),
            failure: None,
            buffered: false,
            held_back: false,
            undelimited,
            left_in_call: false,
        }
    }

    /// Has the body made ahead of its client, unless it is in memory or in a file of its own already.
    pub(crate) fn deliver(&mut self, delivery: Delivery) {
        let is_made = matches!(
            self.body,
            BodyKind::Iter(_) | BodyKind::Stream(_) | BodyKind::Channel(_)
        );
        self.buffered = is_made && delivery == Delivery::Buffered;
    }

    /// Whether the head does not wait for the first chunk, which may take its time.
    pub(crate) fn begins_at_once(&self) -> bool {
        matches!(self.body, BodyKind::Iter(_)) && !self.buffered
    }

    /// How much of it may be kept in memory as it is, of `buffer` bytes: all of what is in memory
    /// already.
    pub(crate) fn keep(&self, buffer: usize) -> usize {
        if self.buffered { buffer } else { usize::MAX }
    }

    /// Whether more of it is to be made although the client has not taken what there is.
    pub(crate) fn runs_ahead(&self) -> bool {
        self.buffered && !self.held_back && !self.is_over()
    }

    /// No more of it can be kept, until the client has taken what there is.
    pub(crate) fn hold_back(&mut self, hold: bool) {
        self.held_back = hold;
    }

    /// Whether all of the body has been pulled.
    pub(crate) fn is_over(&self) -> bool {
        self.encoder.is_none()
    }

    /// Whether the body is bytes or nothing: pulling it runs no code of the application's.
    pub(crate) fn is_inert(&self) -> bool {
        matches!(self.body, BodyKind::Bytes(_) | BodyKind::Empty)
    }

    /// Whether it is made ahead of its client, and there is more of it to be made.
    pub(crate) fn has_more_pieces(&self) -> bool {
        let encoder = self.encoder.as_ref();
        self.buffered && encoder.is_some_and(|encoder| encoder.remaining() != Some(0))
    }

    /// Whether pulling may block.
    pub(crate) fn blocks(&self) -> bool {
        matches!(self.body, BodyKind::Iter(_)) || self.live.is_some()
    }

    /// Whether the body is polled for, and its waker will be used.
    pub(crate) fn is_polled(&self) -> bool {
        matches!(self.body, BodyKind::Stream(_) | BodyKind::Channel(_))
    }

    /// Pulls a piece of the body, and encodes what belongs around it into `out`.
    pub(crate) fn pull(&mut self, out: &mut Vec<u8>) -> Pulled {
        if !self.encoder.as_ref().is_some_and(Encoder::wants_body) {
            return self.end(out);
        }
        let waker = self.waker.clone();
        let mut cx = Context::from_waker(waker.as_ref().unwrap_or(Waker::noop()));
        // An error's text is the application's code too, and its drop.
        let frame = || next_frame(&mut self.body, &mut cx).map_err(|error| error.to_string());
        match catch(frame) {
            Err(panic) => Pulled::Failed(Failure::Panicked(panic)),
            Ok(Poll::Pending) => Pulled::Pending,
            Ok(Poll::Ready(None)) => self.end(out),
            Ok(Poll::Ready(Some(Err(error)))) => Pulled::Failed(Failure::Body(error)),
            Ok(Poll::Ready(Some(Ok(frame)))) => match frame.into_data() {
                Ok(data) => self.encode(data, out),
                Err(frame) => {
                    self.trailers = frame.into_trailers().ok();
                    Pulled::Piece(Bytes::new())
                }
            },
        }
    }

    fn encode(&mut self, data: Bytes, out: &mut Vec<u8>) -> Pulled {
        let Some(encoder) = &mut self.encoder else {
            return Pulled::Piece(Bytes::new());
        };
        // Chunked framing has bytes behind the data: a copy is cheaper than a third piece, but for
        // large ones.
        let length = data.len() as u64;
        if encoder.remaining().is_some() && data.len() > COPY {
            return match encoder.begin_chunk(length, out) {
                Ok(()) => {
                    self.sent += length;
                    Pulled::Piece(data)
                }
                Err(error) => Pulled::Failed(Failure::Encode(error)),
            };
        }
        match encoder.data(&data, out) {
            Ok(()) => {
                self.sent += length;
                Pulled::Piece(Bytes::new())
            }
            Err(error) => Pulled::Failed(Failure::Encode(error)),
        }
    }

    fn end(&mut self, out: &mut Vec<u8>) -> Pulled {
        let trailers = self.trailers.take();
        let Some(encoder) = self.encoder.take() else {
            return Pulled::Pending;
        };
        match encoder.end(trailers.as_ref(), out) {
            Ok(after) => Pulled::Over(after),
            Err(error) => Pulled::Failed(Failure::Encode(error)),
        }
    }

    /// Says what the response failed of.
    pub(crate) fn fail(&mut self, failure: &Failure) {
        self.failure = Some(match failure {
            Failure::Panicked(_) => Ending::Panicked,
            Failure::Body(_) | Failure::Encode(_) | Failure::Lost(_) => Ending::Failed,
        });
    }

    /// What the response failed of, if it did.
    pub(crate) fn failure(&self) -> Option<Ending> {
        self.failure
    }

    /// Whether only a reset can tell the client that this response is truncated.
    pub(crate) fn needs_reset(&self) -> bool {
        self.undelimited
    }

    /// How the request ended, if nothing else happens.
    pub(crate) fn outcome(&self) -> Outcome {
        Outcome::new(Some(self.status), self.sent, self.ending)
    }

    /// How the request ended, if it ends now with `unsent` bytes that the client did not take.
    pub(crate) fn cut(&self, ending: Ending, unsent: u64) -> Outcome {
        Outcome::new(Some(self.status), self.sent.saturating_sub(unsent), ending)
    }

    /// Drops the body: PEP 3333's `close()`. A panic in it is the application's, and is logged.
    pub(crate) fn close_body(&mut self, request: &Current) {
        close(std::mem::take(&mut self.body), request);
    }
}

/// Drops a body. A panic in it is the application's, and is logged.
pub(crate) fn close(body: BodyKind, request: &Current) {
    if let Err(panic) = catch(|| drop(body)) {
        tracing::error!(%request, %panic, "the body's drop panicked");
    }
}

fn next_frame(
    body: &mut BodyKind,
    cx: &mut Context<'_>,
) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
    match body {
        BodyKind::Bytes(bytes) if !bytes.is_empty() => {
            Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes)))))
        }
        BodyKind::File(file) => Poll::Ready(
            file.next()
                .map(|chunk| chunk.map(Frame::data).map_err(Into::into)),
        ),
        BodyKind::Iter(chunks) => Poll::Ready(chunks.next().map(|chunk| chunk.map(Frame::data))),
        BodyKind::Stream(stream) => stream.poll_frame(cx),
        BodyKind::Channel(channel) => channel.poll_frame(cx),
        _ => Poll::Ready(None),
    }
}

/// Wakes a connection whose body is polled for.
pub(crate) struct Nudge {
    pub(crate) seats: Arc<[crate::seat::Seat]>,
    pub(crate) seat: usize,
    pub(crate) slot: usize,
}

impl std::task::Wake for Nudge {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    /// If the connection is gone and another has its slot, that one is looked at for nothing.
    fn wake_by_ref(self: &Arc<Self>) {
        self.seats[self.seat].nudge(self.slot);
    }
}

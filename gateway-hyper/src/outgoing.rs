//! [`Outgoing`]: the response body on its way out.
//!
//! It keeps what the head says: never more bytes than declared, and fewer only with an abort, so
//! that the client sees the truncation.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use gateway_core::server::{Panic, catch};
use gateway_core::{Body, BodyKind, Channel, Ending, Error, Stream};
use http::Version;
use http_body::{Frame, SizeHint};

use crate::connection::Taking;
use crate::declared::Framing;
use crate::exchange::Exchange;
use crate::pull::{Maker, Pull};

/// How much is handed on at once over HTTP/2. hyper asks for the next piece only when the client has room
/// on the stream, and so a response is not taken for sent while the client has yet to take it. (Over
/// HTTP/1 the socket tells when that is.)
const PIECE: usize = 16 * 1024;

/// The response body on its way out.
pub(crate) struct Outgoing {
    // Goes before the exchange: who is told of the end finds the body closed.
    source: Source,
    /// What is left of a chunk that goes out in pieces.
    rest: Bytes,
    framing: Framing,
    /// An abort that waits until what was sent before it is flushed.
    aborting: Option<Aborted>,
    exchange: Box<Exchange>,
}

enum Source {
    Ended,
    Bytes(Bytes),
    Pull(Pull),
    Stream(Stream),
    Channel(Channel),
}

/// Why a body is not what the head promised.
#[derive(Debug, thiserror::Error)]
enum Fault {
    #[error("the body is longer than declared")]
    TooLong,
    #[error("the body ended {missing} bytes before its declared length")]
    TooShort { missing: u64 },
    #[error(transparent)]
    Panicked(#[from] Panic),
    #[error(transparent)]
    Failed(Error),
}

/// The response was cut; hyper closes the connection, or resets the stream.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the response was aborted")]
pub(crate) struct Aborted;

impl Outgoing {
    /// The body of a response whose head says `framing`.
    pub(crate) fn new(body: Body, framing: Framing, mut exchange: Box<Exchange>) -> Self {
        let source = match framing {
            Framing::None | Framing::Withheld(_) => Source::Ended,
            _ => Source::of(body.into_kind(), &exchange),
        };
        if matches!(source, Source::Ended) {
            exchange.complete();
        } else {
            exchange.taking = Taking::of_stream();
        }
        Self {
            source,
            rest: Bytes::new(),
            framing,
            aborting: None,
            exchange,
        }
    }

    /// The next frame, in pieces over HTTP/2.
    fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Frame<Bytes>>, Fault>> {
        let frame = match self.rest.is_empty() {
            true => ready!(self.source.poll(cx))?,
            false => Some(Frame::data(std::mem::take(&mut self.rest))),
        };
        let in_pieces = self.exchange.version >= Version::HTTP_2;
        Poll::Ready(Ok(frame.map(|frame| match frame.into_data() {
            Ok(mut chunk) if in_pieces && chunk.len() > PIECE => {
                self.rest = chunk.split_off(PIECE);
                Frame::data(chunk)
            }
            Ok(chunk) => Frame::data(chunk),
            Err(frame) => frame,
        })))
    }

    /// Counts a chunk; refuses one that is beyond what was declared.
    fn count(&mut self, chunk: &Bytes) -> Result<(), Fault> {
        let length = chunk.len() as u64;
        if let Framing::Exactly(declared) = self.framing {
            let rest = declared - self.exchange.sent(); // never more: that is checked here
            if length > rest {
                return Err(Fault::TooLong);
            }
            if length == rest {
                self.exchange.complete(); // hyper may not ask for more
            }
        }
        self.exchange.add_sent(length);
        Ok(())
    }

    fn end(&mut self) -> Result<(), Fault> {
        self.source = Source::Ended;
        match self.framing {
            Framing::Exactly(declared) if declared > self.exchange.sent() => Err(Fault::TooShort {
                missing: declared - self.exchange.sent(),
            }),
            _ => {
                self.exchange.complete();
                Ok(())
            }
        }
    }

    /// Cuts the response, but lets go out first what was sent before: the client shall see that
    /// something was to come.
    fn abort(&mut self, fault: &Fault, cx: &mut Context<'_>) {
        self.source = Source::Ended;
        self.rest = Bytes::new();
        self.exchange.fail(match fault {
            Fault::Panicked(_) => Ending::Panicked,
            _ => Ending::Failed,
        });
        tracing::error!(
            method = %self.exchange.method,
            path = self.exchange.path(),
            sent = self.exchange.sent(),
            error = %fault,
            "response aborted"
        );
        if self.framing == Framing::UntilClose {
            self.exchange.state.set_reset(); // an end like any other would look like the end
        }
        self.aborting = Some(Aborted);
        cx.waker().wake_by_ref();
    }
}

impl http_body::Body for Outgoing {
    type Data = Bytes;
    type Error = Aborted;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Aborted>>> {
        if let Some(aborted) = self.aborting.take() {
            return Poll::Ready(Some(Err(aborted)));
        }
        let polled = self.poll_piece(cx);
        if let Some(taking) = &self.exchange.taking {
            match polled {
                Poll::Ready(Ok(Some(_))) => taking.hand(self.exchange.state.shared.clock.now()),
                _ => taking.rest(),
            }
        }
        let frame = ready!(polled);
        let checked = match frame {
            Ok(None) => self.end().map(|()| None),
            Ok(Some(frame)) => match frame.data_ref() {
                Some(chunk) => self.count(chunk).map(|()| Some(frame)),
                None => Ok(Some(frame)),
            },
            Err(fault) => Err(fault),
        };
        match checked {
            Ok(frame) => Poll::Ready(frame.map(Ok)),
            Err(fault) => {
                self.abort(&fault, cx);
                Poll::Pending
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        let is_withheld = matches!(self.framing, Framing::Withheld(_));
        let has_ended = matches!(self.source, Source::Ended) && self.rest.is_empty();
        has_ended && self.aborting.is_none() && !is_withheld
    }

    fn size_hint(&self) -> SizeHint {
        match self.framing {
            Framing::None => SizeHint::with_exact(0),
            Framing::Withheld(length) => SizeHint::with_exact(length),
            Framing::Exactly(declared) => SizeHint::with_exact(declared - self.exchange.sent()),
            Framing::Open | Framing::UntilClose => SizeHint::default(),
        }
    }
}

impl Source {
    fn of(kind: BodyKind, exchange: &Exchange) -> Self {
        let pull = |maker| Self::Pull(Pull::new(Arc::clone(&exchange.state.shared.pool), maker));
        match kind {
            BodyKind::Empty => Self::Ended,
            BodyKind::Bytes(bytes) => Self::Bytes(bytes),
            BodyKind::File(file) if file.remaining() == 0 => Self::Ended,
            BodyKind::File(file) => pull(Maker::File(file)),
            BodyKind::Iter(chunks) => pull(Maker::Iter(chunks)),
            BodyKind::Stream(stream) => Self::Stream(stream),
            BodyKind::Channel(channel) => Self::Channel(channel),
            // A kind that this host does not know is polled like any body.
            other => match Body::stream(Body::from(other)).into_kind() {
                BodyKind::Stream(stream) => Self::Stream(stream),
                _ => Self::Ended,
            },
        }
    }

    /// Polls for the next frame. What the application's code panics with is a fault of the body.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Frame<Bytes>>, Fault>> {
        match self {
            Self::Ended => Poll::Ready(Ok(None)),
            Self::Bytes(bytes) => {
                let bytes = std::mem::take(bytes);
                *self = Self::Ended;
                Poll::Ready(Ok(Some(Frame::data(bytes))))
            }
            Self::Pull(pull) => {
                let made = ready!(pull.poll_next(cx))?.transpose();
                Poll::Ready(
                    made.map(|made| made.map(Frame::data))
                        .map_err(Fault::Failed),
                )
            }
            Self::Stream(stream) => polled(catch(|| stream.poll_frame(cx))),
            Self::Channel(channel) => polled(Ok(channel.poll_frame(cx))),
        }
    }
}

type Polled = Poll<Option<Result<Frame<Bytes>, Error>>>;

fn polled(poll: Result<Polled, Panic>) -> Poll<Result<Option<Frame<Bytes>>, Fault>> {
    let frame = ready!(poll?);
    Poll::Ready(frame.transpose().map_err(Fault::Failed))
}

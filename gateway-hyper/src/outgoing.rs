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
use http_body::{Frame, SizeHint};

use crate::closing::close;
use crate::connection::Taking;
use crate::declared::Framing;
use crate::exchange::{AT_ONCE, Exchange};
use crate::piece::Piece;
use crate::pull::{Maker, Pull};

/// The response body on its way out. One box, made when the request begins, holds all of it: hyper
/// moves the body with its response, several times.
pub(crate) struct Outgoing(Box<Responding>);

/// What is known of a response's body, and the exchange that it is a part of.
struct Responding {
    // Goes before the exchange: who is told of the end finds the body closed.
    source: Source,
    framing: Framing,
    /// Whether hyper is to ask for the end, over HTTP/2, which is kept from it until the client has taken
    /// all that came before: a stream can be reset no more when h2 has its end.
    asks_end: bool,
    /// An abort that waits until what was sent before it is flushed.
    aborting: Option<Aborted>,
    exchange: Exchange,
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
    /// The body of a response that is not there yet.
    pub(crate) fn begin(exchange: Exchange) -> Self {
        Self(Box::new(Responding {
            source: Source::Ended,
            framing: Framing::None,
            asks_end: false,
            aborting: None,
            exchange,
        }))
    }

    pub(crate) fn exchange(&self) -> &Exchange {
        &self.0.exchange
    }

    pub(crate) fn exchange_mut(&mut self) -> &mut Exchange {
        &mut self.0.exchange
    }

    /// The response is there: its body, and what its head says of that.
    pub(crate) fn answer(&mut self, body: Body, framing: Framing) {
        self.0.answer(body, framing);
    }
}

impl Responding {
    fn answer(&mut self, body: Body, framing: Framing) {
        let exchange = &mut self.exchange;
        self.source = match framing {
            Framing::None | Framing::Withheld(_) => {
                close(body, &exchange.progress);
                Source::Ended
            }
            _ => Source::of(body.into_kind(), exchange),
        };
        exchange.taking = Taking::of_stream();
        if let Some(taking) = &exchange.taking {
            taking.begin();
        }
        if matches!(self.source, Source::Ended) {
            exchange.complete();
        }
        let may_be_large = match framing {
            Framing::None | Framing::Withheld(_) => false,
            Framing::Exactly(length) => length > AT_ONCE,
            Framing::Open | Framing::UntilClose => true,
        };
        self.framing = framing;
        self.asks_end = may_be_large && exchange.taking.is_some();
    }

    /// Bytes of the declared length that have not been handed over.
    fn left(&self) -> u64 {
        match self.framing {
            Framing::Exactly(declared) => declared - self.exchange.sent(), // never more: see `count`
            _ => u64::MAX,
        }
    }

    /// Counts a chunk; refuses one that is beyond what was declared.
    fn count(&mut self, length: u64) -> Result<(), Fault> {
        let left = self.left();
        if length > left {
            return Err(Fault::TooLong);
        }
        if length == left && !self.asks_end {
            self.exchange.complete(); // hyper may not ask for more
        }
        self.exchange.add_sent(length);
        Ok(())
    }

    fn close_source(&mut self) {
        if matches!(self.source, Source::Ended) {
            return;
        }
        let source = std::mem::replace(&mut self.source, Source::Ended);
        close(source, &self.exchange.progress);
    }

    fn end(&mut self) -> Result<(), Fault> {
        self.close_source();
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
    fn abort(&mut self, fault: Fault, cx: &mut Context<'_>) {
        self.close_source();
        self.exchange.fail(match fault {
            Fault::Panicked(_) => Ending::Panicked,
            _ => Ending::Failed,
        });
        // Its text is the application's code.
        let error = catch(|| fault.to_string());
        let error = error.unwrap_or_else(|panic| format!("the body's error {panic}"));
        tracing::error!(
            request = %self.exchange.progress,
            sent = self.exchange.sent(),
            error,
            "response aborted"
        );
        close(fault, &self.exchange.progress);
        if self.framing == Framing::UntilClose {
            self.exchange.state.set_reset(); // an end like any other would look like the end
        }
        self.aborting = Some(Aborted);
        cx.waker().wake_by_ref();
    }

    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Piece>, Aborted>>> {
        if let Some(aborted) = self.aborting.take() {
            return Poll::Ready(Some(Err(aborted)));
        }
        let checked = match ready!(self.source.poll(cx)) {
            Ok(None) => {
                self.close_source(); // asked no more
                ready!(self.poll_taken(cx));
                self.end().map(|()| None)
            }
            Ok(Some(frame)) => self.check(frame).map(Some),
            Err(fault) => Err(fault),
        };
        match checked {
            Ok(frame) => Poll::Ready(frame.map(Ok)),
            Err(fault) => {
                self.abort(fault, cx);
                Poll::Pending
            }
        }
    }

    /// Counts what a frame has, and makes it one that tells how it is taken.
    fn check(&mut self, frame: Frame<Bytes>) -> Result<Frame<Piece>, Fault> {
        match frame.data_ref() {
            Some(chunk) => self.count(chunk.len() as u64)?,
            None if frame.is_trailers() => self.end()?, // hyper asks for nothing after them
            None => {}
        }
        let taking = self.exchange.taking.as_ref();
        Ok(frame.map_data(|chunk| Piece::new(chunk, taking)))
    }

    /// Ready when the client has taken all that was handed over, where the end waits for that.
    fn poll_taken(&self, cx: &mut Context<'_>) -> Poll<()> {
        match &self.exchange.taking {
            Some(taking) if self.asks_end => taking.poll_none(cx),
            _ => Poll::Ready(()),
        }
    }

    fn is_end_stream(&self) -> bool {
        let is_withheld = matches!(self.framing, Framing::Withheld(_));
        let has_ended = matches!(self.source, Source::Ended);
        has_ended && self.aborting.is_none() && !is_withheld && !self.asks_end
    }

    fn size_hint(&self) -> SizeHint {
        match self.framing {
            Framing::None => SizeHint::with_exact(0),
            Framing::Withheld(length) => SizeHint::with_exact(length),
            Framing::Exactly(_) => SizeHint::with_exact(self.left()),
            Framing::Open | Framing::UntilClose => SizeHint::default(),
        }
    }
}

impl Drop for Responding {
    fn drop(&mut self) {
        self.close_source();
    }
}

impl http_body::Body for Outgoing {
    type Data = Piece;
    type Error = Aborted;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Piece>, Aborted>>> {
        self.0.poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.0.size_hint()
    }
}

impl Source {
    fn of(kind: BodyKind, exchange: &Exchange) -> Self {
        let pull = |maker| {
            let pool = Arc::clone(&exchange.state.shared.pool);
            Self::Pull(Pull::new(pool, Arc::clone(&exchange.progress), maker))
        };
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

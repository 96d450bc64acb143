//! [`ServiceBody`]: the response body of an application that is a service.

use std::fmt;
use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use gateway_core::{Body, BodyKind, Error, FileBody, Gateway, Iter, Result, UnblockError};
use http_body::{Body as HttpBody, Frame, SizeHint};

use crate::exchange::Exchange;

/// The response body of an application that is a service.
///
/// Whoever polls it is taken for async code: a file and a blocking iterator are read where the host has
/// its blocking code ([`Gateway::unblock`]).
pub struct ServiceBody {
    state: State,
    gateway: Gateway,
    /// Where no host tells the application how its call ended.
    exchange: Option<Exchange>,
}

enum State {
    Polled(Body),
    /// Its next piece blocks.
    Blocking(Maker),
    /// Its next piece is being made.
    Away(Making),
}

/// A piece on its way.
struct Making {
    future: Pin<Box<dyn Future<Output = Made> + Send>>,
    /// The bytes of the body from this piece on, where that is known.
    remaining: Option<u64>,
}

/// A piece that was made elsewhere, and what makes the next.
type Made = Result<(Maker, Option<Result<Bytes>>), UnblockError>;

enum Maker {
    File(FileBody),
    Iter(Iter),
}

impl ServiceBody {
    pub(crate) fn new(body: Body, gateway: Gateway, exchange: Option<Exchange>) -> Self {
        let state = match body.into_kind() {
            BodyKind::File(file) => State::Blocking(Maker::File(file)),
            BodyKind::Iter(iter) => State::Blocking(Maker::Iter(iter)),
            other => State::Polled(other.into()),
        };
        Self {
            state,
            gateway,
            exchange,
        }
    }

    /// The application's own body, for a host that looks into it.
    pub(crate) fn into_body(mut self) -> Body {
        if self.exchange.is_some() {
            return Body::stream(self);
        }
        match mem::replace(&mut self.state, State::Polled(Body::empty())) {
            State::Polled(body) => body,
            State::Blocking(Maker::File(file)) => BodyKind::File(file).into(),
            State::Blocking(Maker::Iter(iter)) => BodyKind::Iter(iter).into(),
            away @ State::Away(_) => {
                self.state = away;
                Body::stream(self)
            }
        }
    }

    fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>>>> {
        if let State::Polled(body) = &mut self.state {
            return Pin::new(body).poll_frame(cx);
        }
        let mut making = match mem::replace(&mut self.state, State::Polled(Body::empty())) {
            State::Blocking(maker) => maker.make(&self.gateway),
            State::Away(making) => making,
            State::Polled(_) => return Poll::Ready(None), // was returned above
        };
        let Poll::Ready(made) = making.future.as_mut().poll(cx) else {
            self.state = State::Away(making);
            return Poll::Pending;
        };
        let (maker, piece) = made?;
        if matches!(piece, Some(Ok(_))) {
            self.state = State::Blocking(maker);
        }
        Poll::Ready(piece.map(|piece| piece.map(Frame::data)))
    }
}

impl Maker {
    /// Has the next piece made where it holds nobody up.
    fn make(mut self, gateway: &Gateway) -> Making {
        let remaining = self.remaining();
        let future = gateway.unblock(move || {
            let piece = match &mut self {
                Self::File(file) => file.next().map(|piece| piece.map_err(Into::into)),
                Self::Iter(iter) => iter.next(),
            };
            (self, piece)
        });
        Making {
            future: Box::pin(future),
            remaining,
        }
    }

    fn remaining(&self) -> Option<u64> {
        match self {
            Self::File(file) => Some(file.remaining()),
            Self::Iter(_) => None,
        }
    }
}

impl HttpBody for ServiceBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>>>> {
        let frame = ready!(self.poll_piece(cx));
        if let Some(exchange) = &mut self.exchange {
            match &frame {
                Some(Ok(frame)) => exchange.sent(frame.data_ref().map_or(0, Bytes::len)),
                Some(Err(_)) => exchange.failed(),
                None => exchange.complete(),
            }
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        matches!(&self.state, State::Polled(body) if body.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        let remaining = match &self.state {
            State::Polled(body) => return body.size_hint(),
            State::Blocking(maker) => maker.remaining(),
            State::Away(making) => making.remaining,
        };
        remaining.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

impl Drop for ServiceBody {
    fn drop(&mut self) {
        // Who knows the length does not ask for the end.
        if self.is_end_stream() {
            if let Some(exchange) = &mut self.exchange {
                exchange.complete();
            }
        }
    }
}

impl fmt::Debug for ServiceBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match &self.state {
            State::Polled(body) => return f.debug_tuple("ServiceBody").field(body).finish(),
            State::Blocking(Maker::File(_)) => "File",
            State::Blocking(Maker::Iter(_)) => "Iter",
            State::Away(_) => "Away",
        };
        write!(f, "ServiceBody({kind})")
    }
}

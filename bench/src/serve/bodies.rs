//! The bodies of the endpoints, for gateway and for hyper alone.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame};

use super::endpoints::{BIG, PIECE, PIECES};

pub(super) fn big() -> Bytes {
    Bytes::from_static(&BIG)
}

pub(super) fn piece() -> Bytes {
    Bytes::from_static(&PIECE)
}

/// `/stream` as async code makes it: always ready, one piece at a time, of no length that is known
/// before.
pub(super) struct Pieces {
    left: usize,
}

impl Pieces {
    pub(super) fn new() -> Self {
        Self { left: PIECES }
    }
}

impl Body for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        self.left -= 1;
        Poll::Ready(Some(Ok(Frame::data(piece()))))
    }
}

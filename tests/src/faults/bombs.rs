//! Values that go wrong when they are polled, shown or dropped.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::{fmt, thread};

use bytes::Bytes;
use gateway_core::{Result, text};

use super::ON_PURPOSE;

/// Panics when it is dropped, but not during another panic, which nothing could survive.
#[derive(Clone, Debug)]
pub(super) struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        if !thread::panicking() {
            panic!("{ON_PURPOSE}");
        }
    }
}

/// A future that answers, and panics when it is dropped after that.
pub(super) struct Unstable(pub(super) Bomb);

impl Future for Unstable {
    type Output = Result;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result> {
        Poll::Ready(Ok(text("whole")))
    }
}

/// An error that cannot be shown, or not be dropped.
#[derive(Debug)]
pub(super) struct Unspeakable(pub(super) Option<Bomb>);

impl fmt::Display for Unspeakable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            None => panic!("{ON_PURPOSE}"),
            Some(_) => f.write_str(ON_PURPOSE),
        }
    }
}

impl std::error::Error for Unspeakable {}

/// Pending once.
#[derive(Default)]
pub(super) struct Once(bool);

impl Future for Once {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if std::mem::replace(&mut self.0, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

/// A stream of what a function gives.
pub(super) struct Polled<F>(pub(super) F);

impl<F: FnMut() -> Option<Result<Bytes>> + Unpin> http_body::Body for Polled<F> {
    type Data = Bytes;
    type Error = gateway_core::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>>>> {
        Poll::Ready((self.0)().map(|chunk| chunk.map(http_body::Frame::data)))
    }
}

/// A body that panics when it is asked for its length.
pub(super) struct Unmeasured;

impl http_body::Body for Unmeasured {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<std::result::Result<http_body::Frame<Bytes>, Self::Error>>> {
        Poll::Ready(None)
    }

    fn size_hint(&self) -> http_body::SizeHint {
        panic!("{ON_PURPOSE}")
    }
}

//! Applications, a host and bodies that break clauses.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use crate::server::{Host, Job};
use crate::{Application, Capabilities, Environ, InputError, Result, UnblockError, text};

/// Hands on a changed environ, and requires nothing.
pub(super) struct Middle<A> {
    pub(super) inner: Arc<A>,
    pub(super) change: fn(Environ) -> Environ,
}

impl<A: Application> Application for Middle<A> {
    fn call(&self, environ: Environ) -> impl Future<Output = Result> + Send {
        self.inner.call((self.change)(environ))
    }
}

/// Requires something else each time it is asked.
#[derive(Default)]
pub(super) struct Changing(AtomicBool);

impl Application for Changing {
    async fn call(&self, _environ: Environ) -> Result {
        Ok(text("x"))
    }

    fn requires(&self) -> Capabilities {
        match self.0.fetch_xor(true, Ordering::SeqCst) {
            true => Capabilities::TRAILERS,
            false => Capabilities::NONE,
        }
    }
}

/// A host that can send trailers, and nothing else.
pub(super) struct Trailing;

impl Host for Trailing {
    fn software(&self) -> &str {
        "trailing"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::TRAILERS
    }

    fn may_block(&self) -> bool {
        true
    }

    fn unblock(&self, job: Job) -> Result<(), UnblockError> {
        job();
        Ok(())
    }
}

/// Frames as they are, of a body that may say how long it is: of a request, or of a response.
pub(super) struct Frames {
    frames: VecDeque<Frame<Bytes>>,
    /// The length that it says.
    says: Option<u64>,
    /// Whether that goes down by what it gives.
    counts: bool,
}

impl Frames {
    pub(super) fn of(frames: impl IntoIterator<Item = Frame<Bytes>>) -> Self {
        Self {
            frames: frames.into_iter().collect(),
            says: None,
            counts: false,
        }
    }

    pub(super) fn saying(self, length: u64, counts: bool) -> Self {
        let says = Some(length);
        Self {
            says,
            counts,
            ..self
        }
    }
}

impl Body for Frames {
    type Data = Bytes;
    type Error = InputError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, InputError>>> {
        let frame = self.frames.pop_front();
        let data = frame.as_ref().and_then(Frame::data_ref);
        let gives = data.map_or(0, |data| data.len() as u64);
        if self.counts {
            self.says = self.says.map(|says| says - gives);
        }
        Poll::Ready(frame.map(Ok))
    }

    fn size_hint(&self) -> SizeHint {
        self.says
            .map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

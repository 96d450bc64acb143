//! [`Input`]: the request body, for blocking code and for async code.

use std::fmt;
use std::future::poll_fn;
use std::io::{self, BufRead, Read};
use std::pin::Pin;
use std::sync::Mutex;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes, BytesMut};
use http::HeaderMap;
use http_body::{Body as HttpBody, Frame, SizeHint};

use crate::InputError;
use crate::server::block_on;

/// The request body. It knows its own end, whatever the framing.
///
/// Blocking code reads it as [`Read`] and [`BufRead`], or whole with
/// [`blocking_read_all`](Self::blocking_read_all); async code as [`http_body::Body`], or whole with
/// [`read_all`](Self::read_all). A host that was asked for `100 Continue` sends it on the first
/// read, never before.
///
/// ```
/// use gateway_core::{Environ, Result, blocking, text};
/// use std::io::BufRead;
///
/// async fn length(mut environ: Environ) -> Result {
///     let body = environ.input().read_all(64 * 1024).await?; // 413 beyond 64 KiB
///     Ok(text(format!("{} bytes\n", body.len())))
/// }
///
/// fn lines(mut environ: Environ) -> Result {
///     let lines = environ.input().lines().collect::<Result<Vec<_>, _>>()?;
///     Ok(text(format!("{} lines\n", lines.len())))
/// }
/// # let _ = blocking(lines);
/// ```
pub struct Input {
    /// What has been taken from the source and not yet been read.
    chunk: Bytes,
    source: Source,
    /// In a box: rare, and large on the way to the application.
    trailers: Option<Box<HeaderMap>>,
}

enum Source {
    /// The chunk is the rest.
    Ended,
    /// Reading failed; it fails the same way again.
    Failed(InputError),
    Live(Live),
}

/// A body that is still arriving. The mutex is never locked: it makes the type `Sync`, so that an
/// environ can be borrowed across an await.
type Live = Box<Mutex<dyn HttpBody<Data = Bytes, Error = InputError> + Send + Unpin>>;

impl Input {
    /// No body.
    pub fn empty() -> Self {
        Self::from(Bytes::new())
    }

    /// A body that is still arriving; for hosts.
    pub fn live<B>(body: B) -> Self
    where
        B: HttpBody<Data = Bytes, Error = InputError> + Send + Unpin + 'static,
    {
        let source = Source::Live(Box::new(Mutex::new(body)));
        Self {
            chunk: Bytes::new(),
            source,
            trailers: None,
        }
    }

    /// Adds the trailer fields of a body that is whole; for hosts.
    #[must_use]
    pub fn with_trailers(mut self, trailers: Option<HeaderMap>) -> Self {
        self.trailers = trailers.map(Box::new);
        self
    }

    /// How many bytes are still to be read, where that is known: always, unless a chunked body is
    /// still arriving.
    pub fn remaining(&self) -> Option<u64> {
        let rest = match &self.source {
            Source::Ended | Source::Failed(_) => 0,
            Source::Live(live) => peek(live).exact()?,
        };
        Some(self.chunk.len() as u64 + rest)
    }

    /// Whether the rest of the body is yet to come: who reads may have to wait for the client, or for a file that
    /// the host has kept it in.
    pub fn is_arriving(&self) -> bool {
        matches!(self.source, Source::Live(_))
    }

    /// Reads the rest of the body.
    ///
    /// # Errors
    ///
    /// [`InputError::TooLarge`] if there are more than `limit` bytes, and whatever ends the body
    /// early.
    pub async fn read_all(&mut self, limit: u64) -> Result<Bytes, InputError> {
        self.refuse_larger(limit)?;
        let first = self.next_chunk().await?;
        let Some(first) = first else {
            return Ok(Bytes::new());
        };
        let mut whole = BytesMut::new();
        let mut next = Some(first);
        while let Some(chunk) = next {
            if whole.len() as u64 + chunk.len() as u64 > limit {
                return Err(InputError::TooLarge { limit });
            }
            // One chunk is the whole of most bodies: it is handed on without a copy.
            if whole.is_empty() && matches!(self.source, Source::Ended) {
                return Ok(chunk);
            }
            whole.extend_from_slice(&chunk);
            next = self.next_chunk().await?;
        }
        Ok(whole.freeze())
    }

    /// Reads the rest of the body, for blocking code. Not to be called on a thread that runs an
    /// async runtime.
    ///
    /// # Errors
    ///
    /// As [`read_all`](Self::read_all).
    pub fn blocking_read_all(&mut self, limit: u64) -> Result<Bytes, InputError> {
        block_on(self.read_all(limit))
    }

    /// The next piece of the body as it came; `None` at the end.
    ///
    /// # Errors
    ///
    /// Whatever ends the body early; again on every further call.
    pub async fn next_chunk(&mut self) -> Result<Option<Bytes>, InputError> {
        poll_fn(|cx| self.poll_chunk(cx)).await
    }

    /// The trailer fields (RFC 9110 §6.5), if the client sent any; known once the body is read to
    /// its end.
    pub fn trailers(&self) -> Option<&HeaderMap> {
        self.trailers.as_deref()
    }

    fn refuse_larger(&self, limit: u64) -> Result<(), InputError> {
        match self.remaining() {
            Some(remaining) if remaining > limit => Err(InputError::TooLarge { limit }),
            _ => Ok(()),
        }
    }

    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Bytes>, InputError>> {
        loop {
            if !self.chunk.is_empty() {
                return Poll::Ready(Ok(Some(std::mem::take(&mut self.chunk))));
            }
            if !ready!(self.poll_fill(cx))? {
                return Poll::Ready(Ok(None));
            }
        }
    }

    /// Takes one frame from the source; false at the end.
    fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<Result<bool, InputError>> {
        let live = match &mut self.source {
            Source::Ended => return Poll::Ready(Ok(false)),
            Source::Failed(error) => return Poll::Ready(Err(*error)),
            Source::Live(live) => unlocked(live),
        };
        let frame = ready!(Pin::new(&mut *live).poll_frame(cx));
        let ended = frame.is_none() || live.is_end_stream();
        match frame {
            Some(Err(error)) => {
                self.source = Source::Failed(error);
                return Poll::Ready(Err(error));
            }
            Some(Ok(frame)) => self.take_frame(frame),
            None => {}
        }
        if ended {
            self.source = Source::Ended;
        }
        Poll::Ready(Ok(!ended || !self.chunk.is_empty()))
    }

    fn take_frame(&mut self, frame: Frame<Bytes>) {
        match frame.into_data() {
            Ok(data) => self.chunk = data,
            Err(frame) => {
                if let Ok(trailers) = frame.into_trailers() {
                    self.trailers = Some(Box::new(trailers));
                }
            }
        }
    }
}

/// The body behind a mutex that is owned, and so needs no locking.
fn unlocked(
    live: &mut Live,
) -> &mut (dyn HttpBody<Data = Bytes, Error = InputError> + Send + Unpin) {
    live.get_mut()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn peek(live: &Live) -> SizeHint {
    live.lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
        .size_hint()
}

impl Default for Input {
    fn default() -> Self {
        Self::empty()
    }
}

impl<T: Into<Bytes>> From<T> for Input {
    fn from(whole: T) -> Self {
        Self {
            chunk: whole.into(),
            source: Source::Ended,
            trailers: None,
        }
    }
}

/// Blocks until bytes are there. Errors are an [`InputError`] inside an [`io::Error`], which names
/// the same status when let through.
impl Read for Input {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let available = self.fill_buf()?;
        let length = available.len().min(buffer.len());
        buffer[..length].copy_from_slice(&available[..length]);
        self.consume(length);
        Ok(length)
    }
}

impl BufRead for Input {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        while self.chunk.is_empty() && !matches!(self.source, Source::Ended) {
            if !block_on(poll_fn(|cx| self.poll_fill(cx)))? {
                break;
            }
        }
        Ok(&self.chunk)
    }

    fn consume(&mut self, amount: usize) {
        self.chunk.advance(amount);
    }
}

impl HttpBody for Input {
    type Data = Bytes;
    type Error = InputError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, InputError>>> {
        match ready!(self.poll_chunk(cx)) {
            Ok(Some(chunk)) => Poll::Ready(Some(Ok(Frame::data(chunk)))),
            Ok(None) => Poll::Ready(
                self.trailers
                    .take()
                    .map(|fields| Ok(Frame::trailers(*fields))),
            ),
            Err(error) => Poll::Ready(Some(Err(error))),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.chunk.is_empty() && matches!(self.source, Source::Ended) && self.trailers.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        match self.remaining() {
            Some(remaining) => SizeHint::with_exact(remaining),
            None => SizeHint::default(),
        }
    }
}

impl fmt::Debug for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Input")
            .field("remaining", &self.remaining())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use super::*;

    /// Gives frames, a pending in between.
    struct Frames(VecDeque<Result<Frame<Bytes>, InputError>>, bool);

    impl HttpBody for Frames {
        type Data = Bytes;
        type Error = InputError;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            cx: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, InputError>>> {
            self.1 = !self.1;
            if self.1 {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            Poll::Ready(self.0.pop_front())
        }
    }

    fn live(frames: impl IntoIterator<Item = Result<Frame<Bytes>, InputError>>) -> Input {
        Input::live(Frames(frames.into_iter().collect(), false))
    }

    fn data(text: &'static str) -> Result<Frame<Bytes>, InputError> {
        Ok(Frame::data(Bytes::from_static(text.as_bytes())))
    }

    fn trailers() -> Result<Frame<Bytes>, InputError> {
        let mut fields = HeaderMap::new();
        fields.insert("x-sum", http::HeaderValue::from_static("7"));
        Ok(Frame::trailers(fields))
    }

    #[test]
    fn every_way_of_reading_gives_the_same() {
        let make = || live([data("one\n"), data(""), data("two"), trailers()]);

        let mut text = String::new();
        let mut input = make();
        input.read_to_string(&mut text).unwrap();
        assert_eq!(text, "one\ntwo");
        assert_eq!(input.trailers().unwrap()["x-sum"], "7");

        assert_eq!(
            make().lines().map(Result::unwrap).collect::<Vec<_>>(),
            ["one", "two"]
        );
        assert_eq!(make().blocking_read_all(7).unwrap(), "one\ntwo");
        let mut frames = Vec::new();
        let mut input = make();
        while let Some(frame) = block_on(poll_fn(|cx| Pin::new(&mut input).poll_frame(cx))) {
            frames.push(frame.unwrap());
        }
        assert_eq!(frames.len(), 3);
        assert!(input.is_end_stream());
    }

    #[test]
    fn a_limit_is_a_limit() {
        let mut whole = Input::from("12345");
        assert_eq!(
            whole.blocking_read_all(4),
            Err(InputError::TooLarge { limit: 4 })
        );
        assert_eq!(whole.remaining(), Some(5)); // refused before a byte was taken
        let mut arriving = live([data("123"), data("45")]);
        assert_eq!(
            arriving.blocking_read_all(4),
            Err(InputError::TooLarge { limit: 4 })
        );
        assert_eq!(
            live([data("123"), data("45")])
                .blocking_read_all(5)
                .unwrap(),
            "12345"
        );
    }

    #[test]
    fn an_error_stays_and_is_never_an_end() {
        for error in [
            InputError::TimedOut,
            InputError::Disconnected,
            InputError::Malformed,
            InputError::Lost,
        ] {
            let mut input = live([data("half"), Err(error)]);
            let failure = input.read_to_end(&mut Vec::new()).unwrap_err();
            assert_eq!(crate::server::status_of(&failure), error.status());
            assert_eq!(input.blocking_read_all(9), Err(error));
        }
    }

    #[test]
    fn knows_what_remains() {
        let mut input = Input::from("12345");
        input.consume(2);
        assert_eq!(input.remaining(), Some(3));
        assert_eq!(live([data("x")]).remaining(), None);
    }
}

//! [`Body`]: the response body, which the host can look into.

mod channel;
mod delivery;
mod file;

use std::fmt;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};

pub use channel::{Channel, Closed, Sender};
pub use delivery::Delivery;
pub use file::FileBody;

use crate::Error;

/// The response body.
///
/// Made from text and bytes with `into()`, from a file with [`file`](Self::file), from a blocking
/// iterator with [`iter`](Self::iter), from an async stream with [`stream`](Self::stream), and with
/// [`channel`](Self::channel) where another thread or task makes it.
///
/// Dropping it is PEP 3333's `close()`: it happens exactly once, whether the body was sent whole,
/// failed, was cut off by the client or never asked for. What must be released with the response
/// belongs into the iterator or stream.
///
/// A host may make a body faster than its client takes it, so that this happens early: see
/// [`Delivery`].
#[derive(Debug, Default)]
pub struct Body(BodyKind);

/// What a [`Body`] is made of; hosts look at it to choose how to send it.
#[derive(Default)]
#[non_exhaustive]
pub enum BodyKind {
    /// Nothing.
    #[default]
    Empty,
    /// All of it, in memory.
    Bytes(Bytes),
    /// A range of a file.
    File(FileBody),
    /// Chunks that block while they are made.
    Iter(Iter),
    /// Chunks that are polled for.
    Stream(Stream),
    /// Chunks that another thread or task sends.
    Channel(Channel),
}

/// Chunks that block while they are made.
pub struct Iter(Mutex<Box<dyn Iterator<Item = Result<Bytes, Error>> + Send>>);

/// Chunks that are polled for.
pub struct Stream {
    body: Mutex<Pin<Box<dyn HttpBody<Data = Bytes, Error = Error> + Send>>>,
    /// Bytes that are still to come, where the body said so when it was made: asked by the host, its panic
    /// would be one outside the application.
    left: Option<u64>,
}

impl Body {
    /// No body.
    pub const fn empty() -> Self {
        Self(BodyKind::Empty)
    }

    /// A range of `file`: `length` bytes from `offset`, both in bytes. A file that turns out to be
    /// shorter is an error while sending; the client sees truncation.
    pub fn file(file: std::fs::File, offset: u64, length: u64) -> Self {
        Self(BodyKind::File(FileBody::new(file, offset, length)))
    }

    /// Chunks that block while they are made: the iterator is pulled on a thread that may block.
    ///
    /// ```
    /// use gateway_core::{Body, Environ, Response, Result, blocking};
    ///
    /// fn numbers(_environ: Environ) -> Result {
    ///     let chunks = (1..=1000).map(|n| Ok::<_, std::io::Error>(format!("{n}\n")));
    ///     Ok(Response::new(Body::iter(chunks)))
    /// }
    /// # let _ = blocking(numbers);
    /// ```
    pub fn iter<I, T, E>(chunks: I) -> Self
    where
        I: IntoIterator<Item = Result<T, E>>,
        I::IntoIter: Send + 'static,
        T: Into<Bytes>,
        E: Into<Error>,
    {
        let chunks = chunks
            .into_iter()
            .map(|chunk| chunk.map(Into::into).map_err(Into::into));
        Self(BodyKind::Iter(Iter(Mutex::new(Box::new(chunks)))))
    }

    /// Chunks that are polled for, and trailers. Where the body tells its length now ([`HttpBody::size_hint`], exact),
    /// that is the length of the response.
    pub fn stream<B>(body: B) -> Self
    where
        B: HttpBody<Data = Bytes> + Send + 'static,
        B::Error: Into<Error>,
    {
        let left = body.size_hint().exact();
        let body = Box::pin(MapError {
            body: Box::pin(body),
        });
        Self(BodyKind::Stream(Stream {
            body: Mutex::new(body),
            left,
        }))
    }

    /// A body that another thread or task sends; at most `capacity` chunks wait in between.
    ///
    /// # Panics
    ///
    /// If `capacity` is 0: nothing could ever be sent.
    pub fn channel(capacity: usize) -> (Sender, Self) {
        let (sender, channel) = channel::channel(capacity);
        (sender, Self(BodyKind::Channel(channel)))
    }

    /// What the body is made of.
    pub fn kind(&self) -> &BodyKind {
        &self.0
    }

    /// Takes the body apart.
    pub fn into_kind(self) -> BodyKind {
        self.0
    }

    /// The length in bytes, where it is known before the body is sent.
    pub fn length(&self) -> Option<u64> {
        match &self.0 {
            BodyKind::Empty => Some(0),
            BodyKind::Bytes(bytes) => Some(bytes.len() as u64),
            BodyKind::File(file) => Some(file.remaining()),
            BodyKind::Iter(_) | BodyKind::Channel(_) => None,
            BodyKind::Stream(stream) => stream.left,
        }
    }
}

impl From<BodyKind> for Body {
    fn from(kind: BodyKind) -> Self {
        Self(kind)
    }
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Self {
        if bytes.is_empty() {
            Self::empty()
        } else {
            Self(BodyKind::Bytes(bytes))
        }
    }
}

impl From<&'static str> for Body {
    fn from(text: &'static str) -> Self {
        Bytes::from_static(text.as_bytes()).into()
    }
}

impl From<&'static [u8]> for Body {
    fn from(bytes: &'static [u8]) -> Self {
        Bytes::from_static(bytes).into()
    }
}

impl From<String> for Body {
    fn from(text: String) -> Self {
        Bytes::from(text).into()
    }
}

impl From<Vec<u8>> for Body {
    fn from(bytes: Vec<u8>) -> Self {
        Bytes::from(bytes).into()
    }
}

impl From<()> for Body {
    fn from((): ()) -> Self {
        Self::empty()
    }
}

impl Iterator for Iter {
    type Item = Result<Bytes, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner)
            .next()
    }
}

impl Stream {
    /// Polls for the next frame.
    pub fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let body = self.body.get_mut();
        let body = body.unwrap_or_else(PoisonError::into_inner);
        let frame = ready!(body.as_mut().poll_frame(cx));
        if let (Some(Ok(frame)), Some(left)) = (&frame, &mut self.left) {
            let length = frame.data_ref().map_or(0, |data| data.len() as u64);
            *left = left.saturating_sub(length); // who gives more than it has said is caught by the host
        }
        Poll::Ready(frame)
    }
}

/// For async hosts and tests. An iterator and a file are read where they are polled: a host whose
/// threads must not block looks at the [`kind`](Body::kind) first.
impl HttpBody for Body {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        match &mut self.0 {
            BodyKind::Empty => Poll::Ready(None),
            BodyKind::Bytes(bytes) => {
                let bytes = std::mem::take(bytes);
                self.0 = BodyKind::Empty;
                Poll::Ready(Some(Ok(Frame::data(bytes))))
            }
            BodyKind::File(file) => Poll::Ready(
                file.next()
                    .map(|chunk| chunk.map(Frame::data).map_err(Into::into)),
            ),
            BodyKind::Iter(chunks) => {
                Poll::Ready(chunks.next().map(|chunk| chunk.map(Frame::data)))
            }
            BodyKind::Stream(stream) => stream.poll_frame(cx),
            BodyKind::Channel(channel) => channel.poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self.0, BodyKind::Empty)
    }

    fn size_hint(&self) -> SizeHint {
        self.length()
            .map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

impl fmt::Debug for BodyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("Empty"),
            Self::Bytes(bytes) => write!(f, "Bytes({} bytes)", bytes.len()),
            Self::File(file) => write!(f, "{file:?}"),
            Self::Iter(_) => f.write_str("Iter"),
            Self::Stream(_) => f.write_str("Stream"),
            Self::Channel(_) => f.write_str("Channel"),
        }
    }
}

impl fmt::Debug for Iter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Iter")
    }
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Stream")
    }
}

/// A body whose errors are made ours.
struct MapError<B> {
    body: Pin<Box<B>>,
}

impl<B> HttpBody for MapError<B>
where
    B: HttpBody<Data = Bytes>,
    B::Error: Into<Error>,
{
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        self.body.as_mut().poll_frame(cx).map_err(Into::into)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::io::Write;
    use std::sync::Arc;

    use super::*;
    use crate::server::block_on;

    fn read(mut body: Body) -> Result<Vec<u8>, Error> {
        let mut whole = Vec::new();
        while let Some(frame) = block_on(poll_fn(|cx| Pin::new(&mut body).poll_frame(cx))) {
            whole.extend(frame?.into_data().unwrap());
        }
        Ok(whole)
    }

    #[test]
    fn every_kind_gives_its_bytes() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"a longer file").unwrap();
        let chunks = ["it", "er"].map(Ok::<_, Error>);
        for (body, length, bytes) in [
            (Body::empty(), Some(0), ""),
            (Body::from("static"), Some(6), "static"),
            (Body::from(String::new()), Some(0), ""),
            (Body::file(file, 2, 6), Some(6), "longer"),
            (Body::iter(chunks), None, "iter"),
            (Body::stream(Body::from("stream")), Some(6), "stream"),
        ] {
            assert_eq!(body.length(), length, "{bytes}");
            assert_eq!(read(body).unwrap(), bytes.as_bytes());
        }
    }

    #[test]
    fn a_file_shorter_than_said_is_an_error() {
        assert!(read(Body::file(tempfile::tempfile().unwrap(), 0, 1)).is_err());
    }

    #[test]
    fn dropping_the_body_closes_what_makes_it() {
        let open = Arc::new(());
        let held = Arc::clone(&open);
        let body = Body::iter(std::iter::from_fn(move || {
            let _ = &held;
            None::<Result<Bytes, Error>>
        }));
        assert_eq!(Arc::strong_count(&open), 2);
        drop(body);
        assert_eq!(Arc::strong_count(&open), 1);
    }
}

//! A body that another thread or task sends.

use std::collections::VecDeque;
use std::fmt;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http::HeaderMap;
use http_body::Frame;

use crate::Error;
use crate::server::block_on;

pub(super) fn channel(capacity: usize) -> (Sender, Channel) {
    assert!(capacity > 0, "a channel of capacity 0 lets nothing through");
    let shared = Arc::new(Shared {
        state: Mutex::default(),
        capacity,
    });
    (Sender(Arc::clone(&shared)), Channel(shared))
}

/// The sending half of a body; made by [`Body::channel`](crate::Body::channel).
///
/// Ends the body with [`finish`](Self::finish). Dropped without it, as in a panic, the body is
/// aborted: the client sees truncation, and does not take half a body for a whole one.
///
/// Nobody reads before the response is returned: who sends more chunks than the capacity from within
/// the call itself waits for ever. Send from another thread or task.
///
/// ```
/// use gateway_core::{Body, Environ, Response, Result};
///
/// async fn ticks(_environ: Environ) -> Result {
///     let (mut sender, body) = Body::channel(4);
///     std::thread::spawn(move || {
///         for n in 0..10 {
///             sender.blocking_send(format!("tick {n}\n"))?; // fails once the client has left
///         }
///         sender.finish();
///         Ok::<_, gateway_core::Closed>(())
///     });
///     Ok(Response::new(body))
/// }
/// ```
pub struct Sender(Arc<Shared>);

/// The receiving half of a body that another thread or task sends.
pub struct Channel(Arc<Shared>);

/// The other half is gone: the response was cut off, or its body is not wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("nobody reads the body any more")]
#[non_exhaustive]
pub struct Closed;

struct Shared {
    state: Mutex<State>,
    capacity: usize,
}

#[derive(Default)]
struct State {
    frames: VecDeque<Frame<Bytes>>,
    end: Option<Result<(), Error>>,
    closed: bool,
    sender: Option<Waker>,
    receiver: Option<Waker>,
}

impl Sender {
    /// Sends a chunk; waits while the channel is full.
    ///
    /// # Errors
    ///
    /// [`Closed`] once nobody reads the body any more.
    pub async fn send(&mut self, chunk: impl Into<Bytes>) -> Result<(), Closed> {
        let mut frame = Some(Frame::data(chunk.into()));
        poll_fn(|cx| self.poll_send(cx, &mut frame)).await
    }

    /// Sends a chunk, for blocking code; waits while the channel is full.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    pub fn blocking_send(&mut self, chunk: impl Into<Bytes>) -> Result<(), Closed> {
        block_on(self.send(chunk))
    }

    /// Ends the body.
    pub fn finish(self) {
        self.0.end(Ok(()));
    }

    /// Ends the body with trailer fields (RFC 9110 §6.5), which hosts that can
    /// ([`Capabilities::TRAILERS`](crate::Capabilities::TRAILERS)) send to clients that want them.
    pub fn finish_with_trailers(self, trailers: HeaderMap) {
        self.0.lock().frames.push_back(Frame::trailers(trailers));
        self.0.end(Ok(()));
    }

    /// Cuts the body short: the client sees truncation, the log shows `error`.
    pub fn abort(self, error: impl Into<Error>) {
        self.0.end(Err(error.into()));
    }

    /// Whether nobody reads the body any more.
    pub fn is_closed(&self) -> bool {
        self.0.lock().closed
    }

    fn poll_send(
        &mut self,
        cx: &mut Context<'_>,
        frame: &mut Option<Frame<Bytes>>,
    ) -> Poll<Result<(), Closed>> {
        let mut state = self.0.lock();
        if state.closed {
            return Poll::Ready(Err(Closed));
        }
        if state.frames.len() >= self.0.capacity {
            state.sender = Some(cx.waker().clone());
            return Poll::Pending;
        }
        state.frames.extend(frame.take());
        wake(state.receiver.take(), state);
        Poll::Ready(Ok(()))
    }
}

impl Drop for Sender {
    fn drop(&mut self) {
        // Does nothing after `finish` or `abort`.
        self.0.end(Err(
            "the sender of the body was dropped before it was finished".into(),
        ));
    }
}

impl Channel {
    /// Polls for the next frame.
    pub fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let mut state = self.0.lock();
        if let Some(frame) = state.frames.pop_front() {
            wake(state.sender.take(), state);
            return Poll::Ready(Some(Ok(frame)));
        }
        match &mut state.end {
            None => {
                state.receiver = Some(cx.waker().clone());
                Poll::Pending
            }
            Some(end) => match std::mem::replace(end, Ok(())) {
                Ok(()) => Poll::Ready(None),
                Err(error) => Poll::Ready(Some(Err(error))),
            },
        }
    }
}

impl Drop for Channel {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.closed = true;
        let frames = std::mem::take(&mut state.frames);
        wake(state.sender.take(), state);
        drop(frames);
    }
}

impl Shared {
    fn end(&self, end: Result<(), Error>) {
        let mut state = self.lock();
        if state.end.is_none() {
            state.end = Some(end);
            wake(state.receiver.take(), state);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Wakes with the lock released: the woken may look at once.
fn wake(waker: Option<Waker>, state: MutexGuard<'_, State>) {
    drop(state);
    if let Some(waker) = waker {
        waker.wake();
    }
}

impl fmt::Debug for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sender")
    }
}

impl fmt::Debug for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Channel")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn next(channel: &mut Channel) -> Option<Result<Frame<Bytes>, Error>> {
        block_on(poll_fn(|cx| channel.poll_frame(cx)))
    }

    #[test]
    fn a_slow_reader_holds_the_sender_up_and_gets_everything() {
        let (mut sender, mut channel) = channel(1);
        let producer = std::thread::spawn(move || {
            for n in 0..100u8 {
                sender.blocking_send(vec![n]).unwrap();
            }
            sender.finish();
        });
        for n in 0..100 {
            assert_eq!(
                next(&mut channel).unwrap().unwrap().into_data().unwrap(),
                vec![n]
            );
        }
        assert!(next(&mut channel).is_none());
        producer.join().unwrap();
    }

    #[test]
    fn a_sender_that_is_dropped_or_aborts_does_not_end_the_body_well() {
        let (sender, mut aborted) = channel(1);
        sender.abort("broken");
        assert_eq!(
            next(&mut aborted).unwrap().unwrap_err().to_string(),
            "broken"
        );

        let (sender, mut dropped) = channel(1);
        drop(sender);
        assert!(next(&mut dropped).unwrap().is_err());
    }

    #[test]
    fn a_sender_learns_that_nobody_reads() {
        let (mut sender, channel) = channel(1);
        sender.blocking_send("first").unwrap();
        let blocked = std::thread::spawn(move || sender.blocking_send("second"));
        drop(channel);
        assert_eq!(blocked.join().unwrap(), Err(Closed));
    }
}

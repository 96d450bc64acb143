//! The first bytes of a connection: HTTP/1, or HTTP/2 with prior knowledge (RFC 9113 §3.3).

use std::future::{Future, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{sleep, sleep_until};

use super::deadline::after;
use super::{State, kill};
use crate::cause::Cause;
use crate::shared::Phase;

/// What a client sends first that speaks HTTP/2 (RFC 9113 §3.4).
const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// What a client is told that began, but said too little in time.
const TOO_LATE: &[u8] =
    b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";

/// How much is read at once: the usual request is whole in it.
const READ: usize = 4096;

/// Which protocol a connection speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocol {
    Http1,
    Http2,
}

impl Protocol {
    /// Tells the protocol by a connection's first bytes; `None` until they tell.
    pub(super) fn of(bytes: &[u8]) -> Option<Self> {
        let length = bytes.len().min(PREFACE.len());
        if bytes[..length] != PREFACE[..length] {
            return Some(Self::Http1);
        }
        (length == PREFACE.len()).then_some(Self::Http2)
    }
}

/// The first bytes of a connection, and what they tell.
pub(super) struct Opening {
    pub(super) protocol: Protocol,
    pub(super) bytes: BytesMut,
}

impl Opening {
    /// Reads until the protocol is known; `None` if the client leaves, or says too little for too long
    /// and is told so, unless it has said nothing. (hyper-util's `auto` builder would wait for ever.)
    pub(super) async fn new(
        socket: &mut (impl AsyncRead + AsyncWrite + Unpin),
        state: &State,
    ) -> Option<Self> {
        let mut bytes = BytesMut::new();
        let (clock, timeouts) = (state.shared.clock, &state.shared.settings.timeouts);
        let begun = clock.now();
        let mut due = after(begun, timeouts.head);
        let mut alarm = pin!(sleep_until(clock.instant(due).into()));
        let protocol = poll_fn(|cx| {
            state.set_waker(cx.waker());
            let polled = poll_protocol(socket, &mut bytes, cx);
            state.note_head(polled.is_pending() && !bytes.is_empty());
            if let Poll::Ready(protocol) = polled {
                return Poll::Ready(protocol.ok().flatten().ok_or(End::Gone));
            }
            match state.shared.stop.phase() {
                Phase::Serving => {}
                Phase::Cutting => return Poll::Ready(Err(End::Cut)),
                // Who has begun a request may finish it.
                Phase::Draining if bytes.is_empty() => {
                    let patience = due.min(after(begun, timeouts.idle_at_stop));
                    if patience < due {
                        due = patience;
                        alarm.as_mut().reset(clock.instant(due).into());
                    }
                }
                Phase::Draining => {}
            }
            ready!(alarm.as_mut().poll(cx));
            // One that has not said a byte asked for nothing: browsers keep such connections in reserve.
            if !bytes.is_empty() {
                // Whether it can be written is not waited for.
                let _ = Pin::new(&mut *socket).poll_write(cx, TOO_LATE);
            }
            Poll::Ready(Err(End::TooLate))
        })
        .await;
        match protocol {
            Ok(protocol) => Some(Self { protocol, bytes }),
            Err(End::Gone) => None,
            Err(End::Cut) => {
                if !bytes.is_empty() {
                    kill::log_head(state, begun, state.shared.stop.why_cutting(), None);
                }
                None
            }
            Err(End::TooLate) => {
                match bytes.is_empty() {
                    true => kill::log_idle(state, begun),
                    false => kill::log_head(state, begun, Cause::HeadTooLate, Some(408)),
                }
                part(socket, state).await;
                None
            }
        }
    }
}

/// Why a connection ends before it has begun.
enum End {
    /// The client has left.
    Gone,
    /// The server cuts everything.
    Cut,
    /// The client has said too little.
    TooLate,
}

/// Closes our side, and forgets what still comes until the client has closed its own, so that it is not
/// answered with a reset.
async fn part(socket: &mut (impl AsyncRead + AsyncWrite + Unpin), state: &State) {
    let mut linger = pin!(sleep(state.shared.settings.timeouts.linger));
    poll_fn(|cx| {
        if state.shared.stop.phase() == Phase::Cutting || linger.as_mut().poll(cx).is_ready() {
            return Poll::Ready(());
        }
        if ready!(Pin::new(&mut *socket).poll_shutdown(cx)).is_err() {
            return Poll::Ready(());
        }
        loop {
            let mut space = [0; READ];
            let mut buffer = ReadBuf::new(&mut space);
            match ready!(Pin::new(&mut *socket).poll_read(cx, &mut buffer)) {
                Ok(()) if !buffer.filled().is_empty() => {}
                _ => return Poll::Ready(()),
            }
        }
    })
    .await;
}

/// `None` if the client has left.
fn poll_protocol(
    socket: &mut (impl AsyncRead + Unpin),
    bytes: &mut BytesMut,
    cx: &mut Context<'_>,
) -> Poll<io::Result<Option<Protocol>>> {
    loop {
        let mut space = [0; READ];
        let mut buffer = ReadBuf::new(&mut space);
        ready!(Pin::new(&mut *socket).poll_read(cx, &mut buffer))?;
        if buffer.filled().is_empty() {
            return Poll::Ready(Ok(None));
        }
        bytes.extend_from_slice(buffer.filled());
        if let Some(protocol) = Protocol::of(bytes) {
            return Poll::Ready(Ok(Some(protocol)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_preface_tells_however_it_arrives() {
        for cut in 0..PREFACE.len() {
            assert_eq!(Protocol::of(&PREFACE[..cut]), None, "cut at {cut}");
        }
        let with_frames = [PREFACE.as_slice(), b"\0\0\0"].concat();
        assert_eq!(Protocol::of(&with_frames), Some(Protocol::Http2));
        for http1 in ["GET / HTTP/1.1\r\n", "PRI * HTTP/1.1\r\n", "P ", "\r\n"] {
            assert_eq!(Protocol::of(http1.as_bytes()), Some(Protocol::Http1));
        }
    }
}

//! The first bytes of a connection: HTTP/1, or HTTP/2 with prior knowledge (RFC 9113 §3.3).

use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::State;
use crate::shared::Stage;

/// What a client sends first that speaks HTTP/2 (RFC 9113 §3.4).
const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// What a client is told that began, but said too little in time.
const TOO_LATE: &[u8] =
    b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";

/// How much is read at once: the usual request is whole in it.
const READ: usize = 4096;

/// How long a connection may say nothing once the server stops, in milliseconds. One that was taken
/// from the backlog has mostly sent its request already; one that a browser keeps in reserve has not.
const PATIENCE: u64 = 1000;

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
        let mut due = state
            .shared
            .clock
            .now()
            .saturating_add(crate::shared::millis(state.shared.settings.timeouts.head));
        let mut alarm = pin!(tokio::time::sleep_until(
            state.shared.clock.instant(due).into()
        ));
        let protocol = poll_fn(|cx| {
            state.set_waker(cx.waker());
            if let Poll::Ready(protocol) = poll_protocol(socket, &mut bytes, cx) {
                return Poll::Ready(protocol.ok().flatten());
            }
            let patience = match state.shared.stop.stage() {
                Stage::Serving => due,
                Stage::Draining => due.min(state.shared.clock.now() + PATIENCE),
                Stage::Cutting => return Poll::Ready(None),
            };
            if patience < due {
                due = patience;
                alarm
                    .as_mut()
                    .reset(state.shared.clock.instant(due).into());
            }
            ready!(alarm.as_mut().poll(cx));
            tracing::debug!(peer = %state.endpoint.remote, "closed a connection that said too little to begin");
            // One that has not said a byte asked for nothing: browsers keep such connections in reserve.
            if !bytes.is_empty() && state.shared.stop.stage() == Stage::Serving {
                // Whether it can be written is not waited for.
                let _ = Pin::new(&mut *socket).poll_write(cx, TOO_LATE);
            }
            Poll::Ready(None)
        })
        .await?;
        Some(Self { protocol, bytes })
    }
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

//! [`Io`]: the connection's socket as hyper sees it, with an eye on who waits for whom.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::State;
use crate::listener::Socket;

/// The connection's socket as hyper sees it. Moves bytes, and notes since when the client takes
/// none; what that means is [`deadline`](super::deadline)'s business.
pub(crate) struct Io {
    socket: Socket,
    state: Arc<State>,
    /// Bytes that were read to find out which protocol the client speaks.
    opening: BytesMut,
}

impl Io {
    pub(crate) fn new(socket: Socket, state: Arc<State>, opening: BytesMut) -> Self {
        Self {
            socket,
            state,
            opening,
        }
    }

    fn note<T>(&self, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        match written {
            Poll::Pending => self.state.write_stalls(),
            Poll::Ready(_) => self.state.write_moves(),
        }
        written
    }
}

impl Drop for Io {
    fn drop(&mut self) {
        if self.state.is_reset() {
            self.socket.reset_on_close();
        }
    }
}

impl AsyncRead for Io {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.opening.is_empty() {
            return Pin::new(&mut self.socket).poll_read(cx, buffer);
        }
        let length = self.opening.len().min(buffer.remaining());
        buffer.put_slice(&self.opening[..length]);
        self.opening.advance(length);
        if self.opening.is_empty() {
            self.opening = BytesMut::new(); // given back
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Io {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.socket).poll_write(cx, bytes);
        self.note(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.socket).poll_write_vectored(cx, slices);
        self.note(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(cx)
    }
}

//! The client's socket: bytes in, bytes out, without blocking. TLS will be a third kind of it.

use std::io::{self, IoSlice, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use rustix::buffer::spare_capacity;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

/// A connected socket in non-blocking mode.
#[derive(Debug)]
pub(crate) enum Socket {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Socket {
    /// Reads what is there; `None` if nothing is, `Some(0)` at the end.
    pub(crate) fn read(&self, buffer: &mut [u8]) -> io::Result<Option<usize>> {
        now_or_later(|| match self {
            Self::Tcp(stream) => (&*stream).read(buffer),
            Self::Unix(stream) => (&*stream).read(buffer),
        })
    }

    /// Reads what is there to the end of `body`, as far as there is room; `None` if nothing is, `Some(0)` at
    /// the end.
    pub(crate) fn read_on(&self, body: &mut Vec<u8>) -> io::Result<Option<usize>> {
        now_or_later(|| Ok(rustix::io::read(self, spare_capacity(body))?))
    }

    /// Writes what the client takes; `None` if it takes nothing now.
    pub(crate) fn write(&self, pieces: &[IoSlice<'_>]) -> io::Result<Option<usize>> {
        now_or_later(|| match (self, pieces) {
            // One piece is sent by a plain `send`, which is cheaper than `writev`.
            (Self::Tcp(stream), [piece]) => (&*stream).write(piece),
            (Self::Unix(stream), [piece]) => (&*stream).write(piece),
            (Self::Tcp(stream), pieces) => (&*stream).write_vectored(pieces),
            (Self::Unix(stream), pieces) => (&*stream).write_vectored(pieces),
        })
    }

    /// Closes one direction, or both. A socket that is broken already is left as it is.
    pub(crate) fn shutdown(&self, how: Shutdown) {
        let _ = match self {
            Self::Tcp(stream) => stream.shutdown(how),
            Self::Unix(stream) => stream.shutdown(how),
        };
    }

    /// Makes the close a reset, where the protocol has no other word for a truncated body.
    pub(crate) fn reset_on_close(&self) {
        let _ = rustix::net::sockopt::set_socket_linger(self, Some(Duration::ZERO));
    }

    /// Has the kernel keep no more than so many bytes unsent, where it can be told so. Left alone it takes megabytes
    /// for each client that reads slowly, until a few thousand of them have used up what the machine has for all
    /// its sockets; and how slow they are cannot be told.
    pub(crate) fn keep_unsent(&self, bytes: usize) {
        #[cfg(target_os = "linux")]
        if let Self::Tcp(stream) = self {
            let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
            // A connection that is broken already is left as it is.
            let _ = socket2::SockRef::from(stream).set_tcp_notsent_lowat(bytes);
        }
        #[cfg(not(target_os = "linux"))]
        let _ = bytes;
    }

    /// Waits until there is something to read; false if `until` passes first, if there is one.
    pub(crate) fn wait_readable(&self, until: Option<Instant>) -> io::Result<bool> {
        self.wait(PollFlags::IN, until)
    }

    /// Waits until something can be written; false if `until` passes first.
    pub(crate) fn wait_writable(&self, until: Option<Instant>) -> io::Result<bool> {
        self.wait(PollFlags::OUT, until)
    }

    fn wait(&self, what: PollFlags, until: Option<Instant>) -> io::Result<bool> {
        loop {
            let left = until.map(|until| until.saturating_duration_since(Instant::now()));
            // A wait beyond what the kernel can count is one for ever.
            let timeout = left.and_then(|left| Timespec::try_from(left).ok());
            match poll(&mut [PollFd::new(self, what)], timeout.as_ref()) {
                Ok(0) => return Ok(false),
                Ok(_) => return Ok(true),
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Tcp(stream) => stream.as_fd(),
            Self::Unix(stream) => stream.as_fd(),
        }
    }
}

fn now_or_later(mut action: impl FnMut() -> io::Result<usize>) -> io::Result<Option<usize>> {
    loop {
        match action() {
            Ok(amount) => return Ok(Some(amount)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

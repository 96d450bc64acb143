//! Listeners and sockets: TCP and Unix behind one type each.

use std::future::Future;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::Path;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};

use gateway_core::Address;
use gateway_core::server::Limits;
use socket2::{Domain, Protocol, SockAddr, SockRef, Socket as RawSocket, Type};
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};

/// The backlog between binding and serving, when what the limits say is set.
const BACKLOG: i32 = 1024;

/// A bound socket that is not yet part of a runtime, so that a server can be built outside one.
#[derive(Debug)]
pub(crate) enum Bound {
    Tcp(std::net::TcpListener),
    Unix(std::os::unix::net::UnixListener),
}

impl Bound {
    /// Binds the first address that can be bound.
    pub(crate) fn tcp(addr: impl ToSocketAddrs) -> io::Result<Self> {
        let mut last = None;
        for addr in addr.to_socket_addrs()? {
            match bind(addr) {
                Ok(listener) => return Ok(Self::Tcp(listener)),
                Err(error) => last = Some(error),
            }
        }
        Err(last.unwrap_or_else(|| {
            io::Error::new(io::ErrorKind::InvalidInput, "the name has no address")
        }))
    }

    /// Binds a Unix socket. A socket file that nobody listens on is removed first.
    pub(crate) fn unix(path: &Path) -> io::Result<Self> {
        remove_stale(path)?;
        let socket = RawSocket::new(Domain::UNIX, Type::STREAM, None)?;
        socket.bind(&SockAddr::unix(path)?)?;
        socket.listen(BACKLOG)?;
        Ok(Self::Unix(socket.into()))
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> io::Result<Address> {
        match self {
            Self::Tcp(listener) => Ok(Address::Tcp(listener.local_addr()?)),
            Self::Unix(listener) => Ok(unix_address(listener.local_addr()?.as_pathname())),
        }
    }

    /// Starts to listen inside the runtime; sets the backlog.
    pub(crate) fn listen(self, limits: &Limits) -> io::Result<Listener> {
        let backlog = i32::try_from(limits.backlog).unwrap_or(i32::MAX);
        match self {
            Self::Tcp(listener) => {
                SockRef::from(&listener).listen(backlog)?;
                listener.set_nonblocking(true)?;
                Ok(Listener::Tcp(TcpListener::from_std(listener)?))
            }
            Self::Unix(listener) => {
                SockRef::from(&listener).listen(backlog)?;
                listener.set_nonblocking(true)?;
                Ok(Listener::Unix(UnixListener::from_std(listener)?))
            }
        }
    }
}

fn bind(addr: SocketAddr) -> io::Result<std::net::TcpListener> {
    let socket = RawSocket::new(Domain::for_address(addr), Type::STREAM, Some(Protocol::TCP))?;
    // A restarted server must not wait for the kernel to forget its predecessor's connections.
    #[cfg(not(windows))]
    socket.set_reuse_address(true)?;
    socket.bind(&addr.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

fn remove_stale(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::FileTypeExt;
    match std::fs::symlink_metadata(path) {
        Ok(found) if found.file_type().is_socket() => {}
        _ => return Ok(()), // nothing there, or no socket: binding will say so
    }
    match std::os::unix::net::UnixStream::connect(path) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            std::fs::remove_file(path)
        }
        _ => Ok(()),
    }
}

fn unix_address(path: Option<&Path>) -> Address {
    Address::Unix(path.map(Arc::from))
}

/// A listening socket.
#[derive(Debug)]
pub(crate) enum Listener {
    Tcp(TcpListener),
    Unix(UnixListener),
}

/// A new connection, and its two ends.
#[derive(Debug)]
pub(crate) struct Accepted {
    pub(crate) socket: Socket,
    pub(crate) remote: Address,
    pub(crate) local: Address,
}

impl Accepted {
    fn tcp(stream: TcpStream, remote: SocketAddr) -> io::Result<Self> {
        // Answers are written whole; Nagle's algorithm would only hold back their tails.
        stream.set_nodelay(true)?;
        let local = stream.local_addr()?.into();
        Ok(Self {
            socket: Socket::Tcp(stream),
            remote: remote.into(),
            local,
        })
    }

    fn unix(stream: UnixStream) -> io::Result<Self> {
        let remote = unix_address(stream.peer_addr()?.as_pathname());
        let local = unix_address(stream.local_addr()?.as_pathname());
        Ok(Self {
            socket: Socket::Unix(stream),
            remote,
            local,
        })
    }
}

impl Listener {
    /// The next connection.
    pub(crate) fn poll_accept(&self, cx: &mut Context<'_>) -> Poll<io::Result<Accepted>> {
        match self {
            Self::Tcp(listener) => {
                let (stream, remote) = ready!(listener.poll_accept(cx))?;
                Poll::Ready(Accepted::tcp(stream, remote))
            }
            Self::Unix(listener) => {
                let (stream, _) = ready!(listener.poll_accept(cx))?;
                Poll::Ready(Accepted::unix(stream))
            }
        }
    }

    /// Gives `take` every connection that the kernel has accepted, then closes the listener. Asks the
    /// kernel itself: the runtime may not have heard of the last of them. Ends early if `take` says
    /// so.
    pub(crate) fn into_backlog(
        self,
        mut take: impl FnMut(io::Result<Accepted>) -> bool,
    ) -> io::Result<()> {
        match self {
            Self::Tcp(listener) => {
                let listener = listener.into_std()?;
                while let Some(next) = unless_empty(listener.accept()) {
                    if !take(next.and_then(|(stream, remote)| {
                        stream.set_nonblocking(true)?;
                        Accepted::tcp(TcpStream::from_std(stream)?, remote)
                    })) {
                        break;
                    }
                }
            }
            Self::Unix(listener) => {
                let listener = listener.into_std()?;
                while let Some(next) = unless_empty(listener.accept()) {
                    if !take(next.and_then(|(stream, _)| {
                        stream.set_nonblocking(true)?;
                        Accepted::unix(UnixStream::from_std(stream)?)
                    })) {
                        break;
                    }
                }
            }
        }
        Ok(())
    }
}

fn unless_empty<T>(accepted: io::Result<T>) -> Option<io::Result<T>> {
    match accepted {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => None,
        accepted => Some(accepted),
    }
}

/// How a client has ended its side of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// In good order: it may still take answers.
    Closed,
    /// It is gone.
    Reset,
}

/// A connection's socket.
#[derive(Debug)]
pub(crate) enum Socket {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Socket {
    /// Ready when there is something to read, the end among it, or an error.
    pub(crate) fn poll_readable(&self, cx: &mut Context<'_>) -> Poll<()> {
        let polled = match self {
            Self::Tcp(stream) => stream.poll_read_ready(cx),
            Self::Unix(stream) => stream.poll_read_ready(cx),
        };
        polled.map(|_| ()) // who reads learns of the error
    }

    /// What is known of the client's end by now, whether or not there are bytes before it that nobody has read.
    pub(crate) fn end(&self) -> Option<End> {
        let interest = Interest::READABLE | Interest::ERROR;
        let mut now = Context::from_waker(Waker::noop());
        let ready = match self {
            Self::Tcp(stream) => pin!(stream.ready(interest)).poll(&mut now),
            Self::Unix(stream) => pin!(stream.ready(interest)).poll(&mut now),
        };
        match ready {
            Poll::Ready(Ok(ready)) if ready.is_error() => Some(End::Reset),
            Poll::Ready(Ok(ready)) if ready.is_read_closed() => Some(End::Closed),
            Poll::Ready(Err(_)) => Some(End::Reset),
            _ => None,
        }
    }

    /// Has the kernel keep no more than so many bytes unsent, where it can be told so. Left alone it takes megabytes
    /// for each client that reads slowly, until a few thousand of them have used up what the machine has for all
    /// its sockets; and how slow they are cannot be told.
    pub(crate) fn keep_unsent(&self, bytes: usize) {
        #[cfg(target_os = "linux")]
        if let Self::Tcp(stream) = self {
            let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
            // A connection that is broken already is left as it is.
            let _ = SockRef::from(stream).set_tcp_notsent_lowat(bytes);
        }
        #[cfg(not(target_os = "linux"))]
        let _ = bytes;
    }

    /// Makes closing the socket a reset: the client cannot take what it got for the whole.
    pub(crate) fn reset_on_close(&self) {
        let no_wait = Some(std::time::Duration::ZERO);
        let set = match self {
            Self::Tcp(stream) => SockRef::from(stream).set_linger(no_wait),
            Self::Unix(_) => Ok(()),
        };
        if let Err(error) = set {
            tracing::debug!(%error, "cannot reset the connection; it is closed instead");
        }
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_read(cx, buffer),
            Self::Unix(stream) => Pin::new(stream).poll_read(cx, buffer),
        }
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_write(cx, bytes),
            Self::Unix(stream) => Pin::new(stream).poll_write(cx, bytes),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_write_vectored(cx, slices),
            Self::Unix(stream) => Pin::new(stream).poll_write_vectored(cx, slices),
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_flush(cx),
            Self::Unix(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Unix(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}

//! Listeners: where connections come from.

use std::io;
use std::net::{SocketAddr, TcpListener, ToSocketAddrs};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::FileTypeExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;

use gateway_core::Address;
use gateway_core::server::Limits;
use socket2::{Domain, SockAddr, Type};

use crate::socket::Socket;

/// The backlog between `bind` and `serve`, which sets what the limits say.
const BACKLOG: i32 = 1024;

/// A bound socket that clients can connect to.
#[derive(Debug)]
pub(crate) enum Listener {
    Tcp(TcpListener),
    Unix(UnixListener),
}

impl Listener {
    /// Binds the first of the addresses that can be bound.
    pub(crate) fn bind(addresses: impl ToSocketAddrs) -> io::Result<Self> {
        let mut last = io::Error::new(io::ErrorKind::InvalidInput, "no address to bind");
        for address in addresses.to_socket_addrs()? {
            match bind_tcp(address) {
                Ok(listener) => return Ok(Self::Tcp(listener)),
                Err(error) => last = io::Error::new(error.kind(), format!("{address}: {error}")),
            }
        }
        Err(last)
    }

    /// Binds a Unix socket. A socket file that nobody listens on any more is replaced.
    pub(crate) fn bind_unix(path: &Path) -> io::Result<Self> {
        match bind_unix(path) {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse && is_stale(path) => {
                std::fs::remove_file(path)?;
                bind_unix(path)
            }
            result => result,
        }
        .map(Self::Unix)
        .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", path.display())))
    }

    /// Sets the backlog, and makes ready to accept. A socket that is merely bound listens from now on.
    pub(crate) fn listen(&self, limits: &Limits) -> io::Result<()> {
        let backlog = i32::try_from(limits.backlog).unwrap_or(i32::MAX);
        rustix::net::listen(self, backlog)?;
        match self {
            Self::Tcp(listener) => listener.set_nonblocking(true),
            Self::Unix(listener) => listener.set_nonblocking(true),
        }
    }

    /// Takes a connection; `None` if none waits.
    pub(crate) fn accept(&self) -> io::Result<Option<(Socket, Address)>> {
        let accepted = match self {
            Self::Tcp(listener) => listener.accept().and_then(|(stream, peer)| {
                stream.set_nonblocking(true)?;
                stream.set_nodelay(true)?;
                Ok((Socket::Tcp(stream), peer.into()))
            }),
            Self::Unix(listener) => listener.accept().and_then(|(stream, peer)| {
                stream.set_nonblocking(true)?;
                let path = peer.as_pathname().map(Into::into);
                Ok((Socket::Unix(stream), Address::Unix(path)))
            }),
        };
        match accepted {
            Ok(accepted) => Ok(Some(accepted)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The address listened on.
    pub(crate) fn address(&self) -> Address {
        match self {
            Self::Tcp(listener) => listener.local_addr().map_or(Address::Unknown, Address::Tcp),
            Self::Unix(listener) => Address::Unix(
                listener
                    .local_addr()
                    .ok()
                    .and_then(|name| name.as_pathname().map(Into::into)),
            ),
        }
    }

    /// The host's end of an accepted connection: where the listener is bound to all addresses, the
    /// one that the client has reached.
    pub(crate) fn local_address(&self, socket: &Socket) -> Address {
        match (self.address(), socket) {
            (Address::Tcp(bound), Socket::Tcp(stream)) if bound.ip().is_unspecified() => {
                stream.local_addr().map_or(Address::Unknown, Address::Tcp)
            }
            (address, _) => address,
        }
    }
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Tcp(listener) => listener.as_fd(),
            Self::Unix(listener) => listener.as_fd(),
        }
    }
}

fn bind_tcp(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = socket2::Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    socket.set_reuse_address(true)?; // a restart need not wait for the last connections' TIME_WAIT
    socket.bind(&SockAddr::from(address))?;
    // From now on clients can connect.
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// Bound and listening: std does both for Unix sockets; the backlog is set by a second `listen`.
fn bind_unix(path: &Path) -> io::Result<UnixListener> {
    UnixListener::bind(path)
}

fn is_stale(path: &Path) -> bool {
    let is_socket = path
        .symlink_metadata()
        .is_ok_and(|file| file.file_type().is_socket());
    let refused = |error: io::Error| error.kind() == io::ErrorKind::ConnectionRefused;
    is_socket && UnixStream::connect(path).is_err_and(refused)
}

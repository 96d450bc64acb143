//! Sockets with a bound on every wait.

use std::io::{self, Read};
use std::mem::MaybeUninit;
use std::time::Instant;

use gateway_core::Address;
use socket2::{Domain, SockAddr, Socket, Type};

use crate::PATIENCE;

/// Connects to `address`, with a receive buffer of about `receive` bytes where that is given.
pub(super) fn open(address: &Address, receive: Option<usize>) -> io::Result<Socket> {
    let (domain, target) = match address {
        Address::Tcp(address) => (Domain::for_address(*address), SockAddr::from(*address)),
        Address::Unix(Some(path)) => (Domain::UNIX, SockAddr::unix(path)?),
        other => {
            let reason = format!("cannot connect to {other}");
            return Err(io::Error::new(io::ErrorKind::Unsupported, reason));
        }
    };
    let socket = Socket::new(domain, Type::STREAM, None)?;
    if let Some(bytes) = receive {
        socket.set_recv_buffer_size(bytes)?; // before connecting: it bounds the window
    }
    socket.connect(&target)?;
    if domain != Domain::UNIX {
        socket.set_tcp_nodelay(true)?;
    }
    Ok(socket)
}

/// Whether there is nothing to read: no byte, no end.
pub(super) fn is_quiet(socket: &Socket) -> io::Result<bool> {
    socket.set_nonblocking(true)?;
    let peeked = socket.peek(&mut [MaybeUninit::uninit()]);
    socket.set_nonblocking(false)?;
    match peeked {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(true),
        Err(error) => Err(error),
        Ok(_) => Ok(false),
    }
}

/// A socket that is read with a bound on the whole wait, however the bytes dribble.
#[derive(Debug)]
pub(super) struct Patient {
    socket: Socket,
    until: Instant,
}

impl Patient {
    pub(super) fn new(socket: Socket) -> Self {
        Self {
            socket,
            until: Instant::now(),
        }
    }

    pub(super) fn socket(&self) -> &Socket {
        &self.socket
    }

    /// The wait begins now.
    pub(super) fn start(&mut self) {
        self.until = Instant::now() + PATIENCE;
    }
}

impl Read for Patient {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        self.socket.set_read_timeout(Some(left))?;
        match (&self.socket).read(buffer) {
            // What an expired SO_RCVTIMEO gives.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                Err(io::ErrorKind::TimedOut.into())
            }
            read => read,
        }
    }
}

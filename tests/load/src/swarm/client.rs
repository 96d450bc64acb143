//! One slow or idle client.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use socket2::{Domain, Socket, Type};

use super::Manner;

/// The receive buffer of who takes a response slowly, in bytes; the kernel doubles it.
const NARROW: usize = 4096;

/// How much of a response is taken in one turn, in bytes.
const TAKEN: usize = 1024;

/// How many bytes the whole of that response has.
const WHOLE: usize = 1024 * 1024;

/// Of how many turns of sending one also looks for an answer.
const LOOKS: u32 = 4;

/// How a client's connection has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// It was answered, with this status, and closed.
    Status(u16),
    /// The whole response was there.
    Whole,
    /// It was closed without an answer, or within the response.
    Closed,
    /// It was reset.
    Reset,
}

/// One client.
pub(super) struct Client {
    stream: TcpStream,
    manner: Manner,
    begun: Instant,
    turns: u32,
    received: usize,
    /// The start of what was received.
    start: Vec<u8>,
    /// How it ended, and when.
    pub(super) end: Option<(End, Duration)>,
}

impl Client {
    /// Connects, and says what is said at once.
    pub(super) fn connect(address: SocketAddr, manner: Manner, number: usize) -> io::Result<Self> {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        if matches!(manner, Manner::Large | Manner::Pieces) {
            socket.set_recv_buffer_size(NARROW)?; // before connecting: it bounds the window
        }
        // An address of one's own for each few thousand: there are not more ports.
        let own = Ipv4Addr::new(127, 0, 1, 1 + (number / 5000) as u8);
        socket.bind(&SocketAddr::from((own, 0)).into())?;
        socket.connect(&address.into())?;
        socket.set_tcp_nodelay(true)?;
        let mut stream = TcpStream::from(socket);
        stream.write_all(match manner {
            Manner::Head => b"GET /hello HTTP/1.1\r\nHost: slow.example\r\nX-Slow: ",
            Manner::Body => {
                b"POST /upload HTTP/1.1\r\nHost: slow.example\r\nContent-Length: 100000\r\n\r\n"
            }
            Manner::Large => b"GET /large HTTP/1.1\r\nHost: slow.example\r\n\r\n",
            Manner::Pieces => b"GET /pieces HTTP/1.1\r\nHost: slow.example\r\n\r\n",
            Manner::Idle => b"",
        })?;
        stream.set_nonblocking(true)?;
        Ok(Self {
            stream,
            manner,
            begun: Instant::now(),
            turns: 0,
            received: 0,
            start: Vec::new(),
            end: None,
        })
    }

    /// Sends or takes a little, as is its manner.
    pub(super) fn turn(&mut self) {
        if self.end.is_some() {
            return;
        }
        self.turns += 1;
        let end = match self.manner {
            Manner::Head | Manner::Body => self.send(),
            Manner::Large | Manner::Pieces => self.take(TAKEN),
            Manner::Idle => None,
        };
        self.end = end.map(|end| (end, self.begun.elapsed()));
    }

    /// Asks once, and waits for the answer.
    pub(super) fn ask(&mut self) -> io::Result<()> {
        self.stream.set_nonblocking(false)?;
        self.stream
            .write_all(b"GET /hello HTTP/1.1\r\nHost: idle.example\r\n\r\n")?;
        let length = self.stream.read(&mut [0; 4096])?;
        match length {
            0 => Err(ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }

    fn send(&mut self) -> Option<End> {
        let sent = match (&self.stream).write(b"a") {
            Ok(_) => None,
            Err(error) => of_error(&error),
        };
        // A broken connection may still hold the answer that came before.
        if sent.is_some() || self.turns.is_multiple_of(LOOKS) {
            return self.take(4096).or(sent);
        }
        None
    }

    /// Takes up to so many bytes of what has come.
    fn take(&mut self, most: usize) -> Option<End> {
        let mut space = [0; 4096];
        match (&self.stream).read(&mut space[..most]) {
            Ok(0) => Some(self.closed()),
            Ok(length) => {
                let missing = 12_usize.saturating_sub(self.start.len());
                self.start.extend_from_slice(&space[..length.min(missing)]);
                self.received += length;
                None
            }
            Err(error) => of_error(&error).map(|end| self.status().unwrap_or(end)),
        }
    }

    fn closed(&self) -> End {
        self.status().unwrap_or(match self.received > WHOLE {
            true => End::Whole,
            false => End::Closed,
        })
    }

    /// The status that it was answered with, if that is not what it has asked for.
    fn status(&self) -> Option<End> {
        let status = self.start.get(9..12)?;
        let status: u16 = std::str::from_utf8(status).ok()?.parse().ok()?;
        (status != 200).then_some(End::Status(status))
    }
}

fn of_error(error: &io::Error) -> Option<End> {
    match error.kind() {
        ErrorKind::WouldBlock | ErrorKind::Interrupted => None,
        _ => Some(End::Reset),
    }
}

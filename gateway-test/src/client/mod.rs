//! A client that sends exactly the bytes it is given and believes nothing it gets.

mod chunked;
mod error;
mod incoming;
mod reply;
mod socket;

use std::io::{self, Write};
use std::net::{Shutdown, SocketAddr};
use std::thread;
use std::time::Duration;

use gateway_core::Address;
use http::Method;
use socket2::Socket;

pub use error::{ReadError, WrongBytes};
pub use reply::{BodyEnd, Reply};

use crate::PATIENCE;
use incoming::Incoming;
use socket::{Patient, open};

/// A connection to a host, over TCP or a Unix socket.
///
/// What is sent goes out byte for byte, correct or not. Responses are read strictly (RFC 9112):
/// whatever a careful recipient could stumble over is a [`ReadError`]. Reading and writing end
/// after [`PATIENCE`] with an error; nothing hangs.
///
/// ```
/// # use std::io::{Read, Write};
/// # let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
/// # let address = listener.local_addr()?;
/// # let server = std::thread::spawn(move || {
/// #     let (mut stream, _) = listener.accept()?;
/// #     stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi")?;
/// #     std::io::copy(&mut stream, &mut std::io::sink())
/// # });
/// use gateway_test::client::Client;
///
/// let mut client = Client::connect(&address.into())?;
/// client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")?;
/// let reply = client.read(&http::Method::GET)?;
/// assert_eq!((reply.status, reply.text()), (200, "hi"));
/// # drop(client);
/// # assert!(server.join().is_ok());
/// # Ok::<(), gateway_core::Error>(())
/// ```
#[derive(Debug)]
pub struct Client {
    incoming: Incoming<Patient>,
}

impl Client {
    /// Connects.
    ///
    /// # Errors
    ///
    /// Of the system; [`io::ErrorKind::Unsupported`] for an address that cannot be connected to.
    pub fn connect(address: &Address) -> io::Result<Self> {
        Self::over(open(address, None)?)
    }

    /// Connects with a small receive buffer, of about `bytes`, so that a host soon notices that
    /// nothing is read.
    ///
    /// # Errors
    ///
    /// As [`connect`](Self::connect).
    pub fn connect_narrow(address: &Address, bytes: usize) -> io::Result<Self> {
        Self::over(open(address, Some(bytes))?)
    }

    fn over(socket: Socket) -> io::Result<Self> {
        socket.set_write_timeout(Some(PATIENCE))?;
        Ok(Self {
            incoming: Incoming::new(Patient::new(socket)),
        })
    }

    /// The client's own address, where it has one.
    pub fn local_addr(&self) -> Option<SocketAddr> {
        self.socket().local_addr().ok()?.as_socket()
    }

    /// Sends bytes as they are.
    ///
    /// # Errors
    ///
    /// Of the system: the host may have closed the connection already.
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        self.socket().write_all(bytes.as_ref())
    }

    /// Sends bytes in pieces of at most `size` bytes, each a packet of its own. The host is given a
    /// chance to see the first of them one by one.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    pub fn send_in_pieces(&mut self, bytes: impl AsRef<[u8]>, size: usize) -> io::Result<()> {
        for (number, piece) in bytes.as_ref().chunks(size.max(1)).enumerate() {
            self.send(piece)?;
            if number < 64 {
                thread::yield_now(); // on a busy machine this is a time slice for somebody else
            }
        }
        Ok(())
    }

    /// Sends bytes from a thread of its own, so that the answer can be read meanwhile. The thread
    /// ends when all is sent, or can no longer be.
    ///
    /// # Errors
    ///
    /// Of the system.
    pub fn send_meanwhile(&self, bytes: Vec<u8>) -> io::Result<()> {
        let mut socket = self.socket().try_clone()?;
        thread::spawn(move || socket.write_all(&bytes));
        Ok(())
    }

    /// Says that nothing more will be sent, and goes on reading.
    ///
    /// # Errors
    ///
    /// Of the system.
    pub fn stop_sending(&self) -> io::Result<()> {
        self.socket().shutdown(Shutdown::Write)
    }

    /// Leaves with a reset: the host's next read or write fails.
    ///
    /// # Errors
    ///
    /// Of the system.
    pub fn reset(self) -> io::Result<()> {
        self.socket().set_linger(Some(Duration::ZERO))
    }

    /// Reads one response to `method`; an interim one (1xx) counts as one.
    ///
    /// # Errors
    ///
    /// If the bytes that come within [`PATIENCE`] are not exactly one response; what follows them
    /// is left for the next read.
    pub fn read(&mut self, method: &Method) -> Result<Reply, ReadError> {
        self.incoming.source().start();
        reply::read(&mut self.incoming, method)
    }

    /// Reads responses to `method` until one is final, and gives that.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    pub fn read_final(&mut self, method: &Method) -> Result<Reply, ReadError> {
        loop {
            let reply = self.read(method)?;
            if !reply.is_interim() {
                return Ok(reply);
            }
        }
    }

    /// Sends one request and reads its final response.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read). Failing to send is none: a host may answer before it has read.
    pub fn exchange(&mut self, request: impl AsRef<[u8]>) -> Result<Reply, ReadError> {
        let request = request.as_ref();
        let _ = self.send(request);
        self.read_final(&method_of(request))
    }

    /// Asks for `target` with `GET` and nothing but a Host, and reads the response.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    pub fn get(&mut self, target: &str) -> Result<Reply, ReadError> {
        self.exchange(format!(
            "GET {target} HTTP/1.1\r\nHost: test.example\r\n\r\n"
        ))
    }

    /// Reads up to `length` bytes of whatever comes, as a slow reader does.
    ///
    /// # Errors
    ///
    /// If they do not come.
    pub fn read_some(&mut self, length: usize) -> Result<Vec<u8>, ReadError> {
        self.incoming.source().start();
        self.incoming.exactly(length)
    }

    /// The next `length` bytes, which are left for the next read.
    ///
    /// # Errors
    ///
    /// If they do not come.
    pub fn peek(&mut self, length: usize) -> Result<Vec<u8>, ReadError> {
        self.incoming.source().start();
        self.incoming.peek(length).map(<[u8]>::to_vec)
    }

    /// Reads until the connection ends, and gives whatever came. A reset ends it too.
    ///
    /// # Errors
    ///
    /// [`ReadError::TimedOut`] if it does not end.
    pub fn read_to_end(&mut self) -> Result<Vec<u8>, ReadError> {
        self.incoming.source().start();
        match self.incoming.rest() {
            Ok(bytes) => Ok(bytes),
            Err(ReadError::Reset { .. }) => Ok(self.incoming.take()),
            Err(error) => Err(error),
        }
    }

    /// Waits until the host closes the connection, without another byte. A reset closes it too.
    ///
    /// # Errors
    ///
    /// [`ReadError::Trailing`] if bytes come, [`ReadError::TimedOut`] if the connection stays open.
    pub fn closes(&mut self) -> Result<(), ReadError> {
        self.incoming.source().start();
        match self.incoming.more() {
            Ok(false) | Err(ReadError::Reset { .. }) if self.incoming.is_empty() => Ok(()),
            Ok(_) => Err(ReadError::Trailing(self.incoming.excerpt())),
            Err(error) => Err(error),
        }
    }

    /// Whether nothing has arrived that was not read, and the connection is open.
    ///
    /// # Errors
    ///
    /// Of the system.
    pub fn is_quiet(&self) -> io::Result<bool> {
        Ok(self.incoming.is_empty() && socket::is_quiet(self.socket())?)
    }

    fn socket(&self) -> &Socket {
        self.incoming.source_ref().socket()
    }
}

/// The method at the start of a request; GET where there is none.
fn method_of(request: &[u8]) -> Method {
    let word = request.split(|byte| *byte == b' ').next();
    word.and_then(|word| Method::from_bytes(word).ok())
        .unwrap_or(Method::GET)
}

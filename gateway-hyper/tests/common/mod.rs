//! A server under test, and a client that sends exact bytes.

#![allow(
    unreachable_pub, // each test program has a copy of its own
    dead_code,           // each test program uses its part
    clippy::unwrap_used  // a failure here is a failure of the test
)]

pub mod frames;
pub mod log;
pub mod process;

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::thread::JoinHandle;
use std::time::Duration;

use gateway_core::Application;
use gateway_hyper::{Handle, Server};

/// How long a test waits for what must come.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// A server on a thread of its own; stopped when it goes.
pub struct Running {
    pub addr: SocketAddr,
    pub handle: Handle,
    thread: Option<JoinHandle<std::io::Result<()>>>,
}

/// Starts `app` on a free port.
pub fn start(app: impl Application) -> Running {
    start_with(app, |server| server)
}

/// Starts `app` on a free port, with settings.
pub fn start_with(app: impl Application, set: impl FnOnce(Server) -> Server) -> Running {
    let server = set(Server::bind("127.0.0.1:0").unwrap());
    let (addr, handle) = (server.local_addr().unwrap(), server.handle());
    let thread = std::thread::spawn(move || server.run(app));
    Running {
        addr,
        handle,
        thread: Some(thread),
    }
}

impl Running {
    /// Waits until the server is over.
    pub fn join(&mut self) {
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap().unwrap();
        }
    }

    pub fn connect(&self) -> Client {
        let stream = TcpStream::connect(self.addr).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Client { stream }
    }

    /// Sends `bytes` on a new connection, and reads until the server closes it.
    pub fn whole(&self, bytes: impl AsRef<[u8]>) -> String {
        let mut client = self.connect();
        client.send(bytes);
        client.rest()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.handle.abort();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// A raw client.
pub struct Client {
    pub stream: TcpStream,
}

impl Client {
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).unwrap();
    }

    /// Everything up to the end of the connection; a reset ends it too.
    pub fn rest(&mut self) -> String {
        self.rest_and_end().0
    }

    /// Everything up to the end of the connection, and whether that was a reset.
    pub fn rest_and_end(&mut self) -> (String, bool) {
        let mut bytes = Vec::new();
        let end = self.stream.read_to_end(&mut bytes);
        let reset = match end {
            Ok(_) => false,
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => true,
            Err(error) => panic!("{error}; so far {:?}", String::from_utf8_lossy(&bytes)),
        };
        (String::from_utf8_lossy(&bytes).into_owned(), reset)
    }

    /// Reads until what has come ends with `end`.
    pub fn until(&mut self, end: &str) -> String {
        let mut bytes = Vec::new();
        let mut byte = [0];
        while !bytes.ends_with(end.as_bytes()) {
            match self.stream.read(&mut byte).unwrap() {
                0 => panic!("ended after {:?}", String::from_utf8_lossy(&bytes)),
                _ => bytes.push(byte[0]),
            }
        }
        String::from_utf8(bytes).unwrap()
    }

    pub fn finish_sending(&self) {
        self.stream.shutdown(Shutdown::Write).unwrap();
    }
}

/// The status of a response.
pub fn status(response: &str) -> u16 {
    response
        .strip_prefix("HTTP/1.")
        .and_then(|rest| rest.get(2..5))
        .and_then(|code| code.parse().ok())
        .unwrap_or_else(|| panic!("no status in {response:?}"))
}

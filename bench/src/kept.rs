//! Requests over a kept connection to gateway-sync, one after the other.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::thread::{self, JoinHandle};

use gateway_core::{Environ, Result, blocking};
use gateway_sync::{Handle, Server};

/// What every answer ends with.
pub const HELLO: &str = "Hello, world\n";

/// A server with its client. Both end with the value.
pub struct Kept {
    handle: Handle,
    serving: Option<JoinHandle<()>>,
    stream: TcpStream,
    request: String,
}

impl Kept {
    /// Serves an application, whose answers end with [`HELLO`], on some threads, and connects to it, to
    /// ask for a path.
    ///
    /// # Panics
    ///
    /// If there is no port to listen on.
    pub fn start(application: fn(Environ) -> Result, threads: usize, path: &str) -> Self {
        let server = Server::bind("127.0.0.1:0").expect("a port is free");
        let server = server.threads(threads);
        let address = server.local_addr().expect("it listens on TCP");
        let handle = server.handle();
        let serve = move || server.serve(blocking(application)).expect("it serves");
        let serving = Some(thread::spawn(serve));
        let stream = TcpStream::connect(address).expect("it listens");
        stream.set_nodelay(true).expect("it is a TCP socket");
        let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\n\r\n");
        Self {
            handle,
            serving,
            stream,
            request,
        }
    }

    /// Asks, and reads the answer. Allocates nothing.
    ///
    /// # Panics
    ///
    /// If there is none.
    pub fn ask(&mut self) {
        let request = self.request.as_bytes();
        self.stream.write_all(request).expect("it reads");
        let mut answer = [0; 1024];
        let mut length = 0;
        while !answer[..length].ends_with(HELLO.as_bytes()) {
            let read = self.stream.read(&mut answer[length..]).expect("it answers");
            assert!(read > 0, "the connection was closed");
            length += read;
        }
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        // An idle connection would be waited for. It may be gone already.
        let _ = self.stream.shutdown(Shutdown::Both);
        self.handle.stop();
        let ended = self.serving.take().map(JoinHandle::join);
        assert!(
            matches!(ended, Some(Ok(()))) || thread::panicking(),
            "the server failed"
        );
    }
}

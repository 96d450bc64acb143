//! What the tests of the threaded server share.

#![allow(dead_code, reason = "each file of tests uses a part of it")]

pub(crate) mod descriptors;
pub(crate) mod lines;

use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::thread::{self, JoinHandle};

use gateway_core::{Address, Application};
use gateway_sync::{Handle, Server};
use gateway_test::client::Client;

/// A server that is stopped, and has ended, when the test is over.
pub(crate) struct Running {
    pub(crate) address: Address,
    pub(crate) handle: Handle,
    server: Option<JoinHandle<std::io::Result<()>>>,
}

impl Running {
    pub(crate) fn start(server: Server, application: impl Application) -> Self {
        let address = server.local_addrs()[0].clone();
        let handle = server.handle();
        let server = Some(thread::spawn(move || server.serve(application)));
        Self {
            address,
            handle,
            server,
        }
    }

    pub(crate) fn client(&self) -> Client {
        Client::connect(&self.address).unwrap()
    }

    /// Clients of whom every seat has one: there is a seat for each core, and a new connection goes
    /// to the seat that has the fewest.
    pub(crate) fn clients_everywhere(&self) -> Vec<Client> {
        (0..2 * cores()).map(|_| self.client()).collect()
    }

    pub(crate) fn stop(mut self) {
        self.end();
    }

    fn end(&mut self) {
        self.handle.stop();
        if let Some(server) = self.server.take() {
            server.join().unwrap().unwrap();
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !thread::panicking() {
            self.end();
        }
    }
}

/// A server that makes so many calls at once. With one thread it has one seat: what comes is dealt
/// with in one order.
pub(crate) fn server(threads: usize) -> Server {
    Server::bind("127.0.0.1:0").unwrap().threads(threads)
}

/// A server on a Unix socket, where what a client does is known to the server at once.
pub(crate) fn unix_server(name: &str, threads: usize) -> (Server, UnixPath) {
    let path = std::env::temp_dir().join(format!("gateway-{}-{name}", std::process::id()));
    let listener = UnixListener::bind(&path).unwrap();
    let server = Server::from_unix_listener(listener).unwrap();
    (server.threads(threads), UnixPath(path))
}

/// A socket file that goes when the test is over.
pub(crate) struct UnixPath(PathBuf);

impl Drop for UnixPath {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0 as &Path);
    }
}

/// Cores that this process may use.
pub(crate) fn cores() -> usize {
    thread::available_parallelism().unwrap().get()
}

pub(crate) fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: test\r\n\r\n")
}

/// How many unnamed files this process has open in `directory`.
pub(crate) fn files_in(directory: &Path) -> usize {
    let open = std::fs::read_dir("/proc/self/fd").unwrap();
    let links = open.filter_map(|entry| std::fs::read_link(entry.unwrap().path()).ok());
    links.filter(|link| link.starts_with(directory)).count()
}

//! The program that the pages on deployment deploy: started as they start it, and stopped as they stop
//! it.

#![allow(clippy::unwrap_used, reason = "a test that fails says so")]

use std::io;
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::Instant;

use gateway_core::{Address, lint};
use gateway_test::client::Client;
use gateway_test::{PATIENCE, call, environ};

#[allow(dead_code, unreachable_pub, reason = "it is a program")]
#[path = "../../deploy/service.rs"]
mod service;

/// The program, ended with the test.
struct Service(Child);

impl Service {
    fn start(command: &mut Command) -> Self {
        Self(command.stderr(Stdio::null()).spawn().unwrap())
    }

    /// Started by a shell as systemd starts it: descriptor 3 is the socket, the environment says so.
    fn with_socket(socket: impl Into<OwnedFd>) -> Self {
        let hand_over = r#"exec 3<&0 </dev/null; LISTEN_FDS=1 LISTEN_PID=$$ exec "$0""#;
        let mut shell = Command::new("sh");
        shell.args(["-c", hand_over, PROGRAM]);
        Self::start(shell.stdin(Stdio::from(socket.into())))
    }

    fn at(bind: &str) -> Self {
        Self::start(Command::new(PROGRAM).env("BIND", bind).stdin(Stdio::null()))
    }

    fn terminate(&self) {
        let killed = Command::new("kill")
            .args(["-TERM", &self.0.id().to_string()])
            .status();
        assert!(killed.unwrap().success());
    }

    fn ends(&mut self) -> ExitStatus {
        let until = Instant::now() + PATIENCE;
        loop {
            match self.0.try_wait().unwrap() {
                Some(status) => return status,
                None => assert!(Instant::now() < until, "the service does not end"),
            }
            thread::yield_now();
        }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

const PROGRAM: &str = env!("CARGO_BIN_EXE_service");

/// A client, as soon as somebody listens.
fn client(address: &Address) -> Client {
    let until = Instant::now() + PATIENCE;
    loop {
        match Client::connect(address) {
            Ok(client) => return client,
            Err(error) if is_not_there_yet(&error) && Instant::now() < until => thread::yield_now(),
            Err(error) => panic!("{address}: {error}"),
        }
    }
}

fn is_not_there_yet(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused
    )
}

fn unix(path: &Path) -> Address {
    Address::Unix(Some(path.into()))
}

#[test]
fn keeps_to_the_specification() {
    let app = lint(service::application());
    for (target, answer) in [
        ("/health", "ok\n"),
        ("/a", "Hello from http://test.example/a\n"),
    ] {
        let request = format!("GET {target} HTTP/1.1\nHost: test.example");
        assert_eq!(call(&app, environ(&request)).text(), answer);
    }
    assert_eq!(app.findings().list(), []);
}

#[test]
fn serves_a_tcp_socket_that_it_is_handed() {
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    let _service = Service::with_socket(socket);
    // It is in the backlog, whether the service runs yet or not.
    let reply = client(&address.into()).get("/health").unwrap();
    assert_eq!((reply.status, reply.text()), (200, "ok\n"));
}

#[test]
fn serves_a_unix_socket_that_it_is_handed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("http.sock");
    let _service = Service::with_socket(UnixListener::bind(&path).unwrap());
    let reply = client(&unix(&path)).get("/a").unwrap();
    assert_eq!(reply.text(), "Hello from http://test.example/a\n");
}

#[test]
fn binds_where_the_environment_says_and_ends_well_on_term() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("http.sock");
    let mut service = Service::at(&format!("unix:{}", path.display()));
    let mut client = client(&unix(&path));
    assert_eq!(client.get("/health").unwrap().status, 200);
    service.terminate();
    assert_eq!(service.ends().code(), Some(0));
    client.closes().unwrap();
}

#[test]
fn says_what_is_wrong_with_an_address() {
    let output = Command::new(PROGRAM)
        .env("BIND", "nowhere")
        .stdin(Stdio::null())
        .output();
    let output = output.unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(!output.stderr.is_empty());
}

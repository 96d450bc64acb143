//! What `gateway-bench serve` answers: figures of servers that answer different things compare nothing.

#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "a test")]

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use gateway_test::client::{Client, Reply};

/// A server that ends with the value.
struct Server {
    process: Child,
    address: SocketAddr,
}

impl Server {
    /// Starts a server on a port that the system chooses, which it says once it listens.
    fn start(host: &str) -> Self {
        let process = Command::new(env!("CARGO_BIN_EXE_gateway-bench"))
            .args(["serve", "--host", host, "--bind", "127.0.0.1:0"])
            .args(["--threads", "4"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let address = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut server = Self { process, address };
        let mut said = String::new();
        let output = server.process.stdout.take().unwrap();
        BufReader::new(output).read_line(&mut said).unwrap();
        let address = said.trim_end().strip_prefix("listening on ");
        let address = address.unwrap_or_else(|| panic!("{host} said {said:?}"));
        server.address = address.parse().unwrap();
        server
    }

    fn client(&self) -> Client {
        Client::connect(&self.address.into()).unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself, which its client has noticed.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn gateway_sync_answers() {
    answers("sync");
}

#[test]
fn gateway_hyper_answers() {
    answers("hyper");
}

#[test]
fn gateway_hyper_answers_with_blocking_code() {
    answers("hyper-blocking");
}

#[test]
fn bare_hyper_answers() {
    answers("bare-hyper");
}

fn answers(host: &str) {
    let server = Server::start(host);
    let mut client = server.client();
    let big = vec![b'x'; 1024 * 1024];
    let cases: [(&str, u16, &[u8]); 4] = [
        ("/hello", 200, b"Hello, world\n"),
        ("/big", 200, &big),
        ("/stream", 200, &big[..64 * 1024]),
        ("/delay?s=0.01", 200, b"waited\n"),
    ];
    for (target, status, body) in cases {
        let reply = client.get(target).unwrap();
        assert_eq!(reply.status, status, "{host} {target}");
        // Not compared as text: a megabyte that differs should not be printed.
        assert_eq!(reply.body.len(), body.len(), "{host} {target}");
        assert!(reply.body == body, "{host} {target}");
    }
    let uploaded = upload(&mut client, &big[..100_000]);
    assert_eq!((uploaded.status, uploaded.text()), (200, "100000\n"));
    for (target, status) in [("/delay?s=x", 400), ("/nothing", 404)] {
        let reply = server.client().get(target).unwrap();
        assert_eq!(reply.status, status, "{host} {target}");
    }
}

fn upload(client: &mut Client, body: &[u8]) -> Reply {
    let head = format!(
        "POST /upload HTTP/1.1\r\nHost: test.example\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    client.exchange([head.as_bytes(), body].concat()).unwrap()
}

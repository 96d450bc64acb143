//! A server that runs out of file descriptors. It is a process of its own, which may have few of them:
//! this program again.

#![allow(clippy::unwrap_used)] // a failure here is a failure of the test

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use gateway_core::{Environ, text};
use gateway_hyper::Server;

const PATIENCE: Duration = Duration::from_secs(20);

/// Tells the other process what it is.
const IS_SERVER: &str = "GATEWAY_TEST_IS_SERVER";

#[test]
fn running_out_of_descriptors_is_survived() {
    if std::env::var_os(IS_SERVER).is_some() {
        return serve();
    }
    let mut server = Process::start("running_out_of_descriptors_is_survived", 40);
    let address = server
        .until("listening")
        .rsplit_once('=')
        .unwrap()
        .1
        .to_owned();

    let mut clients: Vec<TcpStream> = (0..60).map(|_| ask(&address)).collect();
    server.until("cannot accept connections");
    for client in &mut clients {
        answered(client);
        // Makes room for one more.
        client.shutdown(std::net::Shutdown::Both).unwrap();
    }
    server.until("accepting connections again");
    assert_eq!(server.told, ["cannot accept connections"], "once");
    answered(&mut ask(&address));
}

/// The other process: serves until it is ended, and logs to where it was told.
fn serve() {
    tracing_subscriber::fmt()
        .with_ansi(false)
        .with_writer(std::io::stdout)
        .init();
    let server = Server::bind("127.0.0.1:0").unwrap();
    server
        .run(|_environ: Environ| async { Ok(text("hello")) })
        .unwrap();
}

fn ask(address: &str) -> TcpStream {
    let mut client = TcpStream::connect(address).unwrap();
    client.set_read_timeout(Some(PATIENCE)).unwrap();
    client
        .write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        .unwrap();
    client
}

fn answered(client: &mut TcpStream) {
    let (mut answer, mut byte) = (Vec::new(), [0]);
    while !answer.ends_with(b"hello") {
        client.read_exact(&mut byte).unwrap();
        answer.push(byte[0]);
    }
    assert!(answer.starts_with(b"HTTP/1.1 200"));
}

/// The other process; ended when it goes.
struct Process {
    child: Child,
    lines: Receiver<String>,
    /// The troubles that it has told of.
    told: Vec<&'static str>,
}

impl Process {
    /// Starts `test` of this program with so many descriptors.
    fn start(test: &str, descriptors: usize) -> Self {
        let limited = format!("ulimit -n {descriptors}; exec \"$0\" \"$@\"");
        let mut child = Command::new("sh")
            .args(["-c", &limited])
            .arg(std::env::current_exe().unwrap())
            .args(["--exact", test, "--nocapture"])
            .env(IS_SERVER, "1")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        let (tell, lines) = channel();
        std::thread::spawn(move || {
            for line in out.lines().map_while(Result::ok) {
                let _ = tell.send(line);
            }
        });
        Self {
            child,
            lines,
            told: Vec::new(),
        }
    }

    fn until(&mut self, what: &str) -> String {
        loop {
            let line = self.lines.recv_timeout(PATIENCE).unwrap();
            if line.contains("cannot accept connections") {
                self.told.push("cannot accept connections");
            }
            if line.contains(what) {
                return line;
            }
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

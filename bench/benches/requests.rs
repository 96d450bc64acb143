//! What takes more than one thread on gateway-sync: whole requests over a kept connection, one after the
//! other, and a seat that changes hands. `cargo bench -p gateway-bench --bench requests`.

#![forbid(unsafe_code)]

use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use divan::Bencher;

use gateway_core::{Environ, Result, blocking, text};
use gateway_sync::measuring::OneSeat;
use gateway_sync::{Handle, Server};

/// Long enough for the monitor to see it, and for the table to learn it.
const WAIT: Duration = Duration::from_millis(3);

fn main() {
    divan::main();
}

/// The call keeps its seat: the table says that it is short.
#[divan::bench]
fn keeps_its_seat(bencher: Bencher<'_, '_>) {
    measure(bencher, "/quick");
}

/// The call gives its seat away before it waits 3 ms, which are in the figure.
#[divan::bench]
fn gives_its_seat_away(bencher: Bencher<'_, '_>) {
    measure(bencher, "/slow");
}

/// A seat goes to a thread that waits for it, and comes back: two changes of hands, in each of which the
/// kernel wakes one thread and lays the other to sleep.
#[divan::bench]
fn seat_changes_hands_twice(bencher: Bencher<'_, '_>) {
    let seat = OneSeat::new().expect("the kernel has room for an epoll set");
    let me = seat.guest();
    assert!(me.take(), "nobody else has it yet");
    thread::scope(|scope| {
        scope.spawn(|| {
            let other = seat.guest();
            while other.take() && other.hand_over() {}
        });
        bencher.bench_local(|| me.hand_over() && me.take());
        seat.close();
    });
}

fn measure(bencher: Bencher<'_, '_>, path: &str) {
    let served = Served::start();
    let mut client = Client::connect(&served, path);
    // The table learns.
    (0..20).for_each(|_| client.ask());
    bencher.bench_local(|| client.ask());
}

fn application(environ: Environ) -> Result {
    if environ.path_info() == "/slow" {
        thread::sleep(WAIT);
    }
    Ok(text("Hello, world\n"))
}

/// A server that ends with the value.
struct Served {
    handle: Handle,
    address: std::net::SocketAddr,
    thread: Option<JoinHandle<()>>,
}

impl Served {
    fn start() -> Self {
        let server = Server::bind("127.0.0.1:0")
            .expect("a port is free")
            .threads(4);
        let address = server.local_addr().expect("it listens on TCP");
        let handle = server.handle();
        let serve = move || server.serve(blocking(application)).expect("it serves");
        Self {
            handle,
            address,
            thread: Some(thread::spawn(serve)),
        }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.handle.stop();
        let ended = self.thread.take().map(JoinHandle::join);
        assert!(matches!(ended, Some(Ok(()))), "the server failed");
    }
}

struct Client {
    stream: TcpStream,
    request: String,
}

impl Client {
    fn connect(served: &Served, path: &str) -> Self {
        let stream = TcpStream::connect(served.address).expect("it listens");
        stream.set_nodelay(true).expect("it is a TCP socket");
        let request = format!("GET {path} HTTP/1.1\r\nHost: h\r\n\r\n");
        Self { stream, request }
    }

    fn ask(&mut self) {
        self.stream
            .write_all(self.request.as_bytes())
            .expect("it reads");
        let mut answer = [0; 1024];
        let mut length = 0;
        while !answer[..length].ends_with(b"Hello, world\n") {
            let read = self.stream.read(&mut answer[length..]).expect("it answers");
            assert!(read > 0, "the connection was closed");
            length += read;
        }
    }
}

//! The quick start's applications, each on both hosts.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread;

use gateway_core::{Application, blocking};

mod in_blocking_code {
    #![allow(dead_code, unused_imports)] // main is not called
    include!("../src/main.rs");
    pub fn app() -> impl gateway_core::Application {
        blocking(hello)
    }
}

mod in_async_code {
    #![allow(dead_code)]
    include!("../src/bin/async.rs");
    pub fn app() -> impl gateway_core::Application {
        hello
    }
}

mod with_a_body {
    #![allow(dead_code)]
    include!("../src/bin/shout.rs");
    pub fn app() -> impl gateway_core::Application {
        shout
    }
}

fn ask(address: Option<SocketAddr>, request: &[u8]) -> String {
    let mut client = TcpStream::connect(address.expect("bound to TCP")).unwrap();
    client.write_all(request).unwrap();
    let mut answer = String::new();
    client.read_to_string(&mut answer).unwrap();
    answer
}

fn on_threads(app: impl Application, request: &[u8]) -> String {
    let server = gateway_sync::Server::bind("127.0.0.1:0")
        .unwrap()
        .threads(2);
    let (address, handle) = (server.local_addr(), server.handle());
    let serving = thread::spawn(move || server.serve(app));
    let answer = ask(address, request);
    handle.stop();
    serving.join().unwrap().unwrap();
    answer
}

fn on_tokio(app: impl Application, request: &[u8]) -> String {
    let server = gateway_hyper::Server::bind("127.0.0.1:0").unwrap();
    let (address, handle) = (server.local_addr(), server.handle());
    let serving = thread::spawn(move || server.run(app));
    let answer = ask(address, request);
    handle.stop();
    serving.join().unwrap().unwrap();
    answer
}

const GET: &[u8] = b"GET /Ada HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
const POST: &[u8] =
    b"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello";
const NO_TEXT: &[u8] =
    b"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 1\r\n\r\n\xff";

#[test]
fn either_style_answers_on_either_host() {
    for answer in [
        on_threads(in_blocking_code::app(), GET),
        on_threads(in_async_code::app(), GET),
        on_tokio(in_blocking_code::app(), GET),
        on_tokio(in_async_code::app(), GET),
    ] {
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
        assert!(answer.ends_with("\r\n\r\nHello, Ada!\n"), "{answer}");
    }
}

#[test]
fn a_body_is_read_and_an_error_is_its_status() {
    for answers in [
        on_threads(with_a_body::app(), POST),
        on_tokio(with_a_body::app(), POST),
    ] {
        assert!(answers.ends_with("\r\n\r\nHELLO"), "{answers}");
    }
    for refuses in [
        on_threads(with_a_body::app(), NO_TEXT),
        on_tokio(with_a_body::app(), NO_TEXT),
    ] {
        assert!(refuses.starts_with("HTTP/1.1 400 "), "{refuses}");
    }
}

#[test]
fn blocking_code_is_an_application_as_a_closure_too() {
    let app = blocking(|_| Ok(gateway_core::text("closure")));
    assert!(on_threads(app, GET).ends_with("\r\n\r\nclosure"));
}

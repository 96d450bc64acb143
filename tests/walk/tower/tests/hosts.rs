//! The page's router on both hosts, and its application inside a router.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread;

use axum::Router;
use axum::routing::get;
use gateway_core::{Application, Capabilities, requiring};
use gateway_tower::from_service;

mod inside_a_router {
    include!("../src/inside.rs");
}

/// The router of `src/main.rs`.
fn app() -> impl Application {
    let router = Router::new().route("/", get(|| async { "from axum\n" }));
    requiring(Capabilities::TOKIO, from_service(router))
}

fn ask(address: Option<SocketAddr>, path: &str) -> String {
    let mut client = TcpStream::connect(address.expect("bound to TCP")).unwrap();
    write!(
        client,
        "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    )
    .unwrap();
    let mut answer = String::new();
    client.read_to_string(&mut answer).unwrap();
    answer
}

fn on_tokio(app: impl Application, path: &str) -> String {
    let server = gateway_hyper::Server::bind("127.0.0.1:0").unwrap();
    let (address, handle) = (server.local_addr(), server.handle());
    let serving = thread::spawn(move || server.run(app));
    let answer = ask(address, path);
    handle.stop();
    serving.join().unwrap().unwrap();
    answer
}

#[test]
fn a_router_answers_on_either_host() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let server = gateway_sync::Server::bind("127.0.0.1:0").unwrap();
    let server = server.tokio(runtime.handle().clone());
    let (address, handle) = (server.local_addr(), server.handle());
    let serving = thread::spawn(move || server.serve(app()));
    let answer = ask(address, "/");
    handle.stop();
    serving.join().unwrap().unwrap();

    assert!(answer.ends_with("\r\n\r\nfrom axum\n"), "{answer}");
    assert!(on_tokio(app(), "/").ends_with("\r\n\r\nfrom axum\n"));
}

#[test]
fn a_host_without_tokio_refuses_to_start() {
    let server = gateway_sync::Server::bind("127.0.0.1:0").unwrap();
    assert!(server.serve(app()).is_err());
}

#[test]
fn an_application_answers_inside_a_router() {
    let answer = on_tokio(from_service(inside_a_router::router()), "/report/a");
    assert!(answer.ends_with("\r\n\r\n/a of /report\n"), "{answer}");
}

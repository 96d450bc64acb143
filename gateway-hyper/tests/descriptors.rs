//! A server that runs out of file descriptors. It is a process of its own, which may have few of them:
//! this program again.

#![allow(clippy::unwrap_used)] // a failure here is a failure of the test

mod common;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use common::PATIENCE;
use common::process::{Process, is_server, serve};
use gateway_core::{Environ, text};

#[test]
fn running_out_of_descriptors_is_survived() {
    if is_server() {
        return serve(|_environ: Environ| async { Ok(text("hello")) });
    }
    let mut server = Process::start("running_out_of_descriptors_is_survived", 40);
    let mut clients: Vec<TcpStream> = (0..60).map(|_| ask(server.address)).collect();
    server.until("cannot accept connections");
    for client in &mut clients {
        answered(client);
        // Makes room for one more.
        client.shutdown(std::net::Shutdown::Both).unwrap();
    }
    server.until("accepting connections again");
    let troubles = server.told.iter();
    let troubles = troubles.filter(|line| line.contains("cannot accept connections"));
    assert_eq!(troubles.count(), 1);
    answered(&mut ask(server.address));
}

fn ask(address: SocketAddr) -> TcpStream {
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

//! Clients that leave during a call, behind bytes that nobody reads.

#![allow(clippy::unwrap_used)] // a failure here is a failure of the test

mod common;

use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use common::{Client, PATIENCE, Running, start_with};
use gateway_core::{BoxApplication, CancelReason, Environ, Result, blocking, text};
use gateway_hyper::Server;

/// More than hyper, the host and the kernel read ahead.
const LARGE: usize = 8_000_000;

/// An application that does not read, and tells when it is called and why it is cancelled.
struct Watched {
    server: Running,
    entered: Receiver<()>,
    cancelled: Receiver<CancelReason>,
}

/// The same in both styles. The call outlives its client in one of them; of the other the future is dropped.
fn both(set: impl Fn(Server) -> Server) -> [Watched; 2] {
    let watched = |app: fn(Sender<()>, Sender<CancelReason>) -> BoxApplication| {
        let ((enter, entered), (cancel, cancelled)) = (channel(), channel());
        let server = start_with(app(enter, cancel), |server| set(server.threads(1)));
        Watched {
            server,
            entered,
            cancelled,
        }
    };
    [watched(polled), watched(blocked)]
}

fn polled(enter: Sender<()>, cancel: Sender<CancelReason>) -> BoxApplication {
    BoxApplication::new(move |environ: Environ| {
        let (enter, cancel) = (enter.clone(), cancel.clone());
        let cancelled = environ.cancelled();
        // Outlives the call, which is dropped.
        tokio::spawn(async move { cancel.send(cancelled.await).unwrap() });
        async move {
            enter.send(()).unwrap();
            let _unread = environ;
            std::future::pending::<Result>().await
        }
    })
}

fn blocked(enter: Sender<()>, cancel: Sender<CancelReason>) -> BoxApplication {
    BoxApplication::new(blocking(move |environ: Environ| {
        enter.send(()).unwrap();
        let reason = gateway_core::server::block_on(environ.cancelled());
        cancel.send(reason).unwrap();
        Ok(text("nobody waits for it"))
    }))
}

fn post(declared: usize, sent: usize) -> Vec<u8> {
    let head = format!("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {declared}\r\n\r\n");
    [head.into_bytes(), vec![b'x'; sent]].concat()
}

fn reset(client: Client) {
    let socket = socket2::SockRef::from(&client.stream);
    socket.set_linger(Some(Duration::ZERO)).unwrap();
}

/// Clients that have sent so much, and leave so, are seen to leave.
fn are_seen_to_leave(sent: &[u8], leave: fn(Client), set: impl Fn(Server) -> Server) {
    for watched in both(set) {
        let mut client = watched.server.connect();
        client.send(sent);
        watched.entered.recv_timeout(PATIENCE).unwrap();
        leave(client);
        let reason = watched.cancelled.recv_timeout(PATIENCE);
        assert_eq!(reason.unwrap(), CancelReason::Disconnected);
    }
}

fn live(server: Server) -> Server {
    server.live_bodies(|_| true)
}

#[test]
fn behind_a_body_that_nobody_reads() {
    for sent in [0, 1000, 100_000] {
        for leave in [reset, drop] {
            are_seen_to_leave(&post(LARGE, sent), leave, live);
        }
    }
}

#[test]
fn behind_a_whole_body_that_nobody_reads() {
    for leave in [reset, drop] {
        are_seen_to_leave(&post(100_000, 100_000), leave, live);
    }
}

#[test]
fn behind_a_body_that_waits_to_be_asked_for() {
    let head = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n";
    for leave in [reset, drop] {
        are_seen_to_leave(head.as_bytes(), leave, live);
    }
}

#[test]
fn behind_many_requests() {
    let mut requests = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n".to_vec();
    requests.extend(post(100_000, 100_000)); // an end behind what the kernel has no room for is not seen
    for leave in [reset, drop] {
        are_seen_to_leave(&requests, leave, live);
    }
}

/// An application that takes its time before it reads has a body whose client waits.
#[test]
fn who_stays_is_not_taken_for_gone() {
    let app = blocking(|mut environ: Environ| {
        std::thread::sleep(Duration::from_millis(350)); // it has been looked for more than once
        let body = environ.input().blocking_read_all(200_000)?;
        let reason = environ.cancelled().reason();
        Ok(text(format!("{} {reason:?}", body.len())))
    });
    let server = start_with(app, live);
    let mut client = server.connect();
    client.send(post(100_000, 50_000));
    std::thread::sleep(Duration::from_millis(500));
    client.send(vec![b'x'; 50_000]);
    assert!(client.until("100000 None").starts_with("HTTP/1.1 200 "));
}

//! What the log says of what is cut off, and of what a stop waits for. All tests of this program write
//! to one log, and each looks for its own paths.

#![allow(clippy::unwrap_used)] // a failure here is a failure of the test

mod common;

use std::net::Shutdown;
use std::sync::Mutex;
use std::sync::mpsc::channel;
use std::time::Duration;

use common::frames::*;
use common::log::{cut_off, log};
use common::{PATIENCE, Running, start_with, status};
use gateway_core::server::{Limits, Timeouts};
use gateway_core::{Body, Environ, Response, Result, blocking, text};

const SHORT: Duration = Duration::from_millis(100);

fn timeouts(set: impl FnOnce(&mut Timeouts)) -> Timeouts {
    let mut timeouts = Timeouts::default();
    set(&mut timeouts);
    timeouts
}

/// Never answers, but says when it is called; reads the body first, writes without end.
fn serve(timeouts: Timeouts) -> (Running, std::sync::mpsc::Receiver<()>) {
    let (enter, entered) = channel();
    let app = move |mut environ: Environ| {
        let enter = enter.clone();
        async move {
            if environ.path_info().starts_with("/read") {
                return Ok(text(environ.input().read_all(1 << 20).await?));
            }
            if environ.path_info().starts_with("/write") {
                return Ok(Response::new(Body::from(vec![b'x'; 64 << 20])));
            }
            let _ = enter.send(()); // not every test listens
            std::future::pending::<Result>().await
        }
    };
    log();
    (start_with(app, |server| server.timeouts(timeouts)), entered)
}

fn ask(server: &Running, path: &str) -> common::Client {
    let mut client = server.connect();
    client.send(format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n"));
    client
}

#[test]
fn a_head_that_is_not_whole() {
    let (server, _) = serve(timeouts(|timeouts| timeouts.head = SHORT));
    assert_eq!(status(&server.whole("GET / HT")), 408);
    let why = "the head was not whole in time";
    let line = cut_off("\"none begun\"", "reading head", why);
    assert!(line.contains("status=408"), "{line}");
}

#[test]
fn bodies_that_do_not_come() {
    let fast = |timeouts: &mut Timeouts| {
        timeouts.min_rate = u64::MAX;
        timeouts.rate_grace = SHORT;
    };
    let stall = |timeouts: &mut Timeouts| timeouts.body_stall = SHORT;
    for (path, timeouts, why) in [
        (
            "/read/stalls",
            timeouts(stall),
            "nothing of the body came for too long",
        ),
        ("/read/slow", timeouts(fast), "below the least rate"),
    ] {
        let (server, _) = serve(timeouts);
        let post = format!("POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nhalf");
        assert_eq!(status(&server.whole(post)), 408);
        cut_off(&format!("POST {path}"), "reading body", why);
    }
}

#[test]
fn responses_that_are_not_taken() {
    let fast = |timeouts: &mut Timeouts| {
        timeouts.min_rate = u64::MAX;
        timeouts.rate_grace = SHORT;
    };
    let stall = |timeouts: &mut Timeouts| timeouts.write_stall = SHORT;
    let stalled = "nothing of the response was taken for too long";
    for (way, set, why) in [
        ("stalls", &stall as &dyn Fn(&mut Timeouts), stalled),
        ("slow", &fast, "below the least rate"),
    ] {
        let (server, _) = serve(timeouts(set));
        let path = format!("/write/1/{way}");
        let _client = ask(&server, &path);
        cut_off(&format!("GET {path}"), "writing", why);
        let path = format!("/write/2/{way}");
        let mut wire = Wire::connect(&server, &windows_of(0));
        wire.send(&[get(1, &path)]);
        cut_off(&format!("GET {path}"), "writing", why);
    }
}

#[test]
fn a_deadline_and_a_client_that_leaves() {
    let (server, _) = serve(timeouts(|timeouts| timeouts.request = Some(SHORT)));
    let mut client = ask(&server, "/late");
    client.until("503 Service Unavailable\n");
    cut_off("GET /late", "in application", "the deadline passed");

    let (server, entered) = serve(Timeouts::default());
    let client = ask(&server, "/left");
    entered.recv_timeout(PATIENCE).unwrap();
    let socket = socket2::SockRef::from(&client.stream);
    socket.set_linger(Some(Duration::ZERO)).unwrap();
    drop(client);
    cut_off("GET /left", "in application", "the client left");
}

#[test]
fn a_stop_says_what_it_waits_for_and_what_it_cuts() {
    let (enter, entered) = channel();
    let (release, released) = channel::<()>();
    let released = Mutex::new(released);
    let app = blocking(move |_environ: Environ| {
        enter.send(()).unwrap();
        let _ = released.lock().unwrap().recv_timeout(PATIENCE);
        Ok(text("done"))
    });
    let timeouts = timeouts(|timeouts| timeouts.drain = Duration::from_millis(1200));
    log();
    let mut server = start_with(app, |server| server.timeouts(timeouts).threads(1));
    let _running = ask(&server, "/drain/running");
    entered.recv_timeout(PATIENCE).unwrap();
    let mut wire = Wire::open(&server);
    wire.send(&[get(1, "/drain/queued"), Frame::new(PING, 0, 0, [1; 8])]);
    while wire.until(PING).payload != [1; 8] {}
    server.handle.stop();
    server.join();
    drop(release);
    for what in ["stopping", "the wait is over: cutting"] {
        let waits_for = "waits_for=\"1 queued, 1 in application\"";
        let oldest = "oldest=GET /drain/running stage=in application age=";
        log().until(&["INFO", what, "connections=2", waits_for, oldest]);
    }
    let why = "the wait for the stop is over";
    cut_off("GET /drain/running", "in application", why);
    cut_off("GET /drain/queued", "queued", why);
    log().until(&["ERROR", "threads=1", "threads are left behind"]);
}

#[test]
fn a_server_that_is_aborted() {
    let (mut server, entered) = serve(Timeouts::default());
    let _client = ask(&server, "/aborted");
    entered.recv_timeout(PATIENCE).unwrap();
    server.handle.abort();
    server.join();
    cut_off("GET /aborted", "in application", "the server was aborted");
}

#[test]
fn the_limit_of_connections_is_told_once_while_it_lasts() {
    let mut limits = Limits::default();
    limits.connections = 3;
    log();
    let server = start_with(
        |_environ: Environ| async { Ok(text("hello")) },
        |server| server.limits(limits),
    );
    let mut clients: Vec<_> = (0..12).map(|_| ask(&server, "/")).collect();
    // Each that leaves makes room for one, and the rest still wait.
    for client in &mut clients {
        client.until("hello");
        client.stream.shutdown(Shutdown::Both).unwrap();
    }
    // One place is left: each that comes takes it, and the next one waits for it.
    let mut held = [ask(&server, "/"), ask(&server, "/")];
    for client in &mut held {
        client.until("hello");
    }
    for _ in 0..100 {
        ask(&server, "/").until("hello");
    }
    log().until(&["INFO", "accepting connections again"]);
    assert_eq!(log().count("accepting connections again"), 1);
    let told = "WARN gateway_hyper::accept: as many connections as allowed";
    assert_eq!(log().count(told), 1);
}

/// Idle connections cost little, and are as good as others.
#[test]
fn a_connection_that_has_rested_goes_on() {
    log();
    let server = start_with(
        |_environ: Environ| async { Ok(text("hello")) },
        |server| server.timeouts(timeouts(|timeouts| timeouts.idle = PATIENCE)),
    );
    let mut client = ask(&server, "/");
    client.until("hello");
    let remote = format!("remote={}", client.stream.local_addr().unwrap());
    log().until(&["idle connection rests", &remote]);
    // A head in pieces, and two requests at once.
    for piece in [
        "G",
        "ET / HTTP/1.1\r\nHo",
        "st: x\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n",
    ] {
        client.send(piece);
    }
    client.until("hello");
    client.until("hello");
    client.finish_sending();
    assert_eq!(client.rest(), "");
}

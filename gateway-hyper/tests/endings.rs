//! What the log says of a request that is not served, or not to its end: one line with the client, the
//! request, its age, its stage and the cause. All tests of this program write to one log, and each looks for
//! its own paths.

#![allow(clippy::unwrap_used)] // a failure here is a failure of the test

mod common;

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use common::frames::*;
use common::log::log;
use common::{Client, PATIENCE, Running, start_with, status};
use gateway_core::server::Limits;
use gateway_core::{Application, Environ, Error, Result, blocking, text};

fn limits() -> Limits {
    let mut limits = Limits::default();
    limits.body = 300_000;
    limits.buffer = 1000;
    limits
}

fn post(path: &str, rest: &str) -> String {
    format!("POST {path} HTTP/1.1\r\nHost: x\r\n{rest}")
}

/// The line of a request that has ended badly, with all that belongs to it.
fn has_its_line(request: &str, what: &str, stage: &str, why: &str) {
    let request = format!("request={request} ");
    let stage = format!("stage={stage} age=");
    log().until(&[what, " remote=127.0.0.1:", &request, &stage, why]);
}

/// There is no second one, now that the server is over.
fn has_one_line(mut server: Running, requests: &[String]) {
    server.handle.abort();
    server.join();
    for request in requests {
        let lines = log().count(&format!("request={request} "));
        assert_eq!(lines, 1, "{request}");
    }
}

/// Has the connection reset when it is closed.
fn set_reset(client: &Client) {
    let socket = socket2::SockRef::from(&client.stream);
    socket.set_linger(Some(Duration::ZERO)).unwrap();
}

async fn reads(mut environ: Environ) -> Result {
    let body = environ.input().read_all(1 << 20).await?;
    Ok(text(body.len().to_string()))
}

fn blocks() -> impl Application {
    blocking(|mut environ: Environ| {
        let body = environ.input().blocking_read_all(1 << 20)?;
        Ok(text(body.len().to_string()))
    })
}

#[test]
fn a_client_that_leaves_within_a_head_has_its_line() {
    log();
    let server = start_with(reads, |server| server);
    for leave in [|client: &Client| client.finish_sending(), set_reset] {
        let mut client = server.connect();
        client.send("GET /before HTTP/1.1\r\nHost: x\r\n\r\nGET /half");
        client.until("\r\n\r\n0");
        let remote = format!("remote={} ", client.stream.local_addr().unwrap());
        leave(&client);
        drop(client);
        let (stage, why) = ("stage=reading head age=", "why=the client left");
        log().until(&["INFO", "cut off", &remote, "none begun", stage, why]);
        assert_eq!(log().count(&format!("cut off {remote}")), 1);
    }
}

/// Looks at the ends of requests to an application that reads their bodies; `way` is in their paths.
fn bodies_end(app: impl Application, way: &str, live: bool) {
    log();
    let server = start_with(app, |server| {
        server.limits(limits()).live_bodies(move |_| live)
    });
    let (refused, chunked) = ("INFO", "Transfer-Encoding: chunked\r\n\r\n");
    for (name, sent, code, why) in [
        (
            "malformed",
            format!("{chunked}no number\r\n"),
            400,
            "chunk size",
        ),
        (
            "endless",
            format!("{chunked}50000\r\n{}", "x".repeat(0x50000)),
            413,
            "larger than 300000",
        ),
    ] {
        let path = format!("/{way}/{name}");
        assert_eq!(status(&server.whole(post(&path, &sent))), code, "{path}");
        has_its_line(
            &format!("POST {path}"),
            "request refused",
            "reading body",
            why,
        );
    }
    let sent = format!("{chunked}a\r\n0123456789\r\n0\r\nHost: x\r\n\r\n");
    let path = format!("/{way}/trailers");
    assert_eq!(status(&server.whole(post(&path, &sent))), 400);
    has_its_line(&format!("POST {path}"), refused, "reading body", "trailers");

    let path = format!("/{way}/half");
    let half = post(&path, "Content-Length: 9\r\n\r\nhalf");
    let mut client = server.connect();
    client.send(&half);
    client.finish_sending();
    has_its_line(
        &format!("POST {path}"),
        "cut off",
        "reading body",
        "the client left",
    );
    let all = ["malformed", "endless", "trailers", "half"];
    has_one_line(server, &all.map(|name| format!("POST /{way}/{name}")));
}

#[test]
fn a_body_that_is_refused_or_never_comes_has_its_line() {
    bodies_end(reads, "async", false);
    bodies_end(blocks(), "blocking", false);
    bodies_end(blocks(), "live", true);
}

#[test]
fn trailers_over_http2_that_are_refused_have_their_line() {
    log();
    let server = start_with(reads, |server| server.limits(limits()));
    let mut wire = Wire::open(&server);
    wire.send(&[
        Frame::new(HEADERS, END_HEADERS, 1, head("POST", "/trailers/h2")),
        Frame::new(DATA, 0, 1, "body"),
        Frame::new(HEADERS, END_HEADERS | END_STREAM, 1, field("host", "x")),
    ]);
    assert_eq!(wire.until_on(HEADERS, 1).status(), 400);
    let why = "field not allowed in trailers";
    has_its_line("POST /trailers/h2", "request refused", "reading body", why);
}

#[test]
fn a_body_for_which_there_is_no_room_has_its_line() {
    log();
    let mut limits = limits();
    limits.spool = 10_000;
    let server = start_with(blocks(), |server| server.limits(limits));
    let sent = format!("Content-Length: 200000\r\n\r\n{}", "x".repeat(200_000));
    assert_eq!(status(&server.whole(post("/no/room", &sent))), 503);
    has_its_line(
        "POST /no/room",
        "request refused",
        "reading body",
        "status=503",
    );
}

#[test]
fn a_call_that_is_not_begun_has_its_line() {
    log();
    let (enter, entered) = channel();
    let (release, released) = channel::<()>();
    let released = Mutex::new(released);
    let app = blocking(move |_environ: Environ| {
        enter.send(()).unwrap();
        let _ = released.lock().unwrap().recv_timeout(PATIENCE);
        Ok(text("done"))
    });
    let app = Arc::new(app);
    let (place, placed) = channel();
    let told = move |environ: Environ| {
        let (app, mut place) = (Arc::clone(&app), Some(place.clone()));
        async move {
            let mut answer = pin!(app.call(environ));
            poll_fn(|cx| {
                let polled = answer.as_mut().poll(cx);
                // It runs, or is queued, or refused.
                place.take().inspect(|place| place.send(()).unwrap());
                polled
            })
            .await
        }
    };
    let server = start_with(told, |server| server.threads(1).queue(1));
    let ask = |path: &str| {
        let mut client = server.connect();
        client.send(format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n"));
        placed.recv_timeout(PATIENCE).unwrap();
        client
    };
    let mut first = ask("/begun");
    entered.recv_timeout(PATIENCE).unwrap();
    let leaves = ask("/queued/leaves");
    let mut refused = ask("/queued/beyond");
    refused.until("503 Service Unavailable\n");
    has_its_line(
        "GET /queued/beyond",
        "request refused",
        "queued",
        "status=503",
    );
    set_reset(&leaves);
    drop(leaves);
    drop(release);
    first.until("done");
    has_its_line("GET /queued/leaves", "cut off", "queued", "the client left");
    let all = ["leaves", "beyond"];
    has_one_line(server, &all.map(|name| format!("GET /queued/{name}")));
}

#[test]
fn an_application_that_fails_has_its_line() {
    log();
    let app = |environ: Environ| async move {
        match environ.path_info() {
            "/fails/panics" => panic!("of the application"),
            _ => Err(Error::from("of the application")),
        }
    };
    let server = start_with(app, |server| server);
    for path in ["/fails/panics", "/fails/so"] {
        let get = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        assert_eq!(status(&server.whole(get)), 500);
        let (what, stage) = ("ERROR", "in application");
        has_its_line(&format!("GET {path}"), what, stage, "of the application");
    }
}

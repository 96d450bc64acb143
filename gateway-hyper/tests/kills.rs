//! What the log says of connections that are cut off, and of the requests on them: each says which it was,
//! how old, where it stood, and why. Each test looks for its own paths.

#![allow(clippy::unwrap_used)] // a failure here is a failure of the test

mod common;

use std::sync::Mutex;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use common::frames::*;
use common::log::{cut_off, log};
use common::{PATIENCE, Running, start_with};
use gateway_core::server::Timeouts;
use gateway_core::{Application, Body, Ending, Environ, Response, blocking, text};

const SHORT: Duration = Duration::from_millis(100);

const FLOOD: &str = "too many frames that ask for nothing";
const EXCESS: &str = "more than HTTP/2 may ask for";
const BROKEN: &str = "what was sent is against the protocol";

fn serve(app: impl Application, set: impl FnOnce(&mut Timeouts)) -> Running {
    log();
    let mut timeouts = Timeouts::default();
    timeouts.linger = PATIENCE; // who is busy sending has its time to read why
    set(&mut timeouts);
    start_with(app, |server| server.timeouts(timeouts).threads(1))
}

/// An application in which a request stands where its path says. Tells when it is there.
fn stages() -> (impl Application, Receiver<()>) {
    let (enter, entered) = channel();
    let (hold, held) = channel::<()>();
    let (hold, held) = (Mutex::new(hold), Mutex::new(held));
    let begin = enter.clone();
    let keeps_a_thread = blocking(move |_environ: Environ| {
        let _ = begin.send(()); // nobody listens any more where the test is over
        let _never = hold.lock();
        let _ = held.lock().unwrap().recv_timeout(PATIENCE);
        Ok(text("late"))
    });
    let app = move |mut environ: Environ| {
        let path = environ.path_info().to_owned();
        // The first tells it from its thread: until then it is queued as well.
        let mut enter = (!path.starts_with("/queue/first")).then(|| enter.clone());
        let keeps_a_thread = keeps_a_thread.clone();
        let mut work = Box::pin(async move {
            match path.split('/').nth(1) {
                Some("body") => Ok(text(environ.input().read_all(1 << 20).await?)),
                Some("queue") => keeps_a_thread.call(environ).await,
                Some("write") => Ok(Response::new(Body::from(vec![b'x'; 1 << 20]))),
                _ => std::future::pending().await,
            }
        });
        std::future::poll_fn(move |cx| {
            let polled = work.as_mut().poll(cx);
            if let Some(enter) = enter.take() {
                enter.send(()).unwrap();
            }
            polled
        })
    };
    (app, entered)
}

/// A client that has a request in each stage, all of which have been looked at.
fn ask_in_each_stage(server: &Running, entered: &Receiver<()>, name: &str) -> Wire {
    let mut wire = Wire::connect(server, &windows_of(0));
    let path = |stage: &str| format!("/{stage}/{name}");
    wire.send(&[
        get(1, &path("call")),
        post(3, &path("body")),
        get(5, &path("write")),
        get(7, &path("queue/first")),
    ]);
    for _ in 0..4 {
        entered.recv_timeout(PATIENCE).unwrap();
    }
    wire.until_on(HEADERS, 5);
    wire.send(&[get(9, &path("queue/second"))]);
    entered.recv_timeout(PATIENCE).unwrap();
    wire
}

fn all_cut_off(name: &str, why: &str) {
    for (method, path, stage) in [
        ("GET", "call", "in application"),
        ("POST", "body", "reading body"),
        ("GET", "write", "writing"),
        ("GET", "queue/second", "queued"),
    ] {
        cut_off(&format!("{method} /{path}/{name}"), stage, why);
    }
}

/// What a client does for which its connection is closed.
fn misdeeds() -> [(&'static str, Vec<Frame>, &'static str, &'static str); 6] {
    let settings = Frame::new(SETTINGS, 0, 0, []);
    let unseen = |n: u32| [get(2 * n + 101, "/unseen"), reset(2 * n + 101)];
    let mut without_end = vec![Frame::new(HEADERS, END_STREAM, 1001, head("GET", "/"))];
    let more = field("x", &"y".repeat(16_000));
    without_end.extend(vec![Frame::new(CONTINUATION, 0, 1001, more); 40]);
    let mut empty = vec![Frame::new(HEADERS, END_STREAM, 1001, head("GET", "/"))];
    empty.extend(vec![Frame::new(CONTINUATION, 0, 1001, []); 2000]);
    [
        (
            "pings",
            vec![Frame::new(PING, 0, 0, [0; 8]); 2000],
            "idle",
            FLOOD,
        ),
        ("settings", vec![settings; 200], "idle", FLOOD),
        (
            "resets",
            (0..100).flat_map(unseen).collect(),
            "idle",
            EXCESS,
        ),
        ("long head", without_end, "reading head", EXCESS),
        ("head without end", empty, "reading head", EXCESS),
        ("no window", vec![window_update(0, 0)], "idle", BROKEN),
    ]
}

#[test]
fn a_connection_that_is_closed_for_what_the_client_did() {
    for (name, frames, stage, why) in misdeeds() {
        let server = serve(|_environ: Environ| std::future::pending(), |_| {});
        let mut wire = Wire::open(&server);
        let remote = format!("remote={} ", wire.stream.local_addr().unwrap());
        wire.send(&frames);
        wire.closed_with()
            .unwrap_or_else(|| panic!("{name}: closed without a word"));
        if name == "resets" {
            continue; // what was seen of them are requests, with lines of their own
        }
        drop(wire);
        let (stage, why) = (format!("stage={stage} "), format!("why={why}"));
        let request = "request=\"none begun\"";
        log().until(&["INFO", "cut off", &remote, request, &stage, " age=", &why]);
    }
}

#[test]
fn requests_whose_connection_is_closed_for_what_the_client_did() {
    for (name, frames, _, why) in misdeeds() {
        let (app, entered) = stages();
        let server = serve(app, |_| {});
        let name = name.replace(' ', "-");
        let mut wire = ask_in_each_stage(&server, &entered, &name);
        wire.send(&frames);
        wire.closed_with()
            .unwrap_or_else(|| panic!("{name}: closed without a word"));
        all_cut_off(&name, why);
    }
}

#[test]
fn requests_of_a_client_that_closes() {
    let (app, entered) = stages();
    let server = serve(app, |_| {});
    drop(ask_in_each_stage(&server, &entered, "closed"));
    all_cut_off("closed", "the client left");
}

#[test]
fn a_request_whose_body_is_not_what_was_declared() {
    let (app, entered) = stages();
    let server = serve(app, |_| {});
    let mut wire = Wire::open(&server);
    let mut block = head("POST", "/call/undeclared");
    block.extend(field("content-length", "3"));
    wire.send(&[Frame::new(HEADERS, END_HEADERS, 1, block)]);
    entered.recv_timeout(PATIENCE).unwrap();
    wire.send(&[Frame::new(DATA, END_STREAM, 1, b"12345")]);
    assert_eq!(wire.until(RST_STREAM).code(), PROTOCOL_ERROR);
    cut_off("POST /call/undeclared", "in application", BROKEN);
}

/// A client that answers no PING is gone without a word.
#[test]
fn a_request_whose_client_answers_no_ping() {
    let (app, entered) = stages();
    let server = serve(app, |timeouts| {
        timeouts.idle = SHORT;
        timeouts.write_stall = SHORT;
    });
    let mut wire = Wire::open(&server);
    wire.send(&[get(1, "/call/silent")]);
    entered.recv_timeout(PATIENCE).unwrap();
    let why = "no ping was answered in time";
    cut_off("GET /call/silent", "in application", why);
}

#[test]
fn half_heads_on_a_server_that_is_aborted() {
    let hello = |_environ: Environ| async { Ok(text("hello")) };
    let mut server = serve(hello, |_| {});
    let mut first = server.connect();
    first.send("PRI * HT"); // may be either protocol's
    let mut second = server.connect();
    second.send("GET / HTTP/1.1\r\nHost: x\r\n\r\nGET /half HTT");
    second.until("hello");
    let mut third = Wire::open(&server);
    third.send(&[
        Frame::new(PING, 0, 0, [3; 8]),
        Frame::new(HEADERS, END_STREAM, 1, head("GET", "/half")),
    ]);
    while third.until(PING).payload != [3; 8] {}
    server.handle.stop();
    log().until(&[
        "INFO",
        "stopping",
        "waits_for=\"3 reading head\"",
        "none begun",
    ]);
    server.handle.abort();
    server.join();
    for stream in [&first.stream, &second.stream, &third.stream] {
        let remote = format!("remote={} ", stream.local_addr().unwrap());
        let (request, stage) = ("request=\"none begun\"", "stage=reading head ");
        let why = "why=the server was aborted";
        log().until(&["INFO", "cut off", &remote, request, stage, " age=", why]);
    }
}

/// Answers with ten bytes, and says how that ended.
fn ten_bytes(set: impl FnOnce(&mut Timeouts)) -> (Running, Receiver<(Ending, u64)>) {
    let (tell, told) = channel();
    let app = move |environ: Environ| {
        let tell = tell.clone();
        environ.on_finish(move |outcome| tell.send((outcome.ending, outcome.bytes_sent)).unwrap());
        async { Ok(text("0123456789")) }
    };
    (serve(app, set), told)
}

/// A small response is told of when the socket has it, and not when h2 has.
#[test]
fn a_small_response_that_the_window_has_no_room_for() {
    for (window, name) in [(0, "shut"), (4, "narrow")] {
        let (server, told) = ten_bytes(|_| {});
        let mut wire = Wire::connect(&server, &windows_of(window));
        let path = |how| format!("/small/{name}/{how}");
        wire.send(&[get(1, &path("taken"))]);
        wire.until_on(HEADERS, 1);
        assert!(told.try_recv().is_err(), "{name}");
        wire.send(&[window_update(1, 10 - window)]);
        assert_eq!(told.recv_timeout(PATIENCE).unwrap(), (Ending::Complete, 10));

        wire.send(&[get(3, &path("reset"))]);
        wire.until_on(HEADERS, 3);
        if window > 0 {
            wire.until_on(DATA, 3);
        }
        wire.send(&[reset(3)]);
        let sent = u64::from(window);
        assert_eq!(
            told.recv_timeout(PATIENCE).unwrap(),
            (Ending::Disconnected, sent)
        );
        cut_off(
            &format!("GET {}", path("reset")),
            "writing",
            "the client left",
        );

        wire.send(&[get(5, &path("closed"))]);
        wire.until_on(HEADERS, 5);
        if window > 0 {
            wire.until_on(DATA, 5);
        }
        drop(wire);
        assert_eq!(
            told.recv_timeout(PATIENCE).unwrap(),
            (Ending::Disconnected, sent)
        );
        cut_off(
            &format!("GET {}", path("closed")),
            "writing",
            "the client left",
        );
    }
}

#[test]
fn a_small_response_that_the_client_never_makes_room_for() {
    for (window, name) in [(0, "shut"), (4, "narrow")] {
        let (server, told) = ten_bytes(|timeouts| timeouts.write_stall = SHORT);
        let mut wire = Wire::connect(&server, &windows_of(window));
        let path = format!("/small/{name}/never");
        wire.send(&[get(1, &path)]);
        let sent = u64::from(window);
        assert_eq!(
            told.recv_timeout(PATIENCE).unwrap(),
            (Ending::TimedOut, sent)
        );
        let why = "nothing of the response was taken for too long";
        cut_off(&format!("GET {path}"), "writing", why);
    }
}

/// Over HTTP/1 a client that sends requests and reads no answer fills the socket with small ones.
#[test]
fn a_small_response_that_the_socket_has_no_room_for() {
    let (app, told) = {
        let (tell, told) = channel();
        let app = move |environ: Environ| {
            let tell = tell.clone();
            environ.on_finish(move |outcome| tell.send(outcome.ending).unwrap());
            async { Ok(text("x".repeat(16 * 1024))) }
        };
        (app, told)
    };
    let server = serve(app, |timeouts| timeouts.write_stall = SHORT);
    let mut client = server.connect();
    let mut never = None;
    // Each is on the socket, until one is not.
    for _ in 0..10_000 {
        client.send("GET /small/unread HTTP/1.1\r\nHost: x\r\n\r\n");
        let ending = told.recv_timeout(PATIENCE).unwrap();
        if ending != Ending::Complete {
            never = Some(ending);
            break;
        }
    }
    assert_eq!(never, Some(Ending::TimedOut));
    let why = "nothing of the response was taken for too long";
    cut_off("GET /small/unread", "writing", why);
    // What the kernel still holds for it is not kept.
    let (_, is_reset) = client.rest_and_end();
    assert!(is_reset);
}

//! HTTP/2 clients that keep their server busy for nothing: the connection is closed, and says why, or
//! what they take is bounded; another client is served meanwhile.

#![allow(clippy::unwrap_used)] // a failure here is a failure of the test

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use common::frames::*;
use common::{PATIENCE, Running, start_with, status};
use gateway_core::server::{Limits, Timeouts};
use gateway_core::{Application, Environ, Result, text};
use tokio::sync::{Notify, Semaphore};

const GET: &str = "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";

/// Who is busy sending has its time to read why the connection is closed.
fn patient(app: impl Application) -> Running {
    let mut timeouts = Timeouts::default();
    timeouts.linger = PATIENCE;
    start_with(app, |server| server.timeouts(timeouts))
}

async fn hello(_environ: Environ) -> Result {
    Ok(text("hello"))
}

/// Never reads, never answers.
async fn silent(environ: Environ) -> Result {
    if environ.path_info() == "/" {
        return hello(environ).await;
    }
    std::future::pending().await
}

fn serves_another(server: &Running) {
    assert_eq!(status(&server.whole(GET)), 200);
}

/// Sends `frames` again and again, at most so often, while another client is served. Gives the code with
/// which the connection is closed.
fn flood(
    server: &Running,
    wire: &mut Wire,
    times: usize,
    frames: impl Fn(u32) -> Vec<Frame>,
) -> u32 {
    for n in 0..times as u32 {
        if n == 3 {
            serves_another(server);
        }
        if !wire.send(&frames(n)) {
            break;
        }
    }
    let code = wire.closed_with();
    serves_another(server);
    code.unwrap_or_else(|| panic!("closed without a word"))
}

#[test]
fn a_flood_of_pings_closes_the_connection() {
    let server = patient(hello);
    let ping = Frame::new(PING, 0, 0, [7; 8]);
    let code = flood(&server, &mut Wire::open(&server), 100, |_| {
        vec![ping.clone(); 100]
    });
    assert_eq!(code, ENHANCE_YOUR_CALM);
}

#[test]
fn a_flood_of_settings_closes_the_connection() {
    let server = patient(hello);
    let code = flood(&server, &mut Wire::open(&server), 100, |n| {
        vec![windows_of(1000 + n); 20]
    });
    assert_eq!(code, ENHANCE_YOUR_CALM);
}

#[test]
fn a_flood_of_frames_of_no_known_kind_closes_the_connection() {
    let server = patient(hello);
    let unknown = Frame::new(0xbe, 0, 1, [1; 100]);
    let code = flood(&server, &mut Wire::open(&server), 100, |_| {
        vec![unknown.clone(); 100]
    });
    assert_eq!(code, ENHANCE_YOUR_CALM);
}

#[test]
fn a_flood_of_continuations_closes_the_connection() {
    for payload in [Vec::new(), field("x", "y")] {
        let server = patient(hello);
        let mut wire = Wire::open(&server);
        assert!(wire.send(&[Frame::new(HEADERS, END_STREAM, 1, head("GET", "/"))]));
        let next = Frame::new(CONTINUATION, 0, 1, payload);
        let code = flood(&server, &mut wire, 100, |_| vec![next.clone(); 100]);
        assert_eq!(code, ENHANCE_YOUR_CALM);
    }
}

#[test]
fn a_flood_of_empty_data_closes_the_connection() {
    let server = patient(silent);
    let mut wire = Wire::open(&server);
    assert!(wire.send(&[post(1, "/silent")]));
    let empty = Frame::new(DATA, 0, 1, []);
    let code = flood(&server, &mut wire, 1000, |_| vec![empty.clone(); 100]);
    assert_eq!(code, ENHANCE_YOUR_CALM);
}

/// What is sent after the end is read and forgotten only so long as it may be on its way.
#[test]
fn a_flood_that_goes_on_after_the_end_is_not_read_for_ever() {
    let server = patient(hello);
    let mut wire = Wire::open(&server);
    let pings = vec![Frame::new(PING, 0, 0, [7; 8]); 1000];
    let mut writes = 0;
    while wire.send(&pings) {
        writes += 1;
        assert!(writes < 100_000, "read for ever"); // 1.7 GB
    }
    serves_another(&server);
}

/// An application that counts its calls, and never answers but at `/`.
fn counted() -> (impl Application, Arc<AtomicUsize>) {
    let calls = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&calls);
    let app = move |environ: Environ| {
        count.fetch_add(1, Ordering::SeqCst);
        silent(environ)
    };
    (app, calls)
}

/// CVE-2023-44487, with the resets in the same packet as the requests or in the next.
#[test]
fn rapid_reset_closes_the_connection() {
    let (app, calls) = counted();
    let server = patient(app);
    let pair = |n: u32| [get(2 * n + 1, "/silent"), reset(2 * n + 1)];
    let together = flood(&server, &mut Wire::open(&server), 100, |n| {
        (50 * n..50 * (n + 1)).flat_map(pair).collect()
    });
    assert_eq!(together, ENHANCE_YOUR_CALM);
    let calls_before = calls.load(Ordering::SeqCst);
    assert!(calls_before < 1000, "{calls_before}");

    let mut wire = Wire::open(&server);
    let mut streams = 0;
    let apart = loop {
        let stream = 2 * streams + 1;
        streams += 1;
        if !wire.send(&[get(stream, "/silent")]) {
            break wire.closed_with();
        }
        // Answered behind the request: it has been read, and so the reset comes in a packet of its own.
        let ping = Frame::new(PING, 0, 0, stream.to_be_bytes().repeat(2));
        wire.send(std::slice::from_ref(&ping));
        let answer = loop {
            match wire.next() {
                Some(frame) if frame.kind == PING || frame.kind == GOAWAY => break Some(frame),
                Some(_) => {}
                None => break None,
            }
        };
        match answer {
            Some(frame) if frame.kind == PING => wire.send(&[reset(stream)]),
            Some(frame) => break Some(frame.code()),
            None => break None,
        };
        assert!(streams < 5000, "goes on for ever");
    };
    assert_eq!(apart, Some(ENHANCE_YOUR_CALM));
    serves_another(&server);
}

#[test]
fn streams_beyond_the_most_are_refused_so_that_they_may_be_tried_again() {
    const MOST: u32 = 20;
    let (entered, gate) = (Arc::new(Notify::new()), Arc::new(Semaphore::new(0)));
    let inside = (Arc::clone(&entered), Arc::clone(&gate));
    let calls = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&calls);
    let app = move |environ: Environ| {
        let (entered, gate) = inside.clone();
        let count = Arc::clone(&count);
        async move {
            if environ.path_info() == "/gated" {
                count.fetch_add(1, Ordering::SeqCst);
                entered.notify_one();
                gate.acquire().await?.forget();
            }
            Ok(text("done"))
        }
    };
    let server = start_with(app, |server| server.streams(MOST));
    let mut wire = Wire::open(&server);
    let all: Vec<u32> = (0..MOST + 5).map(|n| 2 * n + 1).collect();
    let (within, beyond) = all.split_at(MOST as usize);
    wire.send(&all.iter().map(|it| get(*it, "/gated")).collect::<Vec<_>>());
    for stream in beyond {
        let refused = wire.until(RST_STREAM);
        assert_eq!((refused.stream, refused.code()), (*stream, REFUSED_STREAM));
    }
    serves_another(&server);
    gate.add_permits(within.len());
    let mut left = within.len();
    while left > 0 {
        let frame = wire.next().expect("an answer");
        left -= usize::from(frame.ends_stream());
    }
    assert_eq!(calls.load(Ordering::SeqCst), within.len());
}

#[test]
fn a_head_beyond_the_limit_is_refused_and_one_far_beyond_closes_the_connection() {
    let mut limits = Limits::default();
    limits.head = 16 * 1024;
    let mut timeouts = Timeouts::default();
    timeouts.linger = PATIENCE;
    let server = start_with(hello, |server| server.limits(limits).timeouts(timeouts));
    let mut wire = Wire::open(&server);
    let long = |stream, length: usize| {
        let block = [head("GET", "/"), field("x", &"y".repeat(length))].concat();
        let mut frames: Vec<Frame> = block
            .chunks(16 * 1024)
            .map(|piece| Frame::new(CONTINUATION, 0, stream, piece))
            .collect();
        frames[0].kind = HEADERS;
        frames[0].flags = END_STREAM;
        frames.last_mut().unwrap().flags |= END_HEADERS;
        frames
    };
    wire.send(&long(1, 20 * 1024));
    assert!(wire.until_on(HEADERS, 1).ends_stream(), "431 has no body");
    wire.send(&[get(3, "/")]);
    assert_eq!(wire.until_on(HEADERS, 3).status(), 200);
    serves_another(&server);
    wire.send(&long(5, 70 * 1024));
    assert_eq!(wire.closed_with(), Some(ENHANCE_YOUR_CALM));
    serves_another(&server);
}

#[test]
fn windows_that_overflow_close_the_connection() {
    let server = patient(hello);
    for (tricks, code) in [
        (vec![window_update(0, 0x7fff_ffff)], FLOW_CONTROL_ERROR),
        (vec![window_update(0, 0)], PROTOCOL_ERROR),
        // h2's word; RFC 9113 §6.5.2 has FLOW_CONTROL_ERROR.
        (vec![windows_of(0x8000_0000)], PROTOCOL_ERROR),
    ] {
        let mut wire = Wire::open(&server);
        wire.send(&tricks);
        assert_eq!(wire.closed_with(), Some(code), "{tricks:?}");
    }
    serves_another(&server);
}

/// What a client may send that nobody reads is bounded by the windows that it was given.
#[test]
fn an_upload_beyond_its_window_is_refused() {
    let server = patient(silent);
    let mut wire = Wire::open(&server);
    wire.send(&[post(1, "/silent")]);
    let piece = Frame::new(DATA, 0, 1, vec![0; 16 * 1024]);
    let mut sent = 0;
    while wire.send(std::slice::from_ref(&piece)) {
        sent += piece.payload.len();
        if sent > 2 << 20 {
            break;
        }
    }
    let refused = loop {
        let frame = wire.next().expect("a word");
        if frame.kind == RST_STREAM || frame.kind == GOAWAY {
            break frame;
        }
    };
    assert_eq!(refused.code(), FLOW_CONTROL_ERROR);
    serves_another(&server);
}

/// Windows that are changed again and again while a response waits for them.
#[test]
fn a_response_comes_whole_through_windows_that_change() {
    let body = "x".repeat(40_000);
    let expected = body.len();
    let app = move |_environ: Environ| {
        let answer = text(body.clone());
        async move { Ok(answer) }
    };
    let server = patient(app);
    let mut wire = Wire::connect(&server, &windows_of(0));
    wire.send(&[get(1, "/")]);
    assert_eq!(wire.until_on(HEADERS, 1).status(), 200);
    let mut came = 0;
    for n in 1..=10 {
        // A window made smaller is below zero by what was sent before (RFC 9113 §6.9.2).
        wire.send(&[windows_of(4000 * n), windows_of(1), windows_of(4000 * n)]);
        while came < expected.min(4000 * n as usize) {
            let data = wire.until_on(DATA, 1);
            came += data.payload.len();
        }
    }
    assert_eq!(came, expected);
    serves_another(&server);
}

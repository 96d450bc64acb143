//! Settings at their ends: whatever they are, what can be served is.

#![allow(clippy::unwrap_used)] // a failure here is a failure of the test

mod common;

use std::time::Duration;

use common::frames::*;
use common::{Running, start_with, status};
use gateway_core::server::{Limits, Timeouts};
use gateway_core::{BoxApplication, Environ, Result, blocking, text};
use gateway_hyper::Server;

/// As much of everything as can be said.
fn most() -> (Limits, Timeouts) {
    let mut limits = Limits::default();
    limits.request_line = usize::MAX;
    limits.head = usize::MAX;
    limits.headers = usize::MAX;
    limits.body = u64::MAX;
    limits.buffer = usize::MAX;
    limits.spool = u64::MAX;
    limits.response_spool = u64::MAX;
    limits.connections = usize::MAX;
    limits.requests_per_connection = Some(u64::MAX);
    limits.backlog = u32::MAX;
    let mut timeouts = Timeouts::default();
    timeouts.head = Duration::MAX;
    timeouts.body_stall = Duration::MAX;
    timeouts.write_stall = Duration::MAX;
    timeouts.min_rate = u64::MAX;
    timeouts.rate_grace = Duration::MAX;
    timeouts.idle = Duration::MAX;
    timeouts.idle_at_stop = Duration::ZERO; // the server is stopped in the end
    timeouts.linger = Duration::MAX;
    timeouts.request = Some(Duration::MAX);
    timeouts.drain = Duration::MAX;
    (limits, timeouts)
}

/// As little as lets a small request through.
fn least() -> (Limits, Timeouts) {
    let mut limits = Limits::default();
    limits.buffer = 0;
    limits.spool = 1000;
    limits.response_spool = 0;
    limits.connections = 1;
    limits.backlog = 0;
    let mut timeouts = Timeouts::default();
    timeouts.min_rate = 0;
    timeouts.rate_grace = Duration::ZERO;
    timeouts.idle_at_stop = Duration::ZERO;
    timeouts.linger = Duration::ZERO;
    timeouts.drain = Duration::ZERO;
    (limits, timeouts)
}

/// Answers with the body, in blocking code or in async code.
fn echo(is_blocking: bool) -> BoxApplication {
    if is_blocking {
        return BoxApplication::new(blocking(|mut environ: Environ| -> Result {
            Ok(text(environ.input().blocking_read_all(1000)?))
        }));
    }
    BoxApplication::new(async |mut environ: Environ| {
        let body = environ.input().read_all(1000).await?;
        Ok(text(body))
    })
}

fn serves(server: &Running) {
    let get = "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    assert_eq!(status(&server.whole(get)), 200);
    let head = "POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 5\r\n\r\n";
    let answer = server.whole(format!("{head}hello"));
    assert!(answer.ends_with("\r\n\r\nhello"), "{answer}");
    let mut wire = Wire::open(server);
    wire.send(&[post(1, "/"), Frame::new(DATA, END_STREAM, 1, "hello")]);
    assert_eq!(wire.until_on(HEADERS, 1).status(), 200);
    assert_eq!(wire.until_on(DATA, 1).payload, b"hello");
}

#[test]
fn serves_with_as_much_of_everything_as_can_be_said() {
    let (limits, timeouts) = most();
    for is_blocking in [true, false] {
        let set = |server: Server| {
            let server = server.limits(limits.clone()).timeouts(timeouts.clone());
            server
                .threads(usize::MAX)
                .queue(usize::MAX)
                .streams(u32::MAX)
        };
        serves(&start_with(echo(is_blocking), set));
    }
}

#[test]
fn serves_with_as_little_of_everything_as_will_do() {
    let (limits, timeouts) = least();
    for is_blocking in [true, false] {
        let set = |server: Server| {
            let server = server.limits(limits.clone()).timeouts(timeouts.clone());
            server.threads(0).queue(0).streams(0)
        };
        serves(&start_with(echo(is_blocking), set));
    }
}

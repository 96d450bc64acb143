//! Settings at their ends: whatever they are, what can be served is.

#![allow(clippy::unwrap_used, reason = "tests say by panicking what went wrong")]

mod common;

use std::time::Duration;

use gateway_core::server::{Limits, Timeouts};
use gateway_sync::Server;
use gateway_test::fixtures::{Style, echo};
use http::Method;

use common::{Running, get, server};

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

fn serves(set: impl Fn(Server) -> Server) {
    for style in Style::BOTH {
        let running = Running::start(set(server(2)), echo(style));
        let mut client = running.client();
        client.send(get("/")).unwrap();
        assert_eq!(client.read(&Method::GET).unwrap().status, 200);
        let head = "POST / HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 5\r\n\r\n";
        client.send(format!("{head}hello")).unwrap();
        assert_eq!(client.read(&Method::POST).unwrap().text(), "hello");
        client.closes().unwrap();
        running.stop();
    }
}

#[test]
fn serves_with_as_much_of_everything_as_can_be_said() {
    let (limits, timeouts) = most();
    serves(|server| {
        let server = server.limits(limits.clone()).timeouts(timeouts.clone());
        server.queue(usize::MAX)
    });
}

#[test]
fn serves_with_as_little_of_everything_as_will_do() {
    let (limits, timeouts) = least();
    serves(|server| {
        let server = server.limits(limits.clone()).timeouts(timeouts.clone());
        server.threads(0).queue(0)
    });
}

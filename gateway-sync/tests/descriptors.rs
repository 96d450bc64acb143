//! A server that has no descriptor left goes on with what it has, and with the rest when there are some.
//!
//! The limit is the process's, so that there is one test here.

#![allow(clippy::unwrap_used, reason = "tests say by panicking what went wrong")]

mod common;

use std::time::Duration;

use gateway_core::server::{Limits, Timeouts, block_on};
use gateway_core::{Environ, blocking, text};
use gateway_test::Log;
use http::Method;

use common::descriptors::Descriptors;
use common::lines::lines;
use common::{Running, get, server};

#[test]
fn service_goes_on_without_descriptors_and_resumes_with_them() {
    let lines = lines();
    let cancelled = Log::new();
    let told = cancelled.clone();
    let app = blocking(move |mut environ: Environ| {
        if environ.path_info() == "/deadline" {
            told.note(block_on(environ.cancelled()));
        }
        let body = environ.input().blocking_read_all(1 << 20)?;
        Ok(text(body.len().to_string()))
    });
    let mut limits = Limits::default();
    limits.buffer = 1000;
    let mut timeouts = Timeouts::default();
    timeouts.request = Some(Duration::from_secs(1));
    timeouts.linger = Duration::MAX; // nobody gives a descriptor back meanwhile
    let running = Running::start(server(3).limits(limits).timeouts(timeouts), app);
    let (mut early, mut calls) = (running.client(), running.client());
    for client in [&mut early, &mut calls] {
        assert_eq!(client.get("/").unwrap().text(), "0");
    }
    let mut descriptors = Descriptors::use_up();

    // One for a client, none for the server's end of it.
    descriptors.give_back();
    let mut late = running.client();
    late.send(get("/")).unwrap();
    let parts = ["ERROR", "cannot accept connections", "connections=2 "];
    lines.wait_for(&parts);
    // What is there already is served, but for what needs a file.
    assert_eq!(early.get("/").unwrap().text(), "0");
    let upload = format!(
        "POST /file HTTP/1.1\r\nhost: test\r\ncontent-length: 200000\r\n\r\n{}",
        "x".repeat(200_000)
    );
    early.send(&upload[..100_000]).unwrap();
    let reply = early.read(&Method::POST).unwrap();
    assert_eq!((reply.status, reply.field("retry-after")), (503, Some("1")));
    lines.wait_for(&["cut off", "request=POST /file stage=reading body "]);
    // Deadlines have been swept more than once, and each time it was tried again.
    calls.send(get("/deadline")).unwrap();
    cancelled.next().unwrap();
    assert_eq!(calls.read(&Method::GET).unwrap().text(), "0");
    assert_eq!(lines.count(&parts), 1);
    assert!(late.is_quiet().unwrap());

    drop(descriptors);
    assert_eq!(late.read(&Method::GET).unwrap().text(), "0");
    lines.wait_for(&["accepting connections again"]);
    late.send_meanwhile(upload.into_bytes()).unwrap();
    assert_eq!(late.read(&Method::POST).unwrap().text(), "200000");
}

//! Whatever is cut off leaves a line in the log: who, which request, how old, where it stood, and why.

#![allow(clippy::unwrap_used, reason = "tests say by panicking what went wrong")]

mod common;

use std::time::Duration;

use gateway_core::server::{Limits, Timeouts, block_on};
use gateway_core::{Environ, blocking, text};
use gateway_test::Log;
use gateway_test::client::Client;
use http::Method;

use common::lines::lines;
use common::{Running, get, server};

const SHORT: Duration = Duration::from_millis(300);

fn remote(client: &Client) -> String {
    format!("remote={} ", client.local_addr().unwrap())
}

#[test]
fn names_the_request_whose_client_is_too_slow() {
    let lines = lines();
    let mut timeouts = Timeouts::default();
    timeouts.head = SHORT;
    timeouts.idle = SHORT;
    timeouts.body_stall = SHORT;
    timeouts.write_stall = SHORT;
    let app = blocking(|_| Ok(text("x".repeat(32 << 20))));
    let running = Running::start(server(2).timeouts(timeouts), app);
    for (sent, request, stage, why) in [
        (
            "GET /half HTT",
            "its head is not whole",
            "reading head",
            "not whole in time",
        ),
        (
            "POST /half HTTP/1.1\r\nhost: test\r\ncontent-length: 9\r\n\r\nhalf",
            "POST /half",
            "reading body",
            "nothing of the body came",
        ),
        (
            "GET /large?query HTTP/1.1\r\nhost: test\r\n\r\n",
            "GET /large",
            "writing",
            "nothing of the response was taken",
        ),
    ] {
        let mut client = Client::connect_narrow(&running.address, 10_000).unwrap();
        client.send(sent).unwrap();
        let line = lines.wait_for(&["INFO", "cut off", &remote(&client)]);
        assert!(line.contains(&format!("request={request} ")), "{line}");
        assert!(line.contains(&format!("stage={stage} ")), "{line}");
        assert!(line.contains("age=") && line.contains(why), "{line}");
    }
}

#[test]
fn an_idle_connection_is_worth_a_line_for_who_looks_for_it() {
    let lines = lines();
    let mut timeouts = Timeouts::default();
    timeouts.idle = SHORT;
    timeouts.head = SHORT;
    let running = Running::start(server(2).timeouts(timeouts), blocking(|_| Ok(text("done"))));
    for asks in [true, false] {
        let mut client = running.client();
        if asks {
            assert_eq!(client.get("/").unwrap().text(), "done");
        }
        client.closes().unwrap();
        let line = lines.wait_for(&["DEBUG", "idle connection closed", &remote(&client)]);
        assert!(line.contains("request=none begun stage=idle "), "{line}");
    }
}

#[test]
fn names_the_request_whose_deadline_passes_once() {
    let lines = lines();
    let mut timeouts = Timeouts::default();
    timeouts.request = Some(SHORT);
    let (seen, release) = (Log::new(), Log::<()>::new());
    let (told, go) = (seen.clone(), release.clone());
    let app = blocking(move |environ: Environ| {
        told.note(block_on(environ.cancelled()));
        go.next()?;
        Ok(text("done"))
    });
    let running = Running::start(server(2).timeouts(timeouts), app);
    let mut client = running.client();
    client.send(get("/deadline")).unwrap();
    let parts = ["request=GET /deadline ", "the deadline passed"];
    let line = lines.wait_for(&parts);
    assert!(line.contains(&remote(&client)), "{line}");
    assert!(line.contains("stage=in application "), "{line}");
    seen.next().unwrap();
    // Others whose deadlines pass later: all deadlines have been looked at again, and again.
    for path in ["/later", "/latest"] {
        let mut other = running.client();
        release.note(());
        other.send(get(path)).unwrap();
        lines.wait_for(&[&format!("request=GET {path} "), "the deadline passed"]);
        if path == "/later" {
            assert_eq!(client.read(&Method::GET).unwrap().text(), "done");
        }
        release.note(());
        assert_eq!(other.read(&Method::GET).unwrap().text(), "done");
    }
    assert_eq!(lines.count(&parts), 1);
}

#[test]
fn a_stop_says_each_second_what_it_waits_for_and_what_it_cuts() {
    let lines = lines();
    let mut timeouts = Timeouts::default();
    timeouts.drain = Duration::from_millis(2500);
    let (entered, release) = (Log::new(), Log::<()>::new());
    let (inside, go) = (entered.clone(), release.clone());
    let app = blocking(move |environ: Environ| {
        if environ.path_info() != "/drained" {
            return Ok(text("x".repeat(32 << 20)));
        }
        inside.note(());
        go.next()?;
        Ok(text("done"))
    });
    let running = Running::start(server(2).timeouts(timeouts), app);
    let mut called = running.client();
    called.send(get("/drained")).unwrap();
    entered.next().unwrap();
    let mut written = Client::connect_narrow(&running.address, 10_000).unwrap();
    written.send(get("/unread")).unwrap();
    written.peek(12).unwrap();
    running.handle.stop();
    let waits = "connections=2 waits_for=1 in application, 1 writing ";
    let line = lines.wait_for(&[waits, "oldest=GET /drained stage=in application age="]);
    assert!(line.contains("stopping"), "{line}");
    let cut = lines.wait_for(&[
        &remote(&called),
        "request=GET /drained stage=in application ",
    ]);
    assert!(cut.contains("cut off"), "{cut}");
    let cut = lines.wait_for(&[&remote(&written), "request=GET /unread stage=writing "]);
    assert!(cut.contains("cut off"), "{cut}");
    release.note(());
    running.stop();
}

#[test]
fn connections_beyond_the_limit_wait_and_are_told_of_once() {
    let lines = lines();
    let mut limits = Limits::default();
    limits.connections = 3;
    let running = Running::start(server(2).limits(limits), blocking(|_| Ok(text("done"))));
    let mut held: Vec<_> = (0..3).map(|_| running.client()).collect();
    for client in &mut held {
        assert_eq!(client.get("/").unwrap().text(), "done");
    }
    let mut waiting: Vec<_> = (0..5).map(|_| running.client()).collect();
    for client in &mut waiting {
        client.send(get("/")).unwrap();
    }
    let parts = [
        "WARN",
        "the limit of connections is reached",
        "connections=3 ",
    ];
    lines.wait_for(&parts);
    drop(held);
    for mut client in waiting {
        assert_eq!(client.read(&Method::GET).unwrap().text(), "done");
    }
    // One place is left: each that comes takes it, and the next one waits for it.
    let mut held: Vec<_> = (0..2).map(|_| running.client()).collect();
    for client in &mut held {
        assert_eq!(client.get("/").unwrap().text(), "done");
    }
    for _ in 0..100 {
        assert_eq!(running.client().get("/").unwrap().text(), "done");
    }
    lines.wait_for(&["INFO", "accepting connections again"]);
    assert_eq!(lines.count(&parts), 1);
    assert_eq!(lines.count(&["accepting connections again"]), 1);
}

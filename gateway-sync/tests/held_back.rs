//! Bodies that the client holds back until it is told to continue.

#![allow(clippy::unwrap_used, reason = "tests say by panicking what went wrong")]

mod common;

use std::fmt;
use std::thread;
use std::time::Duration;

use gateway_core::server::Timeouts;
use gateway_core::{Body, Environ, Error, Response, blocking, text};
use gateway_test::client::Client;
use gateway_test::{Event, Log};
use http::Method;

use common::{Running, server};

fn post(path: &str) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nhost: test\r\nexpect: 100-continue\r\ncontent-length: 3\r\n\r\n"
    )
}

fn expect_continue(client: &mut Client) {
    assert_eq!(client.read(&Method::POST).unwrap().status, 100);
}

#[test]
fn nothing_is_asked_of_the_client_once_the_answer_has_begun() {
    let app = blocking(|mut environ: Environ| {
        let mut input = environ.take_input();
        let first = std::iter::once_with(|| Ok::<_, Error>("first, ".into()));
        let then = std::iter::once_with(move || Ok(input.blocking_read_all(100)?));
        Ok(Response::new(Body::iter(first.chain(then))))
    });
    let running = Running::start(server(2), app);
    let mut client = running.client();
    client.send(post("/")).unwrap();
    assert_eq!(client.peek(12).unwrap(), b"HTTP/1.1 200");
    client.send("abc").unwrap();
    assert_eq!(client.read(&Method::POST).unwrap().text(), "first, abc");
}

#[test]
fn a_thread_that_waits_for_the_body_does_not_hold_the_answer_up() {
    let (asked, reads) = (Event::new(), Log::new());
    let (go, seen) = (asked.clone(), reads.clone());
    let app = blocking(move |mut environ: Environ| {
        let (mut input, seen) = (environ.take_input(), seen.clone());
        thread::spawn(move || seen.note(input.blocking_read_all(100).is_err()));
        go.wait()?;
        Ok(text("accepted"))
    });
    let running = Running::start(server(2), app);
    let mut client = running.client();
    client.send(post("/")).unwrap();
    expect_continue(&mut client);
    asked.set();
    let reply = client.read(&Method::POST).unwrap();
    assert_eq!(reply.text(), "accepted");
    assert!(reply.says_close());
    drop(client);
    assert!(reads.next().unwrap()); // and the thread is told when the client has left
}

#[test]
fn a_body_may_be_waited_for_longer_than_clocks_count() {
    let mut timeouts = Timeouts::default();
    timeouts.body_stall = Duration::MAX;
    let app = blocking(|mut environ: Environ| {
        let body = environ.input().blocking_read_all(100)?;
        Ok(text(String::from_utf8(body.to_vec())?))
    });
    let running = Running::start(server(2).timeouts(timeouts), app);
    let mut client = running.client();
    client.send(post("/")).unwrap();
    expect_continue(&mut client);
    client.send("abc").unwrap();
    assert_eq!(client.read(&Method::POST).unwrap().text(), "abc");
}

#[test]
fn no_more_than_half_of_the_threads_wait_for_such_clients() {
    let app = blocking(|mut environ: Environ| {
        let body = environ.input().blocking_read_all(100)?;
        Ok(text(String::from_utf8(body.to_vec())?))
    });
    // Two threads and two seats: both look whether they may, as good as at once.
    let running = Running::start(server(2), app);
    let mut clients = [running.client(), running.client()];
    let mut other = running.client();
    for _ in 0..2000 {
        for client in &mut clients {
            client.send(post("/")).unwrap();
        }
        clients.iter_mut().for_each(expect_continue);
        assert_eq!(other.get("/").unwrap().status, 200);
        for client in &mut clients {
            client.send("abc").unwrap();
            assert_eq!(client.read(&Method::POST).unwrap().text(), "abc");
        }
    }
}

/// An error that makes things worse.
#[derive(Debug)]
struct Worse;

impl fmt::Display for Worse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("worse is to come")
    }
}

impl std::error::Error for Worse {}

impl Drop for Worse {
    fn drop(&mut self) {
        panic!("of the error's end");
    }
}

#[test]
fn a_call_that_goes_wrong_gives_its_leave_to_wait_back() {
    let entered = Log::new();
    let inside = entered.clone();
    let app = blocking(move |mut environ: Environ| {
        if environ.path_info() == "/wrong" {
            return Err(Worse.into());
        }
        inside.note(());
        let body = environ.input().blocking_read_all(100)?;
        Ok(text(String::from_utf8(body.to_vec())?))
    });
    let running = Running::start(server(2), app); // one thread may wait
    let mut wrong = running.client();
    wrong.send(post("/wrong")).unwrap();
    wrong.read_to_end().unwrap();
    let mut client = running.client();
    client.send(post("/")).unwrap();
    entered.next().unwrap(); // called before the body was here
    expect_continue(&mut client);
    client.send("abc").unwrap();
    assert_eq!(client.read(&Method::POST).unwrap().text(), "abc");
}

//! What a client gets that sends no more, or that has sent more than is read.

#![allow(clippy::unwrap_used, reason = "tests say by panicking what went wrong")]

mod common;

use gateway_core::server::{Limits, block_on};
use gateway_core::{CancelReason, Environ, Response, blocking, text};
use gateway_test::client::Client;
use gateway_test::{Event, Log};
use http::{HeaderValue, Method, header};

use common::{Running, cores, get, server, unix_server};

/// More than the buffers of a socket hold.
const LARGE: usize = 8 << 20;

fn large() -> Response {
    text("x".repeat(LARGE))
}

#[test]
fn a_client_that_sent_all_it_has_before_the_call_gets_the_whole_answer() {
    let (entered, release) = (Event::new(), Event::new());
    let (inside, go) = (entered.clone(), release.clone());
    let app = blocking(move |environ: Environ| {
        if environ.path_info() == "/busy" {
            inside.set();
            go.wait()?;
            return Ok(text("done"));
        }
        Ok(large())
    });
    let (server, _path) = unix_server("half", 1);
    let running = Running::start(server, app);
    let mut busy = running.client();
    busy.send(get("/busy")).unwrap();
    entered.wait().unwrap();
    // The only thread is in a call: what this client does comes before its own.
    let mut client = running.client();
    client.send(get("/")).unwrap();
    client.stop_sending().unwrap();
    release.set();
    assert_eq!(client.read(&Method::GET).unwrap().body.len(), LARGE);
    client.closes().unwrap();
}

#[test]
fn a_client_that_sent_all_it_has_before_the_call_has_not_left_when_it_reads() {
    let (entered, release, reasons) = (Event::new(), Event::new(), Log::new());
    let (inside, go, seen) = (entered.clone(), release.clone(), reasons.clone());
    let app = blocking(move |environ: Environ| {
        match environ.path_info() {
            "/slow" => {
                inside.set();
                go.wait()?;
                seen.note(environ.cancelled().reason());
            }
            "/some" => return Ok(text("x".repeat(64 * 1024))),
            _ => {}
        }
        Ok(text("done"))
    });
    let (server, _path) = unix_server("reads", cores() + 2);
    let running = Running::start(server, app);
    let mut client = running.client();
    client.send(get("/some") + &get("/slow")).unwrap();
    client.stop_sending().unwrap();
    entered.wait().unwrap();
    // Reading makes room, of which the kernel tells the server, and that the client sends no more.
    assert_eq!(client.read(&Method::GET).unwrap().body.len(), 64 * 1024);
    for mut other in running.clients_everywhere() {
        assert_eq!(other.get("/quick").unwrap().text(), "done"); // every seat has been told
    }
    release.set();
    assert_eq!(reasons.next().unwrap(), None);
    assert_eq!(client.read(&Method::GET).unwrap().text(), "done");
}

#[test]
fn a_client_that_left_one_call_may_wait_for_the_next() {
    let (entered, release, reasons) = (Event::new(), Event::new(), Log::new());
    let (inside, go, seen) = (entered.clone(), release.clone(), reasons.clone());
    let called = Event::new();
    let begun = called.clone();
    let app = blocking(move |environ: Environ| {
        match environ.path_info() {
            "/left" => {
                begun.set();
                seen.note(Some(block_on(environ.cancelled())));
                return Ok(text("x".repeat(64 * 1024)));
            }
            "/slow" => {
                inside.set();
                go.wait()?;
                seen.note(environ.cancelled().reason());
            }
            _ => {}
        }
        Ok(text("done"))
    });
    let (server, _path) = unix_server("next", cores() + 2);
    let running = Running::start(server, app);
    let mut client = running.client();
    client.send(get("/left") + &get("/slow")).unwrap();
    called.wait().unwrap();
    client.stop_sending().unwrap();
    entered.wait().unwrap();
    assert_eq!(client.read(&Method::GET).unwrap().body.len(), 64 * 1024);
    for mut other in running.clients_everywhere() {
        assert_eq!(other.get("/quick").unwrap().text(), "done"); // every seat has been told
    }
    release.set();
    assert_eq!(reasons.next().unwrap(), Some(CancelReason::Disconnected));
    assert_eq!(reasons.next().unwrap(), None);
    assert_eq!(client.read(&Method::GET).unwrap().text(), "done");
}

#[test]
fn an_answer_is_not_lost_to_a_request_that_came_while_it_was_made() {
    let (entered, release) = (Log::new(), Log::new());
    let (inside, go) = (entered.clone(), release.clone());
    let app = blocking(move |environ: Environ| {
        inside.note(());
        go.next()?;
        let mut answer = large();
        if environ.path_info() == "/close" {
            let close = HeaderValue::from_static("close");
            answer.headers_mut().insert(header::CONNECTION, close);
        }
        Ok(answer)
    });
    let mut limits = Limits::default();
    limits.requests_per_connection = Some(1);
    for (path, limits) in [("/close", Limits::default()), ("/last", limits)] {
        let running = Running::start(server(2).limits(limits), app.clone());
        let mut client = running.client();
        client.send(get(path)).unwrap();
        entered.next().unwrap();
        client.send(get("/more")).unwrap();
        release.note(());
        let reply = client.read(&Method::GET).unwrap();
        assert!(reply.says_close(), "{path}");
        assert_eq!(reply.body.len(), LARGE, "{path}");
        client.closes().unwrap();
    }
}

#[test]
fn an_answer_is_not_lost_to_a_request_that_comes_after_it() {
    const LENGTH: usize = 48 * 1024; // more than the client's buffer holds, less than the server's
    let finished = Event::new();
    let done = finished.clone();
    let app = blocking(move |environ: Environ| {
        if environ.path_info() == "/other" {
            return Ok(text("done"));
        }
        let done = done.clone();
        environ.on_finish(move |_| done.set());
        let mut answer = text("x".repeat(LENGTH));
        let close = HeaderValue::from_static("close");
        answer.headers_mut().insert(header::CONNECTION, close);
        Ok(answer)
    });
    let running = Running::start(server(1), app);
    let mut client = Client::connect_narrow(&running.address, 4096).unwrap();
    client.send(get("/")).unwrap();
    finished.wait().unwrap();
    // The only thread has something else to do: all is said, and the connection has been parted with.
    assert_eq!(running.client().get("/other").unwrap().text(), "done");
    client.send(get("/more")).unwrap();
    assert_eq!(client.read(&Method::GET).unwrap().body.len(), LENGTH);
    client.closes().unwrap();
}

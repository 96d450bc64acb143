//! Requests that arrive just as their connection is to be closed because nothing was asked: they are
//! answered.

#![allow(clippy::unwrap_used, reason = "tests say by panicking what went wrong")]

mod common;

use std::time::Duration;

use gateway_core::server::{Timeouts, block_on};
use gateway_core::{Application, Environ, blocking, text};
use gateway_test::{Event, Log};
use http::Method;

use common::lines::lines;
use common::{Running, get, server};

/// `/busy` tells when it has begun and when its deadline has passed, and ends when it is let go.
fn app(told: &Log<&'static str>, go: &Event) -> impl Application + use<> {
    let (told, go) = (told.clone(), go.clone());
    blocking(move |environ: Environ| {
        if environ.path_info() == "/busy" {
            told.note("entered");
            if environ.deadline().is_some() {
                block_on(environ.cancelled());
                told.note("deadline");
            }
            go.wait()?;
        }
        Ok(text("done"))
    })
}

#[test]
fn a_request_that_comes_when_its_connection_has_been_idle_for_too_long_is_answered() {
    let mut timeouts = Timeouts::default();
    timeouts.idle = Duration::from_millis(300);
    timeouts.request = Some(Duration::from_millis(600));
    let (told, go) = (Log::new(), Event::new());
    let running = Running::start(server(1).timeouts(timeouts), app(&told, &go));
    let mut idle = running.client();
    assert_eq!(idle.get("/").unwrap().text(), "done");
    let mut busy = running.client();
    busy.send(get("/busy")).unwrap();
    assert_eq!(told.next().unwrap(), "entered");
    // The look at all deadlines that has found this one passed has found the other, which passed before it;
    // the only thread has had no time for it since.
    assert_eq!(told.next().unwrap(), "deadline");
    idle.send(get("/late")).unwrap();
    go.set();
    assert_eq!(idle.read(&Method::GET).unwrap().text(), "done");
    assert_eq!(busy.read(&Method::GET).unwrap().text(), "done");
}

#[test]
fn a_request_that_comes_when_a_stop_closes_its_idle_connection_is_answered() {
    let lines = lines();
    let mut timeouts = Timeouts::default();
    timeouts.idle_at_stop = Duration::ZERO;
    let (told, go) = (Log::new(), Event::new());
    let running = Running::start(server(1).timeouts(timeouts), app(&told, &go));
    let mut idle = running.client();
    assert_eq!(idle.get("/").unwrap().text(), "done");
    let mut busy = running.client();
    busy.send(get("/busy")).unwrap();
    assert_eq!(told.next().unwrap(), "entered");
    running.handle.stop();
    // What is idle is marked before this is said for the first time; the only thread is in a call.
    lines.wait_for(&["stopping", "connections=2 ", "oldest=GET /busy "]);
    idle.send(get("/late")).unwrap();
    go.set();
    for client in [&mut idle, &mut busy] {
        let reply = client.read(&Method::GET).unwrap();
        assert_eq!((reply.text(), reply.says_close()), ("done", true));
        client.closes().unwrap();
    }
    running.stop();
}

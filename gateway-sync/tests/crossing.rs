//! Requests that arrive just as their connection is to be closed because nothing was asked: they are
//! answered.

#![allow(clippy::unwrap_used, reason = "tests say by panicking what went wrong")]

mod common;

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use gateway_core::server::{Timeouts, block_on};
use gateway_core::{Application, Body, Environ, Response, blocking, text};
use gateway_test::client::Client;
use gateway_test::{Event, Log};
use http::Method;
use http_body::Frame;

use common::lines::lines;
use common::{Running, get, server};

/// Has nothing at first; then it tells that it is polled, and ends when it is let go.
struct Holds(Log<&'static str>, Event, bool);

impl http_body::Body for Holds {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<std::io::Result<Frame<Bytes>>>> {
        if !std::mem::replace(&mut self.2, true) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        self.0.note("polled");
        self.1.wait().map_err(std::io::Error::other)?;
        Poll::Ready(None)
    }
}

/// `/busy` tells when it has begun and when its deadline has passed, and ends when it is let go. What is asked
/// for by `/stream` tells when it is polled again, and holds the thread that does so: to poll is no call.
fn app(told: &Log<&'static str>, go: &Event) -> impl Application + use<> {
    let (told, go) = (told.clone(), go.clone());
    blocking(move |environ: Environ| {
        if environ.path_info() == "/stream" {
            let (told, go) = (told.clone(), go.clone());
            return Ok(Response::new(Body::stream(Holds(told, go, false))));
        }
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

/// Takes both threads of a server that may make one call at a time.
fn occupy(running: &Running, told: &Log<&'static str>) -> (Client, Client) {
    let mut stream = running.client();
    stream.send(get("/stream")).unwrap();
    assert_eq!(told.next().unwrap(), "polled");
    let mut busy = running.client();
    busy.send(get("/busy")).unwrap();
    assert_eq!(told.next().unwrap(), "entered");
    (stream, busy)
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
    let (_stream, mut busy) = occupy(&running, &told);
    // The look at all deadlines that has found this one passed has found the other, which passed before it;
    // no thread has had time for it since.
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
    let (_stream, mut busy) = occupy(&running, &told);
    running.handle.stop();
    // What is idle is marked before this is said for the first time; no thread has time for it.
    lines.wait_for(&["stopping", "connections=3 ", "oldest=GET /stream "]);
    idle.send(get("/late")).unwrap();
    go.set();
    for client in [&mut idle, &mut busy] {
        let reply = client.read(&Method::GET).unwrap();
        assert_eq!((reply.text(), reply.says_close()), ("done", true));
        client.closes().unwrap();
    }
    running.stop();
}

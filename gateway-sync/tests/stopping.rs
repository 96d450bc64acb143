//! What a stop leaves whole, what it cuts, and how clients can tell.

#![allow(clippy::unwrap_used, reason = "tests say by panicking what went wrong")]

mod common;

use std::time::{Duration, Instant};

use gateway_core::server::Timeouts;
use gateway_core::{Body, Environ, Error, Response, blocking, text};
use gateway_test::client::{Client, ReadError};
use gateway_test::{Event, Log, PATIENCE};
use http::Method;

use common::{Running, get, server};

/// Waits until the server has noticed that it is to stop, and has marked what is idle: that follows
/// as soon as nobody listens any more.
fn wait_for_the_stop(running: &Running) {
    let (mut refused, until) = (0, Instant::now() + PATIENCE);
    while refused < 200 {
        assert!(Instant::now() < until, "connections are taken still");
        match Client::connect(&running.address) {
            Ok(_) => refused = 0,
            Err(_) => refused += 1,
        }
    }
}

#[test]
fn a_response_that_begins_while_the_server_stops_is_sent_whole() {
    let (entered, release, senders) = (Log::new(), Log::new(), Log::new());
    let (inside, go, opened) = (entered.clone(), release.clone(), senders.clone());
    let app = blocking(move |environ: Environ| match environ.path_info() {
        "/wait" => {
            inside.note(());
            go.next()?;
            Ok(text("done"))
        }
        "/stream" => {
            let (sender, body) = Body::channel(1);
            opened.note(sender);
            Ok(Response::new(body))
        }
        _ => Ok(text("done")),
    });
    let running = Running::start(server(1), app);
    let mut clients = [running.client(), running.client(), running.client()];
    for client in &mut clients {
        client.get("/").unwrap(); // idle from now on
    }
    let [mut first, mut second, mut client] = clients;
    first.send(get("/wait")).unwrap();
    entered.next().unwrap();
    second.send(get("/wait")).unwrap();
    client.send(get("/stream")).unwrap();
    release.note(());
    // Both are noted now, and the only thread is in the call of the one that came first.
    entered.next().unwrap();
    running.handle.stop();
    wait_for_the_stop(&running);
    release.note(());
    let mut sender = senders.next().unwrap();
    assert_eq!(client.peek(12).unwrap(), b"HTTP/1.1 200");
    for client in [&mut first, &mut second] {
        assert_eq!(client.read(&Method::GET).unwrap().text(), "done");
        client.closes().unwrap(); // what was idle has been closed
    }
    sender.blocking_send("late").unwrap();
    sender.finish();
    assert_eq!(client.read(&Method::GET).unwrap().text(), "late");
    client.closes().unwrap();
    running.stop();
}

#[test]
fn a_stop_may_wait_for_longer_than_clocks_count() {
    let mut timeouts = Timeouts::default();
    timeouts.head = Duration::MAX;
    timeouts.idle = Duration::MAX;
    timeouts.write_stall = Duration::MAX;
    timeouts.request = Some(Duration::MAX);
    timeouts.drain = Duration::MAX;
    let (entered, release) = (Event::new(), Event::new());
    let (inside, go) = (entered.clone(), release.clone());
    let app = blocking(move |_: Environ| {
        inside.set();
        go.wait()?;
        Ok(text("done"))
    });
    let running = Running::start(server(2).timeouts(timeouts), app);
    let address = running.address.clone();
    let mut client = running.client();
    client.send(get("/")).unwrap();
    entered.wait().unwrap();
    running.handle.stop();
    wait_for_the_stop(&running);
    release.set();
    assert_eq!(client.read(&Method::GET).unwrap().text(), "done");
    client.closes().unwrap();
    running.stop();
    assert!(Client::connect(&address).is_err());
}

/// Stops a server within a response that only the end of the connection delimits.
fn cut_within(app: impl FnOnce(Event, Event) -> Response + Clone + Send + Sync + 'static) {
    let mut timeouts = Timeouts::default();
    timeouts.drain = Duration::from_millis(50);
    let (entered, release) = (Event::new(), Event::new());
    let (inside, go) = (entered.clone(), release.clone());
    let app = blocking(move |_: Environ| Ok(app.clone()(inside.clone(), go.clone())));
    let running = Running::start(server(2).timeouts(timeouts), app);
    let mut client = running.client();
    client.send("GET / HTTP/1.0\r\n\r\n").unwrap();
    entered.wait().unwrap();
    assert_eq!(client.peek(12).unwrap(), b"HTTP/1.1 200");
    running.stop();
    release.set();
    let read = client.read(&Method::GET);
    assert!(matches!(read, Err(ReadError::Reset { .. })), "{read:?}");
}

#[test]
fn a_response_cut_by_a_stop_is_not_taken_for_whole() {
    let senders = Log::new();
    let kept = senders.clone();
    cut_within(move |entered, _| {
        let (mut sender, body) = Body::channel(1);
        sender.blocking_send("part").unwrap();
        kept.note(sender);
        entered.set();
        Response::new(body)
    });
    drop(senders);
}

#[test]
fn a_response_cut_by_a_stop_within_its_body_is_not_taken_for_whole() {
    cut_within(|entered, release| {
        let first = std::iter::once_with(|| Ok::<_, Error>("part"));
        let second = std::iter::once_with(move || {
            entered.set();
            release.wait()?;
            Ok("rest")
        });
        Response::new(Body::iter(first.chain(second)))
    });
}

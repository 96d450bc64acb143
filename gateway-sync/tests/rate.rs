//! A client must not be too slow, even if it never stands still; who waits for the application is not.

#![allow(clippy::unwrap_used, reason = "tests say by panicking what went wrong")]

mod common;

use std::sync::Arc;
use std::time::Duration;

use gateway_core::server::{Limits, Timeouts};
use gateway_core::{Body, Ending, Environ, Error, Response, blocking, text};
use gateway_test::client::{Client, ReadError};
use gateway_test::{Event, Log};
use http::Method;

use common::lines::lines;
use common::{Running, get, server};

/// Nobody is fast enough, once the grace is over; standing still is no matter.
fn fast() -> Timeouts {
    let mut timeouts = Timeouts::default();
    timeouts.min_rate = u64::MAX;
    timeouts.rate_grace = Duration::from_millis(300);
    timeouts.body_stall = Duration::MAX;
    timeouts.write_stall = Duration::MAX;
    timeouts
}

fn remote(client: &Client) -> String {
    format!("remote={} ", client.local_addr().unwrap())
}

#[test]
fn a_body_that_comes_too_slowly_is_answered_408() {
    let lines = lines();
    let running = Running::start(server(2).timeouts(fast()), blocking(|_| Ok(text("whole"))));
    for (path, rest) in [
        ("/length", "content-length: 10\r\n\r\nhalf"),
        ("/chunks", "transfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n"),
        ("/nothing", "content-length: 10\r\n\r\n"),
    ] {
        let mut client = running.client();
        client
            .send(format!("POST {path} HTTP/1.1\r\nhost: test\r\n{rest}"))
            .unwrap();
        let reply = client.read(&Method::POST).unwrap();
        assert_eq!((reply.status, reply.says_close()), (408, true), "{path}");
        client.closes().unwrap();
        let request = format!("request=POST {path} ");
        let line = lines.wait_for(&[&remote(&client), &request, "below the least rate"]);
        assert!(line.contains("stage=reading body "), "{line}");
    }
}

#[test]
fn a_response_that_is_taken_too_slowly_is_reset() {
    let lines = lines();
    let outcomes = Log::new();
    let told = outcomes.clone();
    let app = blocking(move |environ: Environ| {
        let told = told.clone();
        environ.on_finish(move |outcome| told.note(outcome.ending));
        let chunks = std::iter::repeat_with(|| Ok::<_, Error>(vec![b'x'; 64 * 1024]));
        Ok(match environ.path_info() {
            "/bytes" => text("x".repeat(32 << 20)),
            _ => Response::new(Body::iter(chunks)),
        })
    });
    let running = Running::start(server(2).timeouts(fast()), app);
    for (version, path) in [
        ("1.1", "/bytes"),
        ("1.1", "/endless"),
        ("1.0", "/until-close"),
    ] {
        let mut client = Client::connect_narrow(&running.address, 10_000).unwrap();
        client
            .send(format!("GET {path} HTTP/{version}\r\nhost: test\r\n\r\n"))
            .unwrap();
        assert_eq!(outcomes.next().unwrap(), Ending::TimedOut, "{path}");
        let cut = client.read(&Method::GET);
        assert!(
            matches!(cut, Err(ReadError::Reset { .. })),
            "{path}: {cut:?}"
        );
        let request = format!("request=GET {path} ");
        let line = lines.wait_for(&[&remote(&client), &request, "below the least rate"]);
        assert!(line.contains("stage=writing "), "{line}");
    }
}

/// Although there is always more to be made, and room to keep it.
#[test]
fn who_takes_nothing_of_what_is_made_ahead_is_reset() {
    let lines = lines();
    let outcomes = Log::new();
    let told = outcomes.clone();
    let app = Arc::new(blocking(move |environ: Environ| {
        let told = told.clone();
        environ.on_finish(move |outcome| told.note(outcome.ending));
        let chunks = std::iter::repeat_with(|| {
            std::thread::sleep(Duration::from_millis(1));
            Ok::<_, Error>("x".repeat(16 * 1024))
        });
        Ok(Response::new(Body::iter(chunks)))
    }));
    let mut stalls = Timeouts::default();
    stalls.write_stall = Duration::from_millis(300);
    stalls.min_rate = 0;
    for (timeouts, path, why) in [
        (
            stalls,
            "/stalls",
            "nothing of the response was taken for too long",
        ),
        (fast(), "/slow", "below the least rate"),
    ] {
        let mut limits = Limits::default();
        (limits.response_spool, limits.spool) = (1 << 40, 1 << 40);
        let server = server(2).timeouts(timeouts).limits(limits);
        let running = Running::start(server, Arc::clone(&app));
        let mut client = Client::connect_narrow(&running.address, 10_000).unwrap();
        client.send(get(path)).unwrap();
        assert_eq!(outcomes.next().unwrap(), Ending::TimedOut, "{path}");
        let request = format!("request=GET {path} ");
        let line = lines.wait_for(&[&remote(&client), &request, why]);
        assert!(line.contains("stage=writing "), "{line}");
    }
}

#[test]
fn the_applications_time_is_not_the_clients() {
    let lines = lines();
    let release = Event::new();
    let go = release.clone();
    let app = blocking(move |environ: Environ| {
        if environ.path_info() == "/endless" {
            return Ok(text("x".repeat(32 << 20)));
        }
        let go = go.clone();
        let first = std::iter::once_with(|| Ok::<_, Error>("first, "));
        let then = std::iter::once_with(move || {
            go.wait()?;
            Ok("then")
        });
        Ok(Response::new(Body::iter(first.chain(then))))
    });
    let running = Running::start(server(2).timeouts(fast()), app);
    let mut waits = running.client();
    waits.send(get("/waits")).unwrap();
    assert_eq!(waits.peek(12).unwrap(), b"HTTP/1.1 200");
    // One that begins later and takes nothing is cut: the time of the other is up as well.
    let mut slow = Client::connect_narrow(&running.address, 10_000).unwrap();
    slow.send(get("/endless")).unwrap();
    lines.wait_for(&[&remote(&slow), "below the least rate"]);
    release.set();
    assert_eq!(waits.read(&Method::GET).unwrap().text(), "first, then");
}

/// What was sent before buys no time for what comes now: neither in the request that went before, nor where
/// the next one came with it.
#[test]
fn a_fast_body_buys_nothing_for_the_next_one() {
    let lines = lines();
    let mut timeouts = fast();
    timeouts.min_rate = 1000; // the first body would buy a thousand seconds
    let running = Running::start(server(2).timeouts(timeouts), blocking(|_| Ok(text("x"))));
    for large in ["GET /large", "POST /large"] {
        let mut client = running.client();
        let body = match large {
            "GET /large" => 0,
            _ => 1_000_000,
        };
        let first = format!("{large} HTTP/1.1\r\nhost: test\r\ncontent-length: {body}\r\n\r\n");
        let next = "POST /slow HTTP/1.1\r\nhost: test\r\ncontent-length: 10\r\n\r\nx";
        let all = [first.as_bytes(), &vec![b'x'; body], next.as_bytes()].concat();
        client.send_meanwhile(all).unwrap();
        assert_eq!(client.read(&Method::GET).unwrap().status, 200);
        assert_eq!(client.read(&Method::POST).unwrap().status, 408, "{large}");
        lines.wait_for(&[
            &remote(&client),
            "request=POST /slow ",
            "below the least rate",
        ]);
    }
}

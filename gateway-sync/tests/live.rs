//! Request bodies that are handed over as they come, where the server was told to.

#![allow(clippy::unwrap_used, reason = "tests say by panicking what went wrong")]

mod common;

use std::io::Read;
use std::time::Duration;

use gateway_core::server::Timeouts;
use gateway_core::{
    Application, Body, Delivery, Environ, Error, Response, StatusError, blocking, text,
};
use gateway_sync::Server;
use gateway_test::Log;
use gateway_test::client::Client;
use gateway_test::fixtures::{Style, echo};
use http::{Method, StatusCode};

use common::lines::lines;
use common::{Running, get, server};

/// A server that hands bodies over as they come, for paths that begin with `/live`.
fn live(threads: usize) -> Server {
    server(threads).live_bodies(|head| head.uri.path().starts_with("/live"))
}

fn head(path: &str, length: usize) -> String {
    format!("POST {path} HTTP/1.1\r\nhost: test\r\ncontent-length: {length}\r\n\r\n")
}

/// Notes each byte as it comes.
fn notes_bytes(bytes: &Log<u8>) -> impl Application + use<> {
    let bytes = bytes.clone();
    blocking(move |mut environ: Environ| {
        let mut length = 0;
        let mut byte = [0];
        while environ.input().read(&mut byte)? > 0 {
            bytes.note(byte[0]);
            length += 1;
        }
        Ok(text(length.to_string()))
    })
}

#[test]
fn the_application_reads_while_the_client_sends() {
    for threads in [1, 4] {
        let bytes = Log::new();
        let running = Running::start(live(threads), notes_bytes(&bytes));
        let mut client = running.client();
        for request in [
            head("/live", 3) + "a",
            "POST /live HTTP/1.1\r\nhost: test\r\ntransfer-encoding: chunked\r\n\r\n3\r\na".into(),
        ] {
            client.send(&request).unwrap();
            assert_eq!(bytes.next().unwrap(), b'a');
            client.send("b").unwrap();
            assert_eq!(bytes.next().unwrap(), b'b');
            client.send("c").unwrap();
            assert_eq!(bytes.next().unwrap(), b'c');
            if request.contains("chunked") {
                client.send("\r\n0\r\n\r\n").unwrap();
            }
            assert_eq!(client.read(&Method::POST).unwrap().text(), "3");
        }
    }
}

#[test]
fn a_body_is_the_same_live_or_not() {
    let body: Vec<u8> = (0..500_000u32).map(|n| (n ^ (n >> 8)) as u8).collect();
    for style in Style::BOTH {
        let running = Running::start(live(2), echo(style));
        let mut client = running.client();
        for path in ["/live", "/whole", "/live"] {
            let request = [head(path, body.len()).as_bytes(), &body].concat();
            client.send_meanwhile(request).unwrap();
            let reply = client.read(&Method::POST).unwrap();
            assert!(reply.body == body, "{path}");
            assert_eq!(client.get("/").unwrap().status, 200);
        }
    }
}

#[test]
fn a_request_whose_unread_body_is_malformed_has_one_answer() {
    let lines = lines();
    let app = blocking(|_: Environ| Ok(text("not read")));
    let running = Running::start(live(2), app);
    let chunked = "POST /live HTTP/1.1\r\nhost: test\r\ntransfer-encoding: chunked\r\n\r\n";
    for rest in ["5\r\nhelloX\r\n", "z\r\n", "0\r\nbad\r\n\r\n"] {
        let mut client = running.client();
        client.send(format!("{chunked}{rest}")).unwrap();
        let reply = client.read(&Method::POST).unwrap();
        assert_eq!((reply.status, reply.text()), (200, "not read"));
        let remote = format!("remote={} ", client.local_addr().unwrap());
        client.closes().unwrap();
        if !reply.says_close() {
            lines.wait_for(&["cut off", &remote, "stage=reading body "]);
        }
    }
}

#[test]
fn an_answer_may_begin_before_the_body_has_ended() {
    let app = blocking(|mut environ: Environ| {
        let mut input = environ.take_input();
        let answers = std::iter::from_fn(move || {
            let mut word = [0; 5];
            match input.read_exact(&mut word) {
                Ok(()) => Some(Ok::<_, Error>(word.to_ascii_uppercase())),
                Err(_) => None,
            }
        });
        let mut response = Response::new(Body::iter(answers));
        response.extensions_mut().insert(Delivery::Live);
        Ok(response)
    });
    let running = Running::start(live(2), app);
    let mut client = running.client();
    client.send(head("/live", 10)).unwrap();
    let mut came = Vec::new();
    while !came.ends_with(b"\r\n\r\n") {
        came.extend(client.read_some(1).unwrap());
    }
    for (word, answer) in [("hello", "HELLO"), ("world", "WORLD")] {
        client.send(word).unwrap();
        let chunk = format!("5\r\n{answer}\r\n");
        assert_eq!(client.read_some(chunk.len()).unwrap(), chunk.as_bytes());
    }
    assert_eq!(client.read_some(5).unwrap(), b"0\r\n\r\n");
}

#[test]
fn half_of_the_threads_may_read_live_and_the_others_wait_in_turn() {
    let entered = Log::new();
    let inside = entered.clone();
    let app = blocking(move |mut environ: Environ| {
        if environ.path_info() == "/quick" {
            return Ok(text("quick"));
        }
        inside.note(environ.path_info().to_owned());
        environ.input().blocking_read_all(10)?;
        Ok(text("read"))
    });
    let running = Running::start(live(2), app);
    let mut first = running.client();
    first.send(head("/live/first", 1)).unwrap();
    assert_eq!(entered.next().unwrap(), "/live/first");
    // Those that come next: one leaves again, one waits.
    let mut leaves = running.client();
    leaves.send(head("/live/leaves", 1)).unwrap();
    let mut second = running.client();
    second.send(head("/live/second", 1)).unwrap();
    for mut other in running.clients_everywhere() {
        assert_eq!(other.get("/quick").unwrap().text(), "quick"); // every seat has seen them
    }
    leaves.reset().unwrap();
    for mut other in running.clients_everywhere() {
        assert_eq!(other.get("/quick").unwrap().text(), "quick");
    }
    assert!(entered.is_empty());
    first.send("x").unwrap();
    assert_eq!(first.read(&Method::POST).unwrap().text(), "read");
    assert_eq!(entered.next().unwrap(), "/live/second");
    second.send("x").unwrap();
    assert_eq!(second.read(&Method::POST).unwrap().text(), "read");
    assert!(entered.is_empty());
}

#[test]
fn a_client_that_sends_too_slowly_is_answered_408() {
    let lines = lines();
    let mut stalls = Timeouts::default();
    stalls.body_stall = Duration::from_millis(300);
    let mut slow = Timeouts::default();
    slow.body_stall = Duration::MAX;
    slow.min_rate = u64::MAX;
    slow.rate_grace = Duration::from_millis(300);
    for (path, timeouts, why) in [
        (
            "/live/stalls",
            stalls,
            "nothing of the body came for too long",
        ),
        ("/live/slow", slow, "below the least rate"),
    ] {
        let bytes = Log::new();
        let running = Running::start(live(2).timeouts(timeouts), notes_bytes(&bytes));
        let mut client = running.client();
        client.send(head(path, 10) + "half").unwrap();
        let reply = client.read(&Method::POST).unwrap();
        assert_eq!((reply.status, reply.says_close()), (408, true));
        client.closes().unwrap();
        assert_eq!(bytes.len(), 4);
        let request = format!("request=POST {path} ");
        let line = lines.wait_for(&["cut off", &request, why]);
        assert!(line.contains("stage=reading body "), "{line}");
    }
}

#[test]
fn what_is_left_unread_is_thrown_away_if_it_is_little() {
    let app = blocking(|environ: Environ| match environ.path_info() {
        "/live/refused" => Err(StatusError::new(StatusCode::FORBIDDEN, "not you").into()),
        _ => Ok(text("served")),
    });
    let running = Running::start(live(2), app);
    let mut client = running.client();
    client.send(head("/live/refused", 1000) + "some").unwrap();
    let reply = client.read(&Method::POST).unwrap();
    assert_eq!((reply.status, reply.says_close()), (403, false));
    client.send("x".repeat(996) + &get("/")).unwrap();
    assert_eq!(client.read(&Method::GET).unwrap().text(), "served");

    client
        .send(head("/live/refused", 1_000_000) + "some")
        .unwrap();
    let reply = client.read(&Method::POST).unwrap();
    assert_eq!((reply.status, reply.says_close()), (403, true));
    client.closes().unwrap();
}

#[test]
fn a_client_that_was_never_asked_for_its_body_may_not_send_it() {
    let app = blocking(|_: Environ| Ok(text("enough")));
    let running = Running::start(live(2), app);
    let mut client: Client = running.client();
    let request =
        "POST /live HTTP/1.1\r\nhost: test\r\nexpect: 100-continue\r\ncontent-length: 3\r\n\r\n";
    client.send(request).unwrap();
    let reply = client.read(&Method::POST).unwrap();
    assert_eq!((reply.text(), reply.says_close()), ("enough", true));
    client.closes().unwrap();
}

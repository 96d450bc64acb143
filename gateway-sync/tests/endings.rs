//! How a connection or a request may end, and what the log says of it: each bad end has one line with
//! the client, the request, its age, its stage and the cause; a good end has none.

#![allow(clippy::unwrap_used, reason = "tests say by panicking what went wrong")]

mod common;

use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use gateway_core::server::{Limits, Timeouts};
use gateway_core::{Application, Body, Environ, Error, Response, StatusError, blocking, text};
use gateway_test::client::Client;
use gateway_test::{Event, Log};
use http::{Method, StatusCode};

use common::lines::lines;
use common::{Running, get, server};

/// One test at a time: clients of two servers may have the same address, and lines tell them apart by it.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    lines().clear();
    alone
}

fn remote(client: &Client) -> String {
    format!("remote={} ", client.local_addr().unwrap())
}

fn post(path: &str, rest: &str) -> String {
    format!("POST {path} HTTP/1.1\r\nhost: test\r\n{rest}")
}

/// Waits for the one line of a bad end, and sees that it says all there is to say.
fn has_its_line(remote: &str, what: &str, request: &str, stage: &str, why: &str) {
    let request = format!("request={request} ");
    let stage = format!("stage={stage} age=");
    let line = lines().wait_for(&["INFO", what, remote, &request, &stage, why]);
    lines().wait_for(&["DEBUG", "connection closed", remote]);
    let all = lines().count(&["INFO", remote, &request]);
    assert_eq!(all, 1, "more than one line, such as {line}");
}

fn app(bodies: &Event) -> impl Application + use<> {
    let more = bodies.clone();
    blocking(move |environ: Environ| {
        let pieces = match environ.path_info() {
            "/fails" => vec![Ok("piece"), Err("no more of it")],
            "/pieces" => {
                let more = more.clone();
                let first = std::iter::once_with(|| Ok::<_, Error>("piece"));
                let then = std::iter::once_with(move || {
                    more.wait()?;
                    Ok("the last")
                });
                return Ok(Response::new(Body::iter(first.chain(then))));
            }
            "/large" => return Ok(text("x".repeat(32 << 20))),
            _ => return Ok(text("done")),
        };
        Ok(Response::new(Body::iter(pieces)))
    })
}

#[test]
fn a_request_that_is_refused_has_its_line() {
    let mut limits = Limits::default();
    limits.body = 100;
    let _alone = alone();
    let running = Running::start(server(2).limits(limits), app(&Event::new()));
    for (sent, request, stage, why) in [
        (
            "GET / HTTP/1.1\r\nhost : test\r\n\r\n".to_owned(),
            "GET /",
            "reading head",
            "status=400 ",
        ),
        (
            get("/hosts?q").replace("\r\n\r\n", "\r\nhost: other\r\n\r\n"),
            "GET /hosts",
            "reading head",
            "status=400 ",
        ),
        (
            post("/declared", "content-length: 101\r\n\r\n"),
            "POST /declared",
            "reading head",
            "status=413 ",
        ),
        (
            format!("GET /{} HTTP/1.1\r\n", "x".repeat(9000)),
            "its head is not whole",
            "reading head",
            "status=414 ",
        ),
        (
            post("/chunks", "transfer-encoding: chunked\r\n\r\nno number\r\n"),
            "POST /chunks",
            "reading body",
            "status=400 ",
        ),
        (
            post(
                "/endless",
                &format!(
                    "transfer-encoding: chunked\r\n\r\nff\r\n{}",
                    "x".repeat(200)
                ),
            ),
            "POST /endless",
            "reading body",
            "status=413 ",
        ),
        (
            "CONNECT test:80 HTTP/1.1\r\nhost: test:80\r\n\r\n".to_owned(),
            "CONNECT ",
            "queued",
            "status=501 ",
        ),
    ] {
        let mut client = running.client();
        client.send(sent).unwrap();
        let reply = client.read(&Method::GET).unwrap();
        assert!(why.contains(&reply.status.to_string()), "{reply:?}");
        client.closes().unwrap();
        let remote = remote(&client);
        drop(client);
        has_its_line(&remote, "request refused", request, stage, why);
    }
}

#[test]
fn a_client_that_leaves_within_its_request_has_its_line() {
    let _alone = alone();
    let running = Running::start(server(2), app(&Event::new()));
    for (sent, reset, request, stage, why) in [
        (
            "GET /half".to_owned(),
            false,
            "its head is not whole",
            "reading head",
            "client closed inside a request head",
        ),
        (
            "GET /half".to_owned(),
            true,
            "its head is not whole",
            "reading head",
            "connection lost",
        ),
        (
            post("/half", "content-length: 9\r\n\r\nhalf"),
            false,
            "POST /half",
            "reading body",
            "client closed 5 bytes before the end of a body",
        ),
        (
            post("/half", "content-length: 9\r\n\r\nhalf"),
            true,
            "POST /half",
            "reading body",
            "connection lost",
        ),
    ] {
        let mut client = running.client();
        // What came with an answered request is read; so is what follows in the same piece.
        client.send(get("/") + &sent).unwrap();
        assert_eq!(client.read(&Method::GET).unwrap().text(), "done");
        let remote = remote(&client);
        match reset {
            true => client.reset().unwrap(),
            false => drop(client),
        }
        has_its_line(&remote, "cut off", request, stage, why);
    }
}

#[test]
fn a_client_that_leaves_within_a_body_that_is_read_as_it_comes_has_its_line() {
    let _alone = alone();
    let entered = Log::new();
    let inside = entered.clone();
    let app = blocking(move |mut environ: Environ| {
        inside.note(());
        environ.input().blocking_read_all(100)?;
        Ok(text("read"))
    });
    let running = Running::start(server(2).live_bodies(|_| true), app);
    for (reset, why) in [
        (false, "client closed 5 bytes before the end of a body"),
        (true, "connection lost"),
    ] {
        let mut client = running.client();
        client
            .send(post("/live", "content-length: 9\r\n\r\nhalf"))
            .unwrap();
        entered.next().unwrap();
        let remote = remote(&client);
        match reset {
            true => client.reset().unwrap(),
            false => drop(client),
        }
        has_its_line(&remote, "cut off", "POST /live", "reading body", why);
    }
}

#[test]
fn an_application_that_fails_has_its_line() {
    let _alone = alone();
    let app = |environ: Environ| async move {
        match environ.path_info() {
            "/panics" => panic!("of the application"),
            "/missing" => Err(StatusError::new(StatusCode::NOT_FOUND, "of the application").into()),
            _ => Err(Error::from("of the application")),
        }
    };
    let running = Running::start(server(1), app);
    for (path, level) in [
        ("/panics", "ERROR"),
        ("/missing", "INFO"),
        ("/fails", "ERROR"),
    ] {
        let mut client = running.client();
        client.get(path).unwrap();
        let request = format!("request=GET {path} ");
        let stage = "stage=in application age=";
        let why = "of the application";
        lines().wait_for(&[level, &remote(&client), &request, stage, why]);
    }
}

#[test]
fn a_client_that_leaves_while_it_is_answered_has_its_line() {
    let _alone = alone();
    let more = Event::new();
    let running = Running::start(server(3), app(&more));
    let mut client = Client::connect_narrow(&running.address, 10_000).unwrap();
    client.send(get("/large")).unwrap();
    client.peek(12).unwrap();
    let gone = remote(&client);
    client.reset().unwrap();
    has_its_line(&gone, "cut off", "GET /large", "writing", "connection lost");
    let mut client = running.client();
    client.send(get("/pieces")).unwrap();
    client.peek(12).unwrap();
    let gone = remote(&client);
    client.reset().unwrap();
    more.set();
    let why = "connection lost";
    has_its_line(&gone, "cut off", "GET /pieces", "writing", why);
}

#[test]
fn a_client_that_leaves_during_its_call_has_its_line() {
    let _alone = alone();
    let entered = Event::new();
    let inside = entered.clone();
    let running = Running::start(server(2), move |_: Environ| {
        inside.set();
        std::future::pending::<gateway_core::Result>()
    });
    let mut client = running.client();
    client.send(get("/pending")).unwrap();
    entered.wait().unwrap();
    let gone = remote(&client);
    client.reset().unwrap();
    let why = "the client left during the call";
    has_its_line(&gone, "cut off", "GET /pending", "in application", why);
}

/// Blocking code goes on to its end, and its answer finds nobody.
#[test]
fn a_client_that_leaves_blocking_code_has_its_line() {
    let _alone = alone();
    let entered = Event::new();
    let inside = entered.clone();
    let running = Running::start(
        server(2),
        blocking(move |environ: Environ| {
            inside.set();
            while !environ.cancelled().is_cancelled() {
                std::thread::sleep(Duration::from_millis(1));
            }
            Ok(text("for nobody"))
        }),
    );
    let mut client = running.client();
    client.send(get("/blocks")).unwrap();
    entered.wait().unwrap();
    let gone = remote(&client);
    client.reset().unwrap();
    let why = "the client left during the call";
    has_its_line(&gone, "cut off", "GET /blocks", "in application", why);
}

#[test]
fn a_client_that_leaves_while_its_request_waits_has_its_line() {
    let _alone = alone();
    let entered = Log::new();
    let inside = entered.clone();
    let app = blocking(move |mut environ: Environ| {
        if environ.method() == Method::GET {
            return Ok(text("done"));
        }
        inside.note(());
        environ.input().blocking_read_all(100)?;
        Ok(text("read"))
    });
    // One thread of the two may read a body that is still arriving.
    let running = Running::start(
        server(2).live_bodies(|head| head.method == Method::POST),
        app,
    );
    let mut first = running.client();
    first
        .send(post("/first", "content-length: 1\r\n\r\n"))
        .unwrap();
    entered.next().unwrap();
    let mut second = running.client();
    let upload = post("/second", "content-length: 1\r\n\r\n");
    // It came in one piece with a request that was answered: it was read.
    second.send(get("/") + &upload).unwrap();
    assert_eq!(second.read(&Method::GET).unwrap().text(), "done");
    let gone = remote(&second);
    second.reset().unwrap();
    has_its_line(
        &gone,
        "cut off",
        "POST /second",
        "queued",
        "connection lost",
    );
    first.send("x").unwrap();
    assert_eq!(first.read(&Method::POST).unwrap().text(), "read");
}

#[test]
fn a_response_that_fails_has_its_line() {
    let _alone = alone();
    let running = Running::start(server(2), app(&Event::new()));
    let mut client = running.client();
    client.send(get("/fails")).unwrap();
    assert!(client.read(&Method::GET).is_err());
    let why = "application failed after the response head";
    has_its_line(&remote(&client), "cut off", "GET /fails", "writing", why);
}

#[test]
fn what_a_stop_cuts_has_its_line() {
    let _alone = alone();
    let mut timeouts = Timeouts::default();
    timeouts.drain = Duration::ZERO;
    let endless = |environ: Environ| {
        if environ.path_info() == "/" {
            return Ok(text("done"));
        }
        let pieces = std::iter::repeat_with(|| Ok::<_, Error>(vec![b'x'; 1000]));
        Ok(Response::new(Body::iter(pieces)))
    };
    let running = Running::start(server(1).timeouts(timeouts), blocking(endless));
    let begun = [
        (
            "its head is not whole",
            "reading head",
            "GET /half".to_owned(),
        ),
        (
            "POST /half",
            "reading body",
            post("/half", "content-length: 9\r\n\r\nhalf"),
        ),
    ];
    let mut waiting = Vec::new();
    for (request, stage, sent) in &begun {
        let mut client = running.client();
        // It came in one piece with a request that was answered: it was read.
        client.send(get("/") + sent).unwrap();
        assert_eq!(client.read(&Method::GET).unwrap().text(), "done");
        waiting.push((request, stage, client));
    }
    // The only thread has turned to others since.
    assert_eq!(running.client().get("/").unwrap().text(), "done");
    let mut downloads = running.client();
    downloads.send(get("/endless")).unwrap();
    downloads.peek(12).unwrap();
    let reads = remote(&downloads);
    let reader = std::thread::spawn(move || -> io::Result<()> {
        while downloads.read_some(100_000).is_ok() {}
        Ok(())
    });
    running.stop();
    reader.join().unwrap().unwrap();
    for (request, stage, client) in waiting {
        let why = "the wait for the stop is over";
        has_its_line(&remote(&client), "cut off", request, stage, why);
    }
    // It is cut in its turn, or by another thread.
    let whys = ["the wait for the stop is over", "its call is cancelled"];
    let parts = |why| ["INFO", "cut off", &reads, "request=GET /endless ", why];
    assert!(whys.iter().any(|why| lines().count(&parts(why)) == 1));
}

/// It is told when its call is cancelled, and not again when the piece at hand finds nobody.
#[test]
fn a_body_that_a_stop_cuts_has_its_line() {
    let _alone = alone();
    let mut timeouts = Timeouts::default();
    timeouts.drain = Duration::ZERO;
    let more = Event::new();
    let running = Running::start(server(2).timeouts(timeouts), app(&more));
    let mut client = running.client();
    client.send(get("/pieces")).unwrap();
    client.peek(12).unwrap();
    let cut = remote(&client);
    running.handle.stop();
    let why = "its call is cancelled";
    lines().wait_for(&["INFO", "cut off", &cut, why]);
    more.set();
    running.stop();
    has_its_line(&cut, "cut off", "GET /pieces", "in application", why);
}

#[test]
fn a_good_end_has_no_line() {
    let _alone = alone();
    let running = Running::start(server(2), app(&Event::new()));
    let close = "GET /close HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n";
    for (sent, end) in [
        ("", "client closed between requests"),
        (
            "GET / HTTP/1.1\r\nhost: test\r\n\r\n",
            "client closed between requests",
        ),
        (close, "client asked to close"),
    ] {
        let mut client = running.client();
        client.send(sent).unwrap();
        if !sent.is_empty() {
            assert_eq!(client.read(&Method::GET).unwrap().text(), "done");
        }
        let remote = remote(&client);
        drop(client);
        lines().wait_for(&["DEBUG", "connection closed", end, &remote]);
        assert_eq!(lines().count(&["INFO", &remote]), 0, "{end}");
    }
}

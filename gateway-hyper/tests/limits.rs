//! Limits, deadlines and the end, where this host has its own way of keeping them.

#![allow(clippy::unwrap_used)] // a failure here is a failure of the test

mod common;

use std::time::Duration;

use common::{start, start_with, status};
use gateway_core::server::{Limits, Timeouts};
use gateway_core::{Body, Environ, Response, Result, text};

async fn hello(_environ: Environ) -> Result {
    Ok(text("hello"))
}

const GET: &str = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";

fn limits(set: impl FnOnce(&mut Limits)) -> Limits {
    let mut limits = Limits::default();
    set(&mut limits);
    limits
}

fn timeouts(set: impl FnOnce(&mut Timeouts)) -> Timeouts {
    let mut timeouts = Timeouts::default();
    set(&mut timeouts);
    timeouts
}

#[test]
fn the_last_request_of_a_connection_says_so() {
    let limits = limits(|limits| limits.requests_per_connection = Some(2));
    let server = start_with(hello, |server| server.limits(limits));
    let answers = server.whole([GET, GET, GET].concat());
    assert_eq!(answers.matches("HTTP/1.1 200 OK").count(), 2);
    assert_eq!(answers.matches("connection: close").count(), 1);
}

#[test]
fn connections_beyond_the_limit_wait_for_their_turn() {
    let limits = limits(|limits| limits.connections = 1);
    let server = start_with(hello, |server| server.limits(limits));
    let mut first = server.connect();
    first.send(GET);
    first.until("hello");
    let mut second = server.connect();
    second.send(GET);
    let wait = Duration::from_millis(50);
    second.stream.set_read_timeout(Some(wait)).unwrap();
    assert!(
        second.stream.peek(&mut [0]).is_err(),
        "served beyond the limit"
    );
    second
        .stream
        .set_read_timeout(Some(common::PATIENCE))
        .unwrap();
    drop(first);
    second.until("hello");
}

/// RFC 9112 §2.2: it is passed over. So who sends one has asked for nothing yet.
#[test]
fn an_empty_line_does_not_begin_a_head() {
    let timeouts = timeouts(|timeouts| {
        timeouts.head = Duration::from_millis(200);
        timeouts.idle = Duration::from_millis(600);
    });
    let server = start_with(hello, |server| server.timeouts(timeouts));
    for (sent, is_head) in [("\r", false), ("\r\n", false), ("\r\nG", true)] {
        let mut used = server.connect();
        used.send(GET);
        used.until("hello");
        used.send(sent);
        let end = used.rest();
        match is_head {
            true => assert_eq!(status(&end), 408),
            false => assert_eq!(end, "", "{sent:?}"),
        }
    }
}

#[test]
fn a_slow_head_is_408_and_an_idle_connection_is_closed() {
    let timeouts = timeouts(|timeouts| {
        timeouts.head = Duration::from_millis(500);
        timeouts.idle = Duration::from_millis(500);
    });
    let server = start_with(hello, |server| server.timeouts(timeouts));
    assert_eq!(status(&server.whole("GET / HT")), 408);

    let mut idle = server.connect();
    idle.send(GET);
    let answer = idle.rest();
    assert_eq!(answer.matches("HTTP/1.1").count(), 1, "{answer}");
    // A head that begins on a connection which was idle is late as a head, not silently let go.
    let mut used = server.connect();
    used.send(GET);
    used.until("hello");
    used.send("GET / HTTP/1.1\r\n");
    assert_eq!(status(&used.rest()), 408);
}

#[test]
fn an_async_call_is_answered_at_its_deadline_and_dropped() {
    struct OnDrop(std::sync::mpsc::Sender<()>);
    impl Drop for OnDrop {
        fn drop(&mut self) {
            let _ = self.0.send(());
        }
    }
    let (tell, told) = std::sync::mpsc::channel();
    let timeouts = timeouts(|timeouts| timeouts.request = Some(Duration::from_millis(50)));
    let server = start_with(
        move |_environ: Environ| {
            let dropped = OnDrop(tell.clone());
            async move {
                let _dropped = dropped;
                std::future::pending::<()>().await;
                Ok(text("never"))
            }
        },
        |server| server.timeouts(timeouts),
    );
    let mut client = server.connect();
    client.send(GET);
    assert!(
        client
            .until("503 Service Unavailable\n")
            .contains("HTTP/1.1 503")
    );
    told.recv_timeout(common::PATIENCE).unwrap();
}

#[test]
fn an_unframed_body_that_fails_is_reset_for_http10() {
    let server = start(|_environ: Environ| async {
        let chunks = [Ok("half"), Err(gateway_core::Error::from("broken"))];
        Ok(Response::new(Body::iter(chunks)))
    });
    let mut client = server.connect();
    client.send("GET / HTTP/1.0\r\n\r\n");
    let (_, was_reset) = client.rest_and_end();
    assert!(was_reset, "the half looked like the whole");
}

#[test]
fn the_answer_to_a_refused_upload_is_not_lost_to_a_reset() {
    let server = start(hello);
    for _ in 0..20 {
        let mut client = server.connect();
        let head = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n";
        client.send([head.as_bytes(), &[b'x'; 200_000]].concat());
        let (answer, was_reset) = {
            client.finish_sending();
            client.rest_and_end()
        };
        assert_eq!(status(&answer), 413);
        assert!(!was_reset);
    }
}

#[test]
fn who_was_refused_and_stays_is_let_go() {
    let set = |server: gateway_hyper::Server| {
        let linger = |timeouts: &mut Timeouts| {
            timeouts.idle = Duration::from_millis(300);
            timeouts.linger = Duration::from_secs(1);
        };
        let one = |limits: &mut Limits| limits.connections = 1;
        server.timeouts(timeouts(linger)).limits(limits(one))
    };
    for refused in [
        "GET / HTTP/1.1\r\nbad\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nbad\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\nmore",
    ] {
        let server = start_with(hello, set);
        let mut stays = server.connect();
        stays.send(refused);
        stays.rest();
        let mut next = server.connect();
        next.send("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        assert_eq!(status(&next.rest()), 200, "{refused:?}");
    }
}

#[test]
fn a_client_that_does_not_even_begin_is_let_go() {
    let timeouts = timeouts(|timeouts| timeouts.head = Duration::from_millis(500));
    let server = start_with(hello, |server| server.timeouts(timeouts));
    let mut silent = server.connect();
    assert_eq!(silent.rest(), "", "it asked for nothing");
    let mut half_preface = server.connect();
    half_preface.send("PRI * HTTP/2.0\r\n");
    assert_eq!(status(&half_preface.rest()), 408);
}

#[test]
fn dropping_the_server_while_it_serves_cuts_connections_off() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let server = gateway_hyper::Server::bind("127.0.0.1:0").unwrap();
    let addr = server.local_addr().unwrap();
    let serving = runtime.spawn(server.serve(hello));
    let mut client = std::net::TcpStream::connect(addr).unwrap();
    client.set_read_timeout(Some(common::PATIENCE)).unwrap();
    std::io::Write::write_all(&mut client, GET.as_bytes()).unwrap();
    std::io::Read::read(&mut client, &mut [0; 1024]).unwrap();
    serving.abort();
    let mut rest = Vec::new();
    std::io::Read::read_to_end(&mut client, &mut rest).unwrap();
}

#[test]
fn a_signal_stops_as_the_handle_does() {
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let mut server = start_with(hello, |server| {
        server.with_graceful_shutdown(async {
            let _ = stopped.await;
        })
    });
    let mut idle = server.connect();
    idle.send(GET);
    idle.until("hello");
    stop.send(()).unwrap();
    assert_eq!(idle.rest(), "");
    server.join();
}

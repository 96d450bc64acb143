//! HTTP/2 with prior knowledge, on the same port as HTTP/1.

#![allow(clippy::unwrap_used)] // a failure here is a failure of the test

mod common;

use std::time::Duration;

use bytes::Bytes;
use common::{Running, start, start_with};
use gateway_core::server::Timeouts;
use gateway_core::{Body, Ending, Environ, Error, Response, Result, text};
use http::{Method, Request};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http2::{SendRequest, handshake};
use hyper_util::rt::{TokioExecutor, TokioIo};

async fn connect(server: &Running) -> SendRequest<Full<Bytes>> {
    let stream = tokio::net::TcpStream::connect(server.addr).await.unwrap();
    let (sender, connection) = handshake(TokioExecutor::new(), TokioIo::new(stream))
        .await
        .unwrap();
    tokio::spawn(connection);
    sender
}

fn request(method: Method, path: &str) -> http::request::Builder {
    Request::builder()
        .method(method)
        .uri(format!("http://test.example{path}"))
}

async fn app(mut environ: Environ) -> Result {
    match environ.path_info() {
        "/cookie" => Ok(text(environ.header("cookie").unwrap_or("").to_owned())),
        "/protocol" => Ok(text(format!("{:?} {}", environ.protocol(), environ.url()))),
        "/cut" => {
            let chunks = [Ok("half"), Err(Error::from("broken"))];
            Ok(Response::new(Body::iter(chunks)))
        }
        "/panic" => panic!("of the test"),
        _ => Ok(text(environ.input().read_all(1 << 20).await?)),
    }
}

#[tokio::test]
async fn answers_many_requests_on_one_connection() {
    let server = start(app);
    let mut client = connect(&server).await;
    for n in 0..3 {
        let body = Full::from(format!("number {n}"));
        let post = request(Method::POST, "/echo").body(body).unwrap();
        let answer = client.send_request(post).await.unwrap();
        assert_eq!(answer.status(), 200);
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(body, format!("number {n}"));
    }
    let get = request(Method::GET, "/protocol")
        .body(Full::default())
        .unwrap();
    let answer = client.send_request(get).await.unwrap();
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(body, "HTTP/2.0 http://test.example/protocol");
}

#[tokio::test]
async fn head_has_the_length_and_no_data() {
    let server = start(app);
    let mut client = connect(&server).await;
    let head = request(Method::HEAD, "/cookie").header("cookie", "12345");
    let answer = client
        .send_request(head.body(Full::default()).unwrap())
        .await
        .unwrap();
    assert_eq!(answer.headers()["content-length"], "5");
    assert_eq!(answer.into_body().collect().await.unwrap().to_bytes(), "");
}

#[tokio::test]
async fn cookie_crumbs_reach_the_application_as_one() {
    let server = start(app);
    let mut client = connect(&server).await;
    let get = request(Method::GET, "/cookie")
        .header("cookie", "a=1")
        .header("cookie", "b=2");
    let answer = client
        .send_request(get.body(Full::default()).unwrap())
        .await
        .unwrap();
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(body, "a=1; b=2");
}

#[tokio::test]
async fn a_body_that_fails_resets_its_stream_and_no_other() {
    let server = start(app);
    let mut client = connect(&server).await;
    let cut = request(Method::GET, "/cut").body(Full::default()).unwrap();
    // Where the reset overtakes the head at the client, there is no answer at all.
    if let Ok(answer) = client.send_request(cut).await {
        assert_eq!(answer.status(), 200);
        assert!(answer.into_body().collect().await.is_err());
    }

    let panics = request(Method::GET, "/panic")
        .body(Full::default())
        .unwrap();
    assert_eq!(client.send_request(panics).await.unwrap().status(), 500);

    let get = request(Method::GET, "/cookie")
        .body(Full::default())
        .unwrap();
    assert_eq!(client.send_request(get).await.unwrap().status(), 200);
}

#[tokio::test]
async fn refuses_what_http1_refuses() {
    let server = start(app);
    let mut client = connect(&server).await;
    for (name, value, status) in [
        ("x_y", "1", 400),
        ("host", "other", 400),
        ("expect", "tea", 417),
    ] {
        let get = request(Method::GET, "/").header(name, value);
        let answer = client
            .send_request(get.body(Full::default()).unwrap())
            .await
            .unwrap();
        assert_eq!(answer.status(), status, "{name}");
    }
}

#[tokio::test]
async fn the_limits_of_a_head_are_those_of_http1() {
    let server = start(app);
    let mut client = connect(&server).await;
    let long = format!("/{}", "x".repeat(9000));
    for (path, fields, status) in [("/", 100, 200), ("/", 101, 431), (long.as_str(), 0, 414)] {
        let mut get = request(Method::GET, path);
        for _ in 0..fields {
            get = get.header("x", "1");
        }
        let answer = client
            .send_request(get.body(Full::default()).unwrap())
            .await
            .unwrap();
        assert_eq!(answer.status(), status, "{fields}");
    }
}

/// Far more than a client with a [`WINDOW`] is sent before it reads.
const BIG: usize = 1 << 20;

const WINDOW: u32 = 32 * 1024;

/// A connection whose client is sent no more than a window until it reads.
async fn connect_narrow(server: &Running) -> SendRequest<Full<Bytes>> {
    let stream = tokio::net::TcpStream::connect(server.addr).await.unwrap();
    let (sender, connection) = hyper::client::conn::http2::Builder::new(TokioExecutor::new())
        .initial_stream_window_size(WINDOW)
        .handshake(TokioIo::new(stream))
        .await
        .unwrap();
    tokio::spawn(connection);
    sender
}

fn big(environ: &Environ) -> Body {
    match environ.path_info() {
        "/whole" => Body::from(vec![b'x'; BIG]),
        _ => Body::iter((0..16).map(|_| Ok::<_, Error>(vec![b'x'; BIG / 16]))),
    }
}

#[tokio::test]
async fn an_idle_time_out_cuts_no_response_on_its_way() {
    let mut timeouts = Timeouts::default();
    timeouts.idle = Duration::from_millis(20);
    let app = |environ: Environ| async move { Ok(Response::new(big(&environ))) };
    let server = start_with(app, |server| server.timeouts(timeouts));
    for path in ["/whole", "/iter"] {
        let mut client = connect_narrow(&server).await;
        let get = request(Method::GET, path).body(Full::default()).unwrap();
        let answer = client.send_request(get).await.unwrap();
        // By when another connection that began to be idle after it is closed, it was idle too long.
        let mut idle = server.connect();
        idle.send("HEAD / HTTP/1.1\r\nHost: x\r\n\r\n");
        tokio::task::spawn_blocking(move || idle.rest())
            .await
            .unwrap();
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(body.len(), BIG, "{path}");
    }
}

#[tokio::test]
async fn a_response_that_the_client_does_not_take_is_reset_and_no_other() {
    let mut timeouts = Timeouts::default();
    timeouts.write_stall = Duration::from_millis(50);
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    let app = move |environ: Environ| {
        let tell = tell.clone();
        async move {
            if environ.path_info() == "/cookie" {
                return Ok(text("taken"));
            }
            environ.on_finish(move |outcome| tell.send(outcome.ending).unwrap());
            Ok(Response::new(big(&environ)))
        }
    };
    let server = start_with(app, |server| server.timeouts(timeouts));
    let mut client = connect_narrow(&server).await;
    let get = |path| request(Method::GET, path).body(Full::default()).unwrap();
    for path in ["/whole", "/iter"] {
        let left_lying = client.send_request(get(path)).await.unwrap();
        assert_eq!(told.recv().await, Some(Ending::TimedOut), "{path}");
        let other = client.send_request(get("/cookie")).await.unwrap();
        let body = other.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(body, "taken");
        assert!(left_lying.into_body().collect().await.is_err(), "{path}");
    }
}

#[tokio::test]
async fn a_stop_finishes_what_runs_and_takes_no_more() {
    let (entered, release) = (tokio::sync::Notify::new(), tokio::sync::Notify::new());
    let gates = std::sync::Arc::new((entered, release));
    let inside = std::sync::Arc::clone(&gates);
    let mut server = start(move |_environ: Environ| {
        let gates = std::sync::Arc::clone(&inside);
        async move {
            gates.0.notify_one();
            gates.1.notified().await;
            Ok(text("finished"))
        }
    });
    let mut client = connect(&server).await;
    let get = || request(Method::GET, "/").body(Full::default()).unwrap();
    let running = client.send_request(get());
    gates.0.notified().await;
    server.handle.stop();
    gates.1.notify_one();
    let answer = running.await.unwrap();
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(body, "finished");
    tokio::task::spawn_blocking(move || server.join())
        .await
        .unwrap();
    assert!(client.ready().await.is_err());
}

//! An application as a service where no gateway host is: the bridge is its host.

#![allow(clippy::unwrap_used, reason = "tests say by panicking what went wrong")]

use std::net::SocketAddr;
use std::sync::Arc;
use std::task::{Context, Waker};
use std::thread;

use bytes::Bytes;
use gateway_core::server::{Detached, Host, Job, block_on};
use gateway_core::{
    Body, CancelReason, Capabilities, Ending, Endpoint, Environ, Gateway, Outcome, Response,
    Result, Scheme, StatusError, UnblockError, blocking,
};
use gateway_test::fixtures::{self, Dump, Kind, Script, Style};
use gateway_test::{Event, Log};
use gateway_tower::{Cause, into_service};
use http::header::ALLOW;
use http::{HeaderValue, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use tower::{Service, ServiceExt};

fn get(target: &str) -> Request<Full<Bytes>> {
    Request::get(target).body(Full::default()).unwrap()
}

fn finishing(inner: gateway_core::BoxApplication) -> (gateway_core::BoxApplication, Log<Outcome>) {
    let outcomes = Log::new();
    (fixtures::finishes(inner, &outcomes), outcomes)
}

#[test]
fn a_request_becomes_an_environ() {
    let mut endpoint = Endpoint::detached();
    endpoint.remote = SocketAddr::from(([192, 0, 2, 7], 5000)).into();
    endpoint.scheme = Scheme::Https;
    let mut request = Request::post("/x?q=1")
        .body(Full::new(Bytes::from("body")))
        .unwrap();
    request.extensions_mut().insert(Arc::new(endpoint));
    let service = into_service(fixtures::dump(Style::Blocking)).at("/app");
    let response = block_on(service.oneshot(request)).unwrap();
    let dump = Dump::parse(&block_on(response.into_body().collect()).unwrap().to_bytes()).unwrap();
    for (name, value) in [
        ("REQUEST_METHOD", "POST"),
        ("SCRIPT_NAME", "/app"),
        ("PATH_INFO", "/x"),
        ("QUERY_STRING", "q=1"),
        ("REMOTE_ADDR", "192.0.2.7"),
        ("HTTPS", "on"),
    ] {
        assert_eq!(dump.var(name), Some(value), "{name}");
    }
    assert_eq!(dump.body, b"body");
}

#[test]
fn the_application_is_told_how_its_response_ended() {
    for kind in Kind::ALL {
        let (app, outcomes) = finishing(Script::new(kind, ["ab", "cd"]).app(Style::Async));
        let response = block_on(into_service(app).oneshot(get("/"))).unwrap();
        block_on(response.into_body().collect()).unwrap();
        let outcome = outcomes.next().unwrap();
        assert_eq!(
            (outcome.ending, outcome.bytes_sent),
            (Ending::Complete, 4),
            "{kind:?}"
        );
        assert_eq!(outcome.status, Some(StatusCode::OK));
    }
    let (app, outcomes) = finishing(fixtures::fails(Style::Async));
    block_on(into_service(app).oneshot(get("/"))).unwrap_err();
    assert_eq!(outcomes.next().unwrap().ending, Ending::Failed);

    let (app, outcomes) = finishing(Script::new(Kind::Iter, ["a"]).fails().app(Style::Async));
    let response = block_on(into_service(app).oneshot(get("/"))).unwrap();
    block_on(response.into_body().collect()).unwrap_err();
    assert_eq!(outcomes.next().unwrap().ending, Ending::Failed);
}

#[test]
fn a_body_of_known_length_is_complete_though_nobody_asks_for_its_end() {
    for kind in [Kind::Bytes, Kind::File] {
        let (app, outcomes) = finishing(Script::new(kind, ["abcd"]).app(Style::Async));
        let response = block_on(into_service(app).oneshot(get("/"))).unwrap();
        let mut body = response.into_body();
        block_on(body.frame()).unwrap().unwrap();
        drop(body);
        assert_eq!(
            outcomes.next().unwrap().ending,
            Ending::Complete,
            "{kind:?}"
        );
    }
}

#[test]
fn a_response_that_is_given_up_is_cancelled() {
    let reasons = Log::new();
    let notes = reasons.clone();
    let app = move |environ: Environ| {
        let notes = notes.clone();
        async move {
            let cancelled = environ.cancelled();
            environ.on_finish(move |outcome| notes.note((outcome.ending, cancelled.reason())));
            if environ.path_info() == "/never" {
                std::future::pending::<()>().await;
            }
            Ok(Response::new(Body::iter(
                ["a", "b"].map(Ok::<_, StatusError>),
            )))
        }
    };
    let given_up = Ok((Ending::Abandoned, Some(CancelReason::Disconnected)));

    let mut body = block_on(into_service(app.clone()).oneshot(get("/")))
        .unwrap()
        .into_body();
    block_on(body.frame()).unwrap().unwrap();
    drop(body);
    assert_eq!(reasons.next(), given_up);

    let mut pending = Box::pin(into_service(app).call(get("/never")));
    assert!(
        pending
            .as_mut()
            .poll(&mut Context::from_waker(Waker::noop()))
            .is_pending()
    );
    drop(pending);
    assert_eq!(reasons.next(), given_up);
}

#[test]
fn errors_are_answered_for_those_who_want_no_errors() {
    let app = |_: Environ| async {
        let error = StatusError::new(StatusCode::METHOD_NOT_ALLOWED, "secret");
        Err(error.header(ALLOW, HeaderValue::from_static("GET")).into())
    };
    let Ok(response) = block_on(into_service(app).answering().oneshot(get("/")));
    assert_eq!(response.status(), 405);
    assert_eq!(response.headers()[ALLOW], "GET");
    let cause = response.extensions().get::<Cause>().unwrap();
    assert!(cause.0.to_string().contains("secret"));
    let body = block_on(response.into_body().collect()).unwrap().to_bytes();
    assert_eq!(body, "405 Method Not Allowed\n");
}

#[test]
fn a_path_that_hosts_refuse_is_refused() {
    let service = into_service(fixtures::hello(Style::Async)).answering();
    let Ok(response) = block_on(service.oneshot(get("/%FF")));
    assert_eq!(response.status(), 400);
}

/// An async host: nothing may block where it polls.
struct Elsewhere;

impl Host for Elsewhere {
    fn software(&self) -> &str {
        Detached.software()
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::NONE
    }

    fn may_block(&self) -> bool {
        false
    }

    fn unblock(&self, job: Job) -> Result<(), UnblockError> {
        thread::spawn(job);
        Ok(())
    }
}

#[test]
fn blocking_calls_and_bodies_run_where_the_gateway_says() {
    let threads = Log::new();
    let notes = threads.clone();
    let app = blocking(move |_| {
        notes.note(thread::current().id());
        let notes = notes.clone();
        let chunks = ["a", "b"].into_iter().map(move |chunk| {
            notes.note(thread::current().id());
            Ok::<_, StatusError>(chunk)
        });
        Ok(Response::new(Body::iter(chunks)))
    });
    let service = into_service(app).gateway(Gateway::new(Elsewhere));
    let response = block_on(service.oneshot(get("/"))).unwrap();
    let body = block_on(response.into_body().collect()).unwrap();
    assert_eq!(body.to_bytes(), "ab");
    for _ in 0..3 {
        assert_ne!(threads.next().unwrap(), thread::current().id());
    }
}

#[test]
fn a_body_whose_piece_is_being_made_elsewhere_can_be_dropped() {
    let (begun, release) = (Event::new(), Event::new());
    let (begins, waits) = (begun.clone(), release.clone());
    let app = blocking(move |_| {
        let (begins, waits) = (begins.clone(), waits.clone());
        let chunks = std::iter::once_with(move || {
            begins.set();
            waits.wait()?;
            Ok::<_, gateway_test::DidNotHappen>("late")
        });
        Ok(Response::new(Body::iter(chunks)))
    });
    let (app, outcomes) = finishing(gateway_core::BoxApplication::new(app));
    let service = into_service(app).gateway(Gateway::new(Elsewhere));
    let mut body = block_on(service.oneshot(get("/"))).unwrap().into_body();
    let mut frame = Box::pin(body.frame());
    assert!(
        frame
            .as_mut()
            .poll(&mut Context::from_waker(Waker::noop()))
            .is_pending()
    );
    begun.wait().unwrap();
    drop(frame);
    drop(body);
    assert_eq!(outcomes.next().unwrap().ending, Ending::Abandoned);
    release.set();
}

#[cfg(feature = "tokio")]
#[test]
fn tokio_runs_blocking_code_on_threads_of_its_own() {
    let app = blocking(|_| Ok(gateway_core::text(format!("{:?}", thread::current().id()))));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .build()
        .unwrap();
    let service = into_service(app).gateway(gateway_tower::tokio_gateway());
    let (told, here) = runtime.block_on(async {
        let response = service.oneshot(get("/")).await.unwrap();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (body, thread::current().id())
    });
    assert_ne!(told, format!("{here:?}"));
}

#[cfg(feature = "tokio")]
#[test]
fn tokio_gives_blocking_code_up_outside_of_a_runtime() {
    let service = into_service(fixtures::hello(Style::Blocking));
    let service = service.gateway(gateway_tower::tokio_gateway()).answering();
    let Ok(response) = block_on(service.oneshot(get("/")));
    assert_eq!(response.status(), 503);
}

//! Nothing is lost on the way: environs, bodies, errors, cancellation, both ways.

#![allow(clippy::unwrap_used, reason = "tests say by panicking what went wrong")]

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use gateway_core::server::{Call, block_on};
use gateway_core::{
    Application, Body, BodyKind, BoxApplication, CancelReason, Ending, Environ, Error, Input,
    InputError, Mount, Outcome, Response, Result, StatusError, text,
};
use gateway_test::fixtures::{self, Dump, Kind, Script, Style};
use gateway_test::{Answer, EnvironBuilder, Failure, Log, call, environ};
use gateway_tower::{Context, from_service, into_service, layered, middleware};
use http::{HeaderMap, HeaderValue, Request, StatusCode, Uri};
use http_body_util::BodyExt;
use http_body_util::combinators::UnsyncBoxBody;
use tower::{Layer, Service, ServiceBuilder, service_fn};

/// The application, there and back, with every body wrapped by a type that nobody knows.
fn bridged(application: impl Application) -> BoxApplication {
    let service = ServiceBuilder::new()
        .map_request(|request: Request<UnsyncBoxBody<Bytes, InputError>>| request)
        .map_response(|response: http::Response<_>| response.map(wrapped))
        .service(into_service(application));
    BoxApplication::new(from_service(service).with_body(|input: Input| input.boxed_unsync()))
}

fn wrapped<B>(body: B) -> UnsyncBoxBody<Bytes, Error>
where
    B: http_body::Body<Data = Bytes, Error = Error> + Send + 'static,
{
    body.boxed_unsync()
}

/// Calls a service of these requests as a gateway host would.
fn call_service<F, Fut>(service: F, request: impl Into<Environ>) -> Answer
where
    F: FnMut(Request<Input>) -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = Result<Response, Error>> + Send,
{
    call(&from_service(service_fn(service)), request)
}

fn client() -> SocketAddr {
    SocketAddr::from(([192, 0, 2, 7], 5000))
}

#[test]
fn an_environ_that_crosses_both_ways_is_the_same() {
    for request in [
        "GET /",
        "GET /mounted?q=%20",
        "GET /mounted/",
        "PUT /mounted/%EC%84%9C%2Fx HTTP/1.0\nHost: example.com:8080\nX-One: 1\nX-One: 2\nCookie: a\n\nbody",
        "GET /%6Dounted/deeper/x",
        "GET http://example.com/mounted/x",
        "OPTIONS *",
    ] {
        for style in Style::BOTH {
            // A mount in front of the bridge and one behind it.
            let between = |bridge: fn(BoxApplication) -> BoxApplication| {
                let behind = Mount::new()
                    .at("/deeper", fixtures::dump(style))
                    .at("", fixtures::dump(style));
                let app = Mount::new()
                    .at("/mounted", bridge(BoxApplication::new(behind.clone())))
                    .at("", bridge(BoxApplication::new(behind)));
                let answer = call(&app, environ(request).remote(client()));
                assert_eq!(answer.status, 200, "{request}");
                answer.text().to_owned()
            };
            let plain = between(|app| app);
            assert_eq!(between(bridged), plain, "{request}");
            let as_they_are = |app| BoxApplication::new(from_service(into_service(app)));
            assert_eq!(between(as_they_are), plain, "{request}");
        }
    }
}

#[test]
fn what_a_router_takes_off_the_path_is_script_name() {
    let app = service_after(|path| path.strip_prefix("/api").map(str::to_owned));
    for (target, script_name, path_info) in [
        ("/api/x?q", "/api", "/x"),
        ("/api", "/api", ""),
        ("/other/x", "", "/other/x"),
    ] {
        let answer = call(&app, environ(&format!("GET {target}")));
        let dump = Dump::parse(&answer.body).unwrap();
        assert_eq!(dump.var("SCRIPT_NAME"), Some(script_name), "{target}");
        assert_eq!(dump.var("PATH_INFO"), Some(path_info), "{target}");
        assert_eq!(dump.var("REQUEST_URI"), Some(target));
    }
    let mounted = Mount::new().at("/app", app);
    let answer = call(&mounted, environ("GET /app/api/x"));
    let dump = Dump::parse(&answer.body).unwrap();
    assert_eq!(dump.var("SCRIPT_NAME"), Some("/app/api"));
    assert_eq!(dump.var("PATH_INFO"), Some("/x"));
}

/// The environ's dump, behind a service that changes the path.
fn service_after(change: fn(&str) -> Option<String>) -> BoxApplication {
    let service = ServiceBuilder::new()
        .map_request(move |mut request: Request<Input>| {
            if let Some(path) = change(request.uri().path()) {
                let query = request.uri().query().map(|query| format!("?{query}"));
                let target = format!("{path}{}", query.unwrap_or_default());
                let target = if target.starts_with('/') {
                    target
                } else {
                    format!("/{target}")
                };
                *request.uri_mut() = target.parse::<Uri>().unwrap();
            }
            request
        })
        .service(into_service(fixtures::dump(Style::Async)));
    BoxApplication::new(from_service(service))
}

#[test]
fn a_service_sees_what_the_host_knows() {
    let now = Instant::now();
    let due = now + Duration::from_secs(5);
    let seen = Log::new();
    let notes = seen.clone();
    let service = move |request: Request<Input>| {
        let notes = notes.clone();
        async move {
            let context = Context::of(request.extensions()).ok_or("no context")?;
            notes.note((
                request.uri().to_string(),
                context.script_name().to_owned(),
                context.remote_addr().clone(),
                (context.received_at(), context.deadline()),
                context.cancelled().reason(),
            ));
            Ok::<_, Error>(text("seen"))
        }
    };
    let app = Mount::new().at("/app", from_service(service_fn(service)));
    let handle = Call::new();
    handle.cancel(CancelReason::Deadline);
    let request = environ("GET /app/x").remote(client()).build();
    let request = request.with_times(now, Some(due)).with_call(&handle);
    block_on(app.call(request)).unwrap();
    let expected = (
        "/x".to_owned(),
        "/app".to_owned(),
        client().into(),
        (Some(now), Some(due)),
        Some(CancelReason::Deadline),
    );
    assert_eq!(seen.next(), Ok(expected));
}

#[derive(Clone, Debug, PartialEq)]
struct Mark(&'static str);

#[test]
fn extensions_cross_both_ways() {
    let marks = |environ: Environ| async move {
        let mark = environ.extensions().get::<Mark>().cloned();
        let mut response = text(format!("{mark:?}"));
        response.extensions_mut().insert(Mark("of the response"));
        Ok(response)
    };
    let mut request = environ("GET /").build();
    request.extensions_mut().insert(Mark("of the request"));
    let mut response = block_on(bridged(marks).call(request)).unwrap();
    assert_eq!(
        response.extensions_mut().remove(),
        Some(Mark("of the response"))
    );
    let body = block_on(response.into_body().collect()).unwrap();
    assert_eq!(body.to_bytes(), "Some(Mark(\"of the request\"))");
}

#[test]
fn bodies_stream_with_their_trailers_both_ways() {
    let mut trailers = HeaderMap::new();
    trailers.insert("x-sum", HeaderValue::from_static("7"));
    for style in Style::BOTH {
        let request = environ("POST /").chunks_and_trailers(["one", "two"], trailers.clone());
        let answer = call(&bridged(fixtures::dump(style)), request);
        let dump = Dump::parse(&answer.body).unwrap();
        assert_eq!(dump.body, b"onetwo");
        assert_eq!(dump.var("trailer x-sum"), Some("7"));
    }
    for kind in [Kind::Stream, Kind::Channel] {
        let script = Script::new(kind, ["a", "b"]).trailer("x-sum", "7");
        let answer = call(&bridged(script.app(Style::Async)), environ("GET /"));
        assert_eq!(answer.text(), "ab");
        assert_eq!(answer.trailers.unwrap()["x-sum"], "7", "{kind:?}");
    }
}

#[test]
fn a_piece_is_on_the_other_side_before_the_next_is_made() {
    let (release, closed) = (gateway_test::Event::new(), gateway_test::Event::new());
    let app = bridged(fixtures::ticks(Style::Async, &release, &closed));
    let mut body = block_on(app.call(environ("GET /").build()))
        .unwrap()
        .into_body();
    let mut next = || block_on(body.frame()).map(|frame| frame.unwrap().into_data().unwrap());
    assert_eq!(next().unwrap(), "first");
    release.set();
    assert_eq!(next().unwrap(), "second");
    assert!(next().is_none());
}

#[test]
fn bodies_of_every_kind_cross_and_are_dropped_once() {
    for kind in Kind::ALL {
        for request in [environ("GET /"), environ("GET /").on_async_host()] {
            let drops = Log::new();
            let script = Script::new(kind, ["one", "two"]).watched(&drops);
            let answer = call(&bridged(script.app(Style::Async)), request);
            assert_eq!(answer.text(), "onetwo", "{kind:?}");
            if kind != Kind::File {
                assert_eq!(drops.next(), Ok(kind));
            }
            assert!(drops.is_empty(), "{kind:?}");
        }
    }
}

#[test]
fn a_body_that_no_layer_has_wrapped_is_still_a_file() {
    let script = Script::new(Kind::File, ["in a file"]).app(Style::Async);
    let app = layered(tower::load_shed::LoadShedLayer::new(), script);
    let response = block_on(app.call(environ("GET /").build())).unwrap();
    assert!(matches!(response.body().kind(), BodyKind::File(_)));
}

#[test]
fn lengths_are_known_where_they_were() {
    for (kind, length) in [
        (Kind::Bytes, Some(3)),
        (Kind::File, Some(3)),
        (Kind::Iter, None),
    ] {
        let app = bridged(Script::new(kind, ["abc"]).app(Style::Async));
        for request in [environ("GET /"), environ("GET /").on_async_host()] {
            let response = block_on(app.call(request.build())).unwrap();
            assert_eq!(response.body().length(), length, "{kind:?}");
        }
    }
    let known = |mut environ: Environ| async move {
        Ok(text(format!("{:?}", environ.input().remaining())))
    };
    let answer = call(&bridged(known), environ("POST /").body("12345"));
    assert_eq!(answer.text(), "Some(5)");
}

#[test]
fn errors_name_their_status_on_the_other_side() {
    let gone = |_| async { Err(StatusError::new(StatusCode::GONE, "secret").into()) };
    let answer = call_service(gone, environ("GET /"));
    assert_eq!((answer.status.as_u16(), answer.text()), (410, "410 Gone\n"));
    assert_eq!(
        call(&bridged(gone_application), environ("GET /")).status,
        410
    );

    for (error, status) in [
        (InputError::TimedOut, 408),
        (InputError::TooLarge { limit: 1 }, 413),
        (InputError::Disconnected, 400),
    ] {
        let request = || environ("POST /").broken_body(["half"], error);
        for style in Style::BOTH {
            let answer = call(&bridged(fixtures::echo(style)), request());
            assert_eq!(answer.status, status);
        }
        let reads = |request: Request<Input>| async move {
            let body = request.into_body().collect().await?.to_bytes();
            Ok(text(body))
        };
        assert_eq!(call_service(reads, request()).status, status);
    }
}

async fn gone_application(_environ: Environ) -> Result {
    Err(StatusError::new(StatusCode::GONE, "secret").into())
}

#[test]
fn errors_and_panics_of_bodies_cut_the_response() {
    for kind in Kind::OPEN {
        let fails = Script::new(kind, ["half"]).fails().app(Style::Async);
        let answer = call(&bridged(fails), environ("GET /"));
        assert_eq!(answer.text(), "half");
        assert!(answer.failure.is_some(), "{kind:?}");
    }
    let panics = call(&bridged(fixtures::panics(Style::Async)), environ("GET /"));
    assert!(matches!(panics.failure, Some(Failure::Panicked(_))));
}

#[test]
fn a_call_that_is_dropped_drops_what_the_service_was_doing() {
    let dropped = Log::new();
    let drops = dropped.clone();
    let service = move |_request: Request<Input>| {
        let guard = Guard(drops.clone());
        async move {
            let _guard = guard;
            std::future::pending::<Result<Response>>().await
        }
    };
    let app = from_service(service_fn(service));
    let mut pending = Box::pin(app.call(environ("GET /").build()));
    let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
    assert!(pending.as_mut().poll(&mut cx).is_pending());
    assert!(dropped.is_empty());
    drop(pending);
    assert_eq!(dropped.next(), Ok(()));
}

struct Guard(Log<()>);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.note(());
    }
}

#[test]
fn the_outcome_is_told_behind_the_bridge_too() {
    let outcomes: Log<Outcome> = Log::new();
    let app = bridged(fixtures::finishes(fixtures::hello(Style::Async), &outcomes));
    call(&app, environ("GET /"));
    let outcome = outcomes.next().unwrap();
    assert_eq!(outcome.ending, Ending::Complete);
    assert_eq!(outcome.bytes_sent, "Hello, world!".len() as u64);

    let told = outcomes.clone();
    let service = move |request: Request<Input>| {
        let told = told.clone();
        async move {
            let context = Context::of(request.extensions()).ok_or("no context")?;
            context.on_finish(move |outcome| told.note(*outcome));
            Ok(text("told"))
        }
    };
    call_service(service, environ("GET /"));
    assert_eq!(outcomes.next().unwrap().bytes_sent, 4);
}

#[test]
fn middleware_of_either_side_wraps_the_other() {
    let head = middleware(gateway_core::Head);
    let service = head.layer(service_fn(|request: Request<Input>| async move {
        assert_eq!(request.method(), "GET");
        Ok::<_, Infallible>(text("12345"))
    }));
    let answer = call(&from_service(service), environ("HEAD /"));
    assert_eq!(answer.header("content-length"), Some("5"));
    assert_eq!(answer.text(), "");

    let adds = tower::util::MapResponseLayer::new(|mut response: http::Response<_>| {
        let headers: &mut HeaderMap = response.headers_mut();
        headers.insert("x-layer", HeaderValue::from_static("was here"));
        response
    });
    let app = layered(adds, fixtures::hello(Style::Blocking));
    let answer = call(&app, EnvironBuilder::on_async_host(environ("GET /")));
    assert_eq!(answer.header("x-layer"), Some("was here"));
}

#[test]
fn what_an_application_needs_is_known_through_a_layer() {
    use gateway_core::{Capabilities, requiring};
    let needs = requiring(Capabilities::TRAILERS, fixtures::hello(Style::Async));
    let app = layered(tower::load_shed::LoadShedLayer::new(), needs);
    assert_eq!(app.requires(), Capabilities::TRAILERS);
}

#[test]
fn hop_by_hop_fields_of_a_service_stay_behind() {
    let service = |_| async {
        let mut response = text("x");
        for (name, value) in [
            ("connection", "keep-alive"),
            ("transfer-encoding", "chunked"),
        ] {
            let value = HeaderValue::from_static(value);
            response.headers_mut().insert(name, value);
        }
        Ok(response)
    };
    let answer = call_service(service, environ("GET /"));
    assert_eq!(answer.header("connection"), None);
    assert_eq!(answer.header("transfer-encoding"), None);
    assert_eq!(
        answer.header("content-type"),
        Some("text/plain; charset=utf-8")
    );
}

#[test]
fn services_that_are_not_sync_can_be_locked() {
    let service = service_fn(|_: Request<Input>| async { Ok::<_, Error>(text("boxed")) });
    let boxed = tower::util::BoxCloneService::new(service);
    let app = from_service(gateway_tower::Locked::new(boxed));
    assert_eq!(call(&app, environ("GET /")).text(), "boxed");
}

#[test]
fn services_and_applications_are_shared_between_threads() {
    fn is_service<S: Service<Request<Body>> + Clone + Send + Sync + 'static>(_: &S) {}
    let shared = Arc::new(fixtures::hello(Style::Async));
    is_service(&into_service(Arc::clone(&shared)));
    is_service(&into_service(shared).answering());
}

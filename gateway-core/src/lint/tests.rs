//! Each clause that a wrapper can check, violated once.

mod made;

use std::sync::Arc;
use std::task::Waker;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request, StatusCode, Version};
use http_body::Frame;

use self::made::{Changing, Frames, Middle, Trailing};
use super::*;
use crate::server::{Call, block_on};
use crate::{
    Address, Body, CancelReason, Ending, Endpoint, Error, Gateway, Input, InputError, Outcome,
    Scheme, requiring, text,
};

/// A test for each clause: what is given finds it, and nothing else that a MUST stands for.
macro_rules! violates {
    ($($test:ident $clause:ident: $found:expr;)*) => {$(
        #[test]
        fn $test() {
            let findings: Findings = $found;
            let list = findings.list();
            assert!(
                list.iter().any(|found| found.clause() == stringify!($clause)),
                "{list:?}"
            );
            let mut broken = findings.broken();
            broken.retain(|found| found.clause() != stringify!($clause));
            assert!(broken.is_empty(), "and {broken:?}");
        }
    )*};
}

violates! {
    e1_script_name_ends_with_a_slash E1: {
        let mut environ = environ(Request::get("/a//b"));
        assert!(environ.shift_path("/a/"));
        gives(environ)
    };
    e2_the_asterisk_with_get E2: gives(environ(Request::get("*")));
    e3_no_path_at_all E3: gives(environ(Request::get("example.com:80")));
    e4_a_name_with_an_underscore E4: gives(environ(get().header("x_real", "1")));
    e5_two_hosts E5: gives(environ(get().header("host", "a").header("host", "b")));
    e6_a_length_that_is_no_number E6: gives(environ(get().header("content-length", "+5")));
    e7_two_framings E7: {
        let framed = get().header("content-length", "0").header("transfer-encoding", "chunked");
        gives(environ(framed))
    };
    e8_a_protocol_without_heads E8: gives(environ(get().version(Version::HTTP_09)));
    e9_nobody_at_the_other_end E9: {
        let here = Address::from(std::net::SocketAddr::from(([127, 0, 0, 1], 80)));
        let gateway = Gateway::new(crate::server::Detached);
        let ends = Endpoint::new(Address::Unknown, here, Scheme::Http, gateway);
        gives(Environ::default().with_endpoint(Arc::new(ends)))
    };
    e10_a_deadline_in_the_past E10: {
        let now = Instant::now();
        let before = now - Duration::from_secs(1);
        gives(Environ::default().with_times(now, Some(before)))
    };

    i1_fewer_bytes_than_said I1: reads(lengths(5, 3, true));
    i2_what_remains_stays_the_same I2: reads(lengths(3, 1, false));
    i3_a_trailer_that_frames I3: {
        let input = Input::from("x").with_trailers(Some(fields("content-length", "1")));
        let mut environ = Environ::default();
        environ.set_input(input);
        gives(environ)
    };

    a1_an_interim_status A1: answers(with_status(StatusCode::EARLY_HINTS));
    a2_a_field_of_the_connection A2: answers(with_field("connection", "keep-alive"));
    a3_a_length_that_is_no_number A3: answers(with_field("content-length", "five"));
    a4_a_length_that_is_not_the_bodys A4: answers(with_field("content-length", "4"));
    a5_a_body_with_204 A5: answers(with_status(StatusCode::NO_CONTENT));
    a6_405_without_allow A6: answers(with_status(StatusCode::METHOD_NOT_ALLOWED));
    a7_a_body_of_no_type A7: answers(Response::new("x".into()));
    a8_a_redirection_to_nowhere A8: answers(with_status(StatusCode::FOUND));
    a9_a_body_with_304 A9: answers(with_status(StatusCode::NOT_MODIFIED));
    a10_needs_that_change A10: {
        let app = lint(Changing::default());
        calls(&app, Environ::default());
        app.findings()
    };

    b1_a_body_longer_than_declared B1: {
        let mut response = text(Body::iter(["abc"].map(Ok::<_, Error>)));
        response.headers_mut().insert("content-length", HeaderValue::from(2));
        answers(response)
    };
    b2_a_body_shorter_than_it_says B2: {
        answers(text(Body::stream(lengths(5, 3, true))))
    };
    b3_a_piece_after_the_trailers B3: {
        let sum = || Frame::trailers(fields("x-sum", "7"));
        answers(streams([data("a"), sum(), data("b")], "x-sum"))
    };
    b4_a_trailer_that_frames B4: {
        let length = Frame::trailers(fields("content-length", "7"));
        answers(streams([data("a"), length], "content-length"))
    };
    b5_a_trailer_that_nobody_expects B5: {
        answers(streams([data("a"), Frame::trailers(fields("x-sum", "7"))], "x-other"))
    };
    b6_an_empty_piece B6: answers(text(Body::iter(["a", ""].map(Ok::<_, Error>))));

    h1_needs_that_the_host_does_not_meet H1: {
        let app = lint(requiring(Capabilities::UPGRADE, hello));
        let ends = Endpoint { gateway: Gateway::new(Trailing), ..Endpoint::detached() };
        calls(&app, Environ::default().with_endpoint(Arc::new(ends)));
        app.findings()
    };
    h2_polled_after_the_answer H2: {
        let app = lint(hello);
        let mut call = Box::pin(app.call(Environ::default()));
        let mut cx = Context::from_waker(Waker::noop());
        assert!(call.as_mut().poll(&mut cx).is_ready());
        assert!(call.as_mut().poll(&mut cx).is_ready());
        app.findings()
    };
    h3_a_body_asked_after_its_end H3: {
        let app = lint(|_: Environ| async { Ok(text(Body::iter(["a"].map(Ok::<_, Error>)))) });
        let mut body = block_on(app.call(Environ::default())).unwrap().into_body();
        for _ in 0..3 {
            let _ = next(&mut body);
        }
        app.findings()
    };
    h4_an_outcome_without_a_reason H4: tells(Outcome::new(None, 0, Ending::Abandoned));
    h5_another_status_than_was_answered H5: {
        tells(Outcome::new(Some(StatusCode::ACCEPTED), 5, Ending::Complete))
    };
    h6_complete_before_all_was_sent H6: {
        tells(Outcome::new(Some(StatusCode::OK), 4, Ending::Complete))
    };

    m1_another_call M1: {
        through(|environ| Environ::from_request(environ.into_request()).unwrap(), |inner| inner)
    };
    m2_a_script_name_that_is_lost M2: through(
        |mut environ| {
            let mut request = Request::new(environ.take_input());
            *request.extensions_mut() = std::mem::take(environ.extensions_mut());
            environ.with_request(request).unwrap()
        },
        |inner| inner,
    );
    m2_a_front_of_the_path_that_is_lost M2: through(
        |mut environ| {
            let mut request = Request::new(environ.take_input());
            *request.uri_mut() = http::Uri::from_static("/app");
            *request.extensions_mut() = std::mem::take(environ.extensions_mut());
            let mut rest = environ.with_request(request).unwrap();
            assert!(rest.shift_path("/app"));
            rest
        },
        |inner| inner,
    );
    m3_a_deadline_that_is_lost M3: {
        through(|environ| environ.with_times(Instant::now(), None), |inner| inner)
    };
    m4_needs_that_are_kept_back M4: {
        through(|environ| environ, |inner| requiring(Capabilities::TRAILERS, inner))
    };
}

#[test]
fn what_keeps_to_the_specification_is_left_as_it_is() {
    let app = lint(|mut environ: Environ| async move {
        let body = environ.input().read_all(100).await?;
        assert_eq!(environ.input().trailers().unwrap()["x-sum"], "7");
        Ok(text(Body::stream(Body::from(body))))
    });
    let mut environ = environ(Request::post("/x").header("host", "example.com"));
    environ.set_input(Input::from("hello").with_trailers(Some(fields("x-sum", "7"))));
    assert_eq!(environ.input().remaining(), Some(5));
    let response = block_on(app.call(environ)).unwrap();
    assert_eq!(response.body().length(), Some(5));
    let mut body = response.into_body();
    assert_eq!(
        next(&mut body).unwrap().unwrap().into_data().unwrap(),
        "hello"
    );
    assert!(next(&mut body).is_none());
    assert!(found(&app).is_empty());
}

/// They end the body: a host that has taken them has taken all.
#[test]
fn a_host_need_not_ask_for_more_after_the_trailers() {
    let app = lint(|_: Environ| async {
        let sum = Frame::trailers(fields("x-sum", "7"));
        Ok(streams([data("hello"), sum], "x-sum"))
    });
    let call = Call::new();
    let response = block_on(app.call(Environ::default().with_call(&call))).unwrap();
    let mut body = response.into_body();
    assert!(next(&mut body).is_some_and(|frame| frame.unwrap().is_data()));
    assert!(next(&mut body).is_some_and(|frame| frame.unwrap().is_trailers()));
    drop(body);
    call.finish(&Outcome::new(Some(StatusCode::OK), 5, Ending::Complete));
    assert_eq!(app.findings().list(), []);
}

#[test]
fn bodies_that_a_host_looks_into_stay_what_they_are() {
    let file = || Body::file(tempfile::tempfile().unwrap(), 0, 0);
    let app = lint(move |_: Environ| std::future::ready(Ok(text(file()))));
    let response = block_on(app.call(Environ::default())).unwrap();
    assert!(matches!(response.body().kind(), crate::BodyKind::File(_)));
}

#[test]
fn a_should_is_noted_and_a_must_fails_the_call() {
    let app = lint(|_: Environ| async { Ok(Response::new("x".into())) });
    assert!(block_on(app.call(Environ::default())).is_ok());
    assert!(app.findings().broken().is_empty());
    assert_eq!(found(&app), ["A7"]);
    let app = lint(|_: Environ| async { Ok(with_status(StatusCode::CONTINUE)) });
    let error = block_on(app.call(Environ::default())).unwrap_err();
    assert_eq!(error.downcast_ref::<Violation>().unwrap().clause(), "A1");
}

#[test]
fn middleware_of_this_crate_hands_the_call_on() {
    let inner = Arc::new(lint(requiring(Capabilities::TRAILERS, hello)));
    let needing = requiring(inner.requires(), Arc::clone(&inner));
    let outer = lint(crate::Mount::new().at("/app", crate::Head(needing)));
    let now = Instant::now();
    calls(
        &outer,
        environ(Request::get("/app/x")).with_times(now, Some(now)),
    );
    assert_eq!((found(&outer), found(&inner)), (vec![], vec![]));
}

#[test]
fn errors_of_the_application_are_its_own() {
    let app = lint(|mut environ: Environ| async move {
        environ.input().read_all(2).await?;
        Ok(text("read"))
    });
    let mut environ = environ(Request::post("/"));
    environ.set_input(Input::from("12345"));
    let error = block_on(app.call(environ)).unwrap_err();
    assert_eq!(
        error.downcast_ref(),
        Some(&InputError::TooLarge { limit: 2 })
    );
    assert!(found(&app).is_empty());
}

/// The clauses that were broken; but for the end of the call, of which nobody tells here.
fn found<A>(app: &Lint<A>) -> Vec<&'static str> {
    let list = app.findings().list();
    let clauses = list.iter().map(Violation::clause);
    clauses.filter(|clause| *clause != "H4").collect()
}

async fn hello(_environ: Environ) -> Result {
    Ok(text("hello"))
}

fn get() -> http::request::Builder {
    Request::get("/")
}

fn environ(request: http::request::Builder) -> Environ {
    Environ::from_request(request.body(Input::empty()).unwrap()).unwrap()
}

/// What a host gives, to an application that reads all of it.
fn gives(environ: Environ) -> Findings {
    let app = lint(|mut environ: Environ| async move {
        environ.input().read_all(100).await?;
        Ok(text("read"))
    });
    calls(&app, environ);
    app.findings()
}

fn reads(body: Frames) -> Findings {
    let mut environ = Environ::default();
    environ.set_input(Input::live(body));
    gives(environ)
}

/// What an application answers to GET, sent to its end.
fn answers(response: Response) -> Findings {
    let slot = std::sync::Mutex::new(Some(response));
    let app = lint(move |_: Environ| {
        let response = slot.lock().unwrap().take().unwrap();
        std::future::ready(Ok(response))
    });
    calls(&app, Environ::default());
    app.findings()
}

/// What a host tells of a call that answered `hello`.
fn tells(outcome: Outcome) -> Findings {
    let app = lint(hello);
    let call = Call::new();
    block_on(app.call(Environ::default().with_call(&call))).unwrap();
    call.finish(&outcome);
    app.findings()
}

/// Middleware that changes the environ, and how its needs are seen from inside, between two lints.
fn through<A: Application>(
    change: fn(Environ) -> Environ,
    needing: fn(Answering) -> A,
) -> Findings {
    let answer: Answering = |_| std::future::ready(Ok(text("x")));
    let inner = Arc::new(lint(needing(answer)));
    let findings = inner.findings();
    let outer = lint(Middle {
        inner: Arc::clone(&inner),
        change,
    });
    let call = Call::new();
    let now = Instant::now();
    let mut environ = environ(Request::get("/app/x")).with_call(&call);
    environ.shift_path("/app");
    calls(&outer, environ.with_times(now, Some(now)));
    call.cancel(CancelReason::Disconnected);
    assert!(
        outer
            .findings()
            .list()
            .iter()
            .all(|found| found.clause().starts_with('M'))
    );
    findings
}

type Answering = fn(Environ) -> std::future::Ready<Result>;

fn calls(app: &impl Application, environ: Environ) {
    if let Ok(response) = block_on(app.call(environ)) {
        let mut body = response.into_body();
        while let Some(Ok(_)) = next(&mut body) {}
    }
}

fn next(body: &mut Body) -> Option<Result<Frame<Bytes>>> {
    use http_body::Body as _;
    block_on(std::future::poll_fn(|cx| {
        Pin::new(&mut *body).poll_frame(cx)
    }))
}

fn with_status(status: StatusCode) -> Response {
    let mut response = text("hello");
    *response.status_mut() = status;
    response
}

fn with_field(name: &'static str, value: &'static str) -> Response {
    let mut response = text("hello");
    *response.headers_mut() = fields(name, value);
    response
}

fn fields(name: &'static str, value: &'static str) -> HeaderMap {
    let mut fields = HeaderMap::new();
    fields.insert(
        HeaderName::from_static(name),
        HeaderValue::from_static(value),
    );
    fields
}

fn data(text: &'static str) -> Frame<Bytes> {
    Frame::data(Bytes::from_static(text.as_bytes()))
}

fn streams<const N: usize>(frames: [Frame<Bytes>; N], announced: &'static str) -> Response {
    let mut response = text(Body::stream(Frames::of(frames)));
    let announced = HeaderValue::from_static(announced);
    response.headers_mut().insert("trailer", announced);
    response
}

/// Says one length and gives another, a byte at a time; what it says goes down if it `counts`.
fn lengths(says: u64, gives: usize, counts: bool) -> Frames {
    Frames::of((0..gives).map(|_| data("x"))).saying(says, counts)
}

//! HTTP/2 messages that hyper or h2 let by, or might: exact frames in, exact frames out.

#![allow(clippy::unwrap_used)] // a failure here is a failure of the test

mod common;

use common::frames::*;
use common::{Running, start};
use gateway_core::{Body, Environ, Error, Response, Result, text};
use http::HeaderValue;

async fn app(mut environ: Environ) -> Result {
    let mut answer = match environ.path_info() {
        "/iter" => Response::new(Body::iter(["a", "b"].map(Ok::<_, Error>))),
        "/stream" => Response::new(Body::stream(Body::from("stream"))),
        "/read" => text(environ.input().read_all(1 << 20).await?),
        _ => text("body"),
    };
    if environ.path_info() == "/length" {
        let headers = answer.headers_mut();
        headers.insert("content-length", HeaderValue::from_static("abc"));
    }
    Ok(answer)
}

/// What comes back for a request without a body: the status, or the code of a reset.
fn ask(server: &Running, fields: &[(&str, &str)]) -> std::result::Result<u16, u32> {
    let mut wire = Wire::open(server);
    let block: Vec<u8> = fields
        .iter()
        .flat_map(|(name, value)| field(name, value))
        .collect();
    wire.send(&[Frame::new(HEADERS, END_STREAM | END_HEADERS, 1, block)]);
    loop {
        let frame = wire.next().expect("an answer");
        match frame.kind {
            HEADERS => return Ok(frame.status()),
            RST_STREAM | GOAWAY => return Err(frame.code()),
            _ => {}
        }
    }
}

#[test]
fn no_data_answers_head() {
    let server = start(app);
    for path in ["/", "/iter", "/stream"] {
        let mut wire = Wire::open(&server);
        let block = head("HEAD", path);
        wire.send(&[Frame::new(HEADERS, END_STREAM | END_HEADERS, 1, block)]);
        let answer = wire.until_on(HEADERS, 1);
        assert_eq!(answer.status(), 200, "{path}");
        assert!(answer.ends_stream(), "{path}: DATA answers HEAD");
    }
}

#[test]
fn an_asterisk_is_a_target_of_options_only() {
    let server = start(app);
    for (method, expected) in [("OPTIONS", 200), ("GET", 400), ("POST", 400), ("HEAD", 400)] {
        let fields = [
            (":method", method),
            (":scheme", "http"),
            (":path", "*"),
            (":authority", "test.example"),
        ];
        assert_eq!(ask(&server, &fields), Ok(expected), "{method}");
    }
}

#[test]
fn an_authority_and_a_host_name_the_same() {
    let server = start(app);
    let named = |authority: Option<&'static str>, hosts: &[&'static str]| {
        let mut fields = vec![(":method", "GET"), (":scheme", "http"), (":path", "/")];
        fields.extend(authority.map(|authority| (":authority", authority)));
        fields.extend(hosts.iter().map(|host| ("host", *host)));
        ask(&server, &fields)
    };
    for (authority, hosts, expected) in [
        (Some("a"), &["a"][..], Ok(200)),
        (Some("a:80"), &["a"], Ok(200)),
        (None, &["a"], Ok(200)),
        (None, &[], Ok(400)),
        (Some("a"), &["b"], Ok(400)),
        (Some("a"), &["a:81"], Ok(400)),
        (Some("a"), &["a", "a"], Ok(400)),
        (Some("a"), &["a", "b"], Ok(400)),
        (Some("u@a"), &[], Ok(400)),
        (Some(""), &["a"], Err(PROTOCOL_ERROR)),
    ] {
        assert_eq!(named(authority, hosts), expected, "{authority:?} {hosts:?}");
    }
}

/// What h2 lets by, and HTTP/1 has refused.
#[test]
fn what_http1_refuses_is_refused_with_the_same_status() {
    let server = start(app);
    let long = "M".repeat(33);
    let request = |method: &str, path: &str, more: &[(&str, &str)]| {
        let fields = [
            (":method", method),
            (":scheme", "http"),
            (":path", path),
            (":authority", "a"),
        ];
        ask(&server, &[fields.as_slice(), more].concat())
    };
    for (method, expected) in [(&long[1..], 200), (&long, 501), ("G T", 400)] {
        let answered = request(method, "/", &[]);
        assert_eq!(answered.unwrap_or(400), expected, "{method}"); // or it is reset
    }
    for (path, expected) in [("/?q", 200), ("?q", 400), ("/\\", 400), ("/<", 400)] {
        let answered = request("GET", path, &[]);
        assert_eq!(answered.unwrap_or(400), expected, "{path}"); // or it is reset
    }
    for (more, expected) in [
        (&[("x", "1")][..], 200),
        (&[("x", " 1")], 400),
        (&[("x", "1 ")], 400),
        (&[("x", "1\t")], 400),
        (&[("x\"", "1")], 400),
        (&[("x_y", "1")], 400),
        (&[("content-length", "0")], 200),
        (&[("content-length", "")], 400),
        (&[("content-length", "0"), ("content-length", "0")], 400),
        (&[("expect", "tea")], 417),
    ] {
        assert_eq!(request("GET", "/", more), Ok(expected), "{more:?}");
    }
}

#[test]
fn trailers_are_those_that_http1_may_have() {
    let server = start(app);
    let many = [("x", "1"); 101];
    let long = "x".repeat(8 * 1024);
    for (trailers, expected) in [
        (&[("x", "1"), ("x-checksum", "7")][..], 200),
        (&[("content-length", "4")], 400),
        (&[("host", "a")], 400),
        (&[("authorization", "a")], 400),
        (&[("cookie", "a=1")], 400),
        (&[("x-forwarded-for", "::1")], 400),
        (&[("x_y", "1")], 400),
        (&[("x\"", "1")], 400),
        (&[("x", " 1")], 400),
        (&many, 431),
        (&[("x", long.as_str())], 431),
    ] {
        let mut wire = Wire::open(&server);
        let block: Vec<u8> = trailers
            .iter()
            .flat_map(|(name, value)| field(name, value))
            .collect();
        wire.send(&[
            Frame::new(HEADERS, END_HEADERS, 1, head("POST", "/read")),
            Frame::new(DATA, 0, 1, "body"),
            Frame::new(HEADERS, END_STREAM | END_HEADERS, 1, block),
        ]);
        let answer = wire.until_on(HEADERS, 1).status();
        assert_eq!(answer, expected, "{:?}", &trailers[..1]);
    }
}

/// Fields that belong to a connection have no place here (RFC 9113 §8.2.2), nor capitals (§8.2.1).
#[test]
fn malformed_requests_are_reset() {
    let server = start(app);
    let request = [
        (":method", "GET"),
        (":scheme", "http"),
        (":path", "/"),
        (":authority", "a"),
    ];
    for more in [
        ("connection", "close"),
        ("transfer-encoding", "chunked"),
        ("keep-alive", "5"),
        ("upgrade", "h2c"),
        ("te", "gzip"),
        ("X-Capital", "1"),
        (":path", "/again"),
        (":unknown", "1"),
    ] {
        let fields = [request.as_slice(), &[more]].concat();
        assert_eq!(ask(&server, &fields), Err(PROTOCOL_ERROR), "{more:?}");
    }
    assert_eq!(ask(&server, &request), Ok(200));
}

#[test]
fn a_body_that_is_not_what_was_declared_resets_its_stream() {
    let server = start(app);
    for (length, sent) in [
        ("3", "four"),
        ("5", "four"),
        ("4, 4", "four"),
        ("x", "four"),
    ] {
        let mut wire = Wire::open(&server);
        let block = [head("POST", "/read"), field("content-length", length)].concat();
        wire.send(&[
            Frame::new(HEADERS, END_HEADERS, 1, block),
            Frame::new(DATA, END_STREAM, 1, sent),
        ]);
        let answer = loop {
            let frame = wire.next().expect("an answer");
            if frame.kind == RST_STREAM || frame.kind == HEADERS {
                break frame;
            }
        };
        assert_eq!(answer.kind, RST_STREAM, "{length}");
        assert_eq!(answer.code(), PROTOCOL_ERROR, "{length}");
    }
}

#[test]
fn a_length_of_the_applications_that_is_no_number_is_a_500() {
    let server = start(app);
    let fields = [
        (":method", "GET"),
        (":scheme", "http"),
        (":path", "/length"),
        (":authority", "a"),
    ];
    assert_eq!(ask(&server, &fields), Ok(500));
}

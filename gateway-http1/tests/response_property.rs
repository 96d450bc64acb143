//! Whatever an application answers, an independent reader finds what it meant, and where it ends.

#![allow(clippy::unwrap_used, reason = "a test that fails says so")]

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use proptest::prelude::*;

use gateway_http1::{AfterResponse, BodyLength, Event, Exchange, Limits, Receiver, encode_head};

const DATE: &[u8; 29] = b"Sun, 06 Nov 1994 08:49:37 GMT";

/// What a client finds in the bytes of a response.
#[derive(Debug, Default, PartialEq)]
struct Found {
    status: u16,
    fields: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
    trailers: Vec<(String, Vec<u8>)>,
    /// What comes after the response.
    rest: Vec<u8>,
}

/// Reads a response as a client does (RFC 9112 §6.3), with httparse.
fn find(bytes: &[u8], no_body: bool) -> Found {
    let mut fields = [httparse::EMPTY_HEADER; 64];
    let mut response = httparse::Response::new(&mut fields);
    let head = response.parse(bytes).unwrap().unwrap();
    let mut found = Found {
        status: response.code.unwrap(),
        fields: owned(response.headers),
        ..Found::default()
    };
    let value = |name: &str| found.fields.iter().find(|(other, _)| other == name);
    let rest = &bytes[head..];
    if no_body || matches!(found.status, 204 | 304) {
        found.rest = rest.to_vec();
    } else if value("transfer-encoding").is_some() {
        assert!(value("content-length").is_none());
        unchunk(rest, &mut found);
    } else if let Some((_, length)) = value("content-length") {
        let length: usize = std::str::from_utf8(length).unwrap().parse().unwrap();
        (found.body, found.rest) = (rest[..length].to_vec(), rest[length..].to_vec());
    } else {
        found.body = rest.to_vec();
    }
    found
}

fn unchunk(mut rest: &[u8], found: &mut Found) {
    loop {
        let (line, size) = httparse::parse_chunk_size(rest).unwrap().unwrap();
        rest = &rest[line..];
        if size == 0 {
            let mut fields = [httparse::EMPTY_HEADER; 64];
            let (used, trailers) = httparse::parse_headers(rest, &mut fields).unwrap().unwrap();
            found.trailers = owned(trailers);
            found.rest = rest[used..].to_vec();
            return;
        }
        let (data, after) = rest.split_at(size as usize);
        found.body.extend_from_slice(data);
        rest = after.strip_prefix(b"\r\n").unwrap();
    }
}

fn owned(fields: &[httparse::Header<'_>]) -> Vec<(String, Vec<u8>)> {
    let own = |field: &httparse::Header<'_>| (field.name.to_owned(), field.value.to_vec());
    fields.iter().map(own).collect()
}

fn exchange(method: &str, http11: bool, close: bool) -> Exchange {
    let version = if http11 { "1.1" } else { "1.0" };
    let connection = if close { "close" } else { "keep-alive" };
    let request =
        format!("{method} / HTTP/{version}\r\nHost: a\r\nConnection: {connection}\r\n\r\n");
    match Receiver::new(Limits::default())
        .receive(request.as_bytes())
        .unwrap()
        .event
    {
        Some(Event::Head(head)) => head.exchange(),
        other => panic!("{other:?}"),
    }
}

fn field() -> impl Strategy<Value = (HeaderName, HeaderValue)> {
    ("x-[a-z]{1,3}", "([!-~\u{e9}]([ \t!-~]{0,8}[!-~])?)?").prop_map(|(name, value)| {
        let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
        (name, HeaderValue::from_bytes(value.as_bytes()).unwrap())
    })
}

fn fields() -> impl Strategy<Value = HeaderMap> {
    prop::collection::vec(field(), 0..6).prop_map(|fields| fields.into_iter().collect())
}

fn listed(fields: &HeaderMap) -> Vec<(String, Vec<u8>)> {
    let own = |(name, value): (&HeaderName, &HeaderValue)| {
        (name.as_str().to_owned(), value.as_bytes().to_vec())
    };
    fields.iter().map(own).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_client_reads_what_the_application_meant(
        method in prop_oneof![Just("GET"), Just("HEAD"), Just("POST")],
        (http11, close, known) in any::<(bool, bool, bool)>(),
        status in prop_oneof![Just(200u16), Just(404), Just(304), 200..204u16, 206..600u16],
        fields in fields(),
        trailers in fields(),
        pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..6),
    ) {
        let body = pieces.concat();
        let length = if known { BodyLength::Known(body.len() as u64) } else { BodyLength::Unknown };
        let exchange = exchange(method, http11, close);
        let mut out = Vec::new();
        let status = StatusCode::from_u16(status).unwrap();
        let mut encoder = encode_head(&mut out, &exchange, status, &fields, length, DATE).unwrap();
        let chunked = out.windows(26).any(|window| window == b"transfer-encoding: chunked");
        let wants_body = encoder.wants_body();
        for piece in &pieces {
            encoder.data(piece, &mut out).unwrap();
        }
        let after = encoder.end(Some(&trailers), &mut out).unwrap();
        if after == AfterResponse::KeepAlive {
            out.extend_from_slice(b"next");
        }

        let found = find(&out, method == "HEAD");
        prop_assert_eq!(found.status, status.as_u16());
        prop_assert_eq!(&found.fields[..fields.len()], &listed(&fields)[..]);
        prop_assert_eq!(found.body, if wants_body { body } else { Vec::new() });
        prop_assert_eq!(found.trailers, if chunked { listed(&trailers) } else { Vec::new() });
        let says = |value: &[u8]| found.fields.iter().any(|field| field.0 == "connection" && field.1 == value);
        match after {
            AfterResponse::KeepAlive => {
                prop_assert_eq!(found.rest, b"next");
                prop_assert!(!says(b"close") && (http11 || says(b"keep-alive")));
            }
            AfterResponse::Close(_) => {
                prop_assert!(found.rest.is_empty());
                prop_assert!(says(b"close"));
            }
            AfterResponse::Upgrade => prop_assert!(false, "no upgrade was offered"),
        }
    }
}

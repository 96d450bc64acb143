//! Responses: what is written, read again by another reader, is what the application gave.

use arbitrary::{Arbitrary, Unstructured};
use gateway_http1::{
    AfterResponse, BodyLength, Encoder, Event, Exchange, Limits, Receiver, encode_head,
    encode_interim,
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use crate::oracle::{Field, by_name, listed, owned, unchunk, values};

const DATE: &[u8; 29] = b"Sun, 06 Nov 1994 08:49:37 GMT";

/// Names that mean something to the encoder: the fuzzer would be long in finding them.
const NAMES: [&str; 16] = [
    "content-length",
    "transfer-encoding",
    "connection",
    "upgrade",
    "te",
    "keep-alive",
    "proxy-connection",
    "trailer",
    "date",
    "host",
    "set-cookie",
    "content-type",
    "x-a",
    "x-b",
    "server",
    "authorization",
];

const VALUES: [&[u8]; 10] = [
    b"0",
    b"1",
    b"5",
    b"close",
    b"upgrade",
    b"keep-alive",
    b"chunked",
    b"websocket",
    b"close, upgrade",
    b"18446744073709551616",
];

/// Nothing an application gives adds a line to a head, a field to it, or a byte to the connection: httparse
/// finds the fields that were given and the host's own, and a body as long as it says.
pub fn response(bytes: &[u8]) {
    let mut input = Unstructured::new(bytes);
    if let Ok(answer) = Answer::arbitrary(&mut input) {
        answer.interim();
        answer.final_one();
    }
}

#[derive(Arbitrary, Debug)]
struct Answer {
    method: Method,
    http10: bool,
    closes: bool,
    upgrades: bool,
    status: u16,
    fields: Vec<(Name, Value)>,
    known: Option<u8>,
    pieces: Vec<(bool, Vec<u8>)>,
    trailers: Vec<(Name, Value)>,
}

#[derive(Arbitrary, Clone, Copy, Debug, PartialEq)]
enum Method {
    Get,
    Head,
    Post,
    Connect,
}

#[derive(Arbitrary, Debug)]
enum Name {
    Known(u8),
    Any(Vec<u8>),
}

#[derive(Arbitrary, Debug)]
enum Value {
    Known(u8),
    Any(Vec<u8>),
}

impl Answer {
    fn interim(&self) {
        let (fields, mut out) = (map(&self.fields), b"before".to_vec());
        let status = StatusCode::from_u16(100 + self.status % 100).unwrap();
        match encode_interim(&mut out, &self.exchange(), status, &fields) {
            Ok(true) => {
                let head = Head::read(&out[6..]);
                assert_eq!((head.status, head.length), (status.as_u16(), out.len() - 6));
                assert_eq!(head.fields, listed(&fields));
                assert!(values(&head.fields, "content-length").is_empty());
                assert!(values(&head.fields, "transfer-encoding").is_empty());
            }
            Ok(false) => assert!(self.http10 && out == b"before"),
            Err(_) => assert_eq!(out, b"before"),
        }
    }

    fn final_one(&self) {
        let (fields, exchange) = (map(&self.fields), self.exchange());
        let Ok(status) = StatusCode::from_u16(self.status % 1000) else {
            return;
        };
        let body: Vec<u8> = self
            .pieces
            .iter()
            .flat_map(|(_, piece)| piece.clone())
            .collect();
        let length = match self.known {
            None => BodyLength::Unknown,
            Some(0) => BodyLength::Known(0),
            Some(more) => BodyLength::Known(body.len() as u64 + u64::from(more) - 1),
        };
        let mut out = b"before".to_vec();
        let encoder = match encode_head(&mut out, &exchange, status, &fields, length, DATE) {
            Ok(encoder) => encoder,
            Err(error) => {
                assert_eq!(error.status(), StatusCode::INTERNAL_SERVER_ERROR);
                return assert_eq!(out, b"before");
            }
        };
        let head = Head::read(&out[6..]);
        assert_eq!((head.status, head.length), (status.as_u16(), out.len() - 6));
        self.check_fields(&head, &fields);
        self.check_body(encoder, &head, &body);
    }

    /// The application's fields, as they are and in their order, and each of the host's own at most once.
    fn check_fields(&self, head: &Head, fields: &HeaderMap) {
        let is_framing = |(name, _): &Field| {
            ["content-length", "transfer-encoding", "connection"].contains(&&**name)
        };
        let mut given = listed(fields);
        let own_date = !fields.contains_key("date");
        given.retain(|field| !is_framing(field));
        if own_date {
            given.push(("date".into(), DATE.to_vec()));
        }
        let mut others = head.fields.clone();
        others.retain(|field| !is_framing(field));
        assert_eq!(others, given);
        assert!(values(&head.fields, "connection").len() <= 1);
        let framing = values(&head.fields, "content-length").len()
            + values(&head.fields, "transfer-encoding").len();
        assert!(framing <= 1);
    }

    /// A recipient that goes by the head alone finds the body and its end (RFC 9112 §6.3).
    fn check_body(&self, mut encoder: Encoder, head: &Head, body: &[u8]) {
        let wants_body = encoder.wants_body();
        let mut out = Vec::new();
        let mut sound = true;
        for (copied, piece) in &self.pieces {
            let written = if *copied {
                encoder.data(piece, &mut out)
            } else {
                let begun = encoder.begin_chunk(piece.len() as u64, &mut out);
                if begun.is_ok() {
                    out.extend_from_slice(piece);
                }
                begun
            };
            sound &= written.is_ok();
        }
        let trailers = map(&self.trailers);
        let sent = out.len();
        let after = encoder.end(Some(&trailers), &mut out);
        let head_only = self.method == Method::Head
            || matches!(head.status, 100..=199 | 204 | 304)
            || (self.method == Method::Connect && head.status / 100 == 2);
        let length = values(&head.fields, "content-length");
        if head_only {
            assert!(!wants_body && out.is_empty());
        } else if let [length] = &*length {
            let length: usize = String::from_utf8_lossy(length).parse().unwrap();
            assert!(out.len() <= length);
            assert_eq!(after.is_ok(), out.len() == length);
            assert!(!sound || !wants_body || out == body);
        } else if values(&head.fields, "transfer-encoding") == [b"chunked"] {
            if after.is_ok() {
                let found = unchunk(&out).expect("it is chunked, and whole");
                assert_eq!(found.used, out.len());
                assert_eq!(found.body, body);
                assert_eq!(by_name(found.trailers), by_name(listed(&trailers)));
            } else {
                assert!(unchunk(&out).is_none(), "what is cut looks whole");
            }
        } else {
            assert!(matches!(after, Ok(AfterResponse::Close(_))), "{after:?}");
            assert_eq!((&out[..], out.len()), (body, sent));
        }
        self.check_connection(head, after.ok());
    }

    fn check_connection(&self, head: &Head, after: Option<AfterResponse>) {
        let options = values(&head.fields, "connection").concat();
        let says = |option: &[u8]| {
            options
                .split(|byte| *byte == b',')
                .any(|it| it.trim_ascii() == option)
        };
        match after {
            None => {}
            Some(AfterResponse::KeepAlive) => {
                assert!(!says(b"close") && !self.closes);
                assert!(!self.http10 || says(b"keep-alive") || says(b"upgrade"));
            }
            Some(AfterResponse::Close(_)) => assert!(says(b"close")),
            Some(AfterResponse::Upgrade) => {
                let tunnel = self.method == Method::Connect && head.status / 100 == 2;
                assert!(tunnel || (head.status == 101 && self.upgrades && says(b"upgrade")));
            }
        }
    }

    fn exchange(&self) -> Exchange {
        let (method, target) = match self.method {
            Method::Get => ("GET", "/"),
            Method::Head => ("HEAD", "/"),
            Method::Post => ("POST", "/"),
            Method::Connect => ("CONNECT", "a:1"),
        };
        let version = if self.http10 { "1.0" } else { "1.1" };
        let connection = if self.closes { "close" } else { "keep-alive" };
        let upgrade = match self.upgrades {
            true => "Connection: upgrade\r\nUpgrade: x\r\n",
            false => "",
        };
        let request = format!(
            "{method} {target} HTTP/{version}\r\nHost: a:1\r\nConnection: {connection}\r\n{upgrade}\r\n"
        );
        let received = Receiver::new(Limits::default()).receive(request.as_bytes());
        match received.map(|received| received.event) {
            Ok(Some(Event::Head(head))) => head.exchange(),
            other => panic!("{other:?}"),
        }
    }
}

fn map(fields: &[(Name, Value)]) -> HeaderMap {
    let field = |(name, value): &(Name, Value)| {
        let name = match name {
            Name::Known(number) => NAMES[usize::from(*number) % NAMES.len()].as_bytes(),
            Name::Any(name) => name,
        };
        let value = match value {
            Value::Known(number) => VALUES[usize::from(*number) % VALUES.len()],
            Value::Any(value) => value,
        };
        Some((
            HeaderName::from_bytes(name).ok()?,
            HeaderValue::from_bytes(value).ok()?,
        ))
    };
    fields.iter().take(60).filter_map(field).collect()
}

/// A head as httparse finds it.
struct Head {
    status: u16,
    fields: Vec<Field>,
    length: usize,
}

impl Head {
    fn read(bytes: &[u8]) -> Self {
        let mut fields = [httparse::EMPTY_HEADER; 64];
        let mut response = httparse::Response::new(&mut fields);
        let length = response.parse(bytes).expect("httparse reads it").unwrap();
        Self {
            status: response.code.expect("a head has a status"),
            fields: owned(response.headers),
            length,
        }
    }
}

//! Responses: what goes onto the connection, and what is refused.

#![allow(clippy::unwrap_used, reason = "a test that fails says so")]

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use gateway_http1::{
    AfterResponse, BodyLength, CloseReason, EncodeError, Encoder, Error, Event, Exchange, Fault,
    Limits, Receiver, encode_head, encode_interim,
};

const DATE: &[u8; 29] = b"Sun, 06 Nov 1994 08:49:37 GMT";

/// The exchange of a request with this request line and these fields.
fn exchange(request_line: &str, fields: &str) -> Exchange {
    let bytes = format!("{request_line}\r\nHost: a:80\r\n{fields}\r\n");
    let received = Receiver::new(Limits::default()).receive(bytes.as_bytes());
    match received.unwrap().event {
        Some(Event::Head(head)) => head.exchange(),
        other => panic!("{other:?}"),
    }
}

fn get() -> Exchange {
    exchange("GET / HTTP/1.1", "")
}

fn get_http10() -> Exchange {
    exchange("GET / HTTP/1.0", "")
}

fn fields(fields: &[(&str, &str)]) -> HeaderMap {
    let pair = |(name, value): &(&str, &str)| {
        let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
        (name, HeaderValue::from_str(value).unwrap())
    };
    fields.iter().map(pair).collect()
}

/// A response as a host makes it.
struct Response {
    exchange: Exchange,
    status: u16,
    fields: HeaderMap,
    length: BodyLength,
}

impl Response {
    fn new(exchange: Exchange, status: u16, length: BodyLength) -> Self {
        Self {
            exchange,
            status,
            fields: HeaderMap::new(),
            length,
        }
    }

    fn with(mut self, own: &[(&str, &str)]) -> Self {
        self.fields = fields(own);
        self
    }

    fn encode(&self, out: &mut Vec<u8>) -> Result<Encoder, EncodeError> {
        let status = StatusCode::from_u16(self.status).unwrap();
        encode_head(out, &self.exchange, status, &self.fields, self.length, DATE)
    }

    /// What is written for a body of these pieces, and what becomes of the connection.
    fn send(&self, pieces: &[&str]) -> Result<(String, AfterResponse), EncodeError> {
        let mut out = Vec::new();
        let mut encoder = self.encode(&mut out)?;
        for piece in pieces {
            encoder.data(piece.as_bytes(), &mut out)?;
        }
        let after = encoder.end(None, &mut out)?;
        Ok((String::from_utf8(out).unwrap(), after))
    }

    /// The error, having made sure that nothing was written with it.
    fn refusal(&self) -> EncodeError {
        let mut out = b"earlier".to_vec();
        let error = self.encode(&mut out).expect_err("is refused");
        assert_eq!(out, b"earlier");
        assert_eq!(error.fault(), Fault::Application);
        assert_eq!(error.status(), 500);
        error
    }
}

/// The text of a response: fields, then Date, then body.
fn text(head: &str, body: &str) -> String {
    format!("HTTP/1.1 {head}\r\ndate: Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\n{body}")
}

const KEEP: AfterResponse = AfterResponse::KeepAlive;

#[test]
fn a_known_length_is_declared() {
    let sent = Response::new(get(), 200, BodyLength::Known(5)).send(&["hel", "", "lo"]);
    assert_eq!(
        sent,
        Ok((text("200 OK\r\ncontent-length: 5", "hello"), KEEP))
    );
    let sent = Response::new(get(), 404, BodyLength::Known(0)).send(&[]);
    assert_eq!(
        sent,
        Ok((text("404 Not Found\r\ncontent-length: 0", ""), KEEP))
    );
}

#[test]
fn an_unknown_length_is_chunked() {
    let response = Response::new(get(), 200, BodyLength::Unknown);
    let sent = response.send(&["hello world, seventeen", "", "!"]);
    let body = "16\r\nhello world, seventeen\r\n1\r\n!\r\n0\r\n\r\n";
    assert_eq!(
        sent,
        Ok((text("200 OK\r\ntransfer-encoding: chunked", body), KEEP))
    );
}

#[test]
fn an_unknown_length_is_told_to_http10_by_closing() {
    let sent = Response::new(get_http10(), 200, BodyLength::Unknown).send(&["hello"]);
    let after = AfterResponse::Close(CloseReason::ClientAsked);
    assert_eq!(
        sent,
        Ok((text("200 OK\r\nconnection: close", "hello"), after))
    );

    let keep_alive = exchange("GET / HTTP/1.0", "Connection: keep-alive\r\n");
    let sent = Response::new(keep_alive, 200, BodyLength::Unknown).send(&["hello"]);
    let after = AfterResponse::Close(CloseReason::UndelimitedResponse);
    assert_eq!(
        sent,
        Ok((text("200 OK\r\nconnection: close", "hello"), after))
    );
}

#[test]
fn http10_is_told_that_the_connection_is_kept() {
    let keep_alive = exchange("GET / HTTP/1.0", "Connection: keep-alive\r\n");
    let sent = Response::new(keep_alive, 200, BodyLength::Known(2)).send(&["hi"]);
    let head = "200 OK\r\ncontent-length: 2\r\nconnection: keep-alive";
    assert_eq!(sent, Ok((text(head, "hi"), KEEP)));
}

#[test]
fn the_application_s_own_fields_go_out_in_order() {
    let own = [
        ("x-b", "1"),
        ("set-cookie", "a=1"),
        ("set-cookie", "b=2"),
        ("x-a", ""),
    ];
    let sent = Response::new(get(), 200, BodyLength::Known(0))
        .with(&own)
        .send(&[]);
    let head =
        "200 OK\r\nx-b: 1\r\nset-cookie: a=1\r\nset-cookie: b=2\r\nx-a: \r\ncontent-length: 0";
    assert_eq!(sent, Ok((text(head, ""), KEEP)));
}

#[test]
fn the_application_s_own_date_is_the_one_sent() {
    let own = [("date", "Mon, 07 Nov 1994 08:49:37 GMT")];
    let sent = Response::new(get(), 200, BodyLength::Known(0))
        .with(&own)
        .send(&[]);
    let text =
        "HTTP/1.1 200 OK\r\ndate: Mon, 07 Nov 1994 08:49:37 GMT\r\ncontent-length: 0\r\n\r\n";
    assert_eq!(sent, Ok((text.into(), KEEP)));
}

#[test]
fn the_application_s_own_length_is_honoured_where_it_agrees() {
    let own = [("Content-Length", "2")];
    for length in [BodyLength::Known(2), BodyLength::Unknown] {
        let sent = Response::new(get(), 200, length).with(&own).send(&["hi"]);
        assert_eq!(sent, Ok((text("200 OK\r\ncontent-length: 2", "hi"), KEEP)));
    }
}

#[test]
fn the_application_s_own_length_is_refused_where_it_differs() {
    let response = Response::new(get(), 200, BodyLength::Known(3)).with(&[("content-length", "2")]);
    let mismatch = EncodeError::ContentLengthMismatch {
        declared: 2,
        actual: 3,
    };
    assert_eq!(response.refusal(), mismatch);
}

#[test]
fn an_unsound_length_is_refused() {
    for own in ["", "+2", "abc", "2, 2", "0x2", "18446744073709551616"] {
        let own = [("content-length", own)];
        let response = Response::new(get(), 200, BodyLength::Known(2)).with(&own);
        assert_eq!(
            response.refusal(),
            EncodeError::InvalidContentLength,
            "{own:?}"
        );
    }
    let own = [("content-length", "2"), ("content-length", "2")];
    let response = Response::new(get(), 200, BodyLength::Known(2)).with(&own);
    assert_eq!(response.refusal(), EncodeError::InvalidContentLength);
}

#[test]
fn head_declares_what_get_would_and_sends_nothing() {
    let head = exchange("HEAD / HTTP/1.1", "");
    for (own, length, line) in [
        (&[][..], BodyLength::Known(5), "\r\ncontent-length: 5"),
        (
            &[("content-length", "7")],
            BodyLength::Known(0),
            "\r\ncontent-length: 7",
        ),
        (
            &[("content-length", "7")],
            BodyLength::Unknown,
            "\r\ncontent-length: 7",
        ),
        (&[], BodyLength::Known(0), ""),
        (&[], BodyLength::Unknown, ""),
    ] {
        let sent = Response::new(head, 200, length).with(own).send(&["hello"]);
        assert_eq!(
            sent,
            Ok((text(&format!("200 OK{line}"), ""), KEEP)),
            "{own:?} {length:?}"
        );
    }
    let response = Response::new(head, 200, BodyLength::Known(5)).with(&[("content-length", "7")]);
    let mismatch = EncodeError::ContentLengthMismatch {
        declared: 7,
        actual: 5,
    };
    assert_eq!(response.refusal(), mismatch);
}

#[test]
fn not_modified_may_declare_the_length_and_sends_nothing() {
    let response = Response::new(get(), 304, BodyLength::Known(5)).with(&[("content-length", "7")]);
    let sent = response.send(&["hello"]);
    assert_eq!(
        sent,
        Ok((text("304 Not Modified\r\ncontent-length: 7", ""), KEEP))
    );
    let sent = Response::new(get(), 304, BodyLength::Known(5)).send(&[]);
    assert_eq!(sent, Ok((text("304 Not Modified", ""), KEEP)));
}

#[test]
fn no_content_has_neither_body_nor_length() {
    for length in [BodyLength::Known(0), BodyLength::Unknown] {
        let response = Response::new(get(), 204, length).with(&[("content-length", "0")]);
        assert_eq!(response.send(&[]), Ok((text("204 No Content", ""), KEEP)));
        let sent = Response::new(get(), 205, length).send(&[]);
        assert_eq!(
            sent,
            Ok((text("205 Reset Content\r\ncontent-length: 0", ""), KEEP))
        );
    }
    for status in [204, 205] {
        let with_body = Response::new(get(), status, BodyLength::Known(1));
        assert_eq!(with_body.refusal(), EncodeError::BodyNotAllowed(status));
        let with_length = Response::new(get(), status, BodyLength::Unknown);
        let with_length = with_length.with(&[("content-length", "1")]);
        assert_eq!(with_length.refusal(), EncodeError::InvalidContentLength);
    }
}

#[test]
fn the_host_is_told_where_there_is_no_body_to_send() {
    let head = exchange("HEAD / HTTP/1.1", "");
    for (exchange, status, wanted) in [
        (get(), 200, true),
        (get(), 204, false),
        (get(), 304, false),
        (head, 200, false),
    ] {
        let mut out = Vec::new();
        let mut encoder = Response::new(exchange, status, BodyLength::Unknown)
            .encode(&mut out)
            .unwrap();
        assert_eq!(encoder.wants_body(), wanted, "{status}");
        let written = out.len();
        let begun = encoder.begin_chunk(5, &mut out);
        assert_eq!(begun.is_ok(), wanted);
        if !wanted {
            assert_eq!(begun, Err(EncodeError::BodyNotAllowed(status)));
            assert_eq!(encoder.remaining(), Some(0));
            assert_eq!(out.len(), written);
        }
    }
}

#[test]
fn a_body_longer_than_declared_is_stopped_at_the_piece_that_is_too_long() {
    let mut out = Vec::new();
    let mut encoder = Response::new(get(), 200, BodyLength::Known(5))
        .encode(&mut out)
        .unwrap();
    encoder.data(b"hell", &mut out).unwrap();
    let written = out.len();
    let too_long = Err(EncodeError::TooLong { declared: 5 });
    assert_eq!(encoder.data(b"o!", &mut out), too_long);
    assert_eq!(encoder.begin_chunk(2, &mut out), too_long);
    assert_eq!((out.len(), encoder.remaining()), (written, Some(1)));
}

#[test]
fn a_body_shorter_than_declared_is_an_error_at_its_end() {
    let sent = Response::new(get(), 200, BodyLength::Known(5)).send(&["hell"]);
    assert_eq!(sent, Err(EncodeError::TooShort { missing: 1 }));
}

#[test]
fn pieces_that_the_host_sends_itself_are_framed_alike() {
    for (length, body) in [
        (BodyLength::Known(7), "hello, "),
        (BodyLength::Unknown, "5\r\nhello\r\n2\r\n, \r\n0\r\n\r\n"),
    ] {
        let mut out = Vec::new();
        let mut encoder = Response::new(get(), 200, length).encode(&mut out).unwrap();
        let head = out.len();
        for piece in [&b"hello"[..], b"", b", "] {
            encoder.begin_chunk(piece.len() as u64, &mut out).unwrap();
            out.extend_from_slice(piece);
            encoder.end_chunk(&mut out);
        }
        assert_eq!(encoder.end(None, &mut out), Ok(KEEP));
        assert_eq!(&out[head..], body.as_bytes());
    }
}

#[test]
fn a_piece_that_was_not_ended_is_ended_by_what_follows() {
    let mut out = Vec::new();
    let mut encoder = Response::new(get(), 200, BodyLength::Unknown)
        .encode(&mut out)
        .unwrap();
    let head = out.len();
    for piece in ["a", "b"] {
        encoder.begin_chunk(1, &mut out).unwrap();
        out.extend_from_slice(piece.as_bytes());
    }
    assert_eq!(encoder.end(None, &mut out), Ok(KEEP));
    assert_eq!(&out[head..], b"1\r\na\r\n1\r\nb\r\n0\r\n\r\n");
}

#[test]
fn trailers_follow_a_chunked_body_and_no_other() {
    let trailers = fields(&[("x-checksum", "abc")]);
    for (length, body) in [
        (BodyLength::Unknown, "0\r\nx-checksum: abc\r\n\r\n"),
        (BodyLength::Known(0), ""),
    ] {
        let mut out = Vec::new();
        let encoder = Response::new(get(), 200, length).encode(&mut out).unwrap();
        let head = out.len();
        assert_eq!(encoder.end(Some(&trailers), &mut out), Ok(KEEP));
        assert_eq!(&out[head..], body.as_bytes());
    }
}

#[test]
fn trailers_that_come_too_late_to_matter_are_refused() {
    for name in [
        "content-length",
        "transfer-encoding",
        "set-cookie",
        "content-type",
        "connection",
    ] {
        let mut out = Vec::new();
        let encoder = Response::new(get(), 200, BodyLength::Unknown)
            .encode(&mut out)
            .unwrap();
        let head = out.len();
        let trailers = fields(&[("x", "y"), (name, "1")]);
        let ended = encoder.end(Some(&trailers), &mut out);
        assert_eq!(ended, Err(EncodeError::ForbiddenTrailer(name)));
        assert_eq!(out.len(), head);
    }
}

#[test]
fn a_connection_closes_for_the_first_reason_there_is() {
    let mut stopping = get();
    stopping.close(CloseReason::Shutdown);
    stopping.close(CloseReason::RequestLimit);
    assert_eq!(stopping.closing(), Some(CloseReason::Shutdown));
    let asked = exchange("GET / HTTP/1.1", "Connection: close\r\n");
    for (exchange, own, reason) in [
        (stopping, &[][..], CloseReason::Shutdown),
        (asked, &[("connection", "close")], CloseReason::ClientAsked),
        (
            get(),
            &[("connection", "Close")],
            CloseReason::ApplicationAsked,
        ),
    ] {
        let sent = Response::new(exchange, 200, BodyLength::Known(0))
            .with(own)
            .send(&[]);
        let head = "200 OK\r\ncontent-length: 0\r\nconnection: close";
        assert_eq!(sent, Ok((text(head, ""), AfterResponse::Close(reason))));
    }
}

#[test]
fn a_refused_request_is_answered_and_the_connection_closed() {
    let error = Receiver::new(Limits::default()).receive(b"\n").unwrap_err();
    assert_eq!(error, Error::BareLineFeed);
    let status = error.status().as_u16();
    let sent = Response::new(Exchange::refused(error), status, BodyLength::Known(0)).send(&[]);
    let after = AfterResponse::Close(CloseReason::Refused(error));
    let head = "400 Bad Request\r\ncontent-length: 0\r\nconnection: close";
    assert_eq!(sent, Ok((text(head, ""), after)));
}

#[test]
fn fields_of_the_connection_are_the_host_s() {
    for (name, value) in [
        ("transfer-encoding", "chunked"),
        ("connection", "keep-alive"),
        ("connection", "upgrade"),
        ("connection", "close, x"),
        ("keep-alive", "timeout=5"),
        ("proxy-connection", "close"),
        ("te", "trailers"),
        ("upgrade", "h2c"),
    ] {
        let response = Response::new(get(), 200, BodyLength::Known(0)).with(&[(name, value)]);
        assert_eq!(response.refusal(), EncodeError::HopByHop(name), "{value}");
    }
}

#[test]
fn switching_protocols_hands_the_connection_over() {
    let offer = exchange("GET / HTTP/1.1", "Connection: upgrade\r\nUpgrade: x\r\n");
    let own = [("upgrade", "x"), ("connection", "Upgrade")];
    let sent = Response::new(offer, 101, BodyLength::Known(0))
        .with(&own)
        .send(&["dropped"]);
    let head = "101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade";
    assert_eq!(sent, Ok((text(head, ""), AfterResponse::Upgrade)));

    let unnamed = Response::new(offer, 101, BodyLength::Known(0));
    assert_eq!(unnamed.refusal(), EncodeError::InvalidUpgrade);
    let with_body = Response::new(offer, 101, BodyLength::Known(1)).with(&own);
    assert_eq!(with_body.refusal(), EncodeError::BodyNotAllowed(101));
    let unasked = Response::new(get(), 101, BodyLength::Known(0)).with(&own);
    assert_eq!(unasked.refusal(), EncodeError::InvalidUpgrade);
}

#[test]
fn upgrade_required_says_what_to() {
    let own = [("upgrade", "TLS/1.0")];
    let sent = Response::new(get(), 426, BodyLength::Known(0))
        .with(&own)
        .send(&[]);
    let head =
        "426 Upgrade Required\r\nupgrade: TLS/1.0\r\ncontent-length: 0\r\nconnection: upgrade";
    assert_eq!(sent, Ok((text(head, ""), KEEP)));
}

#[test]
fn success_of_connect_hands_the_connection_over() {
    let connect = exchange("CONNECT a:80 HTTP/1.1", "");
    let sent = Response::new(connect, 200, BodyLength::Known(0)).send(&[]);
    assert_eq!(sent, Ok((text("200 OK", ""), AfterResponse::Upgrade)));
    let refused = Response::new(connect, 405, BodyLength::Known(0)).send(&[]);
    let after = AfterResponse::Close(CloseReason::ClientAsked);
    let head = "405 Method Not Allowed\r\ncontent-length: 0\r\nconnection: close";
    assert_eq!(refused, Ok((text(head, ""), after)));
}

#[test]
fn only_final_statuses_end_an_exchange() {
    for status in [100, 102, 103, 199, 600, 999] {
        let response = Response::new(get(), status, BodyLength::Known(0));
        assert_eq!(response.refusal(), EncodeError::NotFinal(status));
    }
    let sent = Response::new(get(), 299, BodyLength::Known(0)).send(&[]);
    assert_eq!(sent, Ok((text("299 \r\ncontent-length: 0", ""), KEEP)));
}

#[test]
fn an_interim_response_comes_before_the_final_one() {
    let mut out = Vec::new();
    let link = fields(&[("link", "</a.css>; rel=preload")]);
    let early_hints = StatusCode::from_u16(103).unwrap();
    assert_eq!(
        encode_interim(&mut out, &get(), early_hints, &link),
        Ok(true)
    );
    assert_eq!(
        out,
        b"HTTP/1.1 103 Early Hints\r\nlink: </a.css>; rel=preload\r\n\r\n"
    );

    out.clear();
    let none = HeaderMap::new();
    assert_eq!(
        encode_interim(&mut out, &get(), StatusCode::CONTINUE, &none),
        Ok(true)
    );
    assert_eq!(out, gateway_http1::CONTINUE);
}

#[test]
fn http10_gets_no_interim_response() {
    let mut out = Vec::new();
    let none = HeaderMap::new();
    let sent = encode_interim(&mut out, &get_http10(), StatusCode::CONTINUE, &none);
    assert_eq!((sent, out.len()), (Ok(false), 0));
}

#[test]
fn an_interim_response_frames_nothing_and_is_not_final() {
    for (status, own, error) in [
        (101, &[][..], EncodeError::NotInterim(101)),
        (200, &[], EncodeError::NotInterim(200)),
        (
            103,
            &[("content-length", "0")],
            EncodeError::InvalidContentLength,
        ),
        (
            103,
            &[("transfer-encoding", "chunked")],
            EncodeError::HopByHop("transfer-encoding"),
        ),
        (
            103,
            &[("connection", "close")],
            EncodeError::HopByHop("connection"),
        ),
        (103, &[("upgrade", "x")], EncodeError::HopByHop("upgrade")),
    ] {
        let mut out = Vec::new();
        let status = StatusCode::from_u16(status).unwrap();
        let sent = encode_interim(&mut out, &get(), status, &fields(own));
        assert_eq!((sent, out.len()), (Err(error), 0));
    }
}

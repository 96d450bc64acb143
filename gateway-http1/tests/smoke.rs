//! A whole cycle.

use gateway_http1::{BodyLength, Event, Limits, Receiver, encode_head};

#[test]
fn reads_a_request_and_answers_it() {
    let mut receiver = Receiver::new(Limits::default());
    let input = b"POST /a?b HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nx: y\r\n\r\nGET /";
    let received = receiver.receive(input).unwrap();
    let Some(Event::Head(head)) = received.event else {
        panic!()
    };
    assert_eq!(head.authority(), Some("x"));
    let rest = &input[received.used..];
    let received = receiver.receive(rest).unwrap();
    let Some(Event::Data(range)) = received.event else {
        panic!()
    };
    assert_eq!(&rest[range], b"abc");
    let rest = &rest[received.used..];
    let received = receiver.receive(rest).unwrap();
    let Some(Event::Trailers(trailers)) = received.event else {
        panic!()
    };
    assert_eq!(trailers["x"], "y");
    let rest = &rest[received.used..];
    let received = receiver.receive(rest).unwrap();
    assert!(matches!(received.event, Some(Event::End)));
    let mut out = Vec::new();
    let encoder = encode_head(
        &mut out,
        &head.exchange(),
        http::StatusCode::OK,
        &http::HeaderMap::new(),
        BodyLength::Known(0),
        b"Sun, 06 Nov 1994 08:49:37 GMT",
    )
    .unwrap();
    let _ = encoder.end(None, &mut out).unwrap();
    assert_eq!(
        String::from_utf8(out).unwrap(),
        "HTTP/1.1 200 OK\r\ncontent-length: 0\r\ndate: Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\n"
    );
}

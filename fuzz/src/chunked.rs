//! The chunked coding, read and written.

use arbitrary::{Arbitrary, Unstructured};
use gateway_http1::{BodyLength, Event, Exchange, Limits, Receiver, Underscores, encode_head};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use crate::feed::feed;
use crate::oracle::{by_name, listed, unchunk};

const HEAD: &[u8] = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";

/// The bytes as a chunked body: what is accepted is what httparse finds in them. Then as data: what our
/// encoder writes is read as it was, whatever the pieces.
pub fn chunked(bytes: &[u8]) {
    decode(bytes);
    let mut input = Unstructured::new(bytes);
    if let Ok(message) = Message::arbitrary(&mut input) {
        message.makes_the_round();
    }
}

fn decode(bytes: &[u8]) {
    let sent = [HEAD, bytes].concat();
    let reads = feed(&sent, [], &Limits::default());
    let request = &reads.requests[0];
    if !request.complete {
        return;
    }
    let found = unchunk(bytes).expect("httparse reads it");
    assert_eq!(HEAD.len() + found.used, request.end);
    assert_eq!(found.body, request.body);
    assert_eq!(by_name(found.trailers), by_name(listed(&request.trailers)));
}

#[derive(Arbitrary, Debug)]
struct Message {
    pieces: Vec<(bool, Vec<u8>)>,
    trailers: Vec<(String, Vec<u8>)>,
}

impl Message {
    fn makes_the_round(&self) {
        let trailers = self.trailers();
        let mut sent = HEAD.to_vec();
        let mut out = Vec::new();
        let exchange = exchange();
        let headers = HeaderMap::new();
        let date = b"Sun, 06 Nov 1994 08:49:37 GMT";
        let length = BodyLength::Unknown;
        let mut encoder =
            encode_head(&mut out, &exchange, StatusCode::OK, &headers, length, date).unwrap();
        let mut body = Vec::new();
        for (copied, piece) in &self.pieces {
            let start = out.len();
            if *copied {
                encoder.data(piece, &mut out).unwrap();
            } else {
                encoder.begin_chunk(piece.len() as u64, &mut out).unwrap();
                out.extend_from_slice(piece);
            }
            body.extend_from_slice(piece);
            sent.extend_from_slice(&out[start..]);
        }
        let start = out.len();
        if encoder.end(Some(&trailers), &mut out).is_err() {
            return; // forbidden trailers; the connection is cut
        }
        sent.extend_from_slice(&out[start..]);
        let end = sent.len();
        sent.extend_from_slice(b"GET /next HTTP/1.1\r\nHost: a\r\n\r\n");

        let mut limits = Limits::default();
        limits.underscores = Underscores::Allow;
        limits.trailers = usize::MAX;
        let reads = feed(&sent, [], &limits);
        if trailers.len() > limits.headers {
            return assert!(reads.refused.is_some());
        }
        let request = &reads.requests[0];
        assert!(request.complete && reads.refused.is_none(), "{reads:?}");
        assert_eq!((request.end, &request.body), (end, &body));
        assert_eq!(
            by_name(listed(&trailers)),
            by_name(listed(&request.trailers))
        );
        assert_eq!(reads.requests[1].head.path(), "/next");
    }

    fn trailers(&self) -> HeaderMap {
        let field = |(name, value): &(String, Vec<u8>)| {
            let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
            Some((name, HeaderValue::from_bytes(value).ok()?))
        };
        self.trailers.iter().filter_map(field).collect()
    }
}

fn exchange() -> Exchange {
    let received = Receiver::new(Limits::default()).receive(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    match received.map(|received| received.event) {
        Ok(Some(Event::Head(head))) => head.exchange(),
        other => panic!("{other:?}"),
    }
}

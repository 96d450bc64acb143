//! What holds for any bytes, not only for those someone thought of.

#![allow(clippy::unwrap_used, reason = "a test that fails says so")]

use http::Uri;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use gateway_http1::{BodyFraming, CloseReason, Event, Limits, Reading, Receiver};
use gateway_test::corpus::{Case, folder, load};

use self::feed::{End, feed};

mod feed;

/// Pieces that mean something to the protocol, so that random joins of them get deep into it.
const PIECES: &[&[u8]] = &[
    b"GET / HTTP/1.1\r\n",
    b"POST /a?b HTTP/1.1\r\n",
    b"CONNECT a:1 HTTP/1.1\r\n",
    b"HTTP/1.0\r\n",
    b"Host: a\r\n",
    b"Host: ",
    b"Content-Length: 3\r\n",
    b"Content-Length: ",
    b"Connection: close\r\n",
    b"Transfer-Encoding: chunked\r\n",
    b"Transfer-Encoding: ",
    b"Expect: 100-continue\r\n",
    b"chunked",
    b"gzip",
    b"abc",
    b"0\r\n\r\n",
    b"0\r\n",
    b"3\r\n",
    b"5;a=\"b\"\r\n",
    b"ffffffffffffffff\r\n",
    b"\r\n",
    b"\r\n\r\n",
    b"\r",
    b"\n",
    b" ",
    b"\t",
    b":",
    b";",
    b",",
    b"=",
    b"_",
    b"*",
    b"/",
    b"\0",
    b"\xff",
    b"X: y\r\n",
    b"http://a/",
    b"0",
    b"1",
    b"3",
    b"\x16\x03\x01",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
];

/// Beginnings after which the pieces stand somewhere else than at the first byte.
const BEGINNINGS: &[&[u8]] = &[
    b"",
    b"GET / HTTP/1.1\r\nHost: a\r\n",
    b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n",
    b"PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
    b"PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n",
];

fn pieces() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        8 => select(PIECES).prop_map(<[u8]>::to_vec),
        1 => prop::collection::vec(any::<u8>(), 1..4),
    ];
    let pieces = prop::collection::vec(piece, 0..12);
    (select(BEGINNINGS), pieces)
        .prop_map(|(beginning, pieces)| [beginning, &pieces.concat()].concat())
}

/// Up to three cases of the corpus, one after the other, with some bytes changed, left out or doubled.
fn mutated() -> impl Strategy<Value = Vec<u8>> {
    let mut cases: Vec<Case> = load(&folder()).unwrap();
    cases.retain(|case| case.bytes.len() < 2000);
    let bytes = |case: Case| case.bytes;
    let (valid, invalid): (Vec<_>, Vec<_>) = cases
        .into_iter()
        .partition(|case| case.name.starts_with("valid/"));
    let case =
        prop_oneof![4 => select(valid).prop_map(bytes), 1 => select(invalid).prop_map(bytes)];
    let cases = prop::collection::vec(case, 1..4);
    let change = (any::<Index>(), 0..3u8, select(PIECES));
    (cases, prop::collection::vec(change, 0..3)).prop_map(|(cases, changes)| {
        let mut bytes = cases.concat();
        for (place, kind, piece) in changes {
            let at = place.index(bytes.len().max(1));
            let end = (at + piece.len()).min(bytes.len());
            match kind {
                0 => drop(bytes.drain(at..end)),
                1 => drop(bytes.splice(at..end, piece.iter().copied())),
                _ => drop(bytes.splice(at..at, piece.iter().copied())),
            }
        }
        bytes
    })
}

/// Request lines of every form, of which some are refused with some fields and taken with others.
const LINES: &[&[u8]] = &[
    b"GET / HTTP/1.1\r\n",
    b"\r\nHEAD /a/longer/path?with=query HTTP/1.1\r\n",
    b"POST /a HTTP/1.0\r\n",
    b"OPTIONS * HTTP/1.1\r\n",
    b"CONNECT a:1 HTTP/1.1\r\n",
    b"GET http://a/ HTTP/1.1\r\n",
    b"GET http://b:80/path HTTP/1.1\r\n",
    b"GET /\x7f HTTP/1.1\r\n",
    b"GET  / HTTP/1.1\r\n",
    b"GET / HTTP/1.1\n",
    b"GET / HTTP/2.0\r\n",
];

/// Field lines, some of which belong together and some of which do not.
const FIELDS: &[&[u8]] = &[
    b"Host: a\r\n",
    b"host:\t b:80 \r\n",
    b"Host:\r\n",
    b"Content-Length: 3\r\n",
    b"Transfer-Encoding: chunked\r\n",
    b"Connection: keep-alive\r\n",
    b"Connection: close\r\n",
    b"Expect: 100-continue\r\n",
    b"Accept: */*\r\n",
    b"a_b: c\r\n",
    b"X: \xff\r\n",
];

/// A request: a line of the list, and fields with what they say the body is.
fn request(line: &[u8], fields: &[u8]) -> Vec<u8> {
    let body: &[u8] = match fields {
        _ if fields.windows(8).any(|part| part == b"chunked\r") => b"3\r\nabc\r\n0\r\n\r\n",
        _ if fields.windows(9).any(|part| part == b"Length: 3") => b"abc",
        _ => b"",
    };
    [line, fields, b"\r\n", body].concat()
}

fn any_input() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        1 => prop::collection::vec(any::<u8>(), 0..200),
        3 => pieces(),
        6 => mutated(),
    ]
}

fn config() -> ProptestConfig {
    ProptestConfig {
        cases: 2048,
        max_global_rejects: 100_000,
        failure_persistence: None, // what it finds becomes a case of the corpus
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn reads_the_same_however_the_bytes_are_cut(
        bytes in any_input(),
        cuts in prop::collection::vec(any::<Index>(), 0..6),
    ) {
        let whole = format!("{:?}", feed(&bytes, []));
        let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
        cuts.sort_unstable();
        prop_assert_eq!(&format!("{:?}", feed(&bytes, cuts)), &whole);
        prop_assert_eq!(&format!("{:?}", feed(&bytes, 1..bytes.len())), &whole);
    }

    /// What fields say does not depend on whether they, or nearly they, came before.
    #[test]
    fn fields_that_come_again_say_what_they_say_the_first_time(
        lines in (select(LINES), select(LINES)),
        host in select(&FIELDS[..3]),
        fields in prop::collection::vec(select(FIELDS), 0..3),
        other in prop::option::weighted(0.2, select(FIELDS)),
    ) {
        let fields = [host, &fields.concat()].concat();
        let first = request(lines.0, &fields);
        let second = request(lines.1, &[&fields, other.unwrap_or_default()].concat());
        prop_assume!(feed(&first, []).end == Some(End::Input(CloseReason::ClientClosed, Reading::Idle)));
        let mut both = feed(&[first, second.clone()].concat(), []);
        both.requests.remove(0);
        prop_assert_eq!(format!("{both:?}"), format!("{:?}", feed(&second, [])));
    }

    #[test]
    fn uses_no_more_than_it_is_given_and_comes_to_rest(bytes in any_input()) {
        let mut receiver = Receiver::new(Limits::default());
        let mut start = 0;
        let mut events = 0;
        while let Ok(received) = receiver.receive(&bytes[start..]) {
            prop_assert!(received.used <= bytes.len() - start);
            if let Some(Event::Data(range)) = &received.event {
                prop_assert!(range.end <= received.used);
            }
            start += received.used;
            if received.event.is_none() {
                break;
            }
            events += 1;
            // A request is at least 16 bytes, and says at most three things beyond its data.
            prop_assert!(events <= 4 + bytes.len());
        }
    }

    /// Whatever is accepted, httparse accepts too, and reads the same method, target and fields.
    #[test]
    fn a_head_that_is_accepted_is_what_httparse_reads(bytes in any_input()) {
        let mut receiver = Receiver::new(Limits::default());
        let Ok(received) = receiver.receive(&bytes) else { return Ok(()) };
        let Some(Event::Head(head)) = received.event else { return Ok(()) };
        let mut fields = [httparse::EMPTY_HEADER; 128];
        let mut request = httparse::Request::new(&mut fields);
        let length = request.parse(&bytes).expect("httparse reads it").unwrap();
        prop_assert_eq!(length, received.used);
        prop_assert_eq!(request.method, Some(head.method.as_str()));
        prop_assert_eq!(head.headers().len(), request.headers.len());
        for field in &*request.headers {
            let map = head.headers();
            let values = map.get_all(field.name);
            prop_assert!(values.iter().any(|value| value.as_bytes() == field.value));
        }
        let target: Uri = request.path.unwrap().parse().unwrap();
        prop_assert_eq!(target.to_string(), head.uri().to_string());
    }

    /// A head that frames its body in two ways, or in none that is known, never passes.
    #[test]
    fn an_accepted_head_has_one_framing(bytes in any_input()) {
        for read in feed(&bytes, []).requests {
            let lengths = read.head.headers().get_all("content-length").iter().count();
            let codings = read.head.headers().get_all("transfer-encoding").iter().count();
            prop_assert!(lengths + codings <= 1);
            match read.head.framing {
                BodyFraming::Empty => prop_assert_eq!(lengths + codings, 0),
                BodyFraming::Length(_) => prop_assert_eq!(lengths, 1),
                BodyFraming::Chunked => prop_assert_eq!(codings, 1),
            }
            if let (BodyFraming::Length(length), true) = (read.head.framing, read.complete) {
                prop_assert_eq!(length, read.body.len() as u64);
            }
        }
    }

    /// A body comes out as it went in, whatever its chunks and whatever follows it.
    #[test]
    fn a_body_is_read_as_it_was_sent(
        chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..40), 0..8),
        chunked in any::<bool>(),
        tail in prop_oneof![Just(Vec::new()), Just(b"\0garbage".to_vec())],
        cuts in prop::collection::vec(any::<Index>(), 0..6),
    ) {
        let body = chunks.concat();
        let mut bytes = b"POST / HTTP/1.1\r\nHost: a\r\n".to_vec();
        if chunked {
            bytes.extend_from_slice(b"Transfer-Encoding: chunked\r\n\r\n");
            for chunk in &chunks {
                bytes.extend_from_slice(format!("{:X};x\r\n", chunk.len()).as_bytes());
                bytes.extend_from_slice(chunk);
                bytes.extend_from_slice(b"\r\n");
            }
            bytes.extend_from_slice(b"0\r\n\r\n");
        } else {
            bytes.extend_from_slice(format!("Content-Length: {}\r\n\r\n", body.len()).as_bytes());
            bytes.extend_from_slice(&body);
        }
        bytes.extend_from_slice(&tail);
        let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
        cuts.sort_unstable();
        let reads = feed(&bytes, cuts);
        prop_assert_eq!(reads.requests.len(), 1);
        prop_assert!(reads.requests[0].complete);
        prop_assert_eq!(&reads.requests[0].body, &body);
        let refused = matches!(reads.end, Some(End::Error { .. }));
        prop_assert_eq!(refused, !tail.is_empty());
    }
}

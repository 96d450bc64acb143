//! A request head, held against what httparse reads.

use gateway_http1::{BodyFraming, Event, Limits, Receiver, RequestHead, Underscores};
use http::{Uri, Version};

use crate::oracle::{Field, by_name, listed, owned, values};

/// A head that is accepted is one that httparse reads too, with the same method, target, version and fields,
/// and it is as long; its framing, persistence and authority are what its fields say, read once more by hand.
pub fn request_head(bytes: &[u8]) {
    for underscores in [Underscores::Refuse, Underscores::Allow] {
        let mut limits = Limits::default();
        limits.underscores = underscores;
        let mut receiver = Receiver::new(limits);
        let Ok(received) = receiver.receive(bytes) else {
            continue;
        };
        let Some(Event::Head(head)) = received.event else {
            continue;
        };
        check(&bytes[..received.used], &head);
    }
}

fn check(bytes: &[u8], head: &RequestHead) {
    let mut fields = [httparse::EMPTY_HEADER; 128];
    let mut request = httparse::Request::new(&mut fields);
    let length = request.parse(bytes).expect("httparse reads it").unwrap();
    assert_eq!(length, bytes.len());
    assert_eq!(request.method, Some(head.method.as_str()));
    let minor = if head.version == Version::HTTP_11 {
        1
    } else {
        0
    };
    assert_eq!(request.version, Some(minor));
    let fields = owned(request.headers);
    assert_eq!(by_name(fields.clone()), by_name(listed(&head.headers())));

    let sent = request.path.expect("a target comes before the version");
    let target: Uri = sent.parse().expect("it is a target");
    assert_eq!(target.to_string(), head.uri().to_string());
    if sent.starts_with('/') {
        let path = sent.split('?').next().unwrap_or(sent);
        assert_eq!(path, head.path());
        assert_eq!(sent.split_once('?').map(|(_, query)| query), head.query());
    }

    check_framing(&fields, head);
    check_connection(&fields, head);
    check_authority(&fields, &target, head);
}

fn check_framing(fields: &[Field], head: &RequestHead) {
    let lengths = values(fields, "content-length");
    let codings = values(fields, "transfer-encoding");
    match (&*lengths, &*codings) {
        ([], []) => assert_eq!(head.framing, BodyFraming::Empty),
        ([length], []) => {
            assert!(length.iter().all(u8::is_ascii_digit));
            let length = String::from_utf8_lossy(length).parse().unwrap();
            assert_eq!(head.framing, BodyFraming::Length(length));
        }
        ([], [coding]) => {
            assert!(coding.eq_ignore_ascii_case(b"chunked"));
            assert_eq!(head.version, Version::HTTP_11);
            assert_eq!(head.framing, BodyFraming::Chunked);
        }
        _ => panic!("framed in two ways: {fields:?}"),
    }
}

fn check_connection(fields: &[Field], head: &RequestHead) {
    let options: Vec<String> = values(fields, "connection")
        .iter()
        .flat_map(|value| value.split(|byte| *byte == b','))
        .map(|option| String::from_utf8_lossy(option).trim().to_ascii_lowercase())
        .collect();
    let says = |option: &str| options.iter().any(|said| said == option);
    let http11 = head.version == Version::HTTP_11;
    let kept = !says("close") && (http11 || says("keep-alive")) && head.method != "CONNECT";
    assert_eq!(head.keep_alive, kept);
    let offered = http11 && says("upgrade") && !values(fields, "upgrade").is_empty();
    assert_eq!(head.upgrade, offered);
    let expects = !values(fields, "expect").is_empty() && http11 && !head.framing.is_empty();
    assert_eq!(head.expects_continue, expects);
}

fn check_authority(fields: &[Field], target: &Uri, head: &RequestHead) {
    let hosts = values(fields, "host");
    assert!(hosts.len() <= 1);
    assert!(head.version == Version::HTTP_10 || hosts.len() == 1);
    let host = hosts.first().map(|host| String::from_utf8_lossy(host));
    let named = target.authority().map(|authority| authority.as_str());
    let expected = named.or(host.as_deref()).filter(|named| !named.is_empty());
    assert_eq!(head.authority(), expected);
    if let Some(authority) = head.authority() {
        assert!(!authority.contains(['@', '/', '?', '#', '\\', ',', ' ']));
    }
}

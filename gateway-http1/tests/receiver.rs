//! The receiver as a host uses it: states, limits, ends.

#![allow(clippy::unwrap_used, reason = "a test that fails says so")]

use std::sync::Arc;

use gateway_http1::{
    BodyFraming, CloseReason, Error, Event, Fault, Limits, Reading, Received, Receiver,
    RequestHead, Underscores,
};

fn receiver(change: impl FnOnce(&mut Limits)) -> Receiver {
    let mut limits = Limits::default();
    change(&mut limits);
    Receiver::new(limits)
}

#[track_caller]
fn head(received: Result<Received, Error>) -> RequestHead {
    match received.unwrap().event {
        Some(Event::Head(head)) => head,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn nothing(received: Result<Received, Error>) -> usize {
    let received = received.unwrap();
    assert!(received.event.is_none(), "{:?}", received.event);
    received.used
}

#[track_caller]
fn end(received: Result<Received, Error>) {
    let received = received.unwrap();
    assert!(
        matches!(received.event, Some(Event::End)),
        "{:?}",
        received.event
    );
}

#[test]
fn says_what_it_is_reading() {
    let mut receiver = receiver(|_| {});
    assert_eq!(
        (receiver.reading(), receiver.remaining()),
        (Reading::Idle, Some(0))
    );
    assert_eq!(receiver.end_of_input(), CloseReason::ClientClosed);

    let request = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n";
    assert_eq!(nothing(receiver.receive(&request[..9])), 0);
    assert_eq!(receiver.reading(), Reading::Head);
    assert_eq!(receiver.end_of_input(), CloseReason::TruncatedHead);

    assert_eq!(
        head(receiver.receive(request)).framing,
        BodyFraming::Length(5)
    );
    assert_eq!(
        (receiver.reading(), receiver.remaining()),
        (Reading::Body, Some(5))
    );

    let received = receiver.receive(b"hel").unwrap();
    assert!(matches!(received.event, Some(Event::Data(range)) if range == (0..3)));
    let truncated = CloseReason::TruncatedBody { missing: Some(2) };
    assert_eq!(receiver.end_of_input(), truncated);

    let received = receiver.receive(b"loGET").unwrap();
    assert_eq!(received.used, 2);
    assert_eq!(
        (receiver.reading(), receiver.remaining()),
        (Reading::End, Some(0))
    );
    end(receiver.receive(b""));
    assert_eq!(receiver.reading(), Reading::Idle);
}

#[test]
fn does_not_know_how_much_is_left_of_a_chunked_body() {
    let mut receiver = receiver(|_| {});
    let request = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    assert_eq!(
        head(receiver.receive(request)).framing,
        BodyFraming::Chunked
    );
    assert_eq!(
        (receiver.reading(), receiver.remaining()),
        (Reading::Body, None)
    );
    let truncated = CloseReason::TruncatedBody { missing: None };
    assert_eq!(receiver.end_of_input(), truncated);
}

#[test]
fn an_empty_line_before_a_request_is_not_the_start_of_one() {
    let mut receiver = receiver(|_| {});
    assert_eq!(nothing(receiver.receive(b"\r")), 0);
    assert_eq!(nothing(receiver.receive(b"\r\n")), 2);
    assert_eq!(receiver.end_of_input(), CloseReason::ClientClosed);
}

#[test]
fn swallows_what_follows_the_last_request() {
    let mut receiver = receiver(|_| {});
    let request = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    assert!(!head(receiver.receive(request)).keep_alive);
    end(receiver.receive(b"GET"));
    assert_eq!(receiver.reading(), Reading::Closed);
    assert_eq!(nothing(receiver.receive(b"GET / HTTP/1.1\r\n\r\n")), 18);
    assert_eq!(receiver.end_of_input(), CloseReason::ClientAsked);
}

#[test]
fn an_error_stays_and_is_the_reason_to_close() {
    let mut receiver = receiver(|_| {});
    assert_eq!(receiver.receive(b" ").unwrap_err(), Error::InvalidMethod);
    let sound = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    assert_eq!(receiver.receive(sound).unwrap_err(), Error::InvalidMethod);
    assert_eq!(receiver.reading(), Reading::Closed);
    let refused = CloseReason::Refused(Error::InvalidMethod);
    assert_eq!(receiver.end_of_input(), refused);
    assert_eq!(refused.to_string(), "request refused: malformed method");
}

#[test]
fn reasons_to_close_read_like_a_log_line() {
    for (reason, line) in [
        (CloseReason::ClientClosed, "client closed between requests"),
        (
            CloseReason::TruncatedBody { missing: Some(3) },
            "client closed 3 bytes before the end of a body",
        ),
        (
            CloseReason::TimedOut(Reading::Head),
            "timed out reading a request head",
        ),
        (
            CloseReason::TimedOut(Reading::Idle),
            "timed out waiting for a request",
        ),
        (CloseReason::UnreadBody, "request body left unread"),
    ] {
        assert_eq!(reason.to_string(), line);
    }
}

#[test]
fn an_error_says_whose_fault_it_was() {
    assert_eq!(Error::ConflictingFraming.fault(), Fault::Client);
    assert_eq!(Error::BodyTooLarge.fault(), Fault::Limit);
    assert_eq!(Error::UnknownTransferCoding.fault(), Fault::Limit);
}

/// Whether `request` passes with limits as changed.
fn read(request: &[u8], change: impl FnOnce(&mut Limits)) -> Result<(), Error> {
    let mut receiver = receiver(change);
    let mut start = 0;
    loop {
        let received = receiver.receive(&request[start..])?;
        start += received.used;
        match received.event {
            Some(Event::End) => return Ok(()),
            Some(_) => {}
            None => panic!("incomplete: {request:?}"),
        }
    }
}

#[test]
fn what_is_exactly_at_a_limit_is_accepted() {
    let get = b"GET / HTTP/1.1\r\nHost: a\r\nX: y\r\n\r\n";
    let chunked = b"PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\
                    5;x\r\nhello\r\n1;x\r\n!\r\n0\r\nX: y\r\n\r\n";
    let declared = b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\nhello!";
    type Change = fn(&mut Limits, usize);
    let limits: [(&[u8], Change, usize, Error); 8] = [
        (
            get,
            |limits, most| limits.request_line = most,
            14,
            Error::RequestLineTooLong,
        ),
        (
            get,
            |limits, most| limits.head = most,
            get.len(),
            Error::HeadTooLong,
        ),
        (
            get,
            |limits, most| limits.headers = most,
            2,
            Error::TooManyHeaders,
        ),
        (
            declared,
            |limits, most| limits.body = most as u64,
            6,
            Error::BodyTooLarge,
        ),
        (
            chunked,
            |limits, most| limits.body = most as u64,
            6,
            Error::BodyTooLarge,
        ),
        (
            chunked,
            |limits, most| limits.chunk_line = most,
            3,
            Error::ChunkLineTooLong,
        ),
        (
            chunked,
            |limits, most| limits.chunk_extensions = most,
            4,
            Error::ChunkExtensionsTooLong,
        ),
        (
            chunked,
            |limits, most| limits.trailers = most,
            8,
            Error::TrailersTooLong,
        ),
    ];
    for (request, set, most, error) in limits {
        assert_eq!(
            read(request, |limits| set(limits, most)),
            Ok(()),
            "{error:?}"
        );
        assert_eq!(read(request, |limits| set(limits, most - 1)), Err(error));
    }
}

#[test]
fn a_line_that_cannot_end_within_its_limit_is_refused_at_once() {
    let short = |limits: &mut Limits| {
        limits.request_line = 14;
        limits.head = 20;
    };
    let refusal = |head: &[u8]| receiver(short).receive(head).err();
    assert_eq!(refusal(b"GET / HTTP/1.1x"), None);
    assert_eq!(
        refusal(b"GET / HTTP/1.1xx"),
        Some(Error::RequestLineTooLong)
    );
    assert_eq!(refusal(b"GET / HTTP/1.1\r\nHos"), None);
    assert_eq!(refusal(b"GET / HTTP/1.1\r\nHost"), Some(Error::HeadTooLong));
}

#[test]
fn limits_of_nothing_let_nothing_through() {
    let nothing = |limits: &mut Limits| {
        limits.request_line = 0;
        limits.head = 0;
        limits.headers = 0;
    };
    assert!(read(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", nothing).is_err());
}

#[test]
fn limits_without_bound_do_not_overflow() {
    let unbounded = |limits: &mut Limits| {
        limits.request_line = usize::MAX;
        limits.head = usize::MAX;
        limits.headers = usize::MAX;
        limits.body = u64::MAX;
        limits.chunk_line = usize::MAX;
        limits.chunk_extensions = usize::MAX;
        limits.trailers = usize::MAX;
    };
    let chunked =
        b"PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n";
    assert_eq!(read(chunked, unbounded), Ok(()));
    let mut receiver = receiver(unbounded);
    let declared = b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 18446744073709551615\r\n\r\n";
    assert_eq!(
        head(receiver.receive(declared)).framing,
        BodyFraming::Length(u64::MAX)
    );
    assert!(receiver.receive(b"x").is_ok());
}

#[test]
fn a_map_of_fields_has_a_bound_of_its_own() {
    let mut request = b"GET / HTTP/1.1\r\nHost: a\r\n".to_vec();
    for number in 0..40_000 {
        request.extend_from_slice(format!("x{number}: y\r\n").as_bytes());
    }
    request.extend_from_slice(b"\r\n");
    let unbounded = |limits: &mut Limits| {
        limits.head = usize::MAX;
        limits.headers = usize::MAX;
    };
    assert_eq!(read(&request, unbounded), Err(Error::TooManyHeaders));
}

#[test]
fn a_target_longer_than_the_http_crate_takes_is_refused() {
    let request = format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "a".repeat(70_000));
    let unbounded = |limits: &mut Limits| {
        limits.request_line = usize::MAX;
        limits.head = usize::MAX;
    };
    assert_eq!(
        read(request.as_bytes(), unbounded),
        Err(Error::InvalidTarget)
    );
}

#[test]
fn names_with_underscores_are_refused_dropped_or_allowed() {
    let request = b"GET / HTTP/1.1\r\nHost: a\r\nX_Y: z\r\n\r\n";
    let with = |underscores| receiver(|limits| limits.underscores = underscores).receive(request);
    let refused = with(Underscores::Refuse).unwrap_err();
    assert_eq!(refused, Error::UnderscoreInHeaderName);
    assert!(!head(with(Underscores::Drop)).headers().contains_key("x_y"));
    assert_eq!(head(with(Underscores::Allow)).headers()["x_y"], "z");
}

#[test]
fn a_name_that_is_dropped_is_checked_all_the_same() {
    let request = b"GET / HTTP/1.1\r\nHost: a\r\nX_Y: \0\r\n\r\n";
    let mut receiver = receiver(|limits| limits.underscores = Underscores::Drop);
    assert_eq!(
        receiver.receive(request).unwrap_err(),
        Error::InvalidHeaderValue
    );
}

#[test]
fn an_idle_connection_costs_little() {
    // Beside it the bytes of the last head, which it holds against the next, if they are few.
    assert!(size_of::<Receiver>() <= 160, "{}", size_of::<Receiver>());
}

/// A request of so many bytes, without a body.
fn request_of(length: usize) -> Vec<u8> {
    let (line, blank) = ("GET / HTTP/1.1\r\nHost: a\r\nX-Long: ", "\r\n\r\n");
    let filling = "x".repeat(length - line.len() - blank.len());
    format!("{line}{filling}{blank}").into_bytes()
}

#[test]
fn a_long_head_is_not_kept_while_the_connection_is_idle() {
    let mut receiver = receiver(|limits| limits.head = 64 * 1024);
    let mut before: Option<RequestHead> = None;
    for (length, kept) in [(1024, true), (1024, true), (1025, false), (60_000, false)] {
        let head = head(receiver.receive(&request_of(length)));
        end(receiver.receive(b""));
        assert_eq!(receiver.reading(), Reading::Idle);
        assert_eq!(head.bytes().len(), length);
        let holders = Arc::strong_count(head.bytes());
        assert_eq!(holders, 1 + usize::from(kept), "{length}");
        let forgotten = before.replace(head);
        assert!(forgotten.is_none_or(|before| Arc::strong_count(before.bytes()) == 1));
    }
}

#[test]
fn the_last_request_of_a_connection_may_have_a_long_head() {
    let long = String::from_utf8(request_of(2000)).unwrap();
    let request = long.replace("X-Long", "Connection: close\r\nX-Long");
    let mut receiver = receiver(|_| {});
    assert!(!head(receiver.receive(request.as_bytes())).keep_alive);
    end(receiver.receive(b""));
    assert_eq!(receiver.reading(), Reading::Closed);
}

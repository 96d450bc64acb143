//! Limits: what is too much is refused with the status that says so.

use super::{Setup, Stage, Verdict, pattern, post, post_chunked, request};
use crate::fixtures::{echo, hello, takes_at_most};

cases! {
    /// **H10.** A host MUST bound the request line, the head, the number of fields, the body and the
    /// connections, and answer 414, 431 or 413 beyond.
    ///
    /// *Why*: Memory is finite, and anyone may send.
    ///
    /// *Source*: RFC 9110 §15.5.14, §15.5.15; RFC 6585 §5.
    H10 Limits {
        once answers_414_to_a_long_request_line;
        once answers_431_to_a_long_head;
        once answers_431_to_a_head_without_end;
        once answers_431_to_too_many_fields;
        once takes_what_is_just_within_the_limits;
        both answers_413_to_a_declared_body_beyond_the_limit;
        both answers_413_to_a_chunked_body_beyond_the_limit;
        both answers_413_while_the_body_is_still_being_sent;
        both takes_a_body_of_exactly_the_limit;
        once connections_beyond_the_limit_wait_until_one_goes;
        both closes_after_as_many_requests_as_it_may_answer;
    }

    /// **I9.** An application MAY take less of an input than the host would; the error MUST be answered with
    /// 413.
    ///
    /// *Why*: Only the application knows how much it wants.
    ///
    /// *Source*: RFC 9110 §15.5.14.
    I9 Interface {
        both lets_the_application_answer_413_below_the_limit;
    }
}

fn small_heads(setup: &mut Setup) {
    setup.limits.request_line = 1000;
    setup.limits.head = 4000;
    setup.limits.headers = 10;
}

fn answers_414_to_a_long_request_line(stage: &Stage<'_>) -> Verdict {
    let long = "x".repeat(2000);
    let requests = [
        request(&format!("GET /{long}"), &[], ""),
        request(&format!("GET /?{long}"), &[], ""),
    ];
    stage.refuses_with(&requests, &[414], small_heads)
}

fn answers_431_to_a_long_head(stage: &Stage<'_>) -> Verdict {
    let long = "x".repeat(5000);
    let requests = [
        request("GET /", &[&format!("A: {long}")], ""),
        request("GET /", &[&format!("{long}: a")], ""),
        request("GET /", &[&*format!("A: {}", &long[..2500]); 2], ""),
    ];
    stage.refuses_with(&requests, &[431], small_heads)
}

fn answers_431_to_a_head_without_end(stage: &Stage<'_>) -> Verdict {
    let host = stage.serve_with(hello(stage.style()), small_heads)?;
    let mut client = host.client()?;
    let endless = format!("GET / HTTP/1.1\r\nHost: x\r\nA: {}", "x".repeat(100_000));
    let reply = client.exchange(endless)?;
    assert_eq!(reply.status, 431);
    Ok(client.closes()?)
}

fn answers_431_to_too_many_fields(stage: &Stage<'_>) -> Verdict {
    let requests = [request("GET /", &["A: b"; 20], "")];
    stage.refuses_with(&requests, &[431], small_heads)
}

fn takes_what_is_just_within_the_limits(stage: &Stage<'_>) -> Verdict {
    let host = stage.serve_with(hello(stage.style()), small_heads)?;
    let mut client = host.client()?;
    let line = format!("GET /{}", "x".repeat(950)); // 964 bytes with the version
    let field = format!("A: {}", "x".repeat(2700));
    let reply = client.exchange(request(&line, &[&field], ""))?;
    assert_eq!(reply.status, 200);
    let reply = client.exchange(request("GET /", &["A: b"; 9], ""))?; // ten with Host
    assert_eq!(reply.status, 200);
    Ok(())
}

fn small_bodies(setup: &mut Setup) {
    setup.limits.body = 100_000;
}

fn answers_413_to_a_declared_body_beyond_the_limit(stage: &Stage<'_>) -> Verdict {
    let requests = [
        request("POST /", &["Content-Length: 100001"], ""),
        request("POST /", &["Content-Length: 18446744073709551615"], ""),
    ];
    stage.refuses_with(&requests, &[413], small_bodies)
}

fn answers_413_to_a_chunked_body_beyond_the_limit(stage: &Stage<'_>) -> Verdict {
    let host = stage.serve_with(echo(stage.style()), small_bodies)?;
    let chunk = vec![b'x'; 30_000];
    for bytes in [
        post_chunked("/", &[&chunk[..]; 5]),
        request("POST /", &["Transfer-Encoding: chunked"], "fffffff\r\nxxx"),
    ] {
        let mut client = host.client()?;
        assert_eq!(client.exchange(bytes)?.status, 413);
        client.closes()?;
    }
    Ok(())
}

fn answers_413_while_the_body_is_still_being_sent(stage: &Stage<'_>) -> Verdict {
    let host = stage.serve_with(echo(stage.style()), small_bodies)?;
    let mut client = host.client()?;
    // More than fits into the buffers of both sockets: the answer must get through all the same.
    let reply = client.exchange(post("/", pattern(2_000_000)))?;
    assert_eq!(reply.status, 413);
    Ok(())
}

fn takes_a_body_of_exactly_the_limit(stage: &Stage<'_>) -> Verdict {
    let host = stage.serve_with(echo(stage.style()), small_bodies)?;
    let mut client = host.client()?;
    let body = pattern(100_000);
    assert!(client.exchange(post("/", &body))?.body == body);
    let chunks: Vec<&[u8]> = body.chunks(30_000).collect();
    assert!(client.exchange(post_chunked("/", &chunks))?.body == body);
    Ok(())
}

fn lets_the_application_answer_413_below_the_limit(stage: &Stage<'_>) -> Verdict {
    let host = stage.serve(takes_at_most(stage.style(), 4))?;
    for (bytes, status) in [
        (post("/", "1234"), 200),
        (post("/", "12345"), 413),
        (post_chunked("/", &["12", "34"]), 200),
        (post_chunked("/", &["12", "34", "5"]), 413),
    ] {
        assert_eq!(host.client()?.exchange(bytes)?.status, status);
    }
    Ok(())
}

fn connections_beyond_the_limit_wait_until_one_goes(stage: &Stage<'_>) -> Verdict {
    let host = stage.serve_with(hello(stage.style()), |setup| setup.limits.connections = 2)?;
    let (mut first, mut second) = (host.client()?, host.client()?);
    assert_eq!(
        (first.get("/")?.status, second.get("/")?.status),
        (200, 200)
    );
    let mut third = host.client()?; // the kernel takes it
    third.send(request("GET /", &[], ""))?;
    for _ in 0..20 {
        assert_eq!(first.get("/")?.status, 200);
    }
    assert!(
        third.is_quiet()?,
        "a third connection is served although two are the limit"
    );
    drop(second);
    assert_eq!(third.read(&http::Method::GET)?.status, 200);
    Ok(())
}

fn closes_after_as_many_requests_as_it_may_answer(stage: &Stage<'_>) -> Verdict {
    let host = stage.serve_with(hello(stage.style()), |setup| {
        setup.limits.requests_per_connection = Some(3);
    })?;
    let mut client = host.client()?;
    for last in [false, false, true] {
        let reply = client.get("/")?;
        assert_eq!((reply.status, reply.says_close()), (200, last));
    }
    Ok(client.closes()?)
}

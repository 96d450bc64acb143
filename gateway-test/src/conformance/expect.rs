//! `Expect: 100-continue` (RFC 9110 §10.1.1).

use http::Method;

use super::{Stage, Verdict, request};
use crate::fixtures::{Gate, echo, hello};

cases! {
    /// **I8.** A host MUST send `100 Continue` when the body is first asked for, and never before, nor to
    /// clients that did not ask.
    ///
    /// *Why*: An application that answers without the body spares the client sending it.
    ///
    /// *Source*: RFC 9110 §10.1.1.
    I8 Http {
        both sends_continue_when_the_body_is_wanted;
        both sends_no_continue_when_the_body_is_not_read;
        both takes_a_body_that_was_not_waited_with;
        both sends_continue_for_a_chunked_body;
        once sends_no_continue_for_a_body_that_is_too_large;
        both sends_no_continue_to_http10;
        once sends_no_continue_where_there_is_no_body;
        once answers_417_to_other_expectations;
        both a_body_that_never_came_is_not_waited_for;
        both keeps_the_connection_after_a_continued_exchange;
    }
}

const EXPECT: &str = "Expect: 100-continue";

fn sends_continue_when_the_body_is_wanted(stage: &Stage<'_>) -> Verdict {
    let host = stage.serve(echo(stage.style()))?;
    let mut client = host.client()?;
    client.send(request("POST /", &["Content-Length: 5", EXPECT], ""))?;
    let interim = client.read(&Method::POST)?;
    assert_eq!((interim.status, &*interim.fields), (100, &[][..]));
    client.send("hello")?;
    let reply = client.read(&Method::POST)?; // and no second one
    assert_eq!((reply.status, reply.text()), (200, "hello"));
    Ok(())
}

fn sends_no_continue_when_the_body_is_not_read(stage: &Stage<'_>) -> Verdict {
    let host = stage.serve(hello(stage.style()))?;
    let mut client = host.client()?;
    client.send(request("POST /", &["Content-Length: 5", EXPECT], ""))?;
    let reply = client.read(&Method::POST)?;
    assert_eq!((reply.status, reply.text()), (200, "Hello, world!"));
    Ok(())
}

fn takes_a_body_that_was_not_waited_with(stage: &Stage<'_>) -> Verdict {
    let host = stage.serve(echo(stage.style()))?;
    let mut client = host.client()?;
    for _ in 0..2 {
        let bytes = request("POST /", &["Content-Length: 5", EXPECT], "hello");
        assert_eq!(client.exchange(bytes)?.text(), "hello");
    }
    Ok(())
}

fn sends_continue_for_a_chunked_body(stage: &Stage<'_>) -> Verdict {
    let host = stage.serve(echo(stage.style()))?;
    let mut client = host.client()?;
    let fields = ["Transfer-Encoding: chunked", "expect: 100-Continue"];
    client.send(request("POST /", &fields, ""))?;
    assert_eq!(client.read(&Method::POST)?.status, 100);
    client.send("5\r\nhello\r\n0\r\n\r\n")?;
    assert_eq!(client.read(&Method::POST)?.text(), "hello");
    Ok(())
}

fn sends_no_continue_for_a_body_that_is_too_large(stage: &Stage<'_>) -> Verdict {
    let host = stage.serve_with(echo(stage.style()), |setup| setup.limits.body = 4)?;
    let mut client = host.client()?;
    client.send(request("POST /", &["Content-Length: 5", EXPECT], ""))?;
    assert_eq!(client.read(&Method::POST)?.status, 413);
    Ok(client.closes()?)
}

fn sends_no_continue_to_http10(stage: &Stage<'_>) -> Verdict {
    let host = stage.serve(echo(stage.style()))?;
    let mut client = host.client()?;
    let bytes = "POST / HTTP/1.0\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\nhello";
    client.send(bytes)?;
    let reply = client.read(&Method::POST)?;
    assert_eq!((reply.status, reply.text()), (200, "hello"));
    Ok(())
}

fn sends_no_continue_where_there_is_no_body(stage: &Stage<'_>) -> Verdict {
    let host = stage.serve(echo(stage.style()))?;
    let mut client = host.client()?;
    for fields in [&[EXPECT][..], &["Content-Length: 0", EXPECT]] {
        client.send(request("POST /", fields, ""))?;
        assert_eq!(client.read(&Method::POST)?.status, 200);
    }
    Ok(())
}

fn answers_417_to_other_expectations(stage: &Stage<'_>) -> Verdict {
    let requests = [
        request(
            "POST /",
            &["Content-Length: 5", "Expect: miracles"],
            "hello",
        ),
        request(
            "POST /",
            &["Content-Length: 5", "Expect: 100-continue, miracles"],
            "hello",
        ),
    ];
    stage.refuses(&requests, &[417])
}

/// The client was told that its body is not wanted: it may send it or not, and the host can wait
/// for neither. What comes after is the body, or the end.
fn a_body_that_never_came_is_not_waited_for(stage: &Stage<'_>) -> Verdict {
    let gate = Gate::new();
    let host = stage.serve(crate::fixtures::waits(stage.style(), &gate))?;
    let mut client = host.client()?;
    client.send(request("POST /", &["Content-Length: 5", EXPECT], ""))?;
    gate.entered.next()?;
    assert!(client.is_quiet()?, "100 Continue before anyone has read");
    gate.release.set();
    let reply = client.read(&Method::POST)?;
    assert_eq!((reply.status, reply.text()), (200, "went on"));
    if reply.says_close() {
        return Ok(client.closes()?);
    }
    client.send("hello")?;
    assert_eq!(client.get("/free")?.text(), "went on");
    Ok(())
}

fn keeps_the_connection_after_a_continued_exchange(stage: &Stage<'_>) -> Verdict {
    let host = stage.serve(echo(stage.style()))?;
    let mut client = host.client()?;
    for _ in 0..3 {
        client.send(request("POST /", &["Content-Length: 5", EXPECT], ""))?;
        assert_eq!(client.read(&Method::POST)?.status, 100);
        client.send("hello")?;
        assert_eq!(client.read(&Method::POST)?.text(), "hello");
    }
    Ok(())
}

//! Request bodies: where they end (RFC 9112 §6, §7).

use http::Method;

use super::{Stage, Verdict, pattern, post, post_chunked, request};
use crate::fixtures::{counts_lines, echo, echo_streamed};

cases! {
    /// **I4.** An input MUST give the body of the request and know its end, whatever frames it, in every way
    /// of reading.
    ///
    /// *Why*: Content-Length is one framing of several; who relies on it loses the others.
    ///
    /// *Source*: RFC 9112 §6.3; PEP 3333, "Input and Error Streams".
    I4 Interface {
        both reads_a_body_by_its_length;
        both reads_a_chunked_body;
        both reads_a_body_that_comes_in_pieces;
        both reads_a_body_line_by_line;
        both echoes_a_body_as_it_comes;
        both echoes_a_large_body_while_it_is_still_being_sent;
        both takes_large_uploads;
        both takes_large_chunked_uploads;
        both takes_a_body_with_any_method;
        both a_request_without_framing_has_no_body;
    }

    /// **I5.** A body that breaks off or stalls MUST be an error to who reads it, the same again on each
    /// further read, and never an end.
    ///
    /// *Why*: Half an upload would be stored as a whole one.
    ///
    /// *Source*: RFC 9112 §8.
    I5 Interface {
        both a_body_cut_off_is_never_whole;
    }
}

fn reads_a_body_by_its_length(stage: &Stage<'_>) -> Verdict {
    let host = stage.serve(echo(stage.style()))?;
    let mut client = host.client()?;
    for body in [
        "",
        "x",
        "hello",
        "\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    ] {
        let reply = client.exchange(post("/", body))?;
        assert_eq!((reply.status, reply.text()), (200, body));
    }
    Ok(())
}

fn reads_a_chunked_body(stage: &Stage<'_>) -> Verdict {
    let host = stage.serve(echo(stage.style()))?;
    let mut client = host.client()?;
    for chunks in [&[][..], &["x"], &["hel", "lo"], &["\r\n", "0\r\n\r\n"]] {
        let reply = client.exchange(post_chunked("/", chunks))?;
        assert_eq!((reply.status, reply.text()), (200, &*chunks.concat()));
    }
    Ok(())
}

fn reads_a_body_that_comes_in_pieces(stage: &Stage<'_>) -> Verdict {
    let host = stage.serve(echo(stage.style()))?;
    let mut client = host.client()?;
    for bytes in [post("/", "hello"), post_chunked("/", &["he", "llo"])] {
        client.send_in_pieces(bytes, 1)?;
        assert_eq!(client.read(&Method::POST)?.text(), "hello");
    }
    Ok(())
}

fn reads_a_body_line_by_line(stage: &Stage<'_>) -> Verdict {
    let host = stage.serve(counts_lines(stage.style()))?;
    let mut client = host.client()?;
    let reply = client.exchange(post_chunked("/", &["one\nt", "wo\nthr", "ee"]))?;
    assert_eq!(reply.text(), "3/13");
    let reply = client.exchange(post("/", "a\n".repeat(50_000)))?;
    assert_eq!(reply.text(), "50000/100000");
    Ok(())
}

fn echoes_a_body_as_it_comes(stage: &Stage<'_>) -> Verdict {
    let host = stage.serve(echo_streamed(stage.style()))?;
    let mut client = host.client()?;
    let body = pattern(100_000);
    let chunks: Vec<&[u8]> = body.chunks(7_000).collect();
    for bytes in [post("/", &body), post_chunked("/", &chunks)] {
        assert!(client.exchange(bytes)?.body == body);
    }
    Ok(())
}

fn echoes_a_large_body_while_it_is_still_being_sent(stage: &Stage<'_>) -> Verdict {
    let host = stage.serve(echo_streamed(stage.style()))?;
    let body = pattern(8 * 1024 * 1024);
    let chunks: Vec<&[u8]> = body.chunks(50_000).collect();
    for bytes in [post("/", &body), post_chunked("/", &chunks)] {
        let mut client = host.client()?;
        client.send_meanwhile(bytes)?;
        assert!(client.read(&Method::POST)?.body == body);
    }
    Ok(())
}

fn takes_large_uploads(stage: &Stage<'_>) -> Verdict {
    let host = stage.serve(echo(stage.style()))?;
    let body = pattern(8 * 1024 * 1024);
    assert!(host.client()?.exchange(post("/", &body))?.body == body);
    Ok(())
}

fn takes_large_chunked_uploads(stage: &Stage<'_>) -> Verdict {
    let host = stage.serve(echo(stage.style()))?;
    let body = pattern(4 * 1024 * 1024);
    let chunks: Vec<&[u8]> = body.chunks(50_000).collect();
    assert!(host.client()?.exchange(post_chunked("/", &chunks))?.body == body);
    Ok(())
}

fn takes_a_body_with_any_method(stage: &Stage<'_>) -> Verdict {
    let host = stage.serve(echo(stage.style()))?;
    let mut client = host.client()?;
    for method in ["GET", "DELETE", "OPTIONS", "TRACE", "PURGE"] {
        let line = format!("{method} /");
        let by_length = request(&line, &["Content-Length: 5"], "hello");
        let chunked = request(
            &line,
            &["Transfer-Encoding: chunked"],
            "5\r\nhello\r\n0\r\n\r\n",
        );
        for bytes in [by_length, chunked] {
            assert_eq!(client.exchange(bytes)?.text(), "hello", "{method}");
        }
    }
    let head = request("HEAD /", &["Content-Length: 5"], "hello");
    assert_eq!(client.exchange(head)?.status, 200);
    assert_eq!(client.exchange(post("/", "next"))?.text(), "next");
    Ok(())
}

fn a_request_without_framing_has_no_body(stage: &Stage<'_>) -> Verdict {
    let host = stage.serve(echo(stage.style()))?;
    let mut client = host.client()?;
    for method in ["GET", "POST", "PUT", "DELETE"] {
        let reply = client.exchange(request(&format!("{method} /"), &[], ""))?;
        assert_eq!((reply.status, reply.text()), (200, ""), "{method}");
    }
    Ok(())
}

/// What the client did not finish is not given to the application as if it had.
fn a_body_cut_off_is_never_whole(stage: &Stage<'_>) -> Verdict {
    let host = stage.serve(echo(stage.style()))?;
    for bytes in [
        request("POST /", &["Content-Length: 10"], "half"),
        request("POST /", &["Transfer-Encoding: chunked"], "4\r\nhalf\r\n"),
        request(
            "POST /",
            &["Transfer-Encoding: chunked"],
            "4\r\nhalf\r\n0\r\n",
        ),
        request("POST /", &["Transfer-Encoding: chunked"], "4\r\nha"),
    ] {
        let mut client = host.client()?;
        client.send(&bytes)?;
        client.stop_sending()?;
        let answer = client.read_to_end()?;
        let starts = |with: &str| answer.starts_with(with.as_bytes());
        assert!(
            answer.is_empty() || starts("HTTP/1.1 400") || starts("HTTP/1.1 408"),
            "{}",
            answer.escape_ascii()
        );
    }
    assert_eq!(host.client()?.get("/")?.status, 200);
    Ok(())
}

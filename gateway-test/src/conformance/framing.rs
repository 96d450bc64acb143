//! Request bodies: where they end (RFC 9112 §6, §7).

use http::Method;

use super::{Stage, Verdict, pattern, post, post_chunked, request};
use crate::client::Client;
use crate::fixtures::{Dump, counts_lines, dump, echo, echo_streamed};

cases! {
    both reads_a_body_by_its_length;
    both reads_a_chunked_body;
    both reads_a_body_that_comes_in_pieces;
    both takes_chunk_sizes_as_they_may_be_written;
    both hands_trailers_on [TRAILERS];
    both takes_a_chunked_body_with_trailers;
    both reads_a_body_line_by_line;
    both echoes_a_body_as_it_comes;
    both echoes_a_large_body_while_it_is_still_being_sent;
    both takes_large_uploads;
    both takes_large_chunked_uploads;
    both a_request_without_framing_has_no_body;
    both a_body_cut_off_is_never_whole;
    both refuses_malformed_chunks;
    both refuses_malformed_trailers;
    both refuses_chunk_lines_and_trailers_without_end;
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

fn takes_chunk_sizes_as_they_may_be_written(stage: &Stage<'_>) -> Verdict {
    let host = stage.serve(echo(stage.style()))?;
    let mut client = host.client()?;
    for body in [
        "00A\r\n0123456789\r\n0\r\n\r\n",
        "a\r\n0123456789\r\n000\r\n\r\n",
        "A;name\r\n0123456789\r\n0\r\n\r\n",
        "a;n=v;q=\"x;y\"\r\n0123456789\r\n0;last\r\n\r\n",
    ] {
        let reply = client.exchange(request("POST /", &["Transfer-Encoding: Chunked"], body))?;
        assert_eq!(
            (reply.status, reply.text()),
            (200, "0123456789"),
            "{body:?}"
        );
    }
    Ok(())
}

const TRAILERS: &str = "5\r\nhello\r\n0\r\nX-Sum: 7\r\nX-More: a\r\n\r\n";

fn hands_trailers_on(stage: &Stage<'_>) -> Verdict {
    let host = stage.serve(dump(stage.style()))?;
    let bytes = request("POST /", &["Transfer-Encoding: chunked"], TRAILERS);
    let dump = Dump::parse(&host.client()?.exchange(bytes)?.body)?;
    assert_eq!(dump.var("trailer x-sum"), Some("7"));
    assert_eq!(dump.var("trailer x-more"), Some("a"));
    assert_eq!(dump.var("HTTP_X_SUM"), None); // a trailer is not a header
    Ok(())
}

fn takes_a_chunked_body_with_trailers(stage: &Stage<'_>) -> Verdict {
    let host = stage.serve(echo(stage.style()))?;
    let mut client = host.client()?;
    for _ in 0..2 {
        let bytes = request("POST /", &["Transfer-Encoding: chunked"], TRAILERS);
        assert_eq!(client.exchange(bytes)?.text(), "hello");
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

fn refuses_malformed_chunks(stage: &Stage<'_>) -> Verdict {
    refuses_chunked_bodies(
        stage,
        &[
            "\r\n",
            "x\r\n",
            "-1\r\na\r\n0\r\n\r\n",
            "+1\r\na\r\n0\r\n\r\n",
            "0x1\r\na\r\n0\r\n\r\n",
            "1_0\r\na\r\n0\r\n\r\n",
            "10000000000000000\r\na\r\n0\r\n\r\n",
            "1 2\r\na\r\n0\r\n\r\n",
            "1\r\nab\r\n0\r\n\r\n",
            "2\r\nab0\r\n\r\n",
        ],
    )
}

fn refuses_malformed_trailers(stage: &Stage<'_>) -> Verdict {
    refuses_chunked_bodies(
        stage,
        &[
            "0\r\nno colon\r\n\r\n",
            "0\r\n: no name\r\n\r\n",
            "0\r\nA : b\r\n\r\n",
            "0\r\n a: b\r\n\r\n",
        ],
    )
}

fn refuses_chunk_lines_and_trailers_without_end(stage: &Stage<'_>) -> Verdict {
    let host = stage.serve(echo(stage.style()))?;
    let long = "x".repeat(500_000);
    for body in [
        format!("1;{long}"),
        format!("1;a=\"{long}"),
        "1;extension=value\r\na\r\n".repeat(50_000),
        format!("0\r\nA: {long}"),
        format!("0\r\n{}", "A: b\r\n".repeat(100_000)),
    ] {
        let mut client = host.client()?;
        let head = request("POST /", &["Transfer-Encoding: chunked"], "");
        client.send(head)?;
        client.send_meanwhile(body.clone().into_bytes())?;
        let shown = &body[..30];
        let status = client.read_final(&Method::POST).map(|reply| reply.status);
        let status = status.map_err(|error| super::Flaw::new(format!("{shown:?}: {error}")))?;
        assert!(matches!(status, 400 | 431), "{shown:?}: {status}");
    }
    Ok(())
}

/// Each is a 400, the connection is closed, and what follows is not read.
fn refuses_chunked_bodies(stage: &Stage<'_>, bodies: &[&str]) -> Verdict {
    let host = stage.serve(echo(stage.style()))?;
    for body in bodies {
        let mut client = host.client()?;
        let bytes = request("POST /", &["Transfer-Encoding: chunked"], body);
        let bytes = [&bytes[..], b"GET /next HTTP/1.1\r\nHost: x\r\n\r\n"].concat();
        let reply = refused(&mut client, &bytes, body)?;
        assert_eq!(reply, 400, "{body:?}");
        let closed = client.closes();
        closed.map_err(|error| super::Flaw::new(format!("{body:?}: then {error}")))?;
    }
    Ok(())
}

fn refused(client: &mut Client, bytes: &[u8], body: &str) -> Result<u16, super::Flaw> {
    match client.exchange(bytes) {
        Ok(reply) => Ok(reply.status),
        Err(error) => Err(super::Flaw::new(format!("{body:?}: {error}"))),
    }
}

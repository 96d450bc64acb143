//! The chunked coding of request bodies, and trailers (RFC 9112 §7.1).

use http::Method;

use super::{Flaw, Stage, Verdict, request};
use crate::client::Client;
use crate::fixtures::{Dump, dump, echo};

cases! {
    /// **I6.** A host MUST read chunked bodies as the grammar has them, and refuse what is malformed.
    ///
    /// *Why*: As with heads: leniency is how requests are smuggled.
    ///
    /// *Source*: RFC 9112 §7.1.
    I6 Http {
        both takes_chunk_sizes_as_they_may_be_written;
        both takes_a_chunked_body_with_trailers;
        both refuses_malformed_chunks;
        both refuses_malformed_trailers;
        both refuses_chunk_lines_and_trailers_without_end;
    }

    /// **I7.** Trailer fields MUST be known once the body has been read to its end, on hosts that say so
    /// (`TRAILERS`).
    ///
    /// *Why*: They may be what tells whether the body is sound.
    ///
    /// *Source*: RFC 9110 §6.5; RFC 9112 §7.1.2.
    I7 Interface {
        both hands_trailers_on [TRAILERS];
    }
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
        let status = status.map_err(|error| Flaw::new(format!("{shown:?}: {error}")))?;
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
        closed.map_err(|error| Flaw::new(format!("{body:?}: then {error}")))?;
    }
    Ok(())
}

fn refused(client: &mut Client, bytes: &[u8], body: &str) -> Result<u16, Flaw> {
    match client.exchange(bytes) {
        Ok(reply) => Ok(reply.status),
        Err(error) => Err(Flaw::new(format!("{body:?}: {error}"))),
    }
}

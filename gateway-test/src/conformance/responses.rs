//! Responses: how a body is framed, and which have none (RFC 9112 §6, RFC 9110 §15).

use http::Method;

use super::{Stage, Verdict, pattern, request};
use crate::Event;
use crate::client::BodyEnd;
use crate::fixtures::{Kind, Script, answering, ticks};

cases! {
    /// **H15.** A host MUST frame every kind of body so that the client knows its end, and MUST NOT end it
    /// before. It MUST write a declared length without zeros before it.
    ///
    /// *Why*: A client that is not told takes half a body for a whole one, and one that reads 010 as octal
    /// takes less than there is.
    ///
    /// *Source*: RFC 9110 §8.6; RFC 9112 §6.3, §7.1.
    H15 Interface {
        both frames_every_kind_of_body;
        both frames_an_open_body_by_the_length_the_application_declares;
        once writes_a_declared_length_without_zeros_before_it;
        both an_empty_chunk_does_not_end_the_body breaks B6;
        both sends_large_bodies_whole;
        both sends_an_empty_body_with_length_zero;
        both never_sends_chunked_to_http10;
    }

    /// **H16.** A host that streams (`STREAMING`) MUST send a piece when it is made: at once where the body is
    /// live (`Delivery`), and else within 200 ms, which gives the system time to gather pieces that come at once.
    ///
    /// *Why*: Events and long answers are worth something while they are made.
    ///
    /// *Source*: PEP 3333, "Buffering and Streaming".
    H16 Interface {
        both sends_chunks_when_they_are_made [STREAMING];
    }

    /// **H17.** A host that can (`TRAILERS`) MUST send the trailers of a body to clients that want them.
    ///
    /// *Why*: What is only known at the end cannot stand in the head.
    ///
    /// *Source*: RFC 9110 §6.5.
    H17 Interface {
        both sends_trailers [TRAILERS];
    }
}

fn frames_every_kind_of_body(stage: &Stage<'_>) -> Verdict {
    for kind in Kind::ALL {
        let host = stage.serve(Script::new(kind, ["one", "two", "three"]).app(stage.style()))?;
        let mut client = host.client()?;
        for _ in 0..2 {
            let reply = client.get("/")?;
            assert_eq!(
                (reply.status, reply.text()),
                (200, "onetwothree"),
                "{kind:?}"
            );
            let end = match Kind::OPEN.contains(&kind) {
                true => BodyEnd::Chunked,
                false => BodyEnd::Length(11),
            };
            assert_eq!(reply.end, end, "{kind:?}");
        }
    }
    Ok(())
}

fn frames_an_open_body_by_the_length_the_application_declares(stage: &Stage<'_>) -> Verdict {
    for kind in Kind::ALL {
        let script = Script::new(kind, ["one", "two"]).header("content-length", "6");
        let host = stage.serve(script.app(stage.style()))?;
        let mut client = host.client()?;
        for _ in 0..2 {
            let reply = client.get("/")?;
            assert_eq!(
                (reply.end, reply.text()),
                (BodyEnd::Length(6), "onetwo"),
                "{kind:?}"
            );
        }
    }
    Ok(())
}

fn writes_a_declared_length_without_zeros_before_it(stage: &Stage<'_>) -> Verdict {
    for kind in Kind::ALL {
        let script = Script::new(kind, ["12345678"]).header("content-length", "0008");
        let host = stage.serve(script.app(stage.style()))?;
        let mut client = host.client()?;
        for line in ["GET /", "HEAD /", "GET /"] {
            let reply = client.exchange(request(line, &[], ""))?;
            assert_eq!(reply.all("content-length"), ["8"], "{kind:?} {line}");
            let body = if line == "HEAD /" { "" } else { "12345678" };
            assert_eq!(reply.text(), body, "{kind:?} {line}");
        }
    }
    Ok(())
}

fn an_empty_chunk_does_not_end_the_body(stage: &Stage<'_>) -> Verdict {
    for kind in Kind::OPEN {
        let host = stage.serve(Script::new(kind, ["", "a", "", "", "b", ""]).app(stage.style()))?;
        let mut client = host.client()?;
        for _ in 0..2 {
            assert_eq!(client.get("/")?.text(), "ab", "{kind:?}");
        }
    }
    Ok(())
}

fn sends_large_bodies_whole(stage: &Stage<'_>) -> Verdict {
    let body = pattern(8 * 1024 * 1024);
    for kind in Kind::ALL {
        let chunks = body.chunks(100_000).map(<[u8]>::to_vec);
        let host = stage.serve(Script::new(kind, chunks).app(stage.style()))?;
        let mut client = host.client()?;
        assert!(client.get("/")?.body == body, "{kind:?}");
        assert!(client.is_quiet()?, "{kind:?}");
    }
    Ok(())
}

fn sends_an_empty_body_with_length_zero(stage: &Stage<'_>) -> Verdict {
    let host = stage.serve(answering(stage.style(), |_| Ok(gateway_core::text(""))))?;
    let mut client = host.client()?;
    for _ in 0..2 {
        let reply = client.get("/")?;
        assert_eq!((reply.status, reply.end), (200, BodyEnd::Length(0)));
    }
    Ok(())
}

fn sends_chunks_when_they_are_made(stage: &Stage<'_>) -> Verdict {
    let (release, closed) = (Event::new(), Event::new());
    let host = stage.serve(ticks(stage.style(), &release, &closed))?;
    let mut client = host.client()?;
    client.send(request("GET /", &[], ""))?;
    let mut came = Vec::new();
    while !came.ends_with(b"first") {
        came.extend(client.read_some(1)?);
    }
    release.set();
    while !came.ends_with(b"second\r\n0\r\n\r\n") {
        came.extend(client.read_some(1)?);
    }
    Ok(())
}

fn sends_trailers(stage: &Stage<'_>) -> Verdict {
    for kind in [Kind::Stream, Kind::Channel] {
        let script = Script::new(kind, ["body"]).trailer("x-sum", "7");
        let host = stage.serve(script.header("trailer", "x-sum").app(stage.style()))?;
        let mut client = host.client()?;
        for _ in 0..2 {
            let reply =
                client.exchange(request("GET /", &["TE: trailers", "Connection: TE"], ""))?;
            assert_eq!(reply.text(), "body");
            let sum = ("x-sum".to_owned(), "7".to_owned());
            assert_eq!(reply.trailers, [sum], "{kind:?}");
        }
    }
    Ok(())
}

fn never_sends_chunked_to_http10(stage: &Stage<'_>) -> Verdict {
    for kind in Kind::OPEN {
        let host = stage.serve(Script::new(kind, ["one", "two"]).app(stage.style()))?;
        let mut client = host.client()?;
        client.send("GET / HTTP/1.0\r\n\r\n")?;
        let reply = client.read(&Method::GET)?;
        assert_eq!(
            (reply.end, reply.text()),
            (BodyEnd::Close, "onetwo"),
            "{kind:?}"
        );
    }
    Ok(())
}

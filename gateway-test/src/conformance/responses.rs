//! Responses: how a body is framed, and which have none (RFC 9112 §6, RFC 9110 §15).

use http::{Method, StatusCode};

use super::{Stage, Verdict, pattern, request};
use crate::Event;
use crate::client::BodyEnd;
use crate::fixtures::{Kind, Script, answering, hello, ticks};

cases! {
    both frames_every_kind_of_body;
    both frames_an_open_body_by_the_length_the_application_declares;
    both an_empty_chunk_does_not_end_the_body;
    both sends_large_bodies_whole;
    both sends_an_empty_body_with_length_zero;
    both sends_chunks_when_they_are_made [STREAMING];
    both sends_trailers [TRAILERS];
    once head_has_no_body_and_the_length_of_get;
    once head_keeps_the_length_that_the_application_declares;
    both head_of_an_open_body_has_no_body;
    once no_content_has_no_body;
    once not_modified_has_no_body;
    once reset_content_has_no_body;
    once dates_every_response;
    once keeps_the_date_of_the_application;
    once keeps_fields_of_the_same_name_apart_and_in_order;
    once sends_many_and_large_fields;
    once sends_any_final_status;
    both never_sends_chunked_to_http10;
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

fn head_has_no_body_and_the_length_of_get(stage: &Stage<'_>) -> Verdict {
    for kind in [Kind::Bytes, Kind::File] {
        let host = stage.serve(Script::new(kind, ["12345"]).app(stage.style()))?;
        let mut client = host.client()?;
        for _ in 0..2 {
            let reply = client.exchange(request("HEAD /", &[], ""))?;
            assert_eq!(
                (reply.status, reply.all("content-length")),
                (200, vec!["5"])
            );
            assert_eq!(client.get("/")?.text(), "12345"); // and nothing of the body before it
        }
    }
    Ok(())
}

fn head_keeps_the_length_that_the_application_declares(stage: &Stage<'_>) -> Verdict {
    let app = gateway_core::Head(hello(stage.style())); // leaves the body out, and says how long it is
    let host = stage.serve(gateway_core::BoxApplication::new(app))?;
    let mut client = host.client()?;
    for _ in 0..2 {
        let reply = client.exchange(request("HEAD /", &[], ""))?;
        assert_eq!(
            (reply.status, reply.all("content-length")),
            (200, vec!["13"])
        );
    }
    Ok(())
}

fn head_of_an_open_body_has_no_body(stage: &Stage<'_>) -> Verdict {
    for kind in Kind::OPEN {
        let host = stage.serve(Script::new(kind, ["12345"]).app(stage.style()))?;
        let mut client = host.client()?;
        for _ in 0..2 {
            let reply = client.exchange(request("HEAD /", &[], ""))?;
            assert_eq!((reply.status, reply.field("content-length")), (200, None));
            assert_eq!(client.get("/")?.text(), "12345", "{kind:?}");
        }
    }
    Ok(())
}

/// The application gave a body all the same: it is left out, or the response refused.
fn no_content_has_no_body(stage: &Stage<'_>) -> Verdict {
    without_body(stage, StatusCode::NO_CONTENT, BodyEnd::None)
}

fn reset_content_has_no_body(stage: &Stage<'_>) -> Verdict {
    without_body(stage, StatusCode::RESET_CONTENT, BodyEnd::Length(0))
}

fn without_body(stage: &Stage<'_>, status: StatusCode, end: BodyEnd) -> Verdict {
    for kind in Kind::ALL {
        let app = Script::new(kind, ["no body"]).status(status);
        let host = stage.serve(app.app(stage.style()))?;
        let mut client = host.client()?;
        for _ in 0..2 {
            let reply = client.get("/")?;
            if reply.status != 500 {
                assert_eq!(
                    (reply.status, reply.end),
                    (status.as_u16(), end),
                    "{kind:?}"
                );
            }
            assert!(client.is_quiet()?, "{kind:?}");
        }
    }
    let empty: [&str; 0] = [];
    let host = stage.serve(
        Script::new(Kind::Bytes, empty)
            .status(status)
            .app(stage.style()),
    )?;
    let reply = host.client()?.get("/")?;
    assert_eq!((reply.status, reply.end), (status.as_u16(), end));
    Ok(())
}

fn not_modified_has_no_body(stage: &Stage<'_>) -> Verdict {
    for kind in Kind::ALL {
        let app = Script::new(kind, ["no body"]).status(StatusCode::NOT_MODIFIED);
        let app = app.header("etag", "\"a\"").header("content-length", "7");
        let host = stage.serve(app.app(stage.style()))?;
        let mut client = host.client()?;
        for _ in 0..2 {
            let reply = client.get("/")?;
            assert_eq!(
                (reply.status, reply.field("etag")),
                (304, Some("\"a\"")),
                "{kind:?}"
            );
            assert!(client.is_quiet()?, "{kind:?}");
        }
    }
    Ok(())
}

fn dates_every_response(stage: &Stage<'_>) -> Verdict {
    let host = stage.serve(hello(stage.style()))?;
    for line in ["GET /", "GET *", "GET  /"] {
        let reply = host.client()?.exchange(request(line, &[], ""))?;
        let dates = reply.all("date");
        assert!(
            matches!(dates[..], [date] if is_imf_fixdate(date)),
            "{reply:?}"
        );
    }
    Ok(())
}

/// `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110 §5.6.7).
fn is_imf_fixdate(date: &str) -> bool {
    let shape = "Aaa, 00 Aaa 0000 00:00:00 GMT";
    let fits = |(shape, byte): (u8, u8)| match shape {
        b'0' => byte.is_ascii_digit(),
        b'A' if byte.is_ascii_uppercase() => true,
        b'a' => byte.is_ascii_lowercase(),
        other => byte == other,
    };
    shape.len() == date.len() && shape.bytes().zip(date.bytes()).all(fits)
}

fn keeps_the_date_of_the_application(stage: &Stage<'_>) -> Verdict {
    let date = "Sun, 06 Nov 1994 08:49:37 GMT";
    let host = stage.serve(
        Script::new(Kind::Bytes, ["x"])
            .header("date", date)
            .app(stage.style()),
    )?;
    assert_eq!(host.client()?.get("/")?.all("date"), [date]);
    Ok(())
}

fn keeps_fields_of_the_same_name_apart_and_in_order(stage: &Stage<'_>) -> Verdict {
    let app = Script::new(Kind::Bytes, ["x"])
        .header("set-cookie", "a=1")
        .header("x-between", "y")
        .header("set-cookie", "b=2, c")
        .header("set-cookie", "");
    let host = stage.serve(app.app(stage.style()))?;
    let reply = host.client()?.get("/")?;
    assert_eq!(reply.all("set-cookie"), ["a=1", "b=2, c", ""]);
    Ok(())
}

fn sends_many_and_large_fields(stage: &Stage<'_>) -> Verdict {
    let long = "v".repeat(40_000);
    let sent = long.clone();
    let app = answering(stage.style(), move |_| {
        let mut response = gateway_core::text("x");
        for n in 0..200 {
            let name: http::HeaderName = format!("x-{n}").parse()?;
            response.headers_mut().append(name, n.into());
        }
        response.headers_mut().append("x-long", sent.parse()?);
        Ok(response)
    });
    let host = stage.serve(app)?;
    let reply = host.client()?.get("/")?;
    assert_eq!(reply.all("x-long"), [&*long]);
    for n in 0..200 {
        assert_eq!(reply.all(&format!("x-{n}")), [n.to_string()]);
    }
    Ok(())
}

fn sends_any_final_status(stage: &Stage<'_>) -> Verdict {
    for code in [200, 201, 299, 300, 404, 418, 499, 500, 599] {
        let status = StatusCode::from_u16(code)?;
        let host = stage.serve(
            Script::new(Kind::Bytes, ["x"])
                .status(status)
                .app(stage.style()),
        )?;
        let reply = host.client()?.get("/")?;
        assert_eq!((reply.status, reply.text()), (code, "x"));
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

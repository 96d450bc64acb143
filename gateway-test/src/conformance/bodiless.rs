//! Responses that have no body, whatever the application gave (RFC 9112 §6.3, RFC 9110 §8.6, §15).

use http::StatusCode;

use super::{Stage, Verdict, request};
use crate::client::BodyEnd;
use crate::fixtures::{Kind, Script, answering, hello};

cases! {
    /// **H18.** A host MUST NOT send a body with HEAD, 1xx, 204 and 304, nor make one, and MUST keep the
    /// length that GET would have had.
    ///
    /// *Why*: Whatever is sent would be taken for the next response.
    ///
    /// *Source*: RFC 9110 §8.6, §9.3.2, §15; RFC 9112 §6.3.
    H18 Interface {
        once head_has_no_body_and_the_length_of_get;
        once head_keeps_the_length_that_the_application_declares;
        both head_of_an_open_body_has_no_body;
        once makes_nothing_of_a_body_that_is_not_sent breaks A9;
        once no_content_has_no_body breaks A5;
        once not_modified_has_no_body breaks A9;
        once not_modified_keeps_the_length_as_a_number;
        once reset_content_has_no_body breaks A5;
        once reset_content_says_length_zero_to_head_too;
        once an_error_is_told_to_head_by_its_head_alone breaks A3;
    }

    H18 Http {
        once a_refusal_is_told_to_head_by_its_head_alone;
    }
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

/// Nor does it fail with a body that would have failed.
fn makes_nothing_of_a_body_that_is_not_sent(stage: &Stage<'_>) -> Verdict {
    let none: [&str; 0] = [];
    for kind in [Kind::Iter, Kind::Stream] {
        let script = Script::new(kind, none).panics();
        let host = stage.serve(script.clone().app(stage.style()))?;
        let reply = host.client()?.exchange(request("HEAD /", &[], ""))?;
        assert_eq!(reply.status, 200, "{kind:?}");
        let not_modified = script.status(StatusCode::NOT_MODIFIED);
        let host = stage.serve(not_modified.app(stage.style()))?;
        let reply = host.client()?.get("/")?;
        assert_eq!(reply.status, 304, "{kind:?}");
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

/// HEAD is told what GET is told (RFC 9110 §9.3.2).
fn reset_content_says_length_zero_to_head_too(stage: &Stage<'_>) -> Verdict {
    let app = Script::new(Kind::Bytes, [""]).status(StatusCode::RESET_CONTENT);
    for app in [app.clone(), app.header("content-length", "0")] {
        let host = stage.serve(app.app(stage.style()))?;
        let mut client = host.client()?;
        for line in ["GET /", "HEAD /", "GET /"] {
            let reply = client.exchange(request(line, &[], ""))?;
            assert_eq!(
                (reply.status, reply.all("content-length")),
                (205, vec!["0"]),
                "{line}"
            );
        }
    }
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
            assert_eq!(reply.all("content-length"), ["7"], "{kind:?}");
            assert!(client.is_quiet()?, "{kind:?}");
        }
    }
    Ok(())
}

/// Also that of an empty body, and without zeros before it.
fn not_modified_keeps_the_length_as_a_number(stage: &Stage<'_>) -> Verdict {
    for (declared, written) in [("0", "0"), ("00", "0"), ("007", "7")] {
        let app = Script::new(Kind::Bytes, [""]).status(StatusCode::NOT_MODIFIED);
        let app = app.header("content-length", declared);
        let host = stage.serve(app.app(stage.style()))?;
        let mut client = host.client()?;
        for line in ["GET /", "HEAD /", "GET /"] {
            let reply = client.exchange(request(line, &[], ""))?;
            assert_eq!(
                (reply.status, reply.all("content-length")),
                (304, vec![written]),
                "{line} {declared}"
            );
        }
    }
    Ok(())
}

/// What the host says in the application's stead has no body either (RFC 9110 §9.3.2).
fn an_error_is_told_to_head_by_its_head_alone(stage: &Stage<'_>) -> Verdict {
    let fails = answering(stage.style(), |_| Err("on purpose".into()));
    let unsound = Script::new(Kind::Bytes, ["12345"]).header("content-length", "five");
    for app in [fails, unsound.app(stage.style())] {
        let host = stage.serve(app)?;
        let mut client = host.client()?;
        let told = client.get("/")?;
        for _ in 0..2 {
            let reply = client.exchange(request("HEAD /", &[], ""))?;
            assert_eq!((reply.status, told.status), (500, 500));
            assert_eq!(reply.all("content-length"), told.all("content-length"));
        }
        assert!(client.is_quiet()?);
    }
    Ok(())
}

/// Nor what it says of a request that it does not even take.
fn a_refusal_is_told_to_head_by_its_head_alone(stage: &Stage<'_>) -> Verdict {
    let host = stage.serve(hello(stage.style()))?;
    for rest in [
        " / HTTP/1.1\r\n\r\n",
        " / HTTP/1.1\nHost: a\r\n\r\n",
        " / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        " / HTTP/1.1\r\nHost: a\r\nx y: z\r\n\r\n",
        " / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: x\r\n\r\n",
        " /%00 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    ] {
        let told = host.client()?.exchange(format!("GET{rest}"))?;
        assert!(told.status >= 400, "{rest}: {told:?}");
        let mut client = host.client()?;
        let reply = client.exchange(format!("HEAD{rest}"))?;
        assert_eq!(reply.status, told.status, "{rest}");
        assert_eq!(
            reply.all("content-length"),
            told.all("content-length"),
            "{rest}"
        );
        client.closes()?; // and nothing before it
    }
    Ok(())
}

//! What an application must not send is not sent: 500 before the head, a cut after it.

use http::StatusCode;

use super::{Stage, Verdict, request};
use crate::client::{Client, ReadError, Reply};
use crate::fixtures::{Kind, Script, Style};

cases! {
    /// **H20.** A host MUST answer 500 in place of a response that breaks A1 to A4, and cut one whose body
    /// breaks B1.
    ///
    /// *Why*: Whatever the application does, the client must not be misled, nor the next response on the
    /// connection.
    ///
    /// *Source*: RFC 9112 §6.3, §8.
    H20 Interface {
        once refuses_interim_statuses_as_final_ones breaks A1;
        once refuses_statuses_beyond_599 breaks A1;
        once refuses_hop_by_hop_fields breaks A2;
        once refuses_malformed_lengths_of_the_application breaks A3;
        both refuses_a_known_body_of_another_length breaks A4;
        both cuts_the_connection_when_the_body_is_too_short breaks B1;
        both sends_no_byte_beyond_the_declared_length breaks B1;
        both a_refused_response_leaves_the_host_sound breaks A3 B1;
    }
}

fn answers_500(stage: &Stage<'_>, script: Script) -> Result<Client, super::Flaw> {
    let shown = format!("{script:?}");
    let host = stage.serve(script.app(stage.style()))?;
    let mut client = host.client()?;
    let reply = client.get("/")?;
    assert_eq!(reply.status, 500, "{shown}: {reply:?}");
    assert!(!reply.text().contains("no word"), "{shown}");
    Ok(client)
}

fn bytes() -> Script {
    Script::new(Kind::Bytes, ["no word"])
}

fn refuses_interim_statuses_as_final_ones(stage: &Stage<'_>) -> Verdict {
    for code in [100, 101, 102, 103, 199] {
        answers_500(stage, bytes().status(StatusCode::from_u16(code)?))?;
    }
    Ok(())
}

fn refuses_statuses_beyond_599(stage: &Stage<'_>) -> Verdict {
    for code in [600, 700, 999] {
        answers_500(stage, bytes().status(StatusCode::from_u16(code)?))?;
    }
    Ok(())
}

/// They belong to the connection, which is the host's (RFC 9110 §7.6.1).
fn refuses_hop_by_hop_fields(stage: &Stage<'_>) -> Verdict {
    for (name, value) in [
        ("transfer-encoding", "chunked"),
        ("transfer-encoding", "gzip"),
        ("connection", "keep-alive"),
        ("connection", "x-a"),
        ("keep-alive", "timeout=5"),
        ("proxy-connection", "close"),
        ("te", "trailers"),
        ("upgrade", "websocket"),
    ] {
        answers_500(stage, bytes().header(name, value))?;
        let open = Script::new(Kind::Iter, ["no word"]);
        answers_500(stage, open.header(name, value))?;
    }
    Ok(())
}

fn refuses_malformed_lengths_of_the_application(stage: &Stage<'_>) -> Verdict {
    for length in [
        "abc",
        "",
        "+7",
        "-7",
        "7x",
        "7, 7",
        "0x7",
        "99999999999999999999",
    ] {
        answers_500(stage, bytes().header("content-length", length))?;
        let open = Script::new(Kind::Iter, ["no word"]);
        answers_500(stage, open.header("content-length", length))?;
    }
    for other in ["7", "8"] {
        let twice = bytes().header("content-length", "7");
        answers_500(stage, twice.header("content-length", other))?;
    }
    Ok(())
}

fn refuses_a_known_body_of_another_length(stage: &Stage<'_>) -> Verdict {
    for kind in [Kind::Bytes, Kind::File] {
        for length in ["0", "6", "8", "18446744073709551615"] {
            let script = Script::new(kind, ["no word"]).header("content-length", length);
            let mut client = answers_500(stage, script)?;
            assert!(matches!(client.get("/"), Ok(Reply { status: 500, .. })));
        }
    }
    Ok(())
}

fn cuts_the_connection_when_the_body_is_too_short(stage: &Stage<'_>) -> Verdict {
    for kind in Kind::OPEN {
        let script = Script::new(kind, ["one", "two"]).header("content-length", "7");
        let host = stage.serve(script.app(stage.style()))?;
        for method in ["GET", "POST"] {
            let cut = host
                .client()?
                .exchange(request(&format!("{method} /"), &[], ""));
            is_cut_after(cut, "onetwo", kind);
        }
    }
    Ok(())
}

/// What came before the cut may have come or not; nothing else may.
fn is_cut_after(read: Result<Reply, ReadError>, sent: &str, kind: Kind) {
    let Err(error) = read else {
        panic!("{kind:?}: taken for whole: {read:?}")
    };
    assert!(error.is_end(), "{kind:?}: {error}");
    if let Some(reply) = error.reply() {
        assert!(sent.starts_with(reply.text()), "{kind:?}: {reply:?}");
    }
}

fn sends_no_byte_beyond_the_declared_length(stage: &Stage<'_>) -> Verdict {
    for kind in Kind::OPEN {
        let chunks = ["one", "two", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"];
        for length in ["5", "6"] {
            let script = Script::new(kind, chunks).header("content-length", length);
            let host = stage.serve(script.app(stage.style()))?;
            let mut client = host.client()?;
            match client.get("/") {
                Ok(reply) => {
                    assert_eq!(reply.text(), &"onetwo"[..length.parse()?], "{kind:?}");
                    // The connection may be used again, or not; nothing is left over on it.
                    match client.get("/") {
                        Ok(next) => assert_eq!(next.text(), reply.text(), "{kind:?}"),
                        Err(error) => assert!(error.is_end(), "{kind:?}: {error}"),
                    }
                }
                error => is_cut_after(error, "onetwo", kind),
            }
        }
    }
    Ok(())
}

fn a_refused_response_leaves_the_host_sound(stage: &Stage<'_>) -> Verdict {
    let style: Style = stage.style();
    let mount = gateway_core::Mount::new()
        .at(
            "/short",
            Script::new(Kind::Iter, ["x"])
                .header("content-length", "2")
                .app(style),
        )
        .at("/abc", bytes().header("content-length", "abc").app(style))
        .at("", crate::fixtures::hello(style));
    let host = stage.serve(gateway_core::BoxApplication::new(mount))?;
    for _ in 0..10 {
        let _ = host
            .client()?
            .get("/short")
            .map(|reply| panic!("whole: {reply:?}"));
        assert_eq!(host.client()?.get("/abc")?.status, 500);
        assert_eq!(host.client()?.get("/")?.text(), "Hello, world!");
    }
    Ok(())
}

//! Connections: kept and closed (RFC 9112 §9).

use http::Method;

use super::{Stage, Verdict, pattern, post, post_chunked, request};
use crate::fixtures::{Gate, Kind, Script, Style, echo, hello, waits};

cases! {
    /// **H13.** A host SHOULD keep connections as client and version say, and close them when either side
    /// asks.
    ///
    /// *Why*: Opening a connection costs more than most requests.
    ///
    /// *Source*: RFC 9112 §9.3, §9.6.
    H13 Persistence {
        both keeps_the_connection_after_a_whole_exchange;
        once ignores_an_upgrade_that_it_does_not_take;
        both closes_when_the_client_asks;
        both closes_after_http10;
        both keeps_http10_when_the_client_asks;
        both answers_what_was_asked_before_the_client_stopped_sending;
        both answers_a_running_call_although_the_client_stopped_sending;
        both an_unframed_body_ends_with_the_connection_in_http10;
        once survives_clients_that_say_nothing_and_leave;
        once survives_clients_that_leave_within_the_head;
        once closes_when_the_application_asks;
    }
}

fn keeps_the_connection_after_a_whole_exchange(stage: &Stage<'_>) -> Verdict {
    let host = stage.serve(echo(stage.style()))?;
    let mut client = host.client()?;
    for turn in 0..5 {
        let body = format!("turn {turn}");
        let bytes = match turn % 2 {
            0 => post("/", &body),
            _ => post_chunked("/", &[&body]),
        };
        let reply = client.exchange(bytes)?;
        assert_eq!((reply.text(), reply.says_close()), (&*body, false));
    }
    Ok(())
}

fn ignores_an_upgrade_that_it_does_not_take(stage: &Stage<'_>) -> Verdict {
    let host = stage.serve(echo(stage.style()))?;
    let mut client = host.client()?;
    for protocol in ["websocket", "h2c", "HTTP/2.0, x"] {
        let upgrade = format!("Upgrade: {protocol}");
        let fields = [
            "Connection: Upgrade, HTTP2-Settings",
            &upgrade,
            "Content-Length: 5",
        ];
        let reply = client.exchange(request("POST /", &fields, "hello"))?;
        assert_eq!((reply.status, reply.text()), (200, "hello"), "{protocol}");
    }
    Ok(())
}

fn closes_when_the_client_asks(stage: &Stage<'_>) -> Verdict {
    let host = stage.serve(hello(stage.style()))?;
    for field in [
        "Connection: close",
        "connection: x-a, CLOSE",
        "Connection: keep-alive, close",
    ] {
        let mut client = host.client()?;
        let reply = client.exchange(request("GET /", &[field], ""))?;
        assert_eq!((reply.status, reply.says_close()), (200, true), "{field}");
        client.closes()?;
    }
    Ok(())
}

fn closes_after_http10(stage: &Stage<'_>) -> Verdict {
    let host = stage.serve(hello(stage.style()))?;
    let mut client = host.client()?;
    let reply = client.exchange("GET / HTTP/1.0\r\n\r\n")?;
    assert_eq!((reply.status, reply.text()), (200, "Hello, world!"));
    Ok(client.closes()?)
}

fn keeps_http10_when_the_client_asks(stage: &Stage<'_>) -> Verdict {
    let host = stage.serve(hello(stage.style()))?;
    let mut client = host.client()?;
    for _ in 0..2 {
        let reply = client.exchange("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")?;
        assert_eq!(reply.all("connection"), ["keep-alive"]);
    }
    client.exchange("GET / HTTP/1.0\r\n\r\n")?;
    Ok(client.closes()?)
}

fn answers_what_was_asked_before_the_client_stopped_sending(stage: &Stage<'_>) -> Verdict {
    let host = stage.serve(hello(stage.style()))?;
    let mut client = host.client()?;
    client.send([request("GET /1", &[], ""), request("GET /2", &[], "")].concat())?;
    client.stop_sending()?;
    for _ in 0..2 {
        let status = client.read(&Method::GET)?.status;
        // Blocking code that still waits for a thread when the host takes the silence for a departure
        // is not begun, and that is the answer.
        let waited = stage.style() == Style::Blocking && status == 503;
        assert!(status == 200 || waited, "{status}");
    }
    Ok(client.closes()?)
}

/// Whether it has left or merely has no more to say cannot be told: `cancelled()` may be set, yet
/// what is answered is sent, as Go's net/http has it.
fn answers_a_running_call_although_the_client_stopped_sending(stage: &Stage<'_>) -> Verdict {
    let gate = Gate::new();
    let host = stage.serve(waits(stage.style(), &gate))?;
    let mut client = host.client()?;
    client.send(request("GET /", &[], ""))?;
    gate.entered.next()?;
    client.stop_sending()?;
    gate.release.set();
    assert_eq!(client.read(&Method::GET)?.text(), "went on");
    Ok(client.closes()?)
}

fn an_unframed_body_ends_with_the_connection_in_http10(stage: &Stage<'_>) -> Verdict {
    let body = pattern(200_000);
    for kind in Kind::OPEN {
        let chunks = body.chunks(30_000).map(<[u8]>::to_vec);
        let host = stage.serve(Script::new(kind, chunks).app(stage.style()))?;
        let mut client = host.client()?;
        let reply = client.exchange("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")?;
        assert_eq!(reply.end, crate::client::BodyEnd::Close, "{kind:?}");
        assert!(reply.body == body, "{kind:?}");
    }
    Ok(())
}

fn survives_clients_that_say_nothing_and_leave(stage: &Stage<'_>) -> Verdict {
    let host = stage.serve(hello(stage.style()))?;
    for _ in 0..20 {
        drop(host.client()?);
        host.client()?.reset()?;
    }
    assert_eq!(host.client()?.get("/")?.status, 200);
    Ok(())
}

fn survives_clients_that_leave_within_the_head(stage: &Stage<'_>) -> Verdict {
    let calls = crate::Log::new();
    let host = stage.serve(super::noted(stage.style(), &calls))?;
    let head = request("GET /left", &["A: b"], "");
    for at in (1..head.len()).step_by(5) {
        let mut client = host.client()?;
        client.send(&head[..at])?;
        client.stop_sending()?;
        let answer = client.read_to_end()?;
        let refused = answer.starts_with(b"HTTP/1.1 400") || answer.starts_with(b"HTTP/1.1 408");
        assert!(
            answer.is_empty() || refused,
            "cut at {at}: {}",
            answer.escape_ascii()
        );
    }
    assert!(calls.is_empty());
    assert_eq!(host.client()?.get("/after")?.text(), "/after");
    Ok(())
}

fn closes_when_the_application_asks(stage: &Stage<'_>) -> Verdict {
    let app = Script::new(Kind::Bytes, ["bye"]).header("connection", "close");
    let host = stage.serve(app.app(stage.style()))?;
    let mut client = host.client()?;
    let reply = client.get("/")?;
    assert_eq!((reply.text(), reply.says_close()), ("bye", true));
    Ok(client.closes()?)
}

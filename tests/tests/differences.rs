//! What the table "Where the hosts differ" of `docs/ARCHITECTURE.md` says of messages, shown on both hosts.

use std::io;

use gateway_core::{BoxApplication, text};
use gateway_test::client::{Client, Reply};
use gateway_test::conformance::{Running, Setup, TestHost};
use gateway_test::fixtures::{Kind, Script, Style, answering, echo, hello};
use gateway_tests::{HyperHost, SyncHost};
use http::{Method, StatusCode};

type Verdict = Result<(), Box<dyn std::error::Error>>;

/// A host with `app`, and a client of it. The host stops when it goes.
fn start(host: &dyn TestHost, app: BoxApplication) -> io::Result<(Running, Client)> {
    let running = host.start(app, Setup::default())?;
    let client = running.client()?;
    Ok((running, client))
}

/// What each host answers to `request`: gateway-sync, gateway-hyper.
fn answers(app: &BoxApplication, request: &str) -> Result<[Reply; 2], Box<dyn std::error::Error>> {
    let answer = |host: &dyn TestHost| -> Result<Reply, Box<dyn std::error::Error>> {
        let (_running, mut client) = start(host, app.clone())?;
        Ok(client.exchange(request)?)
    };
    Ok([answer(&SyncHost)?, answer(&HyperHost)?])
}

#[test]
fn a_trailer_field_stays_on_gateway_sync_where_no_trailers_can_follow() -> Verdict {
    let app = |status| {
        let script = Script::new(Kind::Stream, ["x"]).trailer("x-sum", "7");
        script
            .header("trailer", "x-sum")
            .status(status)
            .app(Style::Async)
    };
    let get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    for (status, request, on_hyper) in [
        (StatusCode::OK, get, Some("x-sum")),
        (StatusCode::NO_CONTENT, get, None),
        (StatusCode::NOT_MODIFIED, get, None),
        (StatusCode::OK, "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n", None),
        (StatusCode::OK, "GET / HTTP/1.0\r\nHost: a\r\n\r\n", None),
    ] {
        let replies = answers(&app(status), request)?;
        let told = replies.each_ref().map(|reply| reply.field("trailer"));
        assert_eq!(told, [Some("x-sum"), on_hyper], "{status} {request}");
    }
    Ok(())
}

#[test]
fn a_body_that_is_there_already_is_asked_for_by_gateway_hyper_only() -> Verdict {
    let fields = "Expect: 100-continue\r\nContent-Length: 5";
    let request = format!("POST / HTTP/1.1\r\nHost: a\r\n{fields}\r\n\r\nhello");
    for (host, expected) in [
        (&SyncHost as &dyn TestHost, &[200][..]),
        (&HyperHost, &[100, 200]),
    ] {
        let (_running, mut client) = start(host, echo(Style::Async))?;
        client.send(&request)?;
        for status in expected {
            assert_eq!(
                client.read(&Method::POST)?.status,
                *status,
                "{}",
                host.name()
            );
        }
        assert!(client.is_quiet()?, "{}", host.name());
    }
    Ok(())
}

#[test]
fn the_length_of_a_chunked_body_is_known_to_gateway_sync_only() -> Verdict {
    let app = answering(Style::Async, |mut environ| {
        let length = environ.var("CONTENT_LENGTH").map(|it| it.to_string());
        let left = environ.input().remaining();
        Ok(text(format!("{length:?} {left:?}")))
    });
    let coded = "Transfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n";
    let replies = answers(&app, &format!("POST / HTTP/1.1\r\nHost: a\r\n{coded}"))?;
    let told = replies.each_ref().map(Reply::text);
    assert_eq!(told, ["Some(\"5\") Some(5)", "None None"]);
    Ok(())
}

#[test]
fn http10_is_answered_as_http10_by_gateway_hyper_only() -> Verdict {
    let replies = answers(&hello(Style::Async), "GET / HTTP/1.0\r\n\r\n")?;
    assert_eq!(replies.map(|reply| reply.minor_version), [1, 0]);
    Ok(())
}

#[test]
fn trailers_go_to_who_wants_them_on_gateway_hyper_and_to_all_on_gateway_sync() -> Verdict {
    let sum = [("x-sum".to_owned(), "7".to_owned())];
    for (te, named, on_hyper) in [
        (true, true, true),
        (false, true, false),
        (true, false, false),
    ] {
        let script = Script::new(Kind::Stream, ["x"]).trailer("x-sum", "7");
        let script = match named {
            true => script.header("trailer", "x-sum"),
            false => script,
        };
        let te = match te {
            true => "TE: trailers\r\nConnection: TE\r\n",
            false => "",
        };
        let request = format!("GET / HTTP/1.1\r\nHost: a\r\n{te}\r\n");
        let [sync, hyper] = answers(&script.app(Style::Async), &request)?;
        assert_eq!(sync.trailers, sum, "{request}");
        let expected: &[_] = if on_hyper { &sum } else { &[] };
        assert_eq!(hyper.trailers, expected, "{request}");
    }
    Ok(())
}

#[test]
fn forbidden_trailers_cut_on_gateway_sync_and_are_left_out_by_gateway_hyper() -> Verdict {
    let script = Script::new(Kind::Stream, ["x"]).trailer("content-length", "7");
    let app = script.header("trailer", "content-length").app(Style::Async);
    let request = "GET / HTTP/1.1\r\nHost: a\r\nTE: trailers\r\nConnection: TE\r\n\r\n";
    let (_running, mut client) = start(&SyncHost, app.clone())?;
    assert!(client.exchange(request).is_err()); // which is what a truncated response is
    let (_running, mut client) = start(&HyperHost, app)?;
    let reply = client.exchange(request)?;
    assert_eq!((reply.text(), reply.trailers.len()), ("x", 0));
    Ok(())
}

#[test]
fn half_a_body_is_answered_by_gateway_hyper_only() -> Verdict {
    let half = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab";
    for style in Style::BOTH {
        for (host, expected) in [
            (&SyncHost as &dyn TestHost, ""),
            (&HyperHost, "HTTP/1.1 400 "),
        ] {
            let (_running, mut client) = start(host, echo(style))?;
            client.send(half)?;
            client.stop_sending()?;
            let answer = String::from_utf8(client.read_to_end()?)?;
            let start = answer.get(..expected.len());
            assert_eq!(start, Some(expected), "{style}");
            assert_eq!(answer.is_empty(), expected.is_empty(), "{style}");
        }
    }
    Ok(())
}

//! Requests sent before the answer to the one before has come (RFC 9112 §9.3.2).

use http::Method;

use super::{Stage, Verdict, pattern, post, post_chunked, request};
use crate::fixtures::{Dump, Kind, Script, dump, echo, echo_streamed, hello};

cases! {
    /// **H14.** A host MUST answer pipelined requests in their order, and read nothing after one that closes.
    ///
    /// *Why*: The client has only the order to tell answers apart.
    ///
    /// *Source*: RFC 9112 §9.3.2.
    H14 Persistence {
        both answers_pipelined_requests_in_order;
        both answers_pipelined_requests_with_bodies_in_order;
        both answers_pipelined_requests_sent_with_the_next_head_cut;
        once answers_a_thousand_pipelined_requests;
        both answers_pipelined_requests_for_large_bodies;
        once reads_nothing_after_a_request_that_closes;
    }
}

fn answers_pipelined_requests_in_order(stage: &Stage<'_>) -> Verdict {
    let host = stage.serve(dump(stage.style()))?;
    let mut client = host.client()?;
    let requests: Vec<u8> = (0..20)
        .flat_map(|n| request(&format!("GET /{n}"), &[], ""))
        .collect();
    client.send(requests)?;
    for n in 0..20 {
        let dump = Dump::parse(&client.read(&Method::GET)?.body)?;
        assert_eq!(dump.var("PATH_INFO"), Some(&*format!("/{n}")));
    }
    assert!(client.is_quiet()?);
    Ok(())
}

fn answers_pipelined_requests_with_bodies_in_order(stage: &Stage<'_>) -> Verdict {
    let host = stage.serve(echo_streamed(stage.style()))?;
    let mut client = host.client()?;
    let bodies: Vec<String> = (0..10).map(|n| format!("{n}").repeat(n * 10)).collect();
    for body in &bodies {
        let bytes = match body.len() % 20 {
            0 => post("/", body),
            _ => post_chunked("/", &[&body[..1], &body[1..]]),
        };
        client.send(bytes)?;
    }
    for body in &bodies {
        assert_eq!(client.read(&Method::POST)?.text(), body);
    }
    Ok(())
}

fn answers_pipelined_requests_sent_with_the_next_head_cut(stage: &Stage<'_>) -> Verdict {
    let host = stage.serve(echo(stage.style()))?;
    let mut client = host.client()?;
    let two = [post("/", "first"), post("/", "second")].concat();
    for at in [1, 20, two.len() / 2 - 1, two.len() / 2 + 1, two.len() - 1] {
        client.send(&two[..at])?;
        std::thread::yield_now();
        client.send(&two[at..])?;
        assert_eq!(client.read(&Method::POST)?.text(), "first", "cut at {at}");
        assert_eq!(client.read(&Method::POST)?.text(), "second", "cut at {at}");
    }
    Ok(())
}

fn answers_a_thousand_pipelined_requests(stage: &Stage<'_>) -> Verdict {
    let host = stage.serve(hello(stage.style()))?;
    let mut client = host.client()?;
    client.send_meanwhile(request("GET /", &[], "").repeat(1000))?;
    for _ in 0..1000 {
        assert_eq!(client.read(&Method::GET)?.status, 200);
    }
    assert!(client.is_quiet()?);
    Ok(())
}

fn answers_pipelined_requests_for_large_bodies(stage: &Stage<'_>) -> Verdict {
    let body = pattern(1_000_000);
    for kind in Kind::ALL {
        let host = stage.serve(Script::new(kind, [body.clone()]).app(stage.style()))?;
        let mut client = host.client()?;
        client.send(request("GET /", &[], "").repeat(10))?;
        for _ in 0..10 {
            assert!(client.read(&Method::GET)?.body == body, "{kind:?}");
        }
    }
    Ok(())
}

fn reads_nothing_after_a_request_that_closes(stage: &Stage<'_>) -> Verdict {
    let calls = crate::Log::new();
    let host = stage.serve(super::noted(stage.style(), &calls))?;
    let mut client = host.client()?;
    let last = request("GET /last", &["Connection: close"], "");
    client.send([last, request("GET /more", &[], "")].concat())?;
    assert_eq!(client.read(&Method::GET)?.text(), "/last");
    client.closes()?;
    assert_eq!((calls.next()?, calls.len()), ("/last".to_owned(), 0));
    Ok(())
}

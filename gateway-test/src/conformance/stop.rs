//! A stop lets what runs finish, closes what is idle, and has a bound.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use gateway_core::Address;
use http::Method;

use super::{Flaw, Listen, Running, Stage, Verdict, pattern, request};
use crate::PATIENCE;
use crate::client::Client;
use crate::fixtures::{Gate, Kind, Script, echo, hello, waits};

cases! {
    /// **H29.** A host that is asked to stop MUST take no more connections, finish what runs, say that it
    /// closes, and end within its bound.
    ///
    /// *Why*: A new version must cost no request.
    ///
    /// *Source*: RFC 9112 §9.6.
    H29 Stopping {
        both a_stop_lets_what_runs_finish;
        both a_stop_lets_an_upload_finish;
        both a_stop_lets_a_response_be_read_to_its_end;
        once a_stop_closes_idle_connections;
        once a_stop_closes_connections_within_a_head;
        once a_stop_takes_no_new_connections;
        both a_stop_has_a_bound;
        once a_stop_answers_who_is_in_the_backlog;
        once a_host_can_be_stopped_before_anyone_came_and_twice;
        once another_host_takes_over_the_port;
    }
}

fn a_stop_lets_what_runs_finish(stage: &Stage<'_>) -> Verdict {
    let gate = Gate::new();
    let host = stage.serve(waits(stage.style(), &gate))?;
    let mut client = host.client()?;
    client.send(request("GET /", &[], ""))?;
    gate.entered.next()?;
    host.stop();
    until_refused(&host)?; // the stop has begun
    assert!(!host.has_ended());
    gate.release.set();
    let reply = client.read(&Method::GET)?;
    assert_eq!((reply.text(), reply.says_close()), ("went on", true));
    client.closes()?;
    Ok(host.ended()?)
}

fn a_stop_lets_an_upload_finish(stage: &Stage<'_>) -> Verdict {
    let host = stage.serve(echo(stage.style()))?;
    let mut client = host.client()?;
    let fields = ["Content-Length: 5", "Expect: 100-continue"];
    client.send(request("POST /", &fields, ""))?;
    assert_eq!(client.read(&Method::POST)?.status, 100); // the host is at it
    host.stop();
    until_refused(&host)?;
    client.send("hello")?;
    let reply = client.read(&Method::POST)?;
    assert_eq!((reply.text(), reply.says_close()), ("hello", true));
    client.closes()?;
    Ok(host.ended()?)
}

fn a_stop_lets_a_response_be_read_to_its_end(stage: &Stage<'_>) -> Verdict {
    for kind in Kind::ALL {
        let body = pattern(8_000_000);
        let chunks: Vec<Vec<u8>> = body.chunks(500_000).map(<[u8]>::to_vec).collect();
        let host = stage.serve(Script::new(kind, chunks).app(stage.style()))?;
        let mut client = Client::connect_narrow(&host.addresses()[0], 50_000)?;
        // With a request that closes the end of the connection is the end of all that is sent.
        client.send("GET / HTTP/1.0\r\n\r\n")?;
        let start = client.read_some(1000)?;
        host.stop();
        let whole = [start, client.read_to_end()?].concat();
        assert!(whole.ends_with(&body), "{kind:?}: {} bytes", whole.len());
        host.ended()?;
    }
    Ok(())
}

fn a_stop_closes_idle_connections(stage: &Stage<'_>) -> Verdict {
    let host = stage.serve(hello(stage.style()))?;
    let mut used = host.client()?;
    assert_eq!(used.get("/")?.status, 200);
    host.stop();
    used.closes()?;
    Ok(host.ended()?)
}

fn a_stop_closes_connections_within_a_head(stage: &Stage<'_>) -> Verdict {
    let host = stage.serve_with(hello(stage.style()), |setup| {
        setup.timeouts.drain = Duration::from_millis(500);
    })?;
    let mut client = host.client()?;
    assert_eq!(client.get("/")?.status, 200);
    client.send("GET / HT")?;
    host.stop();
    client.read_to_end()?; // in silence, or with a 408
    Ok(host.ended()?)
}

fn a_stop_takes_no_new_connections(stage: &Stage<'_>) -> Verdict {
    let host = stage.serve(hello(stage.style()))?;
    assert_eq!(host.client()?.get("/")?.status, 200);
    host.stop();
    host.ended()?;
    assert!(host.client().is_err());
    Ok(())
}

fn a_stop_has_a_bound(stage: &Stage<'_>) -> Verdict {
    let gate = Gate::new();
    let host = stage.serve_with(waits(stage.style(), &gate), |setup| {
        setup.timeouts.drain = Duration::from_millis(200);
    })?;
    let mut client = host.client()?;
    client.send(request("GET /", &[], ""))?;
    gate.entered.next()?;
    host.stop();
    let ended = host.ended(); // although the call has not
    gate.release.set();
    ended?;
    client.read_to_end()?;
    Ok(())
}

/// The kernel took the connection before the stop, and the client has every reason to expect an
/// answer.
fn a_stop_answers_who_is_in_the_backlog(stage: &Stage<'_>) -> Verdict {
    for _ in 0..5 {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = Address::from(listener.local_addr()?);
        let mut waiting = Vec::new();
        for _ in 0..10 {
            let mut client = Client::connect(&address)?;
            client.send(request("GET /", &["Connection: close"], ""))?;
            waiting.push(client);
        }
        let host = stage.serve_with(hello(stage.style()), |setup| {
            setup.listen = vec![Listen::TcpBound(listener)];
        })?;
        host.stop();
        for mut client in waiting {
            assert_eq!(client.read(&Method::GET)?.text(), "Hello, world!");
        }
        host.ended()?;
    }
    Ok(())
}

fn a_host_can_be_stopped_before_anyone_came_and_twice(stage: &Stage<'_>) -> Verdict {
    let host = stage.serve(hello(stage.style()))?;
    host.stop();
    host.stop();
    host.ended()?;
    host.stop();
    Ok(host.ended()?)
}

fn another_host_takes_over_the_port(stage: &Stage<'_>) -> Verdict {
    let first = stage.serve(hello(stage.style()))?;
    let mut client = first.client()?;
    assert_eq!(client.get("/")?.status, 200);
    first.stop();
    first.ended()?;
    let address = first.addresses()[0]
        .socket()
        .ok_or_else(|| Flaw::new("no TCP address"))?;
    let second = stage.serve_with(hello(stage.style()), |setup| {
        setup.listen = vec![Listen::TcpAt(address)];
    })?;
    assert_eq!(second.client()?.get("/")?.status, 200);
    Ok(())
}

/// Waits until the host takes no more connections. Those it takes until then are dropped at once.
fn until_refused(host: &Running) -> Verdict {
    let started = Instant::now();
    while host.client().is_ok() {
        if started.elapsed() > PATIENCE {
            return Err(Flaw::new("goes on taking connections after a stop"));
        }
        std::thread::yield_now();
    }
    Ok(())
}

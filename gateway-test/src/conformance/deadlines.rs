//! Deadlines: no client holds a connection for ever.

use std::thread;
use std::time::{Duration, Instant};

use gateway_core::Ending;
use http::Method;

use super::{Setup, Stage, Verdict, pattern, request};
use crate::client::Client;
use crate::fixtures::{Kind, Script, echo, finishes, hello, notes_reads};
use crate::{Log, PATIENCE};

cases! {
    /// **H27.** A host MUST bound how long it waits for a client, and how slow the client may be: for a head
    /// and a body (408), for its reading (a cut), between requests (a close).
    ///
    /// *Why*: Whoever sends nothing would hold what others need.
    ///
    /// *Source*: RFC 9110 §15.5.9; RFC 9112 §9.5.
    H27 Timeouts {
        once answers_408_to_a_half_head;
        once answers_408_to_a_head_that_trickles;
        once closes_a_connection_that_says_nothing;
        once closes_a_connection_that_is_idle;
        both answers_408_to_a_body_that_stalls;
        both cuts_a_client_that_takes_nothing;
        both waits_for_a_client_that_takes_a_little;
        both answers_408_to_a_body_below_the_least_rate;
        both cuts_a_client_that_takes_less_than_the_least_rate;
    }

    I5 Timeouts {
        both a_body_that_stalls_is_an_error_to_who_reads_it;
    }
}

/// Longer than a loaded machine keeps a client from its next line, shorter than anyone likes to wait.
const SHORT: Duration = Duration::from_millis(300);

fn short_heads(setup: &mut Setup) {
    setup.timeouts.head = SHORT;
}

fn answers_408_to_a_half_head(stage: &Stage<'_>) -> Verdict {
    let host = stage.serve_with(hello(stage.style()), short_heads)?;
    let mut fresh = host.client()?;
    fresh.send("GET / HTTP/1.1\r\nHo")?;
    let mut used = host.client()?;
    assert_eq!(used.get("/")?.status, 200);
    used.send("G")?;
    for mut client in [fresh, used] {
        let reply = client.read(&Method::GET)?;
        assert_eq!((reply.status, reply.says_close()), (408, true));
        client.closes()?;
    }
    Ok(())
}

/// Each byte is in time; all of them together are not.
fn answers_408_to_a_head_that_trickles(stage: &Stage<'_>) -> Verdict {
    let host = stage.serve_with(hello(stage.style()), short_heads)?;
    let mut client = host.client()?;
    client.send("GET / HTTP/1.1\r\nA: ")?;
    trickles_until_408(client)
}

/// Sends a byte now and then, until the host says something.
fn trickles_until_408(mut client: Client) -> Verdict {
    let started = Instant::now();
    while client.is_quiet().unwrap_or(false) && started.elapsed() < PATIENCE {
        let _ = client.send("x"); // fails once the host has closed
        thread::sleep(SHORT / 20); // the pace of this client
    }
    let answer = client.read_to_end()?;
    let refused = answer.starts_with(b"HTTP/1.1 408");
    assert!(refused, "{}", answer.escape_ascii());
    Ok(())
}

fn closes_a_connection_that_says_nothing(stage: &Stage<'_>) -> Verdict {
    let host = stage.serve_with(hello(stage.style()), short_heads)?;
    let answer = host.client()?.read_to_end()?;
    let said = answer.is_empty() || answer.starts_with(b"HTTP/1.1 408");
    assert!(said, "{}", answer.escape_ascii());
    Ok(())
}

fn closes_a_connection_that_is_idle(stage: &Stage<'_>) -> Verdict {
    let host = stage.serve_with(hello(stage.style()), |setup| setup.timeouts.idle = SHORT)?;
    let mut client = host.client()?;
    assert_eq!(client.get("/")?.status, 200);
    Ok(client.closes()?) // without a word: the client may be sending its next request
}

fn short_bodies(setup: &mut Setup) {
    setup.timeouts.body_stall = SHORT;
    setup.timeouts.min_rate = 0; // which would end them a little later
}

fn answers_408_to_a_body_that_stalls(stage: &Stage<'_>) -> Verdict {
    let host = stage.serve_with(echo(stage.style()), short_bodies)?;
    for bytes in [
        request("POST /", &["Content-Length: 10"], "half"),
        request("POST /", &["Transfer-Encoding: chunked"], "4\r\nhalf\r\n"),
        request("POST /", &["Content-Length: 10"], ""),
    ] {
        let mut client = host.client()?;
        client.send(bytes)?;
        let reply = client.read(&Method::POST)?;
        assert_eq!((reply.status, reply.says_close()), (408, true));
        client.closes()?;
    }
    Ok(())
}

/// The call never gets to its end, on a host that calls before the body is there or after.
fn a_body_that_stalls_is_an_error_to_who_reads_it(stage: &Stage<'_>) -> Verdict {
    let reads = Log::new();
    let host = stage.serve_with(notes_reads(stage.style(), &reads), short_bodies)?;
    let mut client = host.client()?;
    client.send(request("POST /", &["Content-Length: 10"], "half"))?;
    assert_eq!(client.read(&Method::POST)?.status, 408);
    drop(client);
    assert_eq!(host.client()?.get("/")?.status, 200);
    assert_eq!(reads.next()?, 0, "the half body was read as a whole one");
    Ok(())
}

fn cuts_a_client_that_takes_nothing(stage: &Stage<'_>) -> Verdict {
    cuts_a_slow_reader(stage, |setup| setup.timeouts.write_stall = SHORT)
}

/// What is written goes into the buffers of both sockets, and the client takes none of it.
fn cuts_a_slow_reader(stage: &Stage<'_>, short: fn(&mut Setup)) -> Verdict {
    for kind in Kind::ALL {
        let outcomes = Log::new();
        let app = Script::new(kind, vec![pattern(1_000_000); 32]).app(stage.style());
        let host = stage.serve_with(finishes(app, &outcomes), short)?;
        let mut client = Client::connect_narrow(&host.addresses()[0], 10_000)?;
        client.send(request("GET /", &[], ""))?;
        assert_eq!(outcomes.next()?.ending, Ending::TimedOut, "{kind:?}");
        let cut = client.read(&Method::GET);
        assert!(cut.is_err_and(|error| error.is_end()), "{kind:?}");
    }
    Ok(())
}

/// Reads at a pace at which the whole takes longer than a stall may; each step is a small part of one, so that
/// a busy machine makes none of it. The kernel has room for a small part of the whole, so that the host is still
/// writing when that time is over.
fn waits_for_a_client_that_takes_a_little(stage: &Stage<'_>) -> Verdict {
    let piece = pattern(1_200_000);
    let app = Script::new(Kind::Bytes, vec![piece.clone(); 20]).app(stage.style());
    let host = stage.serve_with(app, |setup| {
        setup.timeouts.write_stall = Duration::from_secs(4);
    })?;
    let mut client = Client::connect_narrow(&host.addresses()[0], 50_000)?;
    client.send(request("GET /", &[], ""))?;
    let mut came = Vec::new();
    while !came.ends_with(b"\r\n\r\n") {
        came.extend(client.read_some(1)?);
    }
    for _ in 0..20 {
        thread::sleep(Duration::from_millis(300)); // the pace of this client
        assert!(client.read_some(piece.len())? == piece);
    }
    Ok(())
}

/// No client is fast enough, once the grace is over. One that stands still is let off for longer than a case
/// waits, so that it is the rate that cuts.
fn fast_clients_only(setup: &mut Setup) {
    setup.timeouts.min_rate = u64::MAX;
    setup.timeouts.rate_grace = SHORT;
    setup.timeouts.body_stall = 2 * PATIENCE;
    setup.timeouts.write_stall = 2 * PATIENCE;
}

fn answers_408_to_a_body_below_the_least_rate(stage: &Stage<'_>) -> Verdict {
    let host = stage.serve_with(echo(stage.style()), fast_clients_only)?;
    for framing in [
        "Content-Length: 1000000\r\n",
        "Transfer-Encoding: chunked\r\n\r\nfffff", // one large chunk
    ] {
        let mut client = host.client()?;
        client.send(format!("POST / HTTP/1.1\r\nHost: x\r\n{framing}\r\n"))?;
        trickles_until_408(client)?;
    }
    Ok(())
}

fn cuts_a_client_that_takes_less_than_the_least_rate(stage: &Stage<'_>) -> Verdict {
    cuts_a_slow_reader(stage, fast_clients_only)
}

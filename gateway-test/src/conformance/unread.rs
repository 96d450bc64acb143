//! A request body that the application did not read never becomes the next request.

use super::{Running, Stage, Verdict, noted, pattern, post, post_chunked};
use crate::Log;
use crate::fixtures::reads_half;

cases! {
    /// **H12.** A host MUST NOT take a body that was not read for the next request, and MUST answer although
    /// it is not read.
    ///
    /// *Why*: The rest of an upload would be run as requests.
    ///
    /// *Source*: RFC 9112 §9.3.
    H12 Http {
        both an_unread_body_is_not_the_next_request;
        both an_unread_chunked_body_is_not_the_next_request;
        both a_half_read_body_is_not_the_next_request;
        both answers_although_a_large_body_is_not_read;
        both survives_bodies_that_nobody_reads;
    }
}

const SMUGGLED: &str = "GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n";

fn an_unread_body_is_not_the_next_request(stage: &Stage<'_>) -> Verdict {
    unread(stage, &post("/first", SMUGGLED))
}

fn an_unread_chunked_body_is_not_the_next_request(stage: &Stage<'_>) -> Verdict {
    unread(stage, &post_chunked("/first", &[SMUGGLED, SMUGGLED]))
}

/// The host may read the rest and go on, or close: what was in the body is never called.
fn unread(stage: &Stage<'_>, first: &[u8]) -> Verdict {
    let calls = Log::new();
    let host = stage.serve(noted(stage.style(), &calls))?;
    let mut client = host.client()?;
    let reply = client.exchange(first)?;
    assert_eq!((reply.status, reply.text()), (200, "/first"));
    assert_eq!(calls.next()?, "/first");
    match client.get("/second") {
        Ok(reply) => {
            assert_eq!(reply.text(), "/second");
            assert_eq!(calls.next()?, "/second");
        }
        Err(error) => assert!(error.is_end(), "{error}"),
    }
    assert!(calls.is_empty());
    Ok(())
}

fn a_half_read_body_is_not_the_next_request(stage: &Stage<'_>) -> Verdict {
    let host = stage.serve(reads_half(stage.style()))?;
    for first in [
        post("/", SMUGGLED),
        post_chunked("/", &[SMUGGLED, SMUGGLED]),
    ] {
        let mut client = host.client()?;
        let reply = client.exchange(first)?;
        assert!(reply.text().starts_with("read "));
        match client.get("/second") {
            Ok(reply) => assert_eq!(reply.text(), "read 0"),
            Err(error) => assert!(error.is_end(), "{error}"),
        }
    }
    Ok(())
}

fn answers_although_a_large_body_is_not_read(stage: &Stage<'_>) -> Verdict {
    let calls = Log::new();
    let host = stage.serve(noted(stage.style(), &calls))?;
    let mut client = host.client()?;
    let reply = client.exchange(post("/first", pattern(3_000_000)))?;
    assert_eq!((reply.status, reply.text()), (200, "/first"));
    Ok(())
}

fn survives_bodies_that_nobody_reads(stage: &Stage<'_>) -> Verdict {
    let calls = Log::new();
    let host = stage.serve(noted(stage.style(), &calls))?;
    for _ in 0..20 {
        leave_in_the_middle(&host)?;
    }
    assert_eq!(host.client()?.get("/after")?.text(), "/after");
    Ok(())
}

fn leave_in_the_middle(host: &Running) -> Verdict {
    let mut client = host.client()?;
    let half = &post("/left", pattern(100_000))[..50_000];
    let _ = client.send(half); // the host may have closed already
    let _ = client.reset();
    Ok(())
}

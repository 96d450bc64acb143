//! A response body is dropped exactly once, however its request ends (PEP 3333's `close()`).

use gateway_core::BoxApplication;
use http::StatusCode;

use super::{Stage, Verdict, pattern, request};
use crate::client::Client;
use crate::fixtures::{Kind, Script};
use crate::{Event, Log};

cases! {
    /// **B7.** A host MUST drop a body exactly once: sent, failed, refused, not wanted or cut off alike, and
    /// soon.
    ///
    /// *Why*: It is what closes files, gives connections back, and stops whoever makes the body.
    ///
    /// *Source*: PEP 3333, "Specification Details", `close()`.
    B7 Interface {
        both drops_the_body_exactly_once_after_success;
        both drops_the_body_exactly_once_after_an_error;
        both drops_the_body_exactly_once_after_a_panic;
        both drops_the_body_exactly_once_for_head;
        both drops_the_body_exactly_once_for_not_modified breaks A9;
        both drops_the_body_exactly_once_for_a_refused_response breaks A3;
        both drops_the_body_exactly_once_for_a_wrong_length breaks A4 B1;
        both drops_the_body_exactly_once_when_the_client_leaves;
        both drops_an_idle_stream_when_the_client_leaves [CANCELLATION];
        both tells_a_sender_that_nobody_reads_any_more [CANCELLATION];
    }
}

/// The kinds that can tell when they are dropped.
const WATCHED: [Kind; 4] = [Kind::Bytes, Kind::Iter, Kind::Stream, Kind::Channel];

/// Asks with `method`, and counts drops until the host has ended.
fn once(stage: &Stage<'_>, method: &str, kind: Kind, change: fn(Script) -> Script) -> Verdict {
    let drops = Log::new();
    let script = change(Script::new(kind, ["one", "two"])).watched(&drops);
    let host = stage.serve(script.app(stage.style()))?;
    let mut client = host.client()?;
    let _ = client.exchange(request(&format!("{method} /"), &[], "")); // whole or not
    drops.next()?;
    drop(client);
    host.stop();
    host.ended()?;
    assert!(drops.is_empty(), "{kind:?}: dropped twice");
    Ok(())
}

fn drops_the_body_exactly_once_after_success(stage: &Stage<'_>) -> Verdict {
    WATCHED
        .into_iter()
        .try_for_each(|kind| once(stage, "GET", kind, |script| script))
}

fn drops_the_body_exactly_once_after_an_error(stage: &Stage<'_>) -> Verdict {
    Kind::OPEN
        .into_iter()
        .try_for_each(|kind| once(stage, "GET", kind, Script::fails))
}

fn drops_the_body_exactly_once_after_a_panic(stage: &Stage<'_>) -> Verdict {
    Kind::OPEN
        .into_iter()
        .try_for_each(|kind| once(stage, "GET", kind, Script::panics))
}

fn drops_the_body_exactly_once_for_head(stage: &Stage<'_>) -> Verdict {
    WATCHED
        .into_iter()
        .try_for_each(|kind| once(stage, "HEAD", kind, |script| script))
}

fn drops_the_body_exactly_once_for_not_modified(stage: &Stage<'_>) -> Verdict {
    let not_modified = |script: Script| script.status(StatusCode::NOT_MODIFIED);
    WATCHED
        .into_iter()
        .try_for_each(|kind| once(stage, "GET", kind, not_modified))
}

fn drops_the_body_exactly_once_for_a_refused_response(stage: &Stage<'_>) -> Verdict {
    let refused = |script: Script| script.header("content-length", "abc");
    WATCHED
        .into_iter()
        .try_for_each(|kind| once(stage, "GET", kind, refused))
}

fn drops_the_body_exactly_once_for_a_wrong_length(stage: &Stage<'_>) -> Verdict {
    for kind in WATCHED {
        once(stage, "GET", kind, |script| {
            script.header("content-length", "5")
        })?;
        once(stage, "GET", kind, |script| {
            script.header("content-length", "7")
        })?;
    }
    Ok(())
}

fn drops_the_body_exactly_once_when_the_client_leaves(stage: &Stage<'_>) -> Verdict {
    for kind in WATCHED {
        let drops = Log::new();
        let chunks = vec![pattern(1_000_000); 32]; // more than the kernel takes
        let script = Script::new(kind, chunks).watched(&drops);
        let host = stage.serve(script.app(stage.style()))?;
        let mut client = Client::connect_narrow(&host.addresses()[0], 10_000)?;
        client.send(request("GET /", &[], ""))?;
        client.read_some(1000)?;
        client.reset()?;
        drops.next()?;
        host.stop();
        host.ended()?;
        assert!(drops.is_empty(), "{kind:?}: dropped twice");
    }
    Ok(())
}

/// As server-sent events are, most of the time: there is nothing to write that could fail.
fn drops_an_idle_stream_when_the_client_leaves(stage: &Stage<'_>) -> Verdict {
    for kind in [Kind::Stream, Kind::Channel] {
        let drops = Log::new();
        let script = Script::new(kind, ["first"]).stalls().watched(&drops);
        let host = stage.serve(script.app(stage.style()))?;
        let mut client = host.client()?;
        client.send(request("GET /", &[], ""))?;
        let mut came = Vec::new();
        while !came.ends_with(b"first\r\n") {
            came.extend(client.read_some(1)?);
        }
        client.reset()?;
        drops.next()?;
    }
    Ok(())
}

fn tells_a_sender_that_nobody_reads_any_more(stage: &Stage<'_>) -> Verdict {
    let (release, closed) = (Event::new(), Event::new());
    let app: BoxApplication = crate::fixtures::ticks(stage.style(), &release, &closed);
    let host = stage.serve(app)?;
    let mut client = host.client()?;
    client.send(request("GET /", &[], ""))?;
    client.read_some(1)?;
    client.reset()?;
    host.stop();
    host.ended()?; // by then the host has let the body go
    release.set();
    Ok(closed.wait()?)
}

//! `on_finish` is told once how each request ended.

use gateway_core::{Ending, Outcome};
use http::StatusCode;

use super::{Stage, Verdict, pattern, request};
use crate::fixtures::{Kind, Script, fails, fails_with, finishes, hello, panics, watches};
use crate::{Event, Log};

cases! {
    /// **H25.** A host MUST tell the outcome once, after the end: the status, the bytes sent, and what cut it
    /// short.
    ///
    /// *Why*: Access logs, metrics and clean-up hang on it.
    H25 Interface {
        both tells_that_a_response_is_complete;
        both tells_how_many_bytes_of_each_kind_were_sent;
        both tells_of_errors_and_panics_before_the_head;
        both tells_of_bodies_that_fail breaks B1;
        both tells_of_clients_that_leave_during_the_call [CANCELLATION];
        both tells_of_clients_that_leave_during_the_response;
    }
}

/// Asks once, and gives what was told; a second word about it is a flaw.
fn told(
    stage: &Stage<'_>,
    app: gateway_core::BoxApplication,
    bytes: &[u8],
) -> Result<Outcome, super::Flaw> {
    let outcomes = Log::new();
    let host = stage.serve(finishes(app, &outcomes))?;
    let mut client = host.client()?;
    let _ = client.exchange(bytes); // how it ends on the wire is told elsewhere
    drop(client);
    let outcome = outcomes.next()?;
    host.stop();
    host.ended()?;
    assert!(outcomes.is_empty(), "told twice");
    Ok(outcome)
}

fn tells_that_a_response_is_complete(stage: &Stage<'_>) -> Verdict {
    let get = request("GET /", &[], "");
    let outcome = told(stage, hello(stage.style()), &get)?;
    let complete = Outcome::new(Some(StatusCode::OK), 13, Ending::Complete);
    assert_eq!(outcome, complete);
    let outcome = told(stage, hello(stage.style()), &request("HEAD /", &[], ""))?;
    let head = Outcome::new(Some(StatusCode::OK), 0, Ending::Complete);
    assert_eq!(outcome, head);
    Ok(())
}

fn tells_how_many_bytes_of_each_kind_were_sent(stage: &Stage<'_>) -> Verdict {
    for kind in Kind::ALL {
        let chunks = pattern(300_000)
            .chunks(70_000)
            .map(<[u8]>::to_vec)
            .collect::<Vec<_>>();
        let app = Script::new(kind, chunks).app(stage.style());
        let outcome = told(stage, app, &request("GET /", &[], ""))?;
        let complete = Outcome::new(Some(StatusCode::OK), 300_000, Ending::Complete);
        assert_eq!(outcome, complete, "{kind:?}");
    }
    Ok(())
}

fn tells_of_errors_and_panics_before_the_head(stage: &Stage<'_>) -> Verdict {
    let style = stage.style();
    for (app, status, ending) in [
        (fails(style), 500, Ending::Failed),
        (
            fails_with(style, StatusCode::NOT_FOUND),
            404,
            Ending::Failed,
        ),
        (panics(style), 500, Ending::Panicked),
    ] {
        let outcome = told(stage, app, &request("GET /", &[], ""))?;
        let code = outcome.status.map(|status| status.as_u16());
        assert_eq!((code, outcome.ending), (Some(status), ending));
    }
    Ok(())
}

fn tells_of_bodies_that_fail(stage: &Stage<'_>) -> Verdict {
    for kind in Kind::OPEN {
        let script = || Script::new(kind, ["one"]);
        let panicked = match kind {
            Kind::Channel => Ending::Failed, // the panic is in a thread of the application's own
            _ => Ending::Panicked,
        };
        for (script, ending) in [
            (script().fails(), Ending::Failed),
            (script().panics(), panicked),
            (script().header("content-length", "4"), Ending::Failed),
            (script().header("content-length", "2"), Ending::Failed),
        ] {
            let shown = format!("{script:?}");
            let outcome = told(stage, script.app(stage.style()), &request("GET /", &[], ""))?;
            assert_eq!(outcome.ending, ending, "{shown}");
        }
    }
    Ok(())
}

/// The call goes on until the host has noticed: a client that leaves just before the answer is
/// written may not be told from one that takes it.
fn tells_of_clients_that_leave_during_the_call(stage: &Stage<'_>) -> Verdict {
    let (entered, reasons, outcomes) = (Event::new(), Log::new(), Log::new());
    let app = watches(stage.style(), &entered, &reasons);
    let host = stage.serve(finishes(app, &outcomes))?;
    let mut client = host.client()?;
    client.send(request("GET /", &[], ""))?;
    entered.wait()?;
    client.reset()?;
    assert_eq!(outcomes.next()?.ending, Ending::Disconnected);
    Ok(())
}

fn tells_of_clients_that_leave_during_the_response(stage: &Stage<'_>) -> Verdict {
    for kind in Kind::ALL {
        let outcomes = Log::new();
        let chunks = vec![pattern(1_000_000); 32]; // more than the kernel takes
        let app = Script::new(kind, chunks).app(stage.style());
        let host = stage.serve(finishes(app, &outcomes))?;
        let mut client = crate::client::Client::connect_narrow(&host.addresses()[0], 10_000)?;
        client.send(request("GET /", &[], ""))?;
        client.read_some(1000)?;
        client.reset()?;
        assert_eq!(outcomes.next()?.ending, Ending::Disconnected, "{kind:?}");
    }
    Ok(())
}

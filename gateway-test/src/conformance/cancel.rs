//! `cancelled()` is set while the call runs, when nobody waits for it any more.

use std::time::Duration;

use gateway_core::CancelReason;

use super::{Stage, Verdict, post, request};
use crate::fixtures::watches;
use crate::{Event, Log};

cases! {
    /// **H26.** A host that can (`CANCELLATION`) MUST set `cancelled` while the call runs: when the client
    /// leaves, at the deadline, at a stop; and never for another call.
    ///
    /// *Why*: Work for nobody delays those who wait.
    H26 Interface {
        both sets_cancelled_when_the_client_resets [CANCELLATION];
        both sets_cancelled_when_the_client_closes [CANCELLATION];
        both sets_cancelled_when_the_client_of_an_upload_leaves [CANCELLATION];
        both sets_cancelled_when_a_client_with_pipelined_requests_leaves [CANCELLATION];
        both sets_cancelled_at_the_deadline [CANCELLATION];
        both sets_cancelled_when_the_drain_is_over [CANCELLATION];
        both the_next_call_on_a_connection_is_not_cancelled;
    }
}

fn sets_cancelled_when_the_client_resets(stage: &Stage<'_>) -> Verdict {
    let (entered, reasons) = (Event::new(), Log::new());
    let host = stage.serve(watches(stage.style(), &entered, &reasons))?;
    let mut client = host.client()?;
    client.send(request("GET /", &[], ""))?;
    entered.wait()?;
    client.reset()?;
    assert_eq!(reasons.next()?, CancelReason::Disconnected);
    assert_eq!(host.client()?.get("/free")?.text(), "free");
    Ok(())
}

fn sets_cancelled_when_the_client_closes(stage: &Stage<'_>) -> Verdict {
    let (entered, reasons) = (Event::new(), Log::new());
    let host = stage.serve(watches(stage.style(), &entered, &reasons))?;
    let mut client = host.client()?;
    client.send(request("GET /", &[], ""))?;
    entered.wait()?;
    drop(client);
    assert_eq!(reasons.next()?, CancelReason::Disconnected);
    Ok(())
}

fn sets_cancelled_when_the_client_of_an_upload_leaves(stage: &Stage<'_>) -> Verdict {
    let (entered, reasons) = (Event::new(), Log::new());
    let host = stage.serve(watches(stage.style(), &entered, &reasons))?;
    let mut client = host.client()?;
    let whole = "and not read by the application".repeat(3000); // more than a host reads ahead
    client.send(post("/", whole))?;
    entered.wait()?;
    client.reset()?;
    assert_eq!(reasons.next()?, CancelReason::Disconnected);
    Ok(())
}

fn sets_cancelled_when_a_client_with_pipelined_requests_leaves(stage: &Stage<'_>) -> Verdict {
    let (entered, reasons) = (Event::new(), Log::new());
    let host = stage.serve(watches(stage.style(), &entered, &reasons))?;
    let mut client = host.client()?;
    client.send(request("GET /", &[], "").repeat(3))?;
    entered.wait()?;
    client.reset()?;
    assert_eq!(reasons.next()?, CancelReason::Disconnected);
    host.stop();
    Ok(host.ended()?)
}

fn sets_cancelled_at_the_deadline(stage: &Stage<'_>) -> Verdict {
    let (entered, reasons) = (Event::new(), Log::new());
    let host = stage.serve_with(watches(stage.style(), &entered, &reasons), |setup| {
        setup.timeouts.request = Some(Duration::from_millis(100));
    })?;
    let mut client = host.client()?;
    client.send(request("GET /", &[], ""))?;
    assert_eq!(reasons.next()?, CancelReason::Deadline);
    Ok(())
}

fn sets_cancelled_when_the_drain_is_over(stage: &Stage<'_>) -> Verdict {
    let (entered, reasons) = (Event::new(), Log::new());
    let host = stage.serve_with(watches(stage.style(), &entered, &reasons), |setup| {
        setup.timeouts.drain = Duration::from_millis(100);
    })?;
    let mut client = host.client()?;
    client.send(request("GET /", &[], ""))?;
    entered.wait()?;
    host.stop();
    assert_eq!(reasons.next()?, CancelReason::Shutdown);
    Ok(host.ended()?)
}

fn the_next_call_on_a_connection_is_not_cancelled(stage: &Stage<'_>) -> Verdict {
    let app = crate::fixtures::answering(stage.style(), |environ| {
        let reason = environ.cancelled().reason();
        Ok(gateway_core::text(format!("{reason:?}")))
    });
    let host = stage.serve(app)?;
    let mut client = host.client()?;
    for _ in 0..3 {
        assert_eq!(client.get("/")?.text(), "None");
    }
    Ok(())
}

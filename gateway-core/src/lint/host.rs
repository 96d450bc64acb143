//! H: what a host does with a call. What no wrapper sees stands above the cases of the conformance suite.

use super::application::is_bodiless;
use super::body::State;
use super::violation::{Check, must, should};
use super::watch::{Asked, Seen, Watch};
use crate::{Capabilities, Ending, Environ, Outcome};

/// Looks at the outcome when the host tells it.
pub(super) fn listen(environ: &Environ, watch: &Watch) {
    let watch = watch.clone();
    environ.on_finish(move |outcome| {
        let seen = watch.seen();
        let checks = [
            tells_why(outcome),
            tells_the_status(&seen, outcome),
            tells_of_a_whole_response(watch.asked(), &seen, outcome),
        ];
        for check in checks {
            let _ = watch.judge(check); // noted; there is nobody left to fail
        }
    });
}

/// **H1.** A host MUST NOT serve an application that requires what the host cannot do.
///
/// *Why*: What fails before the first request fails in front of whoever starts the service, and not in front of its
/// users. (An environ without a host, in a test, can do nothing and is let off.)
///
/// *Source*: PEP 3333, "environ Variables", `wsgi.multithread` and the like.
pub(super) fn meets_needs(needs: Capabilities, can: Capabilities) -> Check {
    let missing = needs.without(can);
    must("H1", missing.is_empty() || can.is_empty(), || {
        format!("the application requires {missing}")
    })
}

/// **H2.** A host MUST NOT poll a call that has answered.
///
/// *Why*: Futures may panic then.
///
/// *Source*: `std::future::Future::poll`.
pub(super) fn polls_once_ready(calling: bool) -> Check {
    must("H2", calling, || {
        "the call was polled after it had answered".to_owned()
    })
}

/// **H3.** A host MUST NOT ask a body for more after its end, or after an error.
///
/// *Why*: Iterators and streams may do anything then, and what they give belongs to no response.
///
/// *Source*: `http_body::Body::poll_frame`; `std::iter::Iterator::next`.
pub(super) fn asks_while_open(state: State) -> Check {
    let kept = !matches!(state, State::Ended | State::Failed);
    must("H3", kept, || {
        "a body was asked for more after it was over".to_owned()
    })
}

/// **H4.** A host SHOULD tell how a request ended, and not only that it is over.
///
/// *Why*: Whoever counts failures must know whose they are.
fn tells_why(outcome: &Outcome) -> Check {
    should("H4", outcome.ending != Ending::Abandoned, || {
        format!("the outcome is {}", outcome.ending)
    })
}

/// **H5.** The status that a host tells MUST be the one that was sent.
///
/// *Why*: It is what access logs and metrics are made of.
fn tells_the_status(seen: &Seen, outcome: &Outcome) -> Check {
    let kept = match (outcome.status, seen.status) {
        (Some(told), Some(answered)) => told == answered,
        _ => true, // nothing was sent, or nothing was answered
    };
    must("H5", kept, || {
        format!("it told {:?} of {:?}", outcome.status, seen.status)
    })
}

/// **H6.** A host MUST NOT call a response complete of which it has not taken the whole body.
///
/// *Why*: What follows a complete response may rely on it: a message is taken out of a queue, a token is spent.
fn tells_of_a_whole_response(asked: &Asked, seen: &Seen, outcome: &Outcome) -> Check {
    let Some(status) = seen.status.filter(|_| outcome.ending == Ending::Complete) else {
        return Ok(());
    };
    let sent = outcome.bytes_sent;
    let without = asked.method == http::Method::HEAD || is_bodiless(status) || status == 205;
    let kept = match (without, seen.given, seen.length) {
        (true, ..) => sent == 0,
        (false, Some(given), length) => sent == given && (seen.ended || length == Some(given)),
        (false, None, length) => length.is_none_or(|length| sent == length),
    };
    must("H6", kept, || {
        let (given, length) = (seen.given, seen.length);
        format!("complete after {sent} bytes of {length:?}, with {given:?} given")
    })
}

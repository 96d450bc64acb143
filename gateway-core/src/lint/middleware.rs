//! M: what an application hands on that holds another: seen between a lint outside of it and one inside.

use std::time::Instant;

use super::violation::{Check, must};
use super::watch::Watch;
use crate::{Cancelled, Capabilities, Environ};

/// What the lint outside has seen.
#[derive(Clone)]
struct Outside {
    call: Cancelled,
    script_name: String,
    path_info: String,
    received_at: Option<Instant>,
    deadline: Option<Instant>,
    needs: Capabilities,
}

/// Compares the environ with what a lint outside has seen of it, and leaves word for one inside.
pub(super) fn check(environ: &mut Environ, needs: Capabilities, watch: &Watch) -> Check {
    let here = Outside {
        call: environ.cancelled(),
        script_name: environ.script_name().to_owned(),
        path_info: environ.path_info().to_owned(),
        received_at: environ.received_at(),
        deadline: environ.deadline(),
        needs,
    };
    if let Some(outside) = environ.extensions_mut().insert(here.clone()) {
        watch.judge(same_call(&outside, &here))?;
        watch.judge(script_name(&outside, &here))?;
        watch.judge(times(&outside, &here))?;
        watch.judge(requires(&outside, &here))?;
    }
    Ok(())
}

/// **M1.** Middleware MUST hand on the host's call, with its cancellation and its outcome.
///
/// *Why*: An application behind it would work on for a client that has left, and never learn how its response ended.
/// (`Environ::with_request` makes another request of the same call.)
fn same_call(outside: &Outside, here: &Outside) -> Check {
    must("M1", outside.call.is_of_the_call_of(&here.call), || {
        "the environ is of another call".to_owned()
    })
}

/// **M2.** Middleware MUST NOT take anything off SCRIPT_NAME; what it takes off PATH_INFO it MUST put there.
///
/// *Why*: Links are put together from it; without the front of it they lead elsewhere.
///
/// *Source*: RFC 3875 §4.1.13; PEP 3333, "URL Reconstruction".
fn script_name(outside: &Outside, here: &Outside) -> Check {
    let (before, now) = (&outside.script_name, &here.script_name);
    let added = now.strip_prefix(before.as_str());
    let kept = added.is_some_and(|added| added.is_empty() || added.starts_with('/'));
    let taken = taken_off(&outside.path_info, &here.path_info);
    let put_there = taken.is_none_or(|taken| added == Some(taken));
    must("M2", kept && put_there, || {
        format!(
            "SCRIPT_NAME and PATH_INFO were {before:?} and {:?}, and are {now:?} and {:?}",
            outside.path_info, here.path_info
        )
    })
}

/// The segments that were taken off the front of a path; `None` if it is the same, or another path.
fn taken_off<'a>(before: &'a str, now: &str) -> Option<&'a str> {
    let taken = before.strip_suffix(now)?;
    let whole = now.is_empty() || now.starts_with('/');
    (whole && !taken.is_empty()).then_some(taken)
}

/// **M3.** Middleware MUST NOT move the deadline back, nor forget it or when the request came.
///
/// *Why*: The host keeps to its own.
fn times(outside: &Outside, here: &Outside) -> Check {
    let earlier = match (outside.deadline, here.deadline) {
        (Some(before), Some(now)) => now <= before,
        (Some(_), None) => false,
        (None, _) => true,
    };
    must(
        "M3",
        earlier && outside.received_at == here.received_at,
        || "the deadline is later, or a time is lost".to_owned(),
    )
}

/// **M4.** Middleware MUST require what the application requires that it holds.
///
/// *Why*: The host asks the outermost only.
fn requires(outside: &Outside, here: &Outside) -> Check {
    let missing = here.needs.without(outside.needs);
    must("M4", missing.is_empty(), || {
        format!("{missing} is required inside and not outside")
    })
}

//! What hyper and h2 give as the reason for an end, as a [`Cause`].

use std::error::Error;
use std::fmt;

use crate::cause::Cause;

/// What a connection or a stream ended by; `None` where the error does not tell.
pub(crate) fn cause(error: &hyper::Error) -> Option<Cause> {
    if error.is_timeout() {
        return Some(Cause::Unanswered);
    }
    if error.is_parse() || error.is_parse_too_large() {
        return Some(Cause::Broken);
    }
    let mut source = error.source();
    while let Some(error) = source {
        if let Some(error) = error.downcast_ref::<h2::Error>() {
            return of_h2(error);
        }
        source = error.source();
    }
    None
}

/// The innermost of what an error says: h2's own words.
pub(crate) fn detail(error: &hyper::Error) -> impl fmt::Display {
    let mut innermost: &dyn Error = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

/// h2 is the library; whoever it calls remote has sent RST_STREAM or GOAWAY.
fn of_h2(error: &h2::Error) -> Option<Cause> {
    if error.is_remote() || error.is_io() {
        return Some(Cause::ClientLeft);
    }
    if !error.is_library() {
        return None;
    }
    Some(match error.reason() {
        Some(h2::Reason::ENHANCE_YOUR_CALM) => Cause::Excess,
        _ => Cause::Broken,
    })
}

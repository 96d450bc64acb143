//! Applications that misbehave, each in one way.

mod bombs;
mod in_body;
mod in_call;
mod in_head;

use std::panic;

use gateway_core::BoxApplication;
use gateway_test::fixtures::FIXTURE_PANIC;

pub use in_body::endless;

use in_body::*;
use in_call::*;
use in_head::*;

/// What every panic here says, and every error.
pub const ON_PURPOSE: &str = "on purpose";

/// An application with one fault.
#[derive(Clone, Copy, Debug)]
pub struct Fault {
    /// What it does.
    pub name: &'static str,
    /// The application.
    pub app: fn() -> BoxApplication,
    /// What a client sees of it.
    pub shows: Shows,
    /// What the log says of it, beside the request.
    pub says: &'static str,
}

/// What a client sees of a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shows {
    /// 500 in its place.
    Refusal,
    /// A part of the response, or nothing of it, then the end of the connection.
    Cut,
    /// The response as if nothing were wrong, or one of the others.
    Anything,
}

macro_rules! faults {
    ($($name:ident: $shows:ident, $says:literal;)+) => {
        /// All of them.
        pub const FAULTS: &[Fault] = &[$(Fault {
            name: stringify!($name),
            app: $name,
            shows: Shows::$shows,
            says: $says,
        }),+];
    };
}

faults! {
    panics_in_the_call: Refusal, "panicked: on purpose";
    panics_after_a_wait: Refusal, "panicked: on purpose";
    panics_in_blocking_code: Refusal, "panicked: on purpose";
    panics_in_unblocked_work: Refusal, "panicked: on purpose";
    panics_with_what_panics: Refusal, "panicked: with something";
    panics_when_its_future_goes: Anything, "on purpose";
    panics_when_its_environ_goes: Refusal, "panicked: on purpose";
    fails: Refusal, "error=on purpose";
    fails_with_what_panics_when_shown: Refusal, "panicked: on purpose";
    fails_with_what_panics_when_dropped: Refusal, "panicked: on purpose";
    sets_a_field_of_the_connection: Refusal, "transfer-encoding";
    declares_no_number: Refusal, "Content-Length";
    declares_two_lengths: Refusal, "Content-Length";
    declares_another_length: Refusal, "declared";
    answers_with_an_interim_status: Refusal, "status";
    switches_protocols_unasked: Refusal, "";
    attaches_what_panics_when_dropped: Refusal, "panicked: on purpose";
    body_panics_when_asked_for_its_length: Refusal, "panicked: on purpose";
    body_panics_at_once: Cut, "panicked";
    iterator_panics: Cut, "panicked";
    stream_panics: Cut, "panicked";
    iterator_fails: Cut, "secret of the body";
    stream_fails: Cut, "secret of the body";
    channel_fails: Cut, "secret of the body";
    stream_fails_with_what_panics: Cut, "panicked: on purpose";
    sender_is_dropped_half_way: Cut, "aborted";
    body_is_shorter_than_declared: Cut, "before its declared length";
    body_is_longer_than_declared: Cut, "longer than";
    file_is_shorter_than_said: Cut, "aborted";
    iterator_panics_when_it_goes: Anything, "drop panicked";
    stream_panics_when_it_goes: Anything, "drop panicked";
}

/// Keeps the panics that are asked for out of the output; all others are printed as ever.
pub fn hide_panics_on_purpose() {
    let print = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        let payload = info.payload();
        let text = payload.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| payload.downcast_ref::<&str>().copied());
        let asked = |text: &str| text.contains(ON_PURPOSE) || text.contains(FIXTURE_PANIC);
        if !text.is_none_or(asked) {
            print(info); // what is no text is one of the bombs
        }
    }));
}

//! What holds across the crates of gateway: the hosts under test, and how their tests are run.
//!
//! * `tests/conformance.rs` runs every case of [`gateway_test::conformance`] on every host.
//! * `tests/restarts.rs` stops and starts every host while it is asked all the time.
//! * `tests/corpus.rs` sends every request of `requests/` to every host.
//! * `tests/differential.rs` sends them through nginx and HAProxy too: front and host must agree.

#![forbid(unsafe_code)]

mod crowd;
mod front;
mod hosts;
mod quiet;

pub use crowd::{Crowd, Fate, Manner, Tally, answers_the_crowd};
pub use front::{Answer, Front, Proxy, Recorder, Seen, agree, answers_in, installed};
pub use hosts::{HyperHost, SyncHost, hosts};
pub use quiet::hide_fixture_panics;

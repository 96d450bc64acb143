//! What holds across the crates of gateway: the hosts under test, and how their tests are run.
//!
//! * `tests/conformance.rs` runs every case of [`gateway_test::conformance`] on every host, plainly and inside `lint`.
//! * `tests/differences.rs` shows in which messages hosts differ.
//! * `tests/violations.rs` runs the case of each clause on a host that breaks it.
//! * `tests/restarts.rs` stops and starts every host while it is asked all the time.
//! * `tests/overload.rs` asks more of every host than it can carry.
//! * `tests/corpus.rs` sends every request of `requests/` to every host.
//! * `tests/faults.rs` has applications misbehave on every host.
//! * `tests/differential.rs` sends them through nginx and HAProxy too: front and host must agree.

#![forbid(unsafe_code)]

mod broken;
mod crowd;
mod faults;
mod front;
mod hosts;
mod log;
mod quiet;
mod streams;
mod suite;

pub use broken::{BROKEN, Broken};
pub use crowd::{Crowd, Fate, Manner, Tally, answers_the_crowd};
pub use faults::{FAULTS, Fault, ON_PURPOSE, Shows, endless, hide_panics_on_purpose};
pub use front::{Answer, Front, Proxy, Recorder, Seen, agree, answers_in, installed};
pub use hosts::{HyperHost, SyncHost, hosts};
pub use log::Log;
pub use quiet::{hide_fixture_panics, hide_panics};
pub use streams::{StreamTally, Streams};
pub use suite::{linted, plain, run, trials_of};

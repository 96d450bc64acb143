//! What holds across the crates of gateway: the hosts under test, and how their tests are run.
//!
//! * `tests/conformance.rs` runs every case of [`gateway_test::conformance`] on every host.
//! * `tests/corpus.rs` sends every request of `requests/` to every host.

#![forbid(unsafe_code)]

mod hosts;
mod quiet;

pub use hosts::{HyperHost, SyncHost, hosts};
pub use quiet::hide_fixture_panics;

//! Every behaviour of the conformance suite, on every host, a test each, named after the clause that it shows:
//! `H7/gateway-sync/async/answers_a_request`. Each runs a second time inside `lint`, which checks host and
//! application while they talk. To run those of one host, or those of one clause:
//!
//! ```text
//! cargo test -p gateway-tests --test conformance gateway-sync/
//! cargo test -p gateway-tests --test conformance H7/
//! ```

use std::process::ExitCode;

use gateway_tests::{hosts, linted, plain, run, trials_of};

fn main() -> ExitCode {
    let trials = hosts().into_iter().flat_map(|host| {
        trials_of(host, |case, style| {
            vec![plain(host, case, style), linted(host, case, style)]
        })
    });
    run(trials.collect())
}

//! Every behaviour of the conformance suite, on every host, a test each, named after the clause that it shows:
//! `H7/gateway-sync/async/answers_a_request`. To run those of one host, or those of one clause:
//!
//! ```text
//! cargo test -p gateway-tests --test conformance gateway-sync/
//! cargo test -p gateway-tests --test conformance H7/
//! ```

use std::process::ExitCode;

use gateway_test::conformance::{Case, TestHost, capabilities_of, cases};
use gateway_test::fixtures::Style;
use gateway_tests::{hide_fixture_panics, hosts};
use libtest_mimic::{Arguments, Failed, Trial};

/// How many cases run at once: most of them wait for time to pass or for a slow client.
const AT_ONCE: usize = 8;

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads.get_or_insert(AT_ONCE);
    hide_fixture_panics();
    let trials = hosts().into_iter().flat_map(trials_of).collect();
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn trials_of(host: &'static dyn TestHost) -> Vec<Trial> {
    let can = match capabilities_of(host) {
        Ok(can) => can,
        Err(flaw) => {
            let failed = move || Err(Failed::from(flaw));
            return vec![Trial::test(format!("{}/starts", host.name()), failed)];
        }
    };
    let mut trials = Vec::new();
    for case in cases() {
        for style in case.styles {
            let trial = trial(host, case, *style);
            trials.push(trial.with_ignored_flag(!can.contains(case.needs)));
        }
    }
    trials
}

fn trial(host: &'static dyn TestHost, case: &'static Case, style: Style) -> Trial {
    Trial::test(case.test_name(host.name(), style), move || {
        case.run(host, style).map_err(Failed::from)
    })
}

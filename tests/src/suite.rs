//! Cases of the conformance suite, as tests with names of their own.

use std::process::ExitCode;

use gateway_test::conformance::{Case, TestHost, cases_for};
use gateway_test::fixtures::Style;
use libtest_mimic::{Arguments, Failed, Trial};

use crate::hide_fixture_panics;

/// How many run at once: most of them wait for time to pass or for a slow client.
const AT_ONCE: usize = 8;

/// Runs the tests that the command line names.
pub fn run(trials: Vec<Trial>) -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads.get_or_insert(AT_ONCE);
    hide_fixture_panics();
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// The tests that `each` makes of every case that the host is to pass, in each of its styles; one that fails, if
/// the host does not start.
pub fn trials_of(
    host: &'static dyn TestHost,
    each: impl Fn(&'static Case, Style) -> Vec<Trial>,
) -> Vec<Trial> {
    let cases = match cases_for(host) {
        Ok(cases) => cases,
        Err(flaw) => {
            let failed = move || Err(Failed::from(flaw));
            return vec![Trial::test(format!("{}/starts", host.name()), failed)];
        }
    };
    let in_styles = cases
        .into_iter()
        .flat_map(|case| case.styles.iter().map(move |style| (case, *style)));
    in_styles
        .flat_map(|(case, style)| each(case, style))
        .collect()
}

/// A case, as it is.
pub fn plain(host: &'static dyn TestHost, case: &'static Case, style: Style) -> Trial {
    let name = case.test_name(host.name(), style);
    Trial::test(name, move || case.run(host, style).map_err(Failed::from))
}

/// A case inside `lint`.
pub fn linted(host: &'static dyn TestHost, case: &'static Case, style: Style) -> Trial {
    let name = format!("{} inside lint", case.test_name(host.name(), style));
    Trial::test(name, move || {
        case.run_linted(host, style).map_err(Failed::from)
    })
}

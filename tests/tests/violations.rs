//! Each clause that only cases show, on a host that breaks it: the case fails there and names the clause, and
//! passes on the same host without the defect. To run that of one clause:
//!
//! ```text
//! cargo test -p gateway-tests --test violations H12
//! ```

use std::process::ExitCode;

use gateway_test::conformance::cases;
use gateway_test::fixtures::Style;
use gateway_tests::{BROKEN, Broken, hide_panics, run};
use libtest_mimic::{Failed, Trial};

fn main() -> ExitCode {
    hide_panics();
    let trials = BROKEN.iter().map(|broken| {
        let name = format!("{}/a host that {}", broken.clause, broken.defect);
        Trial::test(name, || is_found(broken))
    });
    run(trials.collect())
}

fn is_found(broken: &Broken) -> Result<(), Failed> {
    let Some(case) = cases().find(|case| case.name == broken.case) else {
        return Err(format!("there is no case {}", broken.case).into());
    };
    if let Err(flaw) = case.run(&broken.mended(), Style::Async) {
        return Err(format!("{} fails without the defect: {flaw}", case.name).into());
    }
    match case.run(broken, Style::Async) {
        Err(flaw) if flaw.clause() == Some(broken.clause) => Ok(()),
        Err(flaw) => Err(format!("{} names another clause: {flaw}", case.name).into()),
        Ok(()) => Err(format!("{} passes all the same", case.name).into()),
    }
}

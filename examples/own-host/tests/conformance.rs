//! The suite: the interface, which every host has, and several requests on a connection. What else there is
//! this host does not claim.

use std::io;
use std::os::unix::net::{UnixListener, UnixStream};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use gateway_core::{Address, BoxApplication};
use gateway_test::conformance::{Case, Part, Running, Setup, TestHost, cases_for};
use gateway_test::fixtures::Style;
use gateway_tests::hide_fixture_panics;
use libtest_mimic::{Arguments, Failed, Trial};

struct OwnHost;

impl TestHost for OwnHost {
    fn name(&self) -> &str {
        "own-host"
    }

    fn parts(&self) -> &[Part] {
        &[Part::Interface, Part::Persistence]
    }

    fn start(&self, application: BoxApplication, _setup: Setup) -> io::Result<Running> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("socket");
        let listener = UnixListener::bind(&path)?;
        let address = Address::Unix(Some(path.as_path().into()));
        let stopping = Arc::new(AtomicBool::new(false));
        let stop = Arc::clone(&stopping);
        let wake = move || {
            stop.store(true, Ordering::SeqCst);
            let _ = UnixStream::connect(&path); // the one more client; none is there once it has ended
        };
        Ok(Running::spawn([address], wake, move || {
            let _folder = folder;
            own_host::serve(&listener, application, &stopping)
        }))
    }
}

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    hide_fixture_panics();
    let cases = match cases_for(&OwnHost) {
        Ok(cases) => cases,
        Err(flaw) => panic!("{flaw}"),
    };
    let trials = cases.into_iter().flat_map(|case| {
        let styles = case.styles.iter();
        styles.map(move |style| trial(case, *style))
    });
    libtest_mimic::run(&arguments, trials.collect()).exit_code()
}

fn trial(case: &'static Case, style: Style) -> Trial {
    Trial::test(case.test_name(OwnHost.name(), style), move || {
        case.run(&OwnHost, style).map_err(Failed::from)
    })
}

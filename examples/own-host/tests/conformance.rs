//! The suite: the interface, which every host has, and several requests on a connection. What else there is
//! this host does not claim. Each case runs inside `lint` too, which checks the host at every call.

use std::io;
use std::os::unix::net::{UnixListener, UnixStream};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use gateway_core::{Address, BoxApplication};
use gateway_test::conformance::{Part, Running, Setup, TestHost};
use gateway_tests::{linted, plain, run, trials_of};

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
    run(trials_of(&OwnHost, |case, style| {
        vec![plain(&OwnHost, case, style), linted(&OwnHost, case, style)]
    }))
}

//! What the author of another host does: the suite, and the corpus, out of the package.

use std::io;
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use gateway_core::{Address, BoxApplication};
use gateway_test::conformance::{Part, Running, Setup, TestHost, cases_for};
use gateway_test::corpus;

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
            let _ = UnixStream::connect(&path); // the one more client
        };
        Ok(Running::spawn([address], wake, move || {
            let _folder = folder;
            own_host::serve(&listener, application, &stopping)
        }))
    }
}

#[test]
fn passes_the_suite() {
    let cases = cases_for(&OwnHost).unwrap();
    assert!(cases.len() > 20, "{} cases", cases.len());
    let mut failed = Vec::new();
    for case in cases {
        for style in case.styles {
            if let Err(flaw) = case.run(&OwnHost, *style) {
                failed.push(format!("{}/{style}/{}: {flaw}", case.clause, case.name));
            }
        }
    }
    assert!(failed.is_empty(), "\n{}", failed.join("\n"));
}

#[test]
fn finds_the_corpus_in_the_package() {
    let folder = corpus::folder();
    assert!(
        folder.ends_with("packages/gateway-test/requests"),
        "{folder:?}"
    );
    let cases = corpus::load(&folder).unwrap();
    assert!(cases.len() > 400, "{} cases", cases.len());
}

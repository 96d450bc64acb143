//! Running out of descriptors. The limit is the process's, so that a program of tests has one such test.

use std::fs::File;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// All descriptors there are but those in use. They are free again, and as many as before, when this is dropped.
pub(crate) struct Descriptors {
    before: Rlimit,
    files: Vec<File>,
}

impl Descriptors {
    pub(crate) fn use_up() -> Self {
        let before = getrlimit(Resource::Nofile);
        let few = Rlimit {
            current: Some(200),
            maximum: before.maximum,
        };
        setrlimit(Resource::Nofile, few).unwrap();
        let mut files = Vec::new();
        while let Ok(file) = File::open("/dev/null") {
            files.push(file);
        }
        Self { before, files }
    }

    /// Gives one back.
    pub(crate) fn give_back(&mut self) {
        self.files.pop();
    }
}

impl Drop for Descriptors {
    fn drop(&mut self) {
        self.files.clear();
        // A limit that was, may be again.
        let _ = setrlimit(Resource::Nofile, self.before);
    }
}

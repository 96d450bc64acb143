//! What the fuzz targets assert, a function each: it is given bytes, and panics if they break a promise.
//!
//! `fuzz/README.md` says how they are run. The functions need no fuzzer: `cargo test` here runs them on
//! every request of `tests/requests`, and a target that is built without one runs the files it is given.

#![forbid(unsafe_code)]

mod chunked;
mod connection;
mod environ;
mod hosts;
mod request_head;
mod response;
mod seeds;
mod strict_reader;

mod feed;
mod oracle;

pub use chunked::chunked;
pub use connection::connection;
pub use environ::environ;
pub use hosts::hosts;
pub use request_head::request_head;
pub use response::response;
pub use seeds::{TARGETS, Target, seeds};
pub use strict_reader::strict_reader;

#[cfg(fuzzing)]
#[doc(hidden)]
pub use libfuzzer_sys;

/// The whole of a target: libFuzzer's entry point, or a `main` that runs files.
#[macro_export]
macro_rules! target {
    ($name:ident) => {
        #[cfg(fuzzing)]
        use $crate::libfuzzer_sys;
        #[cfg(fuzzing)]
        libfuzzer_sys::fuzz_target!(|bytes: &[u8]| $crate::$name(bytes));

        #[cfg(not(fuzzing))]
        fn main() -> std::io::Result<()> {
            $crate::run_files($crate::$name)
        }
    };
}

/// Runs `target` on each file that the command line names.
///
/// # Errors
///
/// A file cannot be read.
pub fn run_files(target: fn(&[u8])) -> std::io::Result<()> {
    for path in std::env::args_os().skip(1) {
        target(&std::fs::read(&path)?);
    }
    Ok(())
}

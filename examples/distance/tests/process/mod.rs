//! The binary, started for a test and stopped by it.

use std::{
    io::{BufRead, BufReader, Read},
    process::{Child, ChildStderr, Command, ExitStatus, Stdio},
};

use rustix::process::{Pid, Signal, kill_process};

/// Both hosts, as the command line names them.
pub(crate) const HOSTS: [&str; 2] = ["sync", "hyper"];

/// A running `distance`. Killed when dropped, should the test fail before it is stopped.
pub(crate) struct Service {
    /// Where it listens, as in `http://127.0.0.1:4711`.
    pub(crate) base: String,
    child: Child,
    stderr: BufReader<ChildStderr>,
}

impl Service {
    /// Starts `distance` with these arguments on a free port, and waits until it listens.
    #[track_caller]
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let mut child = command(arguments)
            .args(["--bind", "127.0.0.1:0"])
            .spawn()
            .unwrap();
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        stderr.read_line(&mut line).unwrap();
        let base = line
            .split_whitespace()
            .find_map(|word| word.strip_suffix('/'));
        let Some(base) = base.filter(|base| base.starts_with("http://")) else {
            let _ = child.kill();
            panic!("{arguments:?} begins with {line:?}");
        };
        Self {
            base: base.to_owned(),
            child,
            stderr,
        }
    }

    /// Sends a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Waits for the end; gives the status, and what was written to stderr since the first line.
    pub(crate) fn end(mut self) -> (ExitStatus, String) {
        let mut log = String::new();
        self.stderr.read_to_string(&mut log).unwrap();
        (self.child.wait().unwrap(), log)
    }

    /// Sends TERM and waits for the end, which must be a good one.
    #[track_caller]
    pub(crate) fn stop(self) {
        self.signal(Signal::TERM);
        let (status, log) = self.end();
        assert!(status.success(), "{status}: {log}");
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The binary with these arguments, an environment of nothing that it heeds, and stderr in a pipe.
pub(crate) fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_distance"));
    command
        .args(arguments)
        .env_remove("PORT")
        .env_remove("RUST_LOG")
        .stderr(Stdio::piped());
    command
}

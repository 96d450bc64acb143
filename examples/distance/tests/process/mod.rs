//! The binary, started for a test and stopped by it.

#![allow(dead_code, reason = "each file of tests uses a part of it")]

use std::{
    io::{BufRead, BufReader, Read},
    net::TcpListener,
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
        let mut command = command(arguments);
        match Self::spawn(command.args(["--bind", "127.0.0.1:0"])) {
            Ok(service) => service,
            Err(line) => panic!("{arguments:?} begins with {line:?}"),
        }
    }

    /// Starts `distance` with these arguments on a port that the environment names, which was free, and
    /// waits until it listens. Others may take the port before: then on another.
    #[track_caller]
    pub(crate) fn start_on_a_port(arguments: &[&str]) -> (Self, u16) {
        let mut complaint = String::new();
        for _ in 0..20 {
            let free = TcpListener::bind("0.0.0.0:0").unwrap();
            let port = free.local_addr().unwrap().port();
            drop(free);
            match Self::spawn(command(arguments).env("PORT", port.to_string())) {
                Ok(service) => return (service, port),
                Err(line) => complaint = line,
            }
        }
        panic!("{arguments:?} begins with {complaint:?}");
    }

    /// What it says first if that is not where it listens.
    fn spawn(command: &mut Command) -> Result<Self, String> {
        let mut child = command.spawn().unwrap();
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        stderr.read_line(&mut line).unwrap();
        let base = line
            .split_whitespace()
            .find_map(|word| word.strip_suffix('/'));
        let base = base
            .filter(|base| base.starts_with("http://"))
            .map(str::to_owned);
        let mut service = Self {
            base: String::new(),
            child,
            stderr,
        }; // killed where it says something else
        service.base = base.ok_or(line)?;
        Ok(service)
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

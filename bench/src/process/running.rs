//! A server that runs.

use std::fs::File;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};

use super::{Tree, on_core};

/// How long a server may take to end when it is asked to.
const PATIENCE: Duration = Duration::from_secs(3);

/// A process, with those that it starts, that ends with the value.
pub(crate) struct Running(Child);

impl Running {
    /// Starts a command in a folder, with a variable of the environment set, on one core if it is
    /// given; what it says goes to a file.
    pub(crate) fn start(
        command: &[String],
        folder: &Path,
        (variable, value): (&str, &str),
        core: Option<usize>,
        log: &Path,
    ) -> io::Result<Self> {
        let [program, arguments @ ..] = command else {
            return Err(io::ErrorKind::InvalidInput.into());
        };
        let log = File::options().create(true).append(true).open(log)?;
        let mut process = Command::new(program);
        process
            .args(arguments)
            .current_dir(folder)
            .env(variable, value)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            // A group of its own, so that those that it starts end with it.
            .process_group(0);
        let child = on_core(core, || process.spawn())
            .map_err(|error| io::Error::new(error.kind(), format!("{program}: {error}")))?;
        Ok(Self(child))
    }

    /// Whether it has not ended by itself.
    pub(crate) fn is_alive(&mut self) -> bool {
        matches!(self.0.try_wait(), Ok(None))
    }

    /// The process and those that descend from it.
    pub(crate) fn tree(&self) -> Tree {
        Tree::of(self.0.id())
    }

    fn signal(&self, signal: Signal) {
        // A pid is positive; and the group may be gone already.
        if let Some(group) = i32::try_from(self.0.id()).ok().and_then(Pid::from_raw) {
            let _ = kill_process_group(group, signal);
        }
    }
}

impl Drop for Running {
    /// Asks it to end, and after a while makes it. Masters need to be asked, for their workers to end
    /// with them.
    fn drop(&mut self) {
        self.signal(Signal::TERM);
        let until = Instant::now() + PATIENCE;
        while self.is_alive() && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(5));
        }
        self.signal(Signal::KILL);
        let _ = self.0.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_with_those_that_it_started() {
        let folder = tempfile::tempdir().unwrap();
        let script = "trap '' TERM; sleep 1000 & echo $! >&2; wait; sleep 1000";
        let command = ["sh", "-c", script].map(str::to_owned);
        let log = folder.path().join("log");
        let running = Running::start(&command, folder.path(), ("A", "b"), None, &log).unwrap();
        let child = loop {
            let said = std::fs::read_to_string(&log).unwrap();
            if said.ends_with('\n') {
                break said.trim().parse::<u32>().unwrap();
            }
            std::thread::sleep(Duration::from_millis(5));
        };
        drop(running);
        let gone = Instant::now() + Duration::from_secs(20);
        while is_running(child) {
            assert!(Instant::now() < gone, "process {child} goes on");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// A process that nobody waits for stays as a zombie where no init takes it.
    fn is_running(process: u32) -> bool {
        std::fs::read_to_string(format!("/proc/{process}/stat"))
            .is_ok_and(|stat| !stat.contains(") Z "))
    }

    #[test]
    fn a_program_that_is_not_there_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let command = ["/nowhere/server".to_owned()];
        let error = Running::start(
            &command,
            folder.path(),
            ("A", "b"),
            None,
            &folder.path().join("log"),
        );
        assert!(
            error
                .err()
                .unwrap()
                .to_string()
                .starts_with("/nowhere/server: ")
        );
    }
}

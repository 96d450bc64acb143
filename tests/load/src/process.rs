//! [`Process`]: this program again, as another process, and what `/proc` says of it.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use crate::Result;
use crate::figures::Figures;

/// A process of this program. Dropped, it is ended and waited for.
pub(crate) struct Process {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Process {
    /// Starts this program with other arguments.
    pub(crate) fn start(arguments: &[String]) -> Result<Self> {
        Self::spawn(Command::new(std::env::current_exe()?), arguments)
    }

    /// The same, for one that gives way to others on its core (`SCHED_IDLE`).
    pub(crate) fn start_yielding(arguments: &[String]) -> Result<Self> {
        let mut command = Command::new("chrt"); // of util-linux; it becomes the program
        command.args(["--idle", "0"]).arg(std::env::current_exe()?);
        Self::spawn(command, arguments)
    }

    fn spawn(mut command: Command, arguments: &[String]) -> Result<Self> {
        let mut child = command
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let pipes = child.stdin.take().zip(child.stdout.take());
        let (input, output) = pipes.ok_or("a process without pipes")?;
        let output = BufReader::new(output);
        Ok(Self {
            child,
            input,
            output,
        })
    }

    /// The next line that it says.
    pub(crate) fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        if self.output.read_line(&mut line)? == 0 {
            return Err("a process ended before it had said what it should".into());
        }
        Ok(line.trim_end().to_owned())
    }

    /// Tells it a word, and gives the figures that it answers with.
    pub(crate) fn ask(&mut self, word: &str) -> Result<Figures> {
        writeln!(self.input, "{word}")?;
        self.line()?.parse()
    }

    /// Processor time used so far by all its threads.
    pub(crate) fn processor_time(&self) -> Result<Duration> {
        let stat = self.proc("stat")?;
        // The name, in parentheses, may hold anything; utime and stime are fields 14 and 15 (proc(5)).
        let (_, fields) = stat.rsplit_once(')').ok_or("no name in /proc/PID/stat")?;
        let times = fields.split_ascii_whitespace().skip(11).take(2);
        let ticks: u64 = times.filter_map(|time| time.parse::<u64>().ok()).sum();
        Ok(Duration::from_millis(ticks * 10)) // USER_HZ is 100 wherever this runs
    }

    /// Memory in use, in bytes, files and what is shared left out; what the kernel keeps for sockets
    /// is never in it.
    pub(crate) fn memory(&self) -> Result<u64> {
        let status = self.proc("status")?;
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("RssAnon:"));
        let number = line.and_then(|line| line.trim().strip_suffix(" kB"));
        let kib: u64 = number
            .ok_or("no RssAnon in /proc/PID/status")?
            .trim()
            .parse()?;
        Ok(kib * 1024)
    }

    /// Open file descriptors.
    pub(crate) fn descriptors(&self) -> Result<usize> {
        Ok(std::fs::read_dir(format!("/proc/{}/fd", self.child.id()))?.count())
    }

    /// Ends it without a word (SIGKILL), and waits until it is gone.
    pub(crate) fn kill(&mut self) {
        // It may be gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    fn proc(&self, file: &str) -> Result<String> {
        let path = format!("/proc/{}/{file}", self.child.id());
        Ok(std::fs::read_to_string(path)?)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

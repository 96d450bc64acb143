//! A test program that is run again, as the server, in a process of its own.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use gateway_core::Application;
use gateway_hyper::Server;

use super::PATIENCE;

/// Tells the other process what it is.
const IS_SERVER: &str = "GATEWAY_TEST_IS_SERVER";

/// Whether this is the other process.
pub fn is_server() -> bool {
    std::env::var_os(IS_SERVER).is_some()
}

/// What the other process does: serves until it is ended, and logs to where it was told.
pub fn serve(app: impl Application) {
    tracing_subscriber::fmt()
        .with_ansi(false)
        .with_max_level(tracing::Level::INFO)
        .with_writer(std::io::stdout)
        .init();
    let server = Server::bind("127.0.0.1:0").unwrap();
    let address = server.local_addr().unwrap();
    tracing::info!(%address, "serves");
    server.run(app).unwrap();
}

/// The other process; ended when it goes.
pub struct Process {
    child: Child,
    pub address: SocketAddr,
    lines: Receiver<String>,
    /// The lines so far.
    pub told: Vec<String>,
}

impl Process {
    /// Starts `test` of this program with so many descriptors, and waits until it serves.
    pub fn start(test: &str, descriptors: usize) -> Self {
        let limited = format!("ulimit -n {descriptors}; exec \"$0\" \"$@\"");
        let mut child = Command::new("sh")
            .args(["-c", &limited])
            .arg(std::env::current_exe().unwrap())
            .args(["--exact", test, "--nocapture"])
            .env(IS_SERVER, "1")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        let (tell, lines) = channel();
        std::thread::spawn(move || {
            for line in out.lines().map_while(Result::ok) {
                let _ = tell.send(line);
            }
        });
        let mut process = Self {
            child,
            address: ([127, 0, 0, 1], 0).into(),
            lines,
            told: Vec::new(),
        };
        let line = process.until("serves");
        process.address = line.rsplit_once('=').unwrap().1.parse().unwrap();
        process
    }

    /// Waits for a line.
    pub fn until(&mut self, what: &str) -> String {
        loop {
            let line = self.lines.recv_timeout(PATIENCE).unwrap();
            self.told.push(line.clone());
            if line.contains(what) {
                return line;
            }
        }
    }

    /// Its number.
    pub fn id(&self) -> u32 {
        self.child.id()
    }
}

/// Memory in use by a process, in bytes, files and what is shared left out.
pub fn memory(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let mut lines = status.lines();
    let number = lines.find_map(|line| line.strip_prefix("RssAnon:")?.trim().strip_suffix(" kB"));
    number.unwrap().trim().parse::<u64>().unwrap() * 1024
}

/// Processor time that a process has used so far.
pub fn processor_time(process: u32) -> Duration {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    // The name, in parentheses, may hold anything; utime and stime are fields 14 and 15 (proc(5)).
    let fields = stat.rsplit_once(')').unwrap().1.split_ascii_whitespace();
    let ticks: u64 = fields
        .skip(11)
        .take(2)
        .map(|time| time.parse::<u64>().unwrap())
        .sum();
    Duration::from_millis(ticks * 10) // USER_HZ is 100 wherever this runs
}

impl Drop for Process {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

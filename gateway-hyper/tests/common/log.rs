//! What the servers of a test program log.

use std::io;
use std::sync::{Condvar, Mutex, OnceLock};

use tracing_subscriber::fmt::MakeWriter;

use super::PATIENCE;

/// The lines of all servers of this program.
#[derive(Default)]
pub struct Lines {
    written: Mutex<Vec<String>>,
    more: Condvar,
}

/// The log, from now on.
pub fn log() -> &'static Lines {
    static LINES: OnceLock<Lines> = OnceLock::new();
    static BEGUN: OnceLock<()> = OnceLock::new();
    let lines = LINES.get_or_init(Lines::default);
    BEGUN.get_or_init(|| {
        tracing_subscriber::fmt()
            .with_ansi(false)
            .with_max_level(tracing::Level::DEBUG)
            .with_writer(lines)
            .init();
    });
    lines
}

impl Lines {
    /// Waits for a line that has all of these in it.
    pub fn until(&self, parts: &[&str]) -> String {
        let has_all = |line: &&String| parts.iter().all(|part| line.contains(part));
        let mut found = None;
        let written = self.written.lock().unwrap();
        let look = |written: &mut Vec<String>| {
            found = written.iter().find(has_all).cloned();
            found.is_none()
        };
        let (written, _) = self
            .more
            .wait_timeout_while(written, PATIENCE, look)
            .unwrap();
        let all = written.concat();
        drop(written);
        found.unwrap_or_else(|| panic!("no line has {parts:?}:\n{all}"))
    }

    pub fn count(&self, part: &str) -> usize {
        let written = self.written.lock().unwrap();
        written.iter().filter(|line| line.contains(part)).count()
    }
}

impl<'a> MakeWriter<'a> for &'static Lines {
    type Writer = Line;

    fn make_writer(&'a self) -> Line {
        Line(Vec::new(), self)
    }
}

/// A line that is written whole.
pub struct Line(Vec<u8>, &'static Lines);

impl io::Write for Line {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        let line = String::from_utf8_lossy(&self.0).into_owned();
        self.1.written.lock().unwrap().push(line);
        self.1.more.notify_all();
    }
}

/// The line of a kill has all that belongs to it.
pub fn cut_off(request: &str, stage: &str, why: &str) -> String {
    let (request, stage) = (format!("request={request} "), format!("stage={stage} "));
    let why = format!("why={why}");
    log().until(&[
        "INFO", "cut off", " remote=", &request, &stage, " age=", &why,
    ])
}

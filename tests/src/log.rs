//! What the hosts of this process log.

use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Instant;

use gateway_test::PATIENCE;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt::MakeWriter;

/// What the hosts of this process have logged.
#[derive(Clone, Debug, Default)]
pub struct Log(Arc<(Mutex<String>, Condvar)>);

impl Log {
    /// Keeps what is logged from now on, at INFO and above. Once a process.
    pub fn begin() -> Self {
        let log = Self::default();
        tracing_subscriber::fmt()
            .with_writer(log.clone())
            .with_ansi(false)
            .with_max_level(LevelFilter::INFO)
            .init();
        log
    }

    /// Waits for a line with all of `parts`.
    ///
    /// # Errors
    ///
    /// None comes; the error has the lines with the second of the parts.
    pub fn names(&self, parts: &[&str]) -> Result<(), String> {
        let (text, more) = &*self.0;
        let until = Instant::now() + PATIENCE;
        let mut text = text.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let holds = |line: &str| parts.iter().all(|part| line.contains(part));
            if text.lines().any(holds) {
                return Ok(());
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                let near: Vec<&str> = text
                    .lines()
                    .filter(|line| line.contains(parts[1]))
                    .collect();
                return Err(format!("no line with {parts:?}, but {near:#?}"));
            }
            (text, _) = more
                .wait_timeout(text, left)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let (text, more) = &*self.0;
        let mut text = text.lock().unwrap_or_else(PoisonError::into_inner);
        text.push_str(&String::from_utf8_lossy(bytes));
        more.notify_all();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

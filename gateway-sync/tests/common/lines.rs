//! What the server says in its log.

use std::fmt::{self, Write};
use std::sync::{Condvar, Mutex, OnceLock};
use std::time::Instant;

use gateway_test::PATIENCE;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

/// Every line that any server of this process has said; tests look for those that name what is
/// theirs alone.
#[derive(Default)]
pub(crate) struct Lines {
    said: Mutex<Vec<String>>,
    more: Condvar,
}

/// The lines, which are kept from the first call on.
pub(crate) fn lines() -> &'static Lines {
    static LINES: OnceLock<Lines> = OnceLock::new();
    static SET: OnceLock<()> = OnceLock::new();
    let lines = LINES.get_or_init(Lines::default);
    SET.get_or_init(|| tracing::subscriber::set_global_default(Keeper(lines)).unwrap());
    lines
}

impl Lines {
    /// Waits for a line that holds all of `parts`.
    pub(crate) fn wait_for(&self, parts: &[&str]) -> String {
        let until = Instant::now() + PATIENCE;
        let mut said = self.said.lock().unwrap();
        loop {
            if let Some(line) = said.iter().find(|line| holds(line, parts)) {
                return line.clone();
            }
            let left = until.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "no line with {parts:?} in {said:#?}");
            (said, _) = self.more.wait_timeout(said, left).unwrap();
        }
    }

    /// Forgets what was said so far.
    pub(crate) fn clear(&self) {
        self.said.lock().unwrap().clear();
    }

    /// How many lines there are by now that hold all of `parts`.
    pub(crate) fn count(&self, parts: &[&str]) -> usize {
        let said = self.said.lock().unwrap();
        said.iter().filter(|line| holds(line, parts)).count()
    }
}

fn holds(line: &str, parts: &[&str]) -> bool {
    parts.iter().all(|part| line.contains(part))
}

struct Keeper(&'static Lines);

impl Subscriber for Keeper {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("gateway_sync")
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = Line(format!("{} ", event.metadata().level()));
        event.record(&mut line);
        self.0.said.lock().unwrap().push(line.0);
        self.0.more.notify_all();
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        write!(self.0, "{}={value:?} ", field.name()).unwrap();
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        write!(self.0, "{}={value} ", field.name()).unwrap();
    }
}

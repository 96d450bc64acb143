//! [`Case`], and the [`Stage`] on which it runs.

use std::fmt;
use std::panic::Location;
use std::sync::{Arc, Mutex, PoisonError};

use gateway_core::server::catch;
use gateway_core::{BoxApplication, Capabilities};

use super::host::{Running, Setup, TestHost};
use super::linted::Linted;
use super::part::Part;
use crate::Log;
use crate::fixtures::{Style, answering};

/// One behaviour that every host has.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Case {
    /// The behaviour, in words.
    pub name: &'static str,
    /// The clause of the specification that it shows, such as `H7`.
    pub clause: &'static str,
    /// The part of the suite it belongs to.
    pub part: Part,
    /// The styles of application it is shown with; one where the style does not matter.
    pub styles: &'static [Style],
    /// What a host must be able to do for the case to make sense.
    pub needs: Capabilities,
    /// The clauses that the application breaks on purpose; [`lint`](gateway_core::lint) finds these and no
    /// others.
    pub breaks: &'static [&'static str],
    pub(super) run: fn(&Stage<'_>) -> Verdict,
}

/// Whether a host has the behaviour.
pub type Verdict = Result<(), Flaw>;

/// What went wrong in a case, and where; it begins with the clause that is broken. The place of an assertion
/// that failed is in the panic message that it has printed.
#[derive(Debug)]
pub struct Flaw {
    clause: Option<&'static str>,
    what: String,
    place: Option<&'static Location<'static>>,
}

impl Flaw {
    /// A flaw in words.
    #[track_caller]
    pub(super) fn new(what: impl Into<String>) -> Self {
        Self {
            clause: None,
            what: what.into(),
            place: Some(Location::caller()),
        }
    }

    /// A flaw that breaks a clause.
    pub(super) fn of_clause(clause: &'static str, what: impl Into<String>) -> Self {
        Self {
            clause: Some(clause),
            what: what.into(),
            place: None,
        }
    }

    /// The clause of the specification that the host breaks, such as `H7`; `None` where no case was run, as
    /// the host does not even start.
    pub fn clause(&self) -> Option<&'static str> {
        self.clause
    }
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(clause) = self.clause {
            write!(f, "{clause}: ")?;
        }
        f.write_str(&self.what)?;
        match self.place {
            Some(place) => write!(f, "\n    at {place}"),
            None => Ok(()),
        }
    }
}

impl<E: std::error::Error> From<E> for Flaw {
    #[track_caller]
    fn from(error: E) -> Self {
        Self::new(error.to_string())
    }
}

impl Case {
    /// Runs the case on `host`, and stops every host that it started.
    ///
    /// # Errors
    ///
    /// [`Flaw`] if the host does not have the behaviour.
    pub fn run(&self, host: &dyn TestHost, style: Style) -> Verdict {
        let played = catch(|| {
            let stage = Stage {
                host,
                style,
                started: Mutex::default(),
            };
            (self.run)(&stage)?;
            stage.clear()
        });
        let verdict =
            played.unwrap_or_else(|panic| Err(Flaw::of_clause(self.clause, panic.to_string())));
        verdict.map_err(|flaw| Flaw {
            clause: Some(self.clause),
            ..flaw
        })
    }

    /// Runs the case as [`run`](Self::run) does, with every application inside [`lint`](gateway_core::lint): what
    /// host and application owe each other is checked in each call.
    ///
    /// # Errors
    ///
    /// [`Flaw`] as of `run`, and if anything is found but what the application [breaks](Self::breaks) on purpose,
    /// or not all of that.
    pub fn run_linted(&self, host: &dyn TestHost, style: Style) -> Verdict {
        let linted = Linted::new(host);
        let verdict = self.run(&linted, style);
        linted.found_nothing_but(self.breaks)?; // first, as the case may have failed of it
        verdict?;
        linted.found_all(self.breaks)
    }

    /// A name for the test that runs the case: the clause, the host, the style where it matters, the behaviour.
    ///
    /// ```
    /// use gateway_test::conformance::cases;
    /// use gateway_test::fixtures::Style;
    ///
    /// let names: Vec<_> = cases().map(|case| case.test_name("my-host", Style::Async)).collect();
    /// assert!(names.contains(&"H7/my-host/async/answers_a_request".to_owned()));
    /// assert!(names.contains(&"H8/my-host/refuses_folded_lines".to_owned()));
    /// ```
    pub fn test_name(&self, host: &str, style: Style) -> String {
        let Self { clause, name, .. } = self;
        match self.styles {
            [_] => format!("{clause}/{host}/{name}"),
            _ => format!("{clause}/{host}/{style}/{name}"),
        }
    }
}

/// What a case has at hand.
pub(super) struct Stage<'a> {
    host: &'a dyn TestHost,
    style: Style,
    started: Mutex<Vec<Arc<Running>>>,
}

impl Stage<'_> {
    pub(super) fn style(&self) -> Style {
        self.style
    }

    /// Starts the host with the default setup.
    #[track_caller]
    pub(super) fn serve(&self, application: BoxApplication) -> Result<Arc<Running>, Flaw> {
        self.serve_with(application, |_| ())
    }

    /// Starts the host with a setup of its own.
    #[track_caller]
    pub(super) fn serve_with(
        &self,
        application: BoxApplication,
        change: impl FnOnce(&mut Setup),
    ) -> Result<Arc<Running>, Flaw> {
        let mut setup = Setup::default();
        change(&mut setup);
        let running = Arc::new(self.host.start(application, setup)?);
        let mut started = self.started.lock().unwrap_or_else(PoisonError::into_inner);
        started.push(Arc::clone(&running));
        Ok(running)
    }

    /// Each of `requests`, on a connection of its own, is answered with one of `statuses` before
    /// the application is called; then the connection is closed and what follows is not read.
    #[track_caller]
    pub(super) fn refuses<T: AsRef<[u8]>>(&self, requests: &[T], statuses: &[u16]) -> Verdict {
        self.refuses_with(requests, statuses, |_| ())
    }

    /// The same, with a setup of its own.
    #[track_caller]
    pub(super) fn refuses_with<T: AsRef<[u8]>>(
        &self,
        requests: &[T],
        statuses: &[u16],
        change: impl FnOnce(&mut Setup),
    ) -> Verdict {
        let calls = Log::new();
        let host = self.serve_with(noted(self.style, &calls), change)?;
        for request in requests {
            let shown = excerpt(request.as_ref());
            let mut client = host.client()?;
            let reply = client.exchange([request.as_ref(), NEXT].concat());
            let reply = reply.map_err(|error| Flaw::new(format!("{shown}: {error}")))?;
            assert!(
                statuses.contains(&reply.status),
                "{shown}: {} and not {statuses:?}: {reply:?}",
                reply.status
            );
            assert!(reply.says_close(), "{shown}: does not say close: {reply:?}");
            let closed = client.closes();
            closed.map_err(|error| Flaw::new(format!("{shown}: then {error}")))?;
            assert!(calls.is_empty(), "{shown}: the application was called");
        }
        Ok(())
    }

    /// Stops what was started; all of it must end, and end well or as the case has seen.
    fn clear(&self) -> Verdict {
        let started =
            std::mem::take(&mut *self.started.lock().unwrap_or_else(PoisonError::into_inner));
        for host in started {
            if !host.has_ended() {
                host.stop();
                host.ended()?;
            }
        }
        Ok(())
    }
}

/// A request that must not be read after one that was refused.
const NEXT: &[u8] = b"GET /next HTTP/1.1\r\nHost: test.example\r\n\r\n";

/// Notes the path of each call, and answers it.
pub(super) fn noted(style: Style, calls: &Log<String>) -> BoxApplication {
    let calls = calls.clone();
    answering(style, move |environ| {
        calls.note(environ.path_info().to_owned());
        Ok(gateway_core::text(environ.path_info().to_owned()))
    })
}

fn excerpt(request: &[u8]) -> String {
    let start = &request[..request.len().min(120)];
    format!("\"{}\"", start.escape_ascii())
}

//! Hosts with one defect each, for the clauses of `docs/SPEC.md` that no wrapper can check: the case that shows
//! such a clause must fail on the host that breaks it.
//!
//! ```text
//!   client ◀── Receives, Sends ──▶ gateway-sync ◀── Tells, Answers, Calls ──▶ application
//!                                      ▲
//!                                    Setup
//! ```
//!
//! Each is gateway-sync, which is sound, broken at one of its edges. To whoever stands behind the edge there is no
//! difference between that and a host which is broken inside.

mod answers;
mod calls;
mod table;
mod tells;
mod wire;

use std::io;

use gateway_core::{BoxApplication, Environ, Result};
use gateway_test::conformance::{Running, Setup, TestHost};

use crate::SyncHost;
use calls::Between;
pub use table::BROKEN;

/// A host with one defect.
#[derive(Debug)]
pub struct Broken {
    /// The clause that it breaks, such as `H12`.
    pub clause: &'static str,
    /// What it does, as the rest of a sentence that begins with "a host that".
    pub defect: &'static str,
    /// The case of the suite that fails on it.
    pub case: &'static str,
    edge: Edge,
}

/// Where a host is broken, and how.
#[derive(Debug)]
enum Edge {
    /// In what it tells the application of a request.
    Tells(fn(Environ) -> Environ),
    /// In what it makes of an answer.
    Answers(fn(Result) -> Result),
    /// In how it calls the application.
    Calls(fn(BoxApplication) -> BoxApplication),
    /// In what it makes of how it is set up.
    Setup(fn(&mut Setup)),
    /// In what it takes the first for that clients send: for the second.
    Receives(&'static str, &'static str),
    /// In what it sends to clients: the second in place of the first.
    Sends(&'static str, &'static str),
}

impl Broken {
    /// The same host without the defect: broken at the same edge, by nothing.
    pub fn mended(&self) -> Self {
        let edge = match self.edge {
            Edge::Tells(_) => Edge::Tells(|environ| environ),
            Edge::Answers(_) => Edge::Answers(|answer| answer),
            Edge::Calls(_) => Edge::Calls(|application| application),
            Edge::Setup(_) => Edge::Setup(|_| ()),
            Edge::Receives(..) => Edge::Receives("\0", "\0"),
            Edge::Sends(..) => Edge::Sends("\0", "\0"),
        };
        Self { edge, ..*self }
    }
}

impl TestHost for Broken {
    fn name(&self) -> &str {
        self.defect
    }

    fn start(&self, application: BoxApplication, mut setup: Setup) -> io::Result<Running> {
        let application = match self.edge {
            Edge::Tells(tells) => Between::telling(application, tells),
            Edge::Answers(answers) => Between::answering(application, answers),
            Edge::Calls(calls) => calls(application),
            _ => application,
        };
        if let Edge::Setup(sets_up) = self.edge {
            sets_up(&mut setup);
        }
        let running = SyncHost.start(application, setup)?;
        match self.edge {
            Edge::Receives(sent, taken_for) => wire::relayed(running, (sent, taken_for), ("", "")),
            Edge::Sends(right, wrong) => wire::relayed(running, ("", ""), (right, wrong)),
            _ => Ok(running),
        }
    }
}

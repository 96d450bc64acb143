//! [`Progress`]: where a request stands, for the log and for those who stop the server.

use std::cell::RefCell;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use gateway_core::Address;
use gateway_core::server::Stage;
use http::Method;
use http::uri::PathAndQuery;

use crate::cause::Cause;
use crate::refusal::Refusal;

/// What the log says in place of a request, where none has begun.
pub(crate) const NONE_BEGUN: &str = "none begun";

thread_local! {
    /// The request whose application this thread polls.
    static HERE: RefCell<Option<Arc<Progress>>> = const { RefCell::new(None) };
}

/// A request: what it asks for, since when, and where it stands. Shared by all that move it on.
#[derive(Debug)]
pub(crate) struct Progress {
    pub(crate) method: Method,
    target: Option<PathAndQuery>,
    pub(crate) received_at: Instant,
    stage: AtomicU8,
    /// What its stream ended by, where only its body was told.
    fault: AtomicU8,
    /// Why its body is refused, where no connection ends by that.
    refused: OnceLock<Refusal>,
    hand_over: AtomicU8,
    /// The log says that it was cut off.
    told: AtomicBool,
}

/// How blocking code gets a request body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum HandOver {
    /// When it is here.
    Whole,
    /// As it comes, since the host was told so.
    Live,
    /// As it comes, since the client waits for `100 Continue`.
    Awaited,
}

impl Progress {
    /// A request begins: the application is about to have it.
    pub(crate) fn begin<B>(request: &http::Request<B>) -> Arc<Self> {
        Arc::new(Self {
            method: request.method().clone(),
            target: request.uri().path_and_query().cloned(),
            received_at: Instant::now(),
            stage: AtomicU8::new(code(Stage::InApplication)),
            fault: AtomicU8::new(0),
            refused: OnceLock::new(),
            hand_over: AtomicU8::new(HandOver::Whole as u8),
            told: AtomicBool::new(false),
        })
    }

    /// Where it stands.
    pub(crate) fn stage(&self) -> Stage {
        match self.stage.load(Ordering::Relaxed) {
            READING_BODY => Stage::ReadingBody,
            QUEUED => Stage::Queued,
            WRITING => Stage::Writing,
            _ => Stage::InApplication,
        }
    }

    /// It has come to `stage`. Once it is written it is in the application no more, whatever still
    /// runs there; and once its stream has ended, nobody waits for what it still comes to.
    pub(crate) fn set_stage(&self, stage: Stage) {
        if self.stage.load(Ordering::Relaxed) != WRITING && self.fault().is_none() {
            self.stage.store(code(stage), Ordering::Relaxed);
        }
    }

    /// Its stream has ended by `cause`.
    pub(crate) fn set_fault(&self, cause: Cause) {
        self.fault.store(cause as u8, Ordering::Relaxed);
    }

    /// What its stream ended by, if that is known.
    pub(crate) fn fault(&self) -> Option<Cause> {
        Cause::of_code(self.fault.load(Ordering::Relaxed))
    }

    /// Its body is refused.
    pub(crate) fn refuse(&self, refusal: Refusal) {
        let _ = self.refused.set(refusal);
    }

    /// Why its body is refused, if it is.
    pub(crate) fn refusal(&self) -> Option<Refusal> {
        self.refused.get().copied()
    }

    /// How blocking code gets its body.
    pub(crate) fn hand_over(&self) -> HandOver {
        match self.hand_over.load(Ordering::Relaxed) {
            LIVE => HandOver::Live,
            AWAITED => HandOver::Awaited,
            _ => HandOver::Whole,
        }
    }

    /// Blocking code gets its body so.
    pub(crate) fn set_hand_over(&self, how: HandOver) {
        self.hand_over.store(how as u8, Ordering::Relaxed);
    }

    /// For how long it has been here.
    pub(crate) fn age(&self) -> Duration {
        self.received_at.elapsed()
    }

    /// Runs `poll` for it: what is unblocked meanwhile is unblocked for this request.
    pub(crate) fn during<T>(self: &Arc<Self>, poll: impl FnOnce() -> T) -> T {
        /// Gone in a panic too.
        struct Leave;
        impl Drop for Leave {
            fn drop(&mut self) {
                HERE.take();
            }
        }
        HERE.set(Some(Arc::clone(self)));
        let _leave = Leave;
        poll()
    }

    /// The request whose application this thread polls.
    pub(crate) fn here() -> Option<Arc<Self>> {
        HERE.with_borrow(Option::clone)
    }

    /// The line in the log of a request that is cut off.
    pub(crate) fn log_cut(&self, remote: &Address, cause: Cause) {
        self.log_cut_in(self.stage(), remote, cause);
    }

    /// The same, of one that was cut off while it stood elsewhere. There is one such line of a request.
    pub(crate) fn log_cut_in(&self, stage: Stage, remote: &Address, cause: Cause) {
        let age = self.age();
        if !self.told.swap(true, Ordering::Relaxed) {
            tracing::info!(%remote, request = %self, %stage, ?age, why = %cause, "cut off");
        }
    }

    /// Whether the log says that it was cut off.
    pub(crate) fn is_told(&self) -> bool {
        self.told.load(Ordering::Relaxed)
    }
}

/// Method and path.
impl fmt::Display for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.target.as_ref().map_or("", PathAndQuery::path);
        write!(f, "{} {path}", self.method)
    }
}

const LIVE: u8 = HandOver::Live as u8;
const AWAITED: u8 = HandOver::Awaited as u8;

const IN_APPLICATION: u8 = 0;
const READING_BODY: u8 = 1;
const QUEUED: u8 = 2;
const WRITING: u8 = 3;

fn code(stage: Stage) -> u8 {
    match stage {
        Stage::ReadingBody => READING_BODY,
        Stage::Queued => QUEUED,
        Stage::Writing => WRITING,
        _ => IN_APPLICATION,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request() -> Arc<Progress> {
        let request = http::Request::post("http://a/b?c=d").body(()).unwrap();
        Progress::begin(&request)
    }

    #[test]
    fn a_request_that_is_written_stays_so() {
        let progress = request();
        assert_eq!(progress.to_string(), "POST /b");
        for stage in [
            Stage::InApplication,
            Stage::ReadingBody,
            Stage::Queued,
            Stage::Writing,
        ] {
            progress.set_stage(stage);
            assert_eq!(progress.stage(), stage);
        }
        progress.set_stage(Stage::InApplication);
        assert_eq!(progress.stage(), Stage::Writing);
    }

    #[test]
    fn a_request_stays_where_its_stream_has_ended() {
        let progress = request();
        progress.set_stage(Stage::ReadingBody);
        progress.set_fault(Cause::Broken);
        progress.set_stage(Stage::Writing);
        assert_eq!(progress.stage(), Stage::ReadingBody);
        assert_eq!(progress.fault(), Some(Cause::Broken));
    }

    #[test]
    fn is_here_only_while_it_is_polled() {
        let progress = request();
        let there = || Progress::here().is_some();
        assert!(progress.during(there));
        assert!(!there());
        let panics = || progress.during(|| panic!("of the application"));
        assert!(gateway_core::server::catch(panics).is_err());
        assert!(!there());
    }
}

//! What log lines say of a request: its name, its age, and where it stands.
//!
//! One line for everything that is cut off or refused, always with the same fields: who, which request,
//! how old, in which [`Stage`], and why. What ends well has none.

use std::fmt;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use gateway_core::Endpoint;
use gateway_core::server::{Panic, Stage};
use gateway_http1::{CloseReason, RequestHead};
use http::{Method, StatusCode};

use crate::deadline::Phase;

/// Method and path of a request.
#[derive(Clone, Debug)]
pub(crate) struct RequestName {
    method: Method,
    head: Arc<[u8]>,
    path: Range<usize>,
}

impl RequestName {
    pub(crate) fn of(head: &RequestHead) -> Self {
        Self {
            method: head.method.clone(),
            head: Arc::clone(head.bytes()),
            path: head.path_range(),
        }
    }
}

impl fmt::Display for RequestName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = String::from_utf8_lossy(&self.head[self.path.clone()]);
        write!(f, "{} {path}", self.method)
    }
}

/// The request that a connection is answering, as any thread may look at it.
#[derive(Debug)]
pub(crate) struct Current {
    endpoint: Arc<Endpoint>,
    asked: Mutex<Option<Asked>>,
}

#[derive(Clone, Debug)]
struct Asked {
    name: RequestName,
    since: Instant,
    stage: Stage,
    /// The log says how it has ended.
    told: bool,
}

impl Asked {
    fn new(name: RequestName, since: Instant, stage: Stage) -> Self {
        Self {
            name,
            since,
            stage,
            told: false,
        }
    }
}

impl Current {
    pub(crate) fn new(endpoint: Arc<Endpoint>) -> Self {
        Self {
            endpoint,
            asked: Mutex::new(None),
        }
    }

    /// The application is called for a request that was here at `since`.
    pub(crate) fn begin(&self, name: RequestName, since: Instant) {
        *self.asked() = Some(Asked::new(name, since, Stage::InApplication));
    }

    /// A request that was here at `since` waits for a thread.
    pub(crate) fn queue(&self, name: RequestName, since: Instant) {
        *self.asked() = Some(Asked::new(name, since, Stage::Queued));
    }

    /// The request at hand stands somewhere else.
    pub(crate) fn set_stage(&self, stage: Stage) {
        if let Some(asked) = &mut *self.asked() {
            asked.stage = stage;
        }
    }

    /// The log is told how the request at hand has ended. True if it was not before.
    pub(crate) fn tell(&self) -> bool {
        let mut asked = self.asked();
        let told = asked.as_mut().map(|asked| &mut asked.told);
        told.is_some_and(|told| !std::mem::replace(told, true))
    }

    /// Whether the log says how the request at hand has ended.
    pub(crate) fn is_told(&self) -> bool {
        self.asked().as_ref().is_some_and(|asked| asked.told)
    }

    /// The request at hand is over.
    pub(crate) fn end(&self) {
        *self.asked() = None;
    }

    /// How it looks from outside while a worker has the connection.
    pub(crate) fn sight_of_call(&self, since: Instant) -> Sight {
        match &*self.asked() {
            Some(asked) => Sight {
                request: Some(asked.name.to_string()),
                stage: asked.stage,
                since: asked.since,
                endpoint: Arc::clone(&self.endpoint),
            },
            None => self.sight(Stage::ReadingHead, since, None),
        }
    }

    /// How it looks from outside while its body is read by the application.
    pub(crate) fn sight_of_body(&self, since: Instant) -> Sight {
        Sight {
            stage: Stage::ReadingBody,
            ..self.sight_of_call(since)
        }
    }

    /// How it looks from outside while its response is on its way.
    pub(crate) fn sight_of_response(&self, since: Instant) -> Sight {
        Sight {
            stage: Stage::Writing,
            ..self.sight_of_call(since)
        }
    }

    /// How it looks from outside while no call is made: `request` is the one that is being read.
    pub(crate) fn sight(&self, stage: Stage, since: Instant, request: Option<String>) -> Sight {
        Sight {
            request,
            stage,
            since,
            endpoint: Arc::clone(&self.endpoint),
        }
    }

    fn asked(&self) -> MutexGuard<'_, Option<Asked>> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The name of the request at hand.
impl fmt::Display for Current {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.asked() {
            Some(asked) => asked.name.fmt(f),
            None => f.write_str(NONE),
        }
    }
}

/// What stands for the request where none has a head yet.
const NONE: &str = "none begun";

/// A connection as it looks from outside.
#[derive(Clone, Debug)]
pub(crate) struct Sight {
    /// Method and path, once the head is here.
    request: Option<String>,
    pub(crate) stage: Stage,
    /// Since when the request is here; where there is none, since when the connection waits for it.
    since: Instant,
    endpoint: Arc<Endpoint>,
}

impl Sight {
    /// The name of the request, or that none has a head yet.
    pub(crate) fn request(&self) -> &str {
        match (&self.request, self.stage) {
            (Some(name), _) => name,
            (None, Stage::ReadingHead) => "its head is not whole",
            (None, _) => NONE,
        }
    }

    /// Its head is refused, of which the request line can be read.
    pub(crate) fn set_request(&mut self, name: &str) {
        self.request = Some(name.to_owned());
    }

    /// Requests come before connections that ask for nothing, and older ones before younger.
    pub(crate) fn rank(&self) -> (bool, Instant) {
        (self.request.is_none(), self.since)
    }

    /// How old the request is.
    pub(crate) fn age(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.since)
    }

    /// Says that the connection or its call is cut off. What nobody asked for is worth no more than a
    /// line for who looks for it.
    pub(crate) fn log_cut(&self, why: &str, now: Instant) {
        let (remote, request, stage) = (&self.endpoint.remote, self.request(), self.stage);
        let age = self.age(now);
        if stage == Stage::Idle {
            tracing::debug!(%remote, request, %stage, ?age, why, "idle connection closed");
        } else {
            tracing::info!(%remote, request, %stage, ?age, why, "cut off");
        }
    }

    /// Says that the host has answered in the application's stead, with this status.
    pub(crate) fn log_refused(&self, status: StatusCode, error: &str, now: Instant) {
        let (remote, request, stage) = (&self.endpoint.remote, self.request(), self.stage);
        let (age, status) = (self.age(now), status.as_u16());
        tracing::info!(%remote, request, %stage, ?age, status, error, "request refused");
    }

    /// Says that the application has failed, and what is answered. 5xx is its trouble; the rest is between
    /// client and application.
    pub(crate) fn log_failed(&self, status: StatusCode, error: &dyn fmt::Display, now: Instant) {
        let (remote, request, stage) = (&self.endpoint.remote, self.request(), self.stage);
        let (age, code) = (self.age(now), status.as_u16());
        if status.is_server_error() {
            tracing::error!(%remote, request, %stage, ?age, status = code, %error, "request failed");
        } else {
            tracing::info!(%remote, request, %stage, ?age, status = code, %error, "request failed");
        }
    }

    /// Says that the application has panicked.
    pub(crate) fn log_panicked(&self, panic: &Panic, now: Instant) {
        let (remote, request, stage) = (&self.endpoint.remote, self.request(), self.stage);
        let age = self.age(now);
        tracing::error!(%remote, request, %stage, ?age, %panic, "the application panicked");
    }

    /// Says that the connection is lost to a mistake of the host's own.
    pub(crate) fn log_lost(&self, panic: &Panic, now: Instant) {
        let (remote, request, stage) = (&self.endpoint.remote, self.request(), self.stage);
        let age = self.age(now);
        tracing::error!(
            %remote, request, %stage, ?age, %panic,
            "a connection is lost to a defect of the server"
        );
    }
}

/// What is unfinished of a connection that ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Unfinished {
    /// A response that has begun.
    pub(crate) response: bool,
    /// A request that waits for its call.
    pub(crate) queued: bool,
    /// A request of which the head is here, and of the body perhaps not all.
    pub(crate) body: bool,
    /// A request head that has begun.
    pub(crate) head: bool,
}

impl Unfinished {
    /// What is cut off with the connection that ends for `reason`; `None` if that is nothing: it is the
    /// end of a connection on which all that was asked for was answered.
    pub(crate) fn cut(self, reason: CloseReason) -> Option<Phase> {
        match (self, reason) {
            (Self { response: true, .. }, _) => Some(Phase::Writing),
            (Self { queued: true, .. }, _) => Some(Phase::Queued),
            (_, CloseReason::TruncatedHead) => Some(Phase::Head),
            (_, CloseReason::TruncatedBody { .. }) | (Self { body: true, .. }, _) => {
                Some(Phase::Body)
            }
            (Self { head: true, .. }, _) => Some(Phase::Head),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_cut_off_is_what_was_not_finished() {
        let nothing = Unfinished::default();
        let head = Unfinished {
            head: true,
            ..nothing
        };
        let body = Unfinished {
            body: true,
            ..nothing
        };
        let queued = Unfinished {
            queued: true,
            ..nothing
        };
        let response = Unfinished {
            response: true,
            ..nothing
        };
        let pipelined = Unfinished {
            response: true,
            ..head
        };
        for (unfinished, reason, cut) in [
            (nothing, CloseReason::ClientClosed, None),
            (nothing, CloseReason::ClientAsked, None),
            (nothing, CloseReason::UnreadBody, None),
            (nothing, CloseReason::Shutdown, None),
            (nothing, CloseReason::Disconnected, None), // while idle
            (nothing, CloseReason::TruncatedHead, Some(Phase::Head)),
            (
                nothing,
                CloseReason::TruncatedBody { missing: None },
                Some(Phase::Body),
            ),
            (head, CloseReason::Disconnected, Some(Phase::Head)),
            (head, CloseReason::Shutdown, Some(Phase::Head)),
            (body, CloseReason::Disconnected, Some(Phase::Body)),
            (queued, CloseReason::Disconnected, Some(Phase::Queued)),
            (response, CloseReason::Aborted, Some(Phase::Writing)),
            (response, CloseReason::Disconnected, Some(Phase::Writing)),
            (pipelined, CloseReason::Shutdown, Some(Phase::Writing)),
        ] {
            assert_eq!(unfinished.cut(reason), cut, "{unfinished:?}, {reason}");
        }
    }
}

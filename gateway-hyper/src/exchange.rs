//! [`Exchange`]: a request from its head to the end of its response, whatever that end is.

use std::sync::Arc;
use std::time::Instant;

use gateway_core::server::Call;
use gateway_core::{Address, CancelReason, Ending, Outcome};
use http::uri::PathAndQuery;
use http::{Method, StatusCode, Version};

use crate::connection::{State, Taking};

/// A response with no more than this, in bytes, is taken for written when hyper has it: it fits any
/// socket's buffer. (Over HTTP/2 the last such piece of any response is: hyper does not tell more.)
const AT_ONCE: u64 = 16 * 1024;

/// A request from its head to the end of its response. When it is dropped the request is over:
/// whoever wants to know is told, once, whether the response was whole or what cut it.
pub(crate) struct Exchange {
    pub(crate) state: Arc<State>,
    pub(crate) call: Call,
    pub(crate) method: Method,
    pub(crate) version: Version,
    /// The number of the request on its connection, from 0.
    pub(crate) number: u64,
    pub(crate) received_at: Instant,
    /// Whether the client takes the response, over HTTP/2.
    pub(crate) taking: Option<Arc<Taking>>,
    target: Option<PathAndQuery>,
    status: Option<StatusCode>,
    sent: u64,
    ending: Option<Ending>,
    /// How it ends if the response is sent to its end: an error of the application that was
    /// answered is a failure all the same.
    verdict: Ending,
}

impl Exchange {
    /// A request begins now.
    pub(crate) fn begin<B>(state: Arc<State>, request: &http::Request<B>) -> Box<Self> {
        let received_at = Instant::now();
        let number = state.begin_request(state.shared.clock.ticks(received_at));
        Box::new(Self {
            state,
            call: Call::new(),
            method: request.method().clone(),
            version: request.version(),
            number,
            received_at,
            taking: None,
            target: request.uri().path_and_query().cloned(),
            status: None,
            sent: 0,
            ending: None,
            verdict: Ending::Complete,
        })
    }

    /// By when the answer is due.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        let bound = self.state.shared.settings.timeouts.request?;
        self.received_at.checked_add(bound)
    }

    /// The path, for the log.
    pub(crate) fn path(&self) -> &str {
        path_of(&self.target)
    }

    /// The response begins.
    pub(crate) fn set_status(&mut self, status: StatusCode) {
        self.status = Some(status);
    }

    /// The application did not answer well; what is sent instead may still be sent whole.
    pub(crate) fn set_verdict(&mut self, verdict: Ending) {
        self.verdict = verdict;
    }

    /// Bytes of the body were handed to the connection.
    pub(crate) fn add_sent(&mut self, bytes: u64) {
        self.sent += bytes;
    }

    /// Bytes of the body so far.
    pub(crate) fn sent(&self) -> u64 {
        self.sent
    }

    /// The response is whole.
    pub(crate) fn complete(&mut self) {
        self.ending.get_or_insert(self.verdict);
    }

    /// The response is cut short, by `ending`; the first word stays.
    pub(crate) fn fail(&mut self, ending: Ending) {
        self.ending.get_or_insert(ending);
    }

    /// Whether the client has taken nothing of it for too long, on a stream of its own.
    fn has_stalled(&self) -> bool {
        self.taking.as_ref().is_some_and(|it| it.has_stalled())
    }

    /// How it ended, where nobody has said so: something outside has cut it off.
    fn cut_off(&self) -> Ending {
        let reason = match self.has_stalled() {
            true => CancelReason::Deadline,
            false => self.state.why_cut(),
        };
        self.call.cancel(reason);
        let at = match self.status {
            Some(_) => "writing",
            None => "in application",
        };
        let peer = &self.state.endpoint.remote;
        log_cut(
            (&self.method, self.path(), peer),
            self.received_at,
            at,
            reason,
        );
        ending_of(reason)
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        // The last piece is handed over, and counted, before the client has room for it.
        let known = self.ending.filter(|_| !self.has_stalled());
        let ending = known.unwrap_or_else(|| self.cut_off());
        let outcome = Outcome::new(self.status, self.sent, ending);
        // Before the next request may begin, so that the two never seem to run at once.
        self.state.end_request(self.state.shared.clock.now());
        if ending != Ending::Complete || self.sent <= AT_ONCE || self.version >= Version::HTTP_2 {
            return self.call.finish(&outcome);
        }
        self.state.flush_later(Flushing {
            call: self.call.clone(),
            outcome,
            method: self.method.clone(),
            target: self.target.clone(),
            peer: self.state.endpoint.remote.clone(),
            received_at: self.received_at,
        });
    }
}

/// A response that hyper has whole, and the socket may not. Told of when it is written, or cut.
pub(crate) struct Flushing {
    call: Call,
    outcome: Outcome,
    method: Method,
    target: Option<PathAndQuery>,
    peer: Address,
    received_at: Instant,
}

impl Flushing {
    /// The socket has all of it.
    pub(crate) fn written(self) {
        self.call.finish(&self.outcome);
    }

    /// It was cut short.
    pub(crate) fn cut(mut self, reason: CancelReason) {
        self.outcome.ending = ending_of(reason);
        log_cut(
            (&self.method, path_of(&self.target), &self.peer),
            self.received_at,
            "writing",
            reason,
        );
        self.call.finish(&self.outcome);
    }
}

/// The path of a target, which may name an authority only.
fn path_of(target: &Option<PathAndQuery>) -> &str {
    target.as_ref().map_or("", PathAndQuery::path)
}

fn ending_of(reason: CancelReason) -> Ending {
    match reason {
        CancelReason::Deadline => Ending::TimedOut,
        CancelReason::Shutdown => Ending::Shutdown,
        _ => Ending::Disconnected,
    }
}

/// Every request that is cut off is named, with its age and what it was at.
fn log_cut(
    (method, path, peer): (&Method, &str, &Address),
    received_at: Instant,
    state: &str,
    reason: CancelReason,
) {
    let age_ms = received_at.elapsed().as_millis();
    tracing::info!(%method, path, %peer, age_ms, state, %reason, "request cut off");
}

//! [`Exchange`]: a request from its head to the end of its response, whatever that end is.

use std::sync::Arc;
use std::time::Instant;

use gateway_core::server::{Call, Stage};
use gateway_core::{Address, Ending, Outcome};
use http::{Method, StatusCode, Version};

use crate::cause::Cause;
use crate::connection::{State, Taking};
use crate::progress::Progress;

/// A response with no more than this, in bytes, is taken for written when hyper has it: it fits any
/// socket's buffer. (Over HTTP/2 the last such piece of a response without a length is as well: hyper
/// does not tell more.)
pub(crate) const AT_ONCE: u64 = 16 * 1024;

/// A request from its head to the end of its response. When it is dropped the request is over:
/// whoever wants to know is told, once, whether the response was whole or what cut it.
pub(crate) struct Exchange {
    pub(crate) state: Arc<State>,
    pub(crate) call: Call,
    pub(crate) progress: Arc<Progress>,
    pub(crate) version: Version,
    /// The number of the request on its connection, from 0.
    pub(crate) number: u64,
    /// Whether the client takes the response, over HTTP/2.
    pub(crate) taking: Option<Arc<Taking>>,
    status: Option<StatusCode>,
    sent: u64,
    ending: Option<Ending>,
    /// How it ends if the response is sent to its end: an error of the application that was
    /// answered is a failure all the same.
    verdict: Ending,
}

impl Exchange {
    /// A request begins now.
    pub(crate) fn begin<B>(state: Arc<State>, request: &http::Request<B>) -> Self {
        let progress = Progress::begin(request);
        let number = state.begin_request(&progress);
        Self {
            state,
            call: Call::new(),
            progress,
            version: request.version(),
            number,
            taking: None,
            status: None,
            sent: 0,
            ending: None,
            verdict: Ending::Complete,
        }
    }

    /// By when the answer is due.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        let bound = self.state.shared.settings.timeouts.request?;
        self.progress.received_at.checked_add(bound)
    }

    /// How it is asked for.
    pub(crate) fn method(&self) -> &Method {
        &self.progress.method
    }

    /// The response begins.
    pub(crate) fn set_status(&mut self, status: StatusCode) {
        self.status = Some(status);
        self.progress.set_stage(Stage::Writing);
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

    /// Why its stream ends, if the client does not take it.
    fn why_reset(&self) -> Option<Cause> {
        self.taking.as_ref()?.why_reset()
    }

    /// How it ended, where nobody has said so: something outside has cut it off.
    fn cut_off(&self) -> Ending {
        let cause = self.why_reset().unwrap_or_else(|| self.state.why_cut());
        self.call.cancel(cause.reason());
        self.progress.log_cut(&self.state.endpoint.remote, cause);
        cause.ending()
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        // The last piece is handed over, and counted, before the client has room for it.
        let known = self.ending.filter(|_| self.why_reset().is_none());
        let ending = known.unwrap_or_else(|| self.cut_off());
        let outcome = Outcome::new(self.status, self.sent, ending);
        // Before the next request may begin, so that the two never seem to run at once.
        self.state.end_request(&self.progress);
        if ending != Ending::Complete || self.sent <= AT_ONCE || self.version >= Version::HTTP_2 {
            return self.call.finish(&outcome);
        }
        self.state.flush_later(Flushing {
            call: self.call.clone(),
            outcome,
            progress: Arc::clone(&self.progress),
            remote: self.state.endpoint.remote.clone(),
        });
    }
}

/// A response that hyper has whole, and the socket may not. Told of when it is written, or cut.
pub(crate) struct Flushing {
    call: Call,
    outcome: Outcome,
    progress: Arc<Progress>,
    remote: Address,
}

impl Flushing {
    /// The socket has all of it.
    pub(crate) fn written(self) {
        self.call.finish(&self.outcome);
    }

    /// It was cut short.
    pub(crate) fn cut(mut self, cause: Cause) {
        self.outcome.ending = cause.ending();
        self.progress.log_cut(&self.remote, cause);
        self.call.finish(&self.outcome);
    }
}

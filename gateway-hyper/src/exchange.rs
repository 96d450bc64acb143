//! [`Exchange`]: a request from its head to the end of its response, whatever that end is.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use gateway_core::server::{Call, Stage};
use gateway_core::{Address, Ending, Outcome};
use http::{Method, StatusCode, Version};
use http_body::Body;
use hyper::body::Incoming;

use crate::cause::Cause;
use crate::connection::{State, Taking};
use crate::fault;
use crate::progress::Progress;

/// No more than this of a response, in bytes, goes to h2 with its end, which can be reset no more then.
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
    /// A request body of HTTP/2 that is at its end: it knows what the stream ends by.
    ended: Option<Incoming>,
    status: Option<StatusCode>,
    /// Bytes of the body that were handed over.
    sent: u64,
    /// Whether the response was handed over whole.
    is_whole: bool,
    /// What the host cut the response short for, and has told in the log.
    failed: Option<Ending>,
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
            ended: None,
            status: None,
            sent: 0,
            is_whole: false,
            failed: None,
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

    /// The request has no body, or none any more.
    pub(crate) fn keep_ended(&mut self, body: Incoming) {
        if self.is_stream() {
            self.ended = Some(body);
        }
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
        self.is_whole = true;
    }

    /// The response is cut short, by `ending`; the first word stays.
    pub(crate) fn fail(&mut self, ending: Ending) {
        self.failed.get_or_insert(ending);
    }

    fn is_stream(&self) -> bool {
        self.version >= Version::HTTP_2
    }

    /// Bytes that were handed over, and that the client of an HTTP/2 stream was not sent.
    fn unsent(&self) -> u64 {
        self.taking.as_ref().map_or(0, |taking| taking.unsent())
    }

    /// What its stream was reset for, if the client did not take the response.
    fn why_reset(&self) -> Option<Cause> {
        self.taking.as_ref()?.why_reset()
    }

    /// What its stream ended by, as far as h2 knows, if not by its end.
    fn why_stream_ended(&mut self) -> Option<Cause> {
        let cause = self.ended.as_mut().and_then(why_ended);
        cause.or_else(|| self.progress.fault())
    }

    /// What cut the response off, if anything outside did; it is logged.
    fn cut_off(&mut self) -> Option<Cause> {
        let (reset, ended) = (self.why_reset(), self.why_stream_ended());
        if self.is_whole && reset.or(ended).is_none() && self.unsent() == 0 {
            return None;
        }
        let known = reset.or_else(|| self.state.why_cut()).or(ended);
        let cause = known.unwrap_or_else(|| self.state.why_gone());
        self.call.cancel(cause.reason());
        self.progress.log_cut(&self.state.endpoint.remote, cause);
        self.state.tell(cause);
        Some(cause)
    }

    /// How it ended.
    fn ending(&mut self) -> Ending {
        if let Some(failed) = self.failed {
            return failed;
        }
        self.cut_off().map_or(self.verdict, Cause::ending)
    }
}

impl Exchange {
    /// Whether h2 has the response whole, and its client does not. hyper is done with it then.
    fn is_on_its_way(&self) -> bool {
        let taking = self.taking.as_ref();
        self.is_whole && self.failed.is_none() && taking.is_some_and(|taking| taking.is_with_h2())
    }

    /// The same exchange, for who waits until the response is taken ([`Self::resume`]).
    fn go_on(&mut self) -> Self {
        Self {
            state: Arc::clone(&self.state),
            call: self.call.clone(),
            progress: Arc::clone(&self.progress),
            taking: None,
            ended: self.ended.take(),
            is_whole: false, // unless somebody waits for it
            ..*self
        }
    }

    /// Nothing of the response is on its way any more: it is taken, or lost.
    pub(crate) fn resume(mut self, taking: Arc<Taking>) {
        self.is_whole = true;
        self.taking = Some(taking);
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        if self.is_on_its_way() {
            let rest = self.go_on();
            if let Some(taking) = &self.taking {
                taking.keep(rest);
            }
            return;
        }
        let ending = self.ending();
        let outcome = Outcome::new(self.status, self.sent - self.unsent(), ending);
        let is_whole = self.is_whole && ending == self.verdict;
        let flushing = || Flushing {
            call: self.call.clone(),
            outcome,
            progress: Arc::clone(&self.progress),
        };
        // Ended before the next request may begin, so that the two never seem to run at once.
        match (is_whole, self.is_stream()) {
            (true, false) => self.state.end_request(&self.progress, Some(flushing())),
            (true, true) => {
                self.state.end_request(&self.progress, None);
                self.state.flush_if_stalled(flushing());
            }
            (false, _) => {
                self.state.end_request(&self.progress, None);
                self.call.finish(&outcome);
            }
        }
    }
}

/// What the stream of a request body that is at its end has ended by, if it has not ended well.
fn why_ended(body: &mut Incoming) -> Option<Cause> {
    let mut cx = Context::from_waker(Waker::noop());
    match Pin::new(body).poll_frame(&mut cx) {
        Poll::Ready(Some(Err(error))) => fault::cause(&error),
        _ => None,
    }
}

/// A response that hyper has whole, and the socket may not. Told of when it is written, or cut.
pub(crate) struct Flushing {
    call: Call,
    outcome: Outcome,
    progress: Arc<Progress>,
}

impl Flushing {
    /// The socket has all of it.
    pub(crate) fn written(self) {
        self.call.finish(&self.outcome);
    }

    /// It was cut short.
    pub(crate) fn cut(mut self, remote: &Address, cause: Cause) {
        self.outcome.ending = cause.ending();
        self.progress.log_cut(remote, cause);
        self.call.finish(&self.outcome);
    }
}

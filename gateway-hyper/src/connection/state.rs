//! [`State`]: what a connection's parts tell each other.

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::Waker;

use gateway_core::Endpoint;
use gateway_core::server::Timeouts;

use super::deadline::Waits;
use super::flow::Flow;
use super::requests::Requests;
use crate::cause::Cause;
use crate::exchange::Flushing;
use crate::progress::Progress;
use crate::refusal::Refusal;
use crate::shared::{Phase, Shared, millis};

/// No time: the clock's ticks start at 0, but nothing is ever stamped with the last of them.
const NEVER: u64 = u64::MAX;

/// What a connection's parts — the socket, hyper's state machine that drives it, the service that
/// hyper calls — tell each other. All of it is atomics: for HTTP/1 one task uses it, for HTTP/2 each
/// stream is a task of its own.
pub(crate) struct State {
    pub(crate) shared: Arc<Shared>,
    pub(crate) endpoint: Arc<Endpoint>,
    /// Wakes the connection's task; set when that is first polled.
    waker: OnceLock<Waker>,
    /// Requests that have begun on this connection.
    requests: AtomicU64,
    /// Requests that run now, and what they are.
    active: AtomicUsize,
    listed: Requests,
    /// Since when none has run (or, with some running, since when the first of them has).
    turned_at: AtomicU64,
    /// Since when a part of a request head is here that waits for the rest.
    head_since: AtomicU64,
    /// Since when the client has taken nothing of what is to be sent.
    write_since: AtomicU64,
    /// By when it takes too slowly.
    write_due: AtomicU64,
    /// Whether the kernel runs ahead of the client.
    ahead: AtomicBool,
    /// How fast request bodies come.
    pub(crate) incoming: Flow,
    /// How fast the windows of HTTP/2 streams open.
    pub(crate) outgoing: Flow,
    /// What HTTP/2 frames that ask for nothing are weighed against.
    worth: AtomicU64,
    /// Whether a part of a head has waited too long.
    head_overdue: AtomicBool,
    /// Which request is refused, and why.
    refused: OnceLock<(u64, Refusal)>,
    /// Since when the client sends no more (FIN).
    left_since: AtomicU64,
    /// Whether the application was told that the client has left.
    left: AtomicBool,
    /// Since when nobody is woken for what the client does, or somebody last looked.
    unwatched_since: AtomicU64,
    /// Whether somebody is to look.
    look: AtomicBool,
    /// The number of the request of whose body a part has not come yet.
    body_due: AtomicU64,
    /// Whether the application has let go of a body before its end.
    body_dropped: AtomicBool,
    /// Whether a pipelined request is held back.
    holds: AtomicBool,
    /// Why the connection is being cut.
    cut: AtomicU8,
    /// Whether closing the socket must be a reset.
    reset: AtomicBool,
    /// Whether the connection ends once what runs is finished.
    last: AtomicBool,
    /// Whether nothing more is sent: what follows is thrown away.
    closing: AtomicBool,
    /// When the last frame of HTTP/2 came.
    read_at: AtomicU64,
    /// What a request was cut off for last, which its line in the log tells.
    told: AtomicU8,
}

impl State {
    pub(crate) fn new(shared: Arc<Shared>, endpoint: Arc<Endpoint>) -> Arc<Self> {
        let now = shared.clock.now();
        Arc::new(Self {
            shared,
            endpoint,
            waker: OnceLock::new(),
            requests: AtomicU64::new(0),
            active: AtomicUsize::new(0),
            listed: Requests::default(),
            turned_at: AtomicU64::new(now),
            head_since: AtomicU64::new(NEVER),
            write_since: AtomicU64::new(NEVER),
            write_due: AtomicU64::new(NEVER),
            ahead: AtomicBool::new(false),
            incoming: Flow::default(),
            outgoing: Flow::default(),
            worth: AtomicU64::new(0),
            head_overdue: AtomicBool::new(false),
            refused: OnceLock::new(),
            left_since: AtomicU64::new(NEVER),
            left: AtomicBool::new(false),
            unwatched_since: AtomicU64::new(NEVER),
            look: AtomicBool::new(false),
            body_due: AtomicU64::new(NEVER),
            body_dropped: AtomicBool::new(false),
            holds: AtomicBool::new(false),
            cut: AtomicU8::new(0),
            reset: AtomicBool::new(false),
            last: AtomicBool::new(false),
            closing: AtomicBool::new(false),
            read_at: AtomicU64::new(NEVER),
            told: AtomicU8::new(0),
        })
    }

    /// Remembers how the connection's task is woken. A task's waker stays the same.
    pub(crate) fn set_waker(&self, waker: &Waker) {
        if self.waker.get().is_none() {
            let _ = self.waker.set(waker.clone());
        }
    }

    /// Has the connection's task look again.
    pub(crate) fn wake(&self) {
        if let Some(waker) = self.waker.get() {
            waker.wake_by_ref();
        }
    }

    /// A request begins; its number on this connection, from 0.
    pub(crate) fn begin_request(&self, request: &Arc<Progress>) -> u64 {
        let now = self.shared.clock.ticks(request.received_at);
        self.body_dropped.store(false, Ordering::Relaxed);
        self.listed.begin(request);
        let number = self.requests.fetch_add(1, Ordering::Relaxed);
        if self.active.fetch_add(1, Ordering::Relaxed) == 0 {
            self.turned_at.store(now, Ordering::Relaxed);
        }
        number
    }

    /// A request has ended. Its response is told of when the socket has it.
    pub(crate) fn end_request(&self, request: &Arc<Progress>, response: Option<Flushing>) {
        let now = self.shared.clock.now();
        self.listed.end(request, response);
        if self.active.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.turned_at.store(now, Ordering::Relaxed);
            let has_left = self.left_since.load(Ordering::Relaxed) != NEVER;
            if has_left || self.holds.load(Ordering::Relaxed) {
                self.wake(); // hyper must read on: the next request, or the end
            }
        }
    }

    /// Requests so far.
    pub(crate) fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// The requests that run.
    pub(crate) fn running(&self) -> Vec<Arc<Progress>> {
        self.listed.running()
    }

    /// Requests that have ended on this connection.
    pub(crate) fn ended(&self) -> u64 {
        let active = self.active.load(Ordering::Relaxed) as u64;
        self.requests.load(Ordering::Relaxed) - active // each was counted there first
    }

    /// Notes whether the next request is held back until this one has ended.
    pub(crate) fn note_held(&self, holds: bool) {
        if self.holds.load(Ordering::Relaxed) != holds {
            self.holds.store(holds, Ordering::Relaxed);
        }
    }

    /// A part of a head waits for the rest, or none does.
    pub(crate) fn note_head(&self, is_part: bool) {
        let noted = self.head_since.load(Ordering::Relaxed) != NEVER;
        if is_part != noted {
            let since = if is_part {
                self.shared.clock.now()
            } else {
                NEVER
            };
            self.head_since.store(since, Ordering::Relaxed);
        }
    }

    /// Has the part of a head that waits be answered with 408.
    pub(crate) fn set_head_overdue(&self) {
        self.head_overdue.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_head_overdue(&self) -> bool {
        self.head_overdue.load(Ordering::Relaxed)
    }

    /// The request of this number on the connection is refused, or its body is. The first word stays:
    /// nothing is read after it.
    pub(crate) fn refuse(&self, number: u64, refusal: Refusal) {
        let _ = self.refused.set((number, refusal));
    }

    /// Why the request of this number is refused, or its body.
    pub(crate) fn refusal_of(&self, number: u64) -> Option<Refusal> {
        match self.refused.get() {
            Some((refused, refusal)) if *refused == number => Some(*refusal),
            _ => None,
        }
    }

    /// The client sends no more. Whether hyper may know: only when nothing runs, as it drops what does.
    pub(crate) fn client_stops_sending(&self) -> bool {
        if self.active.load(Ordering::Relaxed) == 0 {
            return true;
        }
        if self.left_since.load(Ordering::Relaxed) == NEVER {
            let now = self.shared.clock.now();
            self.left_since.store(now, Ordering::Relaxed);
        }
        false
    }

    /// Notes whether nobody is woken for what the client does: what it sends is not read further.
    pub(crate) fn note_unwatched(&self, is_unwatched: bool) {
        let noted = self.unwatched_since.load(Ordering::Relaxed) != NEVER;
        if is_unwatched != noted {
            let since = if is_unwatched {
                self.shared.clock.now()
            } else {
                NEVER
            };
            self.unwatched_since.store(since, Ordering::Relaxed);
        }
    }

    /// Has the socket looked at, where nobody watches it.
    pub(crate) fn set_look(&self) {
        let now = self.shared.clock.now();
        self.unwatched_since.store(now, Ordering::Relaxed);
        self.look.store(true, Ordering::Relaxed);
    }

    /// Whether to look now.
    pub(crate) fn is_to_look(&self) -> bool {
        self.look.load(Ordering::Relaxed) && self.look.swap(false, Ordering::Relaxed)
    }

    /// Has the application told that the client has left.
    pub(crate) fn set_left(&self) {
        self.left.store(true, Ordering::Relaxed);
    }

    pub(crate) fn has_left(&self) -> bool {
        self.left.load(Ordering::Relaxed)
    }

    /// Notes of which request a part of the body has not come yet.
    pub(crate) fn note_body(&self, number: Option<u64>) {
        let number = number.unwrap_or(NEVER);
        if self.body_due.load(Ordering::Relaxed) != number {
            self.body_due.store(number, Ordering::Relaxed);
        }
    }

    /// The application has let go of a body before its end.
    pub(crate) fn drop_body(&self) {
        self.body_dropped.store(true, Ordering::Relaxed);
    }

    /// Whether a part of the body of this request has not come, and nobody will read it.
    pub(crate) fn is_body_left(&self, number: u64) -> bool {
        self.body_due.load(Ordering::Relaxed) == number && self.body_dropped.load(Ordering::Relaxed)
    }

    /// Tells of a response that h2 has written: at once, unless the socket takes nothing, and some of it may
    /// still be with h2.
    pub(crate) fn flush_if_stalled(&self, response: Flushing) {
        let is_stalled = || self.write_since.load(Ordering::SeqCst) != NEVER;
        if !is_stalled() {
            return response.written();
        }
        self.listed.flush_later(response);
        if !is_stalled() {
            self.flushed(); // it may have been before
        }
    }

    /// The socket has all that hyper had for it.
    pub(crate) fn flushed(&self) {
        if self.listed.is_flushing() {
            self.listed.take_flushing().for_each(Flushing::written);
        }
    }

    /// Whether the end of the connection is the end of a request, which says so.
    pub(crate) fn has_requests(&self) -> bool {
        self.active.load(Ordering::Relaxed) > 0 || self.listed.is_flushing()
    }

    /// The connection is over.
    pub(crate) fn over(&self) {
        let cause = self.why_cut().unwrap_or_else(|| self.why_gone());
        let remote = &self.endpoint.remote;
        let flushing = self.listed.take_flushing();
        flushing.for_each(|response| response.cut(remote, cause));
    }

    /// Whether the server stops.
    pub(crate) fn is_draining(&self) -> bool {
        self.shared.stop.phase() != Phase::Serving
    }

    /// The client takes nothing since `now`, and takes too slowly from `due` on.
    pub(crate) fn write_stalls(&self, now: u64, due: Option<u64>) {
        self.write_since.store(now, Ordering::Relaxed);
        self.write_due
            .store(due.unwrap_or(NEVER), Ordering::Relaxed);
    }

    /// The client has taken something.
    pub(crate) fn write_moves(&self) {
        self.write_since.store(NEVER, Ordering::SeqCst); // see `flush_if_stalled`
        self.write_due.store(NEVER, Ordering::Relaxed);
    }

    /// The kernel runs ahead of the client from now on.
    pub(crate) fn run_ahead(&self) {
        self.ahead.store(true, Ordering::Relaxed);
    }

    /// What holds for this connection.
    pub(crate) fn timeouts(&self) -> &Timeouts {
        match self.ahead.load(Ordering::Relaxed) {
            true => self.shared.ahead.timeouts(),
            false => &self.shared.settings.timeouts,
        }
    }

    /// Something was done for the client: it may send so many more HTTP/2 frames that ask for nothing.
    pub(crate) fn earn(&self, frames: u64) {
        self.worth.fetch_add(frames, Ordering::Relaxed);
    }

    /// What has been earned since the last time.
    pub(crate) fn take_worth(&self) -> u64 {
        self.worth.swap(0, Ordering::Relaxed)
    }

    /// What the connection waits for.
    pub(crate) fn waits(&self) -> Waits {
        let since = |at: &AtomicU64| match at.load(Ordering::Relaxed) {
            NEVER => None,
            at => Some(at),
        };
        Waits {
            requests: self.requests.load(Ordering::Relaxed),
            active: self.active.load(Ordering::Relaxed),
            turned_at: self.turned_at.load(Ordering::Relaxed),
            head_since: since(&self.head_since),
            write_since: since(&self.write_since),
            write_due: since(&self.write_due),
            left_since: since(&self.left_since),
            left: self.has_left(),
            unwatched_since: since(&self.unwatched_since),
            // Its driver knows these.
            ending: None,
            multiplexed: false,
            may_rest: false,
            stopping: self.is_draining(),
        }
    }

    /// Says why the connection is being cut; the first cause stays.
    pub(crate) fn cut(&self, cause: Cause) {
        let (code, order) = (cause as u8, Ordering::Relaxed);
        let _ = self.cut.compare_exchange(0, code, order, order);
    }

    /// Whether the connection is being cut for being overdue.
    pub(crate) fn is_cut(&self) -> bool {
        self.cut.load(Ordering::Relaxed) != 0
    }

    /// Why the host ends the connection, and what runs on it, if it does.
    pub(crate) fn why_cut(&self) -> Option<Cause> {
        let cause = Cause::of_code(self.cut.load(Ordering::Relaxed));
        let stop = &self.shared.stop;
        cause.or_else(|| (stop.phase() == Phase::Cutting).then(|| stop.why_cutting()))
    }

    /// Why a request has ended that neither came to its end nor was cut: the client has left; unless it is
    /// silent, and hyper has closed an HTTP/2 connection on which no PING was answered.
    pub(crate) fn why_gone(&self) -> Cause {
        let read_at = self.read_at.load(Ordering::Relaxed);
        let silent = self.shared.clock.now().saturating_sub(read_at);
        match read_at != NEVER && silent >= millis(self.shared.settings.timeouts.write_stall) {
            true => Cause::Unanswered,
            false => Cause::ClientLeft,
        }
    }

    /// The log tells that a request was cut off for this.
    pub(crate) fn tell(&self, why: Cause) {
        self.told.store(why as u8, Ordering::Relaxed);
    }

    pub(crate) fn is_told(&self, why: Cause) -> bool {
        self.told.load(Ordering::Relaxed) == why as u8
    }

    /// Frames of HTTP/2 came; or the end did, after which nothing more is waited for.
    pub(crate) fn note_read(&self, at: Option<u64>) {
        self.read_at.store(at.unwrap_or(NEVER), Ordering::Relaxed);
    }

    /// Makes closing the socket a reset.
    pub(crate) fn set_reset(&self) {
        self.reset.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_reset(&self) -> bool {
        self.reset.load(Ordering::Relaxed)
    }

    /// Has the connection end once what runs is finished.
    pub(crate) fn set_last(&self) {
        self.last.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_last(&self) -> bool {
        self.last.load(Ordering::Relaxed)
    }

    /// Nothing more is sent on the connection.
    pub(crate) fn set_closing(&self) {
        self.closing.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_closing(&self) -> bool {
        self.closing.load(Ordering::Relaxed)
    }
}

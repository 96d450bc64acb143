//! [`State`]: what a connection's parts tell each other.

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::Waker;

use gateway_core::{CancelReason, Endpoint};

use super::deadline::{Overdue, Waits};
use crate::refusal::Refusal;
use crate::shared::{Shared, Stage};

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
    /// Requests that run now.
    active: AtomicUsize,
    /// Since when none has run (or, with some running, since when the first of them has).
    turned_at: AtomicU64,
    /// Since when a part of a request head is here that waits for the rest.
    head_since: AtomicU64,
    /// Since when the client has taken nothing of what is to be sent.
    write_since: AtomicU64,
    /// Whether that has taken too long.
    head_overdue: AtomicBool,
    /// Which request is refused, and why.
    refused: OnceLock<(u64, Refusal)>,
    /// Why the connection is being cut.
    cut: AtomicU8,
    /// Whether closing the socket must be a reset.
    reset: AtomicBool,
    /// Whether the connection ends once what runs is finished.
    last: AtomicBool,
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
            turned_at: AtomicU64::new(now),
            head_since: AtomicU64::new(NEVER),
            write_since: AtomicU64::new(NEVER),
            head_overdue: AtomicBool::new(false),
            refused: OnceLock::new(),
            cut: AtomicU8::new(0),
            reset: AtomicBool::new(false),
            last: AtomicBool::new(false),
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
    pub(crate) fn begin_request(&self, now: u64) -> u64 {
        if self.active.fetch_add(1, Ordering::Relaxed) == 0 {
            self.turned_at.store(now, Ordering::Relaxed);
        }
        self.requests.fetch_add(1, Ordering::Relaxed)
    }

    /// A request has ended.
    pub(crate) fn end_request(&self, now: u64) {
        if self.active.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.turned_at.store(now, Ordering::Relaxed);
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

    /// Whether the server stops.
    pub(crate) fn is_draining(&self) -> bool {
        self.shared.stop.stage() != Stage::Serving
    }

    /// The client takes nothing now.
    pub(crate) fn write_stalls(&self) {
        if self.write_since.load(Ordering::Relaxed) == NEVER {
            let now = self.shared.clock.now();
            self.write_since.store(now, Ordering::Relaxed);
        }
    }

    /// The client has taken something.
    pub(crate) fn write_moves(&self) {
        if self.write_since.load(Ordering::Relaxed) != NEVER {
            self.write_since.store(NEVER, Ordering::Relaxed);
        }
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
        }
    }

    /// Says why the connection is being cut; the first reason stays.
    pub(crate) fn cut(&self, why: Overdue) {
        let code = match why {
            Overdue::Write => 1,
            Overdue::Head => 2,
            Overdue::Idle => 3,
        };
        let _ = self
            .cut
            .compare_exchange(0, code, Ordering::Relaxed, Ordering::Relaxed);
    }

    /// Why a request ends now that did not come to its end by itself.
    pub(crate) fn why_cut(&self) -> CancelReason {
        if self.cut.load(Ordering::Relaxed) != 0 {
            return CancelReason::Deadline;
        }
        match self.shared.stop.stage() {
            Stage::Cutting => CancelReason::Shutdown,
            _ => CancelReason::Disconnected,
        }
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
}

//! [`State`]: what a connection's parts tell each other.

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::Waker;

use gateway_core::{CancelReason, Endpoint};

use super::deadline::{Overdue, Waits};
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
    /// Since when a part of a request head is here that is not yet a whole one.
    head_since: AtomicU64,
    /// Since when the client has taken nothing of what is to be sent.
    write_since: AtomicU64,
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

    #[expect(dead_code, reason = "called where heads are read, which comes next")]
    /// A part of a head has come (with the time of its first byte), or the head is whole.
    pub(crate) fn set_head_since(&self, since: Option<u64>) {
        let since = since.unwrap_or(NEVER);
        if self.head_since.load(Ordering::Relaxed) != since {
            self.head_since.store(since, Ordering::Relaxed);
        }
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

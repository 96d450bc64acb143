//! [`Shared`]: what all connections of a server look at.

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use gateway_core::Gateway;
use gateway_core::server::Ahead;
use tokio::runtime::Handle as Runtime;
use tokio::sync::Notify;

use crate::cause::Cause;
use crate::connection::State;
use crate::gather::Bodies;
use crate::host::HyperHost;
use crate::pool::Pool;
use crate::settings::Settings;

/// What all connections of a server look at.
pub(crate) struct Shared {
    pub(crate) settings: Settings,
    pub(crate) clock: Clock,
    pub(crate) gateway: Gateway,
    pub(crate) pool: Arc<Pool>,
    /// For whom the kernel runs ahead.
    pub(crate) ahead: Arc<Ahead>,
    pub(crate) runtime: Runtime,
    pub(crate) stop: Arc<Stop>,
    connections: Mutex<Connections>,
    /// How many connections there are, and a bell for each that ends.
    pub(crate) count: AtomicUsize,
    pub(crate) ended: Notify,
}

/// The connections by number, for those who must reach all of them. Locked when a connection
/// begins or ends, never for a request.
#[derive(Default)]
struct Connections {
    next: u64,
    all: std::collections::HashMap<u64, Arc<State>>,
}

impl Shared {
    /// To be called inside the runtime that serves.
    pub(crate) fn new(settings: Settings, stop: Arc<Stop>) -> Arc<Self> {
        let pool = Arc::new(Pool::new(settings.threads, settings.queue));
        let host = HyperHost {
            pool: Arc::clone(&pool),
            bodies: Bodies::new(
                &settings.limits,
                settings.threads,
                settings.spool_in.clone(),
            ),
        };
        Arc::new(Self {
            clock: Clock(Instant::now()),
            gateway: Gateway::new(host),
            pool,
            ahead: Ahead::new(&settings.limits, &settings.timeouts),
            runtime: Runtime::current(),
            stop,
            connections: Mutex::default(),
            count: AtomicUsize::new(0),
            ended: Notify::new(),
            settings,
        })
    }

    /// Counts a connection in.
    pub(crate) fn enter(&self, state: Arc<State>) -> u64 {
        self.count.fetch_add(1, Ordering::Relaxed);
        let mut connections = self.lock();
        let number = connections.next;
        connections.next += 1;
        connections.all.insert(number, state);
        number
    }

    /// Counts a connection out.
    pub(crate) fn leave(&self, number: u64) {
        let gone = self.lock().all.remove(&number);
        drop(gone);
        self.count.fetch_sub(1, Ordering::Release);
        self.ended.notify_waiters();
    }

    /// All connections there are now.
    pub(crate) fn connections(&self) -> Vec<Arc<State>> {
        self.lock().all.values().map(Arc::clone).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Connections> {
        self.connections
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// Milliseconds since the server began: a time that fits an atomic.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock(Instant);

impl Clock {
    pub(crate) fn now(self) -> u64 {
        self.ticks(Instant::now())
    }

    pub(crate) fn ticks(self, at: Instant) -> u64 {
        millis(at.saturating_duration_since(self.0))
    }

    /// How long ago that was.
    pub(crate) fn age(self, ticks: u64) -> Duration {
        Duration::from_millis(self.now().saturating_sub(ticks))
    }

    pub(crate) fn instant(self, ticks: u64) -> Instant {
        // What does not fit is so far off that any far future will do.
        let far = Duration::from_secs(365 * 24 * 3600);
        self.0
            .checked_add(Duration::from_millis(ticks))
            .unwrap_or_else(|| self.0 + far)
    }
}

/// A duration in milliseconds.
pub(crate) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// How far the server has come with stopping; only ever grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    Serving,
    /// Nothing new; what runs is finished.
    Draining,
    /// What still runs is cut off.
    Cutting,
}

/// The word to stop, and who waits for it.
#[derive(Debug, Default)]
pub(crate) struct Stop {
    phase: AtomicU8,
    /// Whether the bound on the wait has run out.
    waited: AtomicBool,
    pub(crate) changed: Notify,
}

impl Stop {
    pub(crate) fn phase(&self) -> Phase {
        match self.phase.load(Ordering::Acquire) {
            0 => Phase::Serving,
            1 => Phase::Draining,
            _ => Phase::Cutting,
        }
    }

    /// What still runs is cut off because the bound on the wait has run out.
    pub(crate) fn end_drain(&self) {
        if self.phase() != Phase::Cutting {
            self.waited.store(true, Ordering::Release);
        }
        self.advance(Phase::Cutting);
    }

    /// Why what still runs is cut off.
    pub(crate) fn why_cutting(&self) -> Cause {
        match self.waited.load(Ordering::Acquire) {
            true => Cause::DrainOver,
            false => Cause::Aborted,
        }
    }

    pub(crate) fn advance(&self, phase: Phase) {
        self.phase.fetch_max(phase as u8, Ordering::AcqRel);
        self.changed.notify_one(); // keeps the word if the server does not wait yet
    }
}

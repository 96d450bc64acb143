//! The bounded pool of threads that may block.
//!
//! Jobs are of two kinds. A **call** is a request's blocking work; it is refused when the queue is
//! full. A **pull** makes the next chunk of a response that has begun; it is never refused, as the
//! response would have to be cut, and it goes before the calls: what was begun is finished first.
//! Pulls are bounded all the same: each running response has at most one.
//!
//! Threads are started when a job finds none idle, and end after [`KEEP`] without a job.

use std::cell::Cell;
use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use gateway_core::UnblockError;
use gateway_core::server::{Job, catch};

/// How long an idle thread is kept: 10 s, as tokio keeps its blocking threads.
const KEEP: Duration = Duration::from_secs(10);

thread_local! {
    static IS_OURS: Cell<bool> = const { Cell::new(false) };
}

/// Whether this thread is one that may block. A job that waits for another job of its pool could
/// wait for ever; it does the work itself.
pub(crate) fn may_block_here() -> bool {
    IS_OURS.get()
}

/// A handle to the pool. When the last handle goes, idle threads end, and busy ones after their job.
pub(crate) struct Pool(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    job_there: Condvar,
    threads: usize,
    queue: usize,
}

#[derive(Default)]
struct State {
    pulls: VecDeque<Job>,
    calls: VecDeque<Job>,
    /// Calls that wait for their turn in a budget.
    waiting: usize,
    threads: usize,
    idle: usize,
    closed: bool,
}

/// What the pool is doing, for the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Load {
    pub(crate) running: usize,
    pub(crate) queued: usize,
}

impl Pool {
    /// At most `threads` threads (at least one), at most `queue` calls waiting for one, and as many for their turn
    /// in a budget.
    pub(crate) fn new(threads: usize, queue: usize) -> Self {
        Self(Arc::new(Shared {
            state: Mutex::default(),
            job_there: Condvar::new(),
            threads: threads.max(1),
            queue,
        }))
    }

    /// Queues a request's blocking work.
    pub(crate) fn call(&self, job: Job) -> Result<(), UnblockError> {
        let mut state = self.0.lock();
        // With a thread free for it, a job does not wait, and so the queue does not count.
        if state.calls.len() >= self.0.queue && !state.has_room(self.0.threads) {
            return Err(UnblockError::Overloaded);
        }
        state.calls.push_back(job);
        self.0.hand_out(state);
        Ok(())
    }

    /// A call is about to wait for its turn in a budget, as long as it has the place.
    pub(crate) fn wait(&self) -> Result<Waiting, UnblockError> {
        let mut state = self.0.lock();
        if state.waiting >= self.0.queue {
            return Err(UnblockError::Overloaded);
        }
        state.waiting += 1;
        Ok(Waiting(Arc::clone(&self.0)))
    }

    /// Queues the making of a chunk of a response that has begun.
    pub(crate) fn pull(&self, job: Job) {
        let mut state = self.0.lock();
        state.pulls.push_back(job);
        self.0.hand_out(state);
    }

    /// What the pool is doing.
    pub(crate) fn load(&self) -> Load {
        let state = self.0.lock();
        Load {
            running: state.threads - state.idle,
            queued: state.queued(),
        }
    }

    /// Drops the jobs that have not begun; their callers learn that they were given up.
    pub(crate) fn close(&self) {
        let dropped = {
            let mut state = self.0.lock();
            state.closed = true;
            (
                std::mem::take(&mut state.pulls),
                std::mem::take(&mut state.calls),
            )
        };
        self.0.job_there.notify_all();
        drop(dropped); // unlocked: what a job owns may look at the pool while it goes
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.close();
    }
}

/// A call that waits for its turn in a budget.
pub(crate) struct Waiting(Arc<Shared>);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.lock().waiting -= 1;
    }
}

impl State {
    fn queued(&self) -> usize {
        self.pulls.len() + self.calls.len()
    }

    fn next_job(&mut self) -> Option<Job> {
        self.pulls.pop_front().or_else(|| self.calls.pop_front())
    }

    /// Whether one more job would find a thread.
    fn has_room(&self, most: usize) -> bool {
        self.queued() < self.idle + (most - self.threads)
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Finds a thread for the job that was just queued.
    fn hand_out(self: &Arc<Self>, mut state: MutexGuard<'_, State>) {
        if state.closed {
            let dropped = (state.pulls.pop_back(), state.calls.pop_back());
            drop(state);
            drop(dropped);
            return;
        }
        // Threads that were started or woken, and have not yet come for their job, count as idle.
        if state.queued() <= state.idle {
            drop(state);
            self.job_there.notify_one();
            return;
        }
        if state.threads < self.threads {
            state.threads += 1;
            state.idle += 1; // until it comes for its first job
            drop(state);
            self.start_thread();
        }
    }

    fn start_thread(self: &Arc<Self>) {
        let shared = Arc::clone(self);
        let started = thread::Builder::new()
            .name("gateway-blocking".to_owned())
            .spawn(move || shared.work());
        let Err(error) = started else { return };
        tracing::warn!(%error, "cannot start a thread for blocking calls");
        let mut state = self.lock();
        state.threads -= 1;
        state.idle -= 1;
        if state.threads == 0 {
            // Nobody would ever come for the jobs: dropped, they tell their callers so.
            let dropped = (
                std::mem::take(&mut state.pulls),
                std::mem::take(&mut state.calls),
            );
            drop(state);
            drop(dropped);
        }
    }

    /// The life of a thread.
    fn work(&self) {
        IS_OURS.set(true);
        self.lock().idle -= 1;
        while let Some(job) = self.wait_for_job() {
            if let Err(panic) = catch(job) {
                tracing::error!(%panic, "a job of the blocking pool panicked");
            }
        }
    }

    /// The next job; `None` ends the thread, which is then no longer counted.
    fn wait_for_job(&self) -> Option<Job> {
        let mut state = self.lock();
        loop {
            if let Some(job) = state.next_job() {
                return Some(job);
            }
            if state.closed {
                state.threads -= 1;
                return None;
            }
            state.idle += 1;
            let waited = self.job_there.wait_timeout(state, KEEP);
            let (back, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
            state = back;
            state.idle -= 1;
            if timeout.timed_out() && state.queued() == 0 {
                state.threads -= 1;
                return None;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, Sender, channel};

    use super::*;

    /// A job that says it runs, then waits to be let go.
    fn held(name: u32, began: &Sender<u32>) -> (Job, Sender<()>) {
        let (release, released) = channel::<()>();
        let began = began.clone();
        let job = Box::new(move || {
            began.send(name).unwrap();
            let _ = released.recv();
        });
        (job, release)
    }

    fn began(jobs: &Receiver<u32>) -> u32 {
        jobs.recv_timeout(Duration::from_secs(10)).unwrap()
    }

    #[test]
    fn refuses_calls_beyond_its_threads_and_its_queue() {
        let pool = Pool::new(1, 1);
        let (tell, told) = channel();
        let (first, release) = held(1, &tell);
        pool.call(first).unwrap();
        assert_eq!(began(&told), 1);
        let (second, _release) = held(2, &tell);
        pool.call(second).unwrap();
        assert_eq!(
            pool.load(),
            Load {
                running: 1,
                queued: 1
            }
        );
        assert_eq!(pool.call(Box::new(|| ())), Err(UnblockError::Overloaded));
        drop(release);
        assert_eq!(began(&told), 2);
    }

    #[test]
    fn a_queue_of_none_still_runs_what_finds_a_thread() {
        let pool = Pool::new(2, 0);
        let (tell, told) = channel();
        let (first, _first) = held(1, &tell);
        let (second, _second) = held(2, &tell);
        pool.call(first).unwrap();
        pool.call(second).unwrap();
        let mut both = [began(&told), began(&told)];
        both.sort_unstable();
        assert_eq!(both, [1, 2]);
        assert_eq!(pool.call(Box::new(|| ())), Err(UnblockError::Overloaded));
    }

    #[test]
    fn pulls_are_never_refused_and_go_first() {
        let pool = Pool::new(1, 1);
        let (tell, told) = channel();
        let (first, release) = held(1, &tell);
        pool.call(first).unwrap();
        assert_eq!(began(&told), 1);
        for (name, pull) in [(2, false), (3, true), (4, true)] {
            let tell = tell.clone();
            let job = Box::new(move || tell.send(name).unwrap());
            if pull {
                pool.pull(job);
            } else {
                pool.call(job).unwrap();
            }
        }
        drop(release);
        assert_eq!([began(&told), began(&told), began(&told)], [3, 4, 2]);
    }

    #[test]
    fn a_panic_costs_no_thread() {
        let pool = Pool::new(1, 10);
        let (tell, told) = channel();
        pool.call(Box::new(|| panic!("of the job"))).unwrap();
        pool.call(Box::new(move || tell.send(7).unwrap())).unwrap();
        assert_eq!(began(&told), 7);
    }

    #[test]
    fn closing_drops_what_has_not_begun() {
        let pool = Pool::new(1, 10);
        let (tell, told) = channel();
        let (first, release) = held(1, &tell);
        pool.call(first).unwrap();
        assert_eq!(began(&told), 1);
        let (kept, owned) = channel::<()>();
        pool.call(Box::new(move || drop(kept))).unwrap();
        pool.close();
        assert!(owned.recv().is_err()); // dropped, not run
        drop(release);
        let late = Arc::new(());
        let inside = Arc::clone(&late);
        pool.pull(Box::new(move || drop(inside)));
        assert_eq!(Arc::strong_count(&late), 1);
    }
}

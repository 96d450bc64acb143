//! [`Requests`]: those that run on a connection, and those whose response waits for the socket.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::exchange::Flushing;
use crate::progress::Progress;

/// A connection's requests that are not over.
#[derive(Default)]
pub(super) struct Requests {
    lists: Mutex<Lists>,
    is_flushing: AtomicBool,
}

#[derive(Default)]
struct Lists {
    running: Vec<Arc<Progress>>,
    /// Responses that hyper has whole, and the socket may not.
    flushing: Vec<Flushing>,
}

impl Requests {
    pub(super) fn begin(&self, request: &Arc<Progress>) {
        self.lock().running.push(Arc::clone(request));
    }

    /// The request runs no more; its response may wait for the socket.
    pub(super) fn end(&self, request: &Arc<Progress>, response: Option<Flushing>) {
        let mut lists = self.lock();
        if let Some(response) = response {
            lists.flushing.push(response);
            self.is_flushing.store(true, Ordering::SeqCst);
        }
        let at = lists.running.iter().position(|it| Arc::ptr_eq(it, request));
        if let Some(at) = at {
            lists.running.swap_remove(at);
        }
    }

    pub(super) fn running(&self) -> Vec<Arc<Progress>> {
        self.lock().running.clone()
    }

    /// Tells of a response when the socket has it.
    pub(super) fn flush_later(&self, response: Flushing) {
        self.lock().flushing.push(response);
        self.is_flushing.store(true, Ordering::SeqCst);
    }

    /// Whether there is a response that the socket may not have.
    pub(super) fn is_flushing(&self) -> bool {
        self.is_flushing.load(Ordering::SeqCst)
    }

    /// Takes the responses that wait for the socket, the first first. One by one: it is seldom more than
    /// one, and who is told is the application's code, which no lock is held for.
    pub(super) fn take_flushing(&self) -> impl Iterator<Item = Flushing> {
        self.is_flushing.store(false, Ordering::SeqCst);
        let mut is_last = false;
        std::iter::from_fn(move || {
            if is_last {
                return None;
            }
            let flushing = &mut self.lock().flushing;
            let first = (!flushing.is_empty()).then(|| flushing.remove(0));
            is_last = flushing.is_empty();
            first
        })
    }

    fn lock(&self) -> MutexGuard<'_, Lists> {
        self.lists.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

//! How many calls may run at once: a fair semaphore that blocking and async code can wait for.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

/// At most `n` permits at once, handed out in the order in which they were asked for.
#[derive(Debug)]
pub(crate) struct Budget(Mutex<State>);

#[derive(Debug)]
struct State {
    free: usize,
    next_ticket: u64,
    queue: VecDeque<Waiting>,
}

/// One who waits. A granted permit stays here until its owner is polled, or dropped.
#[derive(Debug)]
struct Waiting {
    ticket: u64,
    granted: bool,
    waker: Waker,
}

impl Budget {
    pub(crate) fn new(permits: usize) -> Arc<Self> {
        Arc::new(Self(Mutex::new(State {
            free: permits,
            next_ticket: 0,
            queue: VecDeque::new(),
        })))
    }

    /// A permit, if one is free; then nobody waits for it.
    pub(crate) fn try_acquire(self: &Arc<Self>) -> Option<Permit> {
        let mut state = self.lock();
        state.free = state.free.checked_sub(1)?;
        Some(Permit(Arc::clone(self)))
    }

    pub(crate) fn acquire(self: &Arc<Self>) -> Acquire {
        Acquire {
            budget: Arc::clone(self),
            ticket: None,
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn release(&self) {
        let waker = self.lock().release();
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl State {
    /// Hands the permit to the first who waits, or puts it back.
    fn release(&mut self) -> Option<Waker> {
        match self.queue.iter_mut().find(|waiting| !waiting.granted) {
            Some(first) => {
                first.granted = true;
                Some(first.waker.clone())
            }
            None => {
                self.free += 1;
                None
            }
        }
    }

    fn position(&self, ticket: u64) -> Option<usize> {
        self.queue
            .iter()
            .position(|waiting| waiting.ticket == ticket)
    }
}

/// Waits for a permit. Dropped, it gives up its place, and a permit it was already granted.
#[derive(Debug)]
pub(crate) struct Acquire {
    budget: Arc<Budget>,
    ticket: Option<u64>,
}

impl Future for Acquire {
    type Output = Permit;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Permit> {
        let budget = Arc::clone(&self.budget);
        let mut state = budget.lock();
        let Some(at) = self.ticket.and_then(|ticket| state.position(ticket)) else {
            if state.free > 0 {
                state.free -= 1;
                return Poll::Ready(Permit(Arc::clone(&budget)));
            }
            let ticket = state.next_ticket;
            state.next_ticket += 1;
            state.queue.push_back(Waiting {
                ticket,
                granted: false,
                waker: cx.waker().clone(),
            });
            self.ticket = Some(ticket);
            return Poll::Pending;
        };
        if state.queue[at].granted {
            state.queue.remove(at);
            self.ticket = None;
            return Poll::Ready(Permit(Arc::clone(&budget)));
        }
        state.queue[at].waker.clone_from(cx.waker());
        Poll::Pending
    }
}

impl Drop for Acquire {
    fn drop(&mut self) {
        let Some(ticket) = self.ticket else { return };
        let waker = {
            let mut state = self.budget.lock();
            let place = state.position(ticket).and_then(|at| state.queue.remove(at));
            match place {
                Some(waiting) if waiting.granted => state.release(),
                _ => None,
            }
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

/// One of the budget's permits; dropping it hands it on.
#[derive(Debug)]
pub(crate) struct Permit(Arc<Budget>);

impl Drop for Permit {
    fn drop(&mut self) {
        self.0.release();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn poll(acquire: &mut Acquire) -> Option<Permit> {
        match Pin::new(acquire).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(permit) => Some(permit),
            Poll::Pending => None,
        }
    }

    #[test]
    fn permits_go_round_in_the_order_of_asking() {
        let budget = Budget::new(1);
        let held = poll(&mut budget.acquire()).unwrap();
        let (mut first, mut second) = (budget.acquire(), budget.acquire());
        assert!(poll(&mut first).is_none());
        assert!(poll(&mut second).is_none());
        drop(held);
        // Already promised to the first: neither the second nor a newcomer overtakes it.
        assert!(poll(&mut second).is_none());
        assert!(poll(&mut budget.acquire()).is_none());
        let held = poll(&mut first).unwrap();
        drop(held);
        assert!(poll(&mut second).is_some());
    }

    #[test]
    fn who_gives_up_loses_no_permit() {
        let budget = Budget::new(1);
        let held = poll(&mut budget.acquire()).unwrap();
        let (mut first, mut second) = (budget.acquire(), budget.acquire());
        assert!(poll(&mut first).is_none());
        assert!(poll(&mut second).is_none());
        drop(held);
        drop(first); // granted, never polled again
        let held = poll(&mut second).unwrap();
        drop(held);
        assert!(poll(&mut budget.acquire()).is_some());
    }
}

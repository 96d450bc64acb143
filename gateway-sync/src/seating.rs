//! Who gets a seat: threads are more than seats, and a thread that blocks must not keep one.
//!
//! ```text
//!            take a seat                      about to block, or taken away
//!   spare ───────────────▶ seated (polls, reads, calls, writes) ───────────────▶ seatless
//!     ▲                                                                             │
//!     └──────────────── no seat is free ◀──── done with the call ───────────────────┘
//! ```
//!
//! When fewer threads than seats are not in calls, seats stay free: whoever holds one looks after
//! those too, and changes over to the one where something happens.
//!
//! [`Floor`] decides, [`Seating`] wakes.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, Thread};

/// Seats that nobody has, and threads that have none to take. One of the two is always empty.
#[derive(Debug)]
pub(crate) struct Floor<S> {
    free: Vec<usize>,
    spares: Vec<S>,
    closed: bool,
}

/// What a thread that comes for a seat is told.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Told {
    /// Take this seat.
    Take(usize),
    /// Wait: whoever leaves a seat will say which.
    Wait,
    /// The server ends.
    Leave,
}

impl<S> Floor<S> {
    /// All seats are free, all threads are still to come.
    pub(crate) fn new(seats: usize) -> Self {
        Self {
            free: (0..seats).rev().collect(),
            spares: Vec::new(),
            closed: false,
        }
    }

    /// A thread without a seat comes for one.
    pub(crate) fn arrive(&mut self, spare: impl FnOnce() -> S) -> Told {
        if self.closed {
            return Told::Leave;
        }
        if let Some(seat) = self.free.pop() {
            return Told::Take(seat);
        }
        self.spares.push(spare());
        Told::Wait
    }

    /// A seat is left. The spare to wake is the one that went last: its cache is the warmest.
    pub(crate) fn leave(&mut self, seat: usize) -> Option<S> {
        let spare = self.spares.pop();
        if spare.is_none() {
            self.free.push(seat);
        }
        spare
    }

    /// Whoever holds `seat` takes `other` instead, if that is still free.
    pub(crate) fn exchange(&mut self, seat: usize, other: usize) -> bool {
        let free = self.free.iter_mut().find(|free| **free == other);
        free.map(|free| *free = seat).is_some()
    }

    /// Nobody gets a seat any more; all who wait are to be told.
    pub(crate) fn close(&mut self) -> Vec<S> {
        self.closed = true;
        std::mem::take(&mut self.spares)
    }
}

/// Nothing said yet.
const WAITING: usize = 0;
/// The server ends.
const LEAVE: usize = 1;
/// Seat 0; the others follow.
const SEAT: usize = 2;

/// Where a spare thread waits to be told.
#[derive(Debug)]
pub(crate) struct Spare {
    thread: Thread,
    told: AtomicUsize,
}

impl Spare {
    /// The place of the calling thread.
    pub(crate) fn here() -> Arc<Self> {
        Arc::new(Self {
            thread: thread::current(),
            told: AtomicUsize::new(WAITING),
        })
    }

    fn tell(&self, word: usize) {
        self.told.store(word, Ordering::Release);
        self.thread.unpark();
    }

    fn wait(&self) -> Option<usize> {
        loop {
            match self.told.swap(WAITING, Ordering::Acquire) {
                WAITING => thread::park(),
                LEAVE => return None,
                seat => return Some(seat - SEAT),
            }
        }
    }
}

/// The floor, and the bell that wakes spares.
#[derive(Debug)]
pub(crate) struct Seating {
    floor: Mutex<Floor<Arc<Spare>>>,
    /// How many seats are free, for who only wants to know whether any is.
    free: AtomicUsize,
}

impl Seating {
    pub(crate) fn new(seats: usize) -> Self {
        Self {
            floor: Mutex::new(Floor::new(seats)),
            free: AtomicUsize::new(seats),
        }
    }

    /// Waits for a seat; `None` when the server ends.
    pub(crate) fn take(&self, me: &Arc<Spare>) -> Option<usize> {
        let told = {
            let mut floor = self.floor();
            let told = floor.arrive(|| Arc::clone(me));
            self.count(&floor);
            told
        };
        match told {
            Told::Take(seat) => Some(seat),
            Told::Wait => me.wait(),
            Told::Leave => None,
        }
    }

    /// Leaves a seat to a spare, or to whoever comes next: false if nobody has it now.
    pub(crate) fn leave(&self, seat: usize) -> bool {
        let spare = {
            let mut floor = self.floor();
            let spare = floor.leave(seat);
            self.count(&floor);
            spare
        };
        match spare {
            Some(spare) => {
                spare.tell(SEAT + seat);
                true
            }
            None => false,
        }
    }

    /// The seats that nobody has. Empty at the price of a load, mostly.
    pub(crate) fn free(&self) -> Vec<usize> {
        if self.free.load(Ordering::SeqCst) == 0 {
            return Vec::new();
        }
        self.floor().free.clone()
    }

    /// Whoever holds `seat` takes `other` instead, if that is still free.
    pub(crate) fn exchange(&self, seat: usize, other: usize) -> bool {
        self.floor().exchange(seat, other)
    }

    /// Sends everybody home.
    pub(crate) fn close(&self) {
        let spares = self.floor().close();
        spares.iter().for_each(|spare| spare.tell(LEAVE));
    }

    fn count(&self, floor: &Floor<Arc<Spare>>) {
        self.free.store(floor.free.len(), Ordering::SeqCst);
    }

    fn floor(&self) -> MutexGuard<'_, Floor<Arc<Spare>>> {
        self.floor.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seats_go_to_who_comes_and_then_to_who_waits() {
        let mut floor = Floor::new(2);
        assert_eq!(floor.arrive(|| 'a'), Told::Take(0));
        assert_eq!(floor.arrive(|| 'b'), Told::Take(1));
        assert_eq!(floor.arrive(|| 'c'), Told::Wait);
        assert_eq!(floor.arrive(|| 'd'), Told::Wait);
        assert_eq!(floor.leave(0), Some('d')); // the last to go is the first to come
        assert_eq!(floor.arrive(|| 'a'), Told::Wait);
        assert_eq!(floor.leave(1), Some('a'));
        assert_eq!(floor.leave(0), Some('c'));
        assert_eq!(floor.leave(0), None); // all threads are in calls: the seat is free
        assert_eq!(floor.arrive(|| 'b'), Told::Take(0));
    }

    #[test]
    fn a_holder_changes_over_to_a_free_seat_and_leaves_its_own_free() {
        let mut floor = Floor::new(2);
        assert_eq!(floor.arrive(|| 'a'), Told::Take(0));
        assert!(floor.exchange(0, 1));
        assert!(!floor.exchange(1, 1)); // it is not free any more
        assert_eq!(floor.arrive(|| 'b'), Told::Take(0));
    }

    #[test]
    fn at_the_end_nobody_gets_a_seat() {
        let mut floor = Floor::new(1);
        assert_eq!(floor.arrive(|| 'a'), Told::Take(0));
        assert_eq!(floor.arrive(|| 'b'), Told::Wait);
        assert_eq!(floor.close(), ['b']);
        assert_eq!(floor.leave(0), None);
        assert_eq!(floor.arrive(|| 'a'), Told::Leave);
    }

    #[test]
    fn a_spare_thread_is_woken_with_its_seat() {
        let seating = Seating::new(1);
        let me = Spare::here();
        assert_eq!(seating.take(&me), Some(0));
        std::thread::scope(|scope| {
            let other = scope.spawn(|| seating.take(&Spare::here()));
            while !seating.leave(0) {
                assert_eq!(seating.take(&me), Some(0)); // nobody waits yet: back again
                thread::yield_now();
            }
            assert_eq!(other.join().unwrap(), Some(0));
        });
    }
}

//! How many may do what takes its time: read request bodies that are still arriving, each of which waits for a
//! client; make calls, for which there is one thread fewer than there are; and compute, for which there are cores.
//!
//! ```text
//!   try_take ─▶ room? ─ yes ─▶ Loan ─ dropped ─▶ somebody waits? ─ yes ─▶ called, the room is theirs
//!   queue    ─▶   └── no ─▶ Ticket, which is called in its turn       └── no ─▶ room for one more
//! ```

use std::collections::VecDeque;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Waker;

/// Lets as many through as there is room for, and the others in the order in which they came. Where nobody waits,
/// leave is taken and given back without a lock: every call has some.
#[derive(Debug)]
pub(crate) struct Lending {
    room: AtomicUsize,
    /// How many wait. Whoever waits says so before looking for room a last time, and whoever gives room back does so
    /// before looking whether anybody waits: one of them sees the other.
    waiting: AtomicUsize,
    queue: Mutex<Queue>,
}

#[derive(Debug, Default)]
struct Queue {
    /// In order, and so by number.
    new: Line,
    begun: Line,
    /// Whose turn it is, where both wait.
    turn_of: Lane,
    next: u64,
}

type Line = VecDeque<(u64, Waiter)>;

/// Who waits: a connection, which is woken when it is its turn.
#[derive(Debug)]
pub(crate) struct Waiter {
    pub(crate) waker: Waker,
    pub(crate) seat: usize,
    pub(crate) slot: usize,
}

/// Leave for one thread. Given back when dropped.
#[derive(Debug)]
pub(crate) struct Loan(Option<Arc<Lending>>);

/// A place among those that wait. Dropped, it is given up, and so is the leave that it may have been
/// called for.
#[derive(Debug)]
pub(crate) struct Ticket {
    lending: Arc<Lending>,
    number: u64,
    used: bool,
}

/// What asking for leave came to.
#[derive(Debug)]
pub(crate) enum Asked {
    Leave(Loan),
    Queued(Ticket),
    /// As many wait as may.
    Full,
}

/// What a request waits for before it is called.
#[derive(Debug)]
pub(crate) enum Wait {
    /// Leave to read its body as it comes.
    Read(Ticket),
    /// Room to compute.
    Compute(Ticket),
    /// Leave for its call.
    Call(Ticket, Beside),
}

/// What a call has besides its leave.
#[derive(Debug)]
pub(crate) enum Beside {
    Nothing,
    /// Leave to read its body as it comes.
    Reads(Loan),
    /// Room to compute.
    Computes(Loan),
}

/// Leave for calls, and how many may wait for it.
#[derive(Debug)]
pub(crate) struct Calls {
    pub(crate) leave: Arc<Lending>,
    /// How many requests may wait.
    pub(crate) queue: usize,
}

/// Which line to wait in. They take turns, so that neither waits for ever.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Lane {
    /// Requests.
    New,
    /// What has begun, or has waited for something else.
    #[default]
    Begun,
}

impl Lending {
    pub(crate) fn new(room: usize) -> Arc<Self> {
        Arc::new(Self {
            room: AtomicUsize::new(room),
            waiting: AtomicUsize::new(0),
            queue: Mutex::default(),
        })
    }

    /// Leave, if there is room.
    pub(crate) fn try_take(self: &Arc<Self>) -> Option<Loan> {
        self.take_room().then(|| Loan(Some(Arc::clone(self))))
    }

    /// A place at the end; `who` is woken when it is its turn.
    pub(crate) fn queue(self: &Arc<Self>, who: Waiter) -> Ticket {
        let number = self.locked(|queue| queue.wait(who, Lane::New));
        self.ticket(number)
    }

    /// A place among those that have begun, or have waited for something else: they and the others take turns.
    pub(crate) fn queue_begun(self: &Arc<Self>, who: Waiter) -> Ticket {
        let number = self.locked(|queue| queue.wait(who, Lane::Begun));
        self.ticket(number)
    }

    /// Leave at once, or a place at the end if no more than `most` wait then.
    pub(crate) fn ask(self: &Arc<Self>, most: usize, who: impl FnOnce() -> Waiter) -> Asked {
        if let Some(loan) = self.try_take() {
            return Asked::Leave(loan);
        }
        let waits = self.locked(|queue| {
            let has_place = queue.len() < most;
            has_place.then(|| queue.wait(who(), Lane::New))
        });
        waits.map_or(Asked::Full, |number| Asked::Queued(self.ticket(number)))
    }

    /// Whether anybody waits.
    pub(crate) fn is_awaited(&self) -> bool {
        self.waiting.load(SeqCst) > 0
    }

    fn ticket(self: &Arc<Self>, number: u64) -> Ticket {
        let ticket = Ticket {
            lending: Arc::clone(self),
            number,
            used: false,
        };
        // Room may have come back before there was anyone to have it.
        if self.take_room() {
            self.give_back();
        }
        ticket
    }

    fn take_room(&self) -> bool {
        let less = |room: usize| room.checked_sub(1);
        self.room.fetch_update(SeqCst, SeqCst, less).is_ok()
    }

    /// Room for one: who has waited longest has it, else whoever comes.
    fn give_back(&self) {
        if let Some(next) = self.pass_on() {
            next.waker.wake();
        }
    }

    /// Room for one. Whoever has it by that is not woken yet.
    fn pass_on(&self) -> Option<Waiter> {
        loop {
            if self.waiting.load(SeqCst) == 0 {
                self.room.fetch_add(1, SeqCst);
                let somebody_came = self.waiting.load(SeqCst) > 0;
                if !(somebody_came && self.take_room()) {
                    return None; // nobody waits, or whoever has the room now looks after them
                }
            }
            if let Some((_, next)) = self.locked(Queue::pop) {
                return Some(next);
            }
        }
    }

    /// Looks at the queue, or changes it.
    fn locked<T>(&self, change: impl FnOnce(&mut Queue) -> T) -> T {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        let changed = change(&mut queue);
        self.waiting.store(queue.len(), SeqCst);
        changed
    }
}

impl Ticket {
    /// Leave, if it has been called.
    ///
    /// # Errors
    ///
    /// Itself, if not.
    pub(crate) fn redeem(mut self) -> Result<Loan, Self> {
        if self.lending.locked(|queue| queue.waits(self.number)) {
            return Err(self);
        }
        self.used = true;
        Ok(Loan(Some(Arc::clone(&self.lending))))
    }
}

impl Queue {
    fn wait(&mut self, who: Waiter, lane: Lane) -> u64 {
        let number = self.next;
        self.next += 1;
        self.line(lane).push_back((number, who));
        number
    }

    /// Who is next.
    fn pop(&mut self) -> Option<(u64, Waiter)> {
        let lane = self.turn_of;
        let other = match lane {
            Lane::New => Lane::Begun,
            Lane::Begun => Lane::New,
        };
        if let Some(next) = self.line(lane).pop_front() {
            self.turn_of = other;
            return Some(next);
        }
        self.line(other).pop_front() // its turn is still to come
    }

    fn len(&self) -> usize {
        self.new.len() + self.begun.len()
    }

    fn waits(&self, number: u64) -> bool {
        let waits = |line: &Line| line.binary_search_by_key(&number, |(number, _)| *number);
        waits(&self.new).is_ok() || waits(&self.begun).is_ok()
    }

    /// Lets one go. False if they have been called.
    fn remove(&mut self, number: u64) -> bool {
        let remove = |line: &mut Line| {
            let at = line.binary_search_by_key(&number, |(number, _)| *number);
            at.is_ok_and(|at| line.remove(at).is_some())
        };
        remove(&mut self.new) || remove(&mut self.begun)
    }

    fn line(&mut self, lane: Lane) -> &mut Line {
        match lane {
            Lane::New => &mut self.new,
            Lane::Begun => &mut self.begun,
        }
    }
}

impl Loan {
    /// Gives it back. Who has it by that is the caller's to wake, or to go on with.
    pub(crate) fn pass_on(mut self) -> Option<Waiter> {
        self.0.take()?.pass_on()
    }
}

impl Drop for Loan {
    fn drop(&mut self) {
        if let Some(lending) = &self.0 {
            lending.give_back();
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if self.used {
            return;
        }
        let waited = self.lending.locked(|queue| queue.remove(self.number));
        if !waited {
            self.lending.give_back(); // it was called, and is gone
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waiter() -> Waiter {
        woken(Waker::noop().clone())
    }

    fn woken(waker: Waker) -> Waiter {
        Waiter {
            waker,
            seat: 0,
            slot: 0,
        }
    }

    fn queue(lending: &Arc<Lending>) -> Ticket {
        lending.queue(waiter())
    }

    #[test]
    fn no_more_is_lent_than_may_be_and_it_comes_back() {
        let lending = Lending::new(1);
        let first = lending.try_take();
        assert!(first.is_some());
        assert!(lending.try_take().is_none());
        drop(first);
        assert!(lending.try_take().is_some());
        assert!(Lending::new(0).try_take().is_none());
    }

    #[test]
    fn who_waits_gets_it_in_order_and_nobody_overtakes() {
        let lending = Lending::new(1);
        let loan = lending.try_take().unwrap();
        let (first, second) = (queue(&lending), queue(&lending));
        let second = second.redeem().unwrap_err();
        drop(loan);
        assert!(lending.try_take().is_none());
        let second = second.redeem().unwrap_err();
        let loan = first.redeem().unwrap();
        let second = second.redeem().unwrap_err();
        drop(loan);
        let loan = second.redeem().unwrap();
        assert!(lending.try_take().is_none());
        drop(loan);
        assert!(lending.try_take().is_some());
    }

    #[test]
    fn who_asks_gets_leave_or_waits_or_is_refused() {
        // room, how many may wait, how many ask: what are they told?
        for (room, most, told) in [
            (1, 0, "LFF"),
            (2, 1, "LLQF"),
            (0, 2, "QQF"),
            (1, usize::MAX, "LQQQ"),
        ] {
            let lending = Lending::new(room);
            let asked: Vec<_> = told.chars().map(|_| lending.ask(most, waiter)).collect();
            let said: String = asked
                .iter()
                .map(|asked| match asked {
                    Asked::Leave(_) => 'L',
                    Asked::Queued(_) => 'Q',
                    Asked::Full => 'F',
                })
                .collect();
            assert_eq!(said, told, "room {room}, at most {most}");
        }
    }

    #[test]
    fn a_place_in_the_queue_is_free_again_when_its_holder_is_called_or_gone() {
        let lending = Lending::new(1);
        let ask = || lending.ask(1, waiter);
        let Asked::Leave(first) = ask() else { panic!() };
        let Asked::Queued(second) = ask() else {
            panic!()
        };
        assert!(matches!(ask(), Asked::Full));
        drop(first);
        let second = second.redeem().unwrap();
        let Asked::Queued(gone) = ask() else { panic!() };
        drop(gone);
        assert!(matches!(ask(), Asked::Queued(_)));
        drop(second);
    }

    #[test]
    fn what_has_begun_and_what_is_new_take_turns() {
        let lending = Lending::new(1);
        let loan = lending.try_take();
        let new = [(); 2].map(|()| queue(&lending));
        let begun = [(); 3].map(|()| lending.queue_begun(waiter()));
        drop(loan);
        let [new_1, new_2] = new;
        let [begun_1, begun_2, begun_3] = begun;
        for called in [begun_1, new_1, begun_2, new_2, begun_3] {
            drop(called.redeem().unwrap());
        }
        assert!(lending.try_take().is_some());
    }

    #[test]
    fn who_goes_away_holds_nobody_up() {
        let lending = Lending::new(1);
        let loan = lending.try_take().unwrap();
        let [gone, called, last] = [(); 3].map(|()| queue(&lending));
        drop(gone);
        drop(loan);
        drop(called);
        assert!(last.redeem().is_ok());
        assert!(lending.try_take().is_some());
    }

    /// Of more threads than there is room for, each takes leave, or waits for it, again and again.
    #[test]
    fn leave_is_neither_lost_nor_lent_twice_whoever_comes_when() {
        const ROOM: usize = 2;
        let lending = Lending::new(ROOM);
        let inside = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..2 * ROOM + 1 {
                scope.spawn(|| {
                    let parker = gateway_core::server::Parker::here();
                    for _ in 0..2000 {
                        let waker = || woken(Waker::from(Arc::clone(&parker)));
                        let loan = match lending.ask(usize::MAX, waker) {
                            Asked::Leave(loan) => loan,
                            Asked::Queued(mut ticket) => loop {
                                match ticket.redeem() {
                                    Ok(loan) => break loan,
                                    Err(waits) => ticket = waits,
                                }
                                parker.wait();
                            },
                            Asked::Full => panic!("any number may wait"),
                        };
                        assert!(inside.fetch_add(1, SeqCst) < ROOM);
                        inside.fetch_sub(1, SeqCst);
                        drop(loan);
                    }
                });
            }
        });
        assert_eq!(lending.room.load(SeqCst), ROOM);
        assert_eq!(lending.waiting.load(SeqCst), 0);
    }

    #[test]
    fn room_that_came_back_before_anyone_waited_is_had_at_once() {
        let lending = Lending::new(1);
        assert!(queue(&lending).redeem().is_ok());
    }
}

//! How many calls compute at once: as many as there are cores. More gain nothing, and take time from
//! quick calls.
//!
//! ```text
//!   room ─▶ admit ─▶ Pass ─ dropped: the call is over ──────────────────────▶ room for the next
//!              └──── review ─▶ others wait, and it has not computed lately ─▶ room for the next
//! ```

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::lending::{Lending, Loan, Waiter};
use crate::stopwatch::{Account, Reading};

/// For how long a call may do something else than compute before others have its room. Shorter than what anybody
/// notices, and longer than a page fault or a lock takes.
const PATIENCE: Duration = Duration::from_millis(20);

/// Who computes. Whoever finds no room waits, in order, with its connection.
#[derive(Debug)]
pub(crate) struct Gate {
    pub(crate) room: Arc<Lending>,
    inside: Mutex<Inside>,
}

#[derive(Debug, Default)]
struct Inside {
    calls: Vec<Computing>,
    next: u64,
}

/// A call that is expected to compute.
#[derive(Debug)]
struct Computing {
    number: u64,
    account: Arc<Account>,
    /// What its account said when it was looked at last.
    seen: Option<Reading>,
    /// Its room, until that is over.
    room: Option<Loan>,
}

/// A call that computes. It is over when this is dropped.
#[derive(Debug)]
pub(crate) struct Pass<'a> {
    gate: &'a Gate,
    number: u64,
}

impl Gate {
    pub(crate) fn new(room: usize) -> Self {
        Self {
            room: Lending::new(room),
            inside: Mutex::default(),
        }
    }

    /// A call begins on the thread whose account this is. It has room.
    pub(crate) fn admit(&self, room: Loan, account: &Arc<Account>) -> Pass<'_> {
        let mut inside = self.inside();
        let number = inside.next;
        inside.next += 1;
        inside.calls.push(Computing {
            number,
            account: Arc::clone(account),
            seen: None,
            room: Some(room),
        });
        Pass { gate: self, number }
    }

    /// Takes the room of calls that wait, although they were expected to compute, if others wait for it: one that never
    /// comes back would keep it for ever. Tells whether anybody waits.
    pub(crate) fn review(&self, now: Instant) -> bool {
        if !self.room.is_awaited() {
            return false;
        }
        let mut inside = self.inside();
        let free: Vec<Loan> = inside
            .calls
            .iter_mut()
            .filter_map(|call| call.review(now))
            .collect();
        drop(inside);
        drop(free); // with the lock released: it wakes who comes next
        true
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Computing {
    /// Its room, if it has waited for most of the time since it was looked at last.
    fn review(&mut self, now: Instant) -> Option<Loan> {
        self.room.as_ref()?;
        let Some(seen) = self.seen else {
            self.seen = Some(self.account.read(now));
            return None;
        };
        if now.saturating_duration_since(seen.at) < PATIENCE {
            return None;
        }
        let reading = self.account.read(now);
        self.seen = Some(reading);
        match self.account.has_computed_since(seen, reading) {
            true => None,
            false => self.room.take(),
        }
    }
}

impl Pass<'_> {
    /// The call is over. Who computes next is the caller's to wake, or to go on with.
    pub(crate) fn leave(self) -> Option<Waiter> {
        self.end()?.pass_on()
    }

    /// Its room, if it still has it.
    fn end(&self) -> Option<Loan> {
        let mut inside = self.gate.inside();
        let calls = &mut inside.calls;
        let at = calls.iter().position(|call| call.number == self.number)?;
        calls.swap_remove(at).room
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        drop(self.end()); // with the lock released: it wakes who comes next
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{TryRecvError, channel};
    use std::task::Waker;

    use super::*;

    #[test]
    fn room_comes_back_when_a_call_is_over() {
        let gate = Gate::new(1);
        let account = Arc::new(Account::of_this_thread());
        let pass = gate.admit(gate.room.try_take().unwrap(), &account);
        assert!(gate.room.try_take().is_none());
        drop(pass);
        assert!(gate.room.try_take().is_some());
        assert!(gate.inside().calls.is_empty());
    }

    /// Whether a call keeps its room that others wait for, if it `computes` all the time, or waits.
    fn keeps_room(computes: bool) -> bool {
        let (tell, told) = channel();
        let (end, ended) = channel::<()>();
        let call = std::thread::spawn(move || {
            tell.send(Account::of_this_thread()).unwrap();
            while computes && ended.try_recv() == Err(TryRecvError::Empty) {
                std::hint::spin_loop();
            }
            let _ = ended.recv(); // the end of the test
        });
        let account = Arc::new(told.recv().unwrap());
        let gate = Gate::new(1);
        let pass = gate.admit(gate.room.try_take().unwrap(), &account);
        assert!(!gate.review(Instant::now()), "nobody waits");
        let next = gate.room.queue(Waiter {
            waker: Waker::noop().clone(),
            seat: 0,
            slot: 0,
        });
        for _ in 0..3 {
            gate.review(Instant::now());
            std::thread::sleep(PATIENCE * 2);
        }
        let keeps = next.redeem().is_err();
        drop(pass);
        let room = gate.room.try_take();
        assert!(room.is_some() && gate.room.try_take().is_none());
        drop(end);
        call.join().unwrap();
        keeps
    }

    #[test]
    fn who_waits_gives_way_and_who_computes_does_not() {
        if !Account::of_this_thread().is_kept() {
            return; // a kernel without accounts
        }
        assert!(keeps_room(true));
        assert!(!keeps_room(false));
    }
}

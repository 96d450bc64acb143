//! How many calls compute at once: as many as there are cores. More gain nothing, and take time from
//! quick calls.
//!
//! ```text
//!   enter ─▶ room? ── yes ─▶ compute ─▶ leave ─▶ somebody waits? ── yes ─▶ their turn
//!              └── no ─▶ wait (the request, not a thread)      └── no ─▶ room for one more
//! ```

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Lets a few through at a time; who must wait is kept in order.
#[derive(Debug)]
pub(crate) struct Gate<T>(Mutex<State<T>>);

#[derive(Debug)]
struct State<T> {
    room: usize,
    waiting: VecDeque<T>,
}

/// What coming to the gate led to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Entered<T> {
    In(T),
    Waits,
    /// As many wait as may.
    Full(T),
}

impl<T> Gate<T> {
    pub(crate) fn new(room: usize) -> Self {
        Self(Mutex::new(State {
            room,
            waiting: VecDeque::new(),
        }))
    }

    /// Lets it in and gives it back, or keeps it until there is room, if no more than `most` wait then.
    pub(crate) fn enter(&self, who: T, most: usize) -> Entered<T> {
        let mut state = self.state();
        if let Some(room) = state.room.checked_sub(1) {
            state.room = room;
            return Entered::In(who);
        }
        if state.waiting.len() >= most {
            return Entered::Full(who);
        }
        state.waiting.push_back(who);
        Entered::Waits
    }

    /// One is done. Whoever is given back has been let in by it.
    pub(crate) fn leave(&self) -> Option<T> {
        let mut state = self.state();
        let next = state.waiting.pop_front();
        if next.is_none() {
            state.room += 1;
        }
        next
    }

    /// Lets through who has waited longest, if they need no room any more.
    pub(crate) fn excuse(&self, who: impl FnOnce(&T) -> bool) -> Option<T> {
        let mut state = self.state();
        match state.waiting.front() {
            Some(first) if who(first) => state.waiting.pop_front(),
            _ => None,
        }
    }

    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lets_in_as_many_as_there_is_room_for_and_the_others_in_turn() {
        let gate = Gate::new(2);
        assert_eq!(gate.enter('a', 2), Entered::In('a'));
        assert_eq!(gate.enter('b', 2), Entered::In('b'));
        assert_eq!(gate.enter('c', 2), Entered::Waits);
        assert_eq!(gate.enter('d', 2), Entered::Waits);
        assert_eq!(gate.enter('x', 2), Entered::Full('x'));
        assert_eq!(gate.leave(), Some('c'));
        assert_eq!(gate.enter('e', 2), Entered::Waits); // nobody overtakes
        assert_eq!(gate.leave(), Some('d'));
        assert_eq!(gate.leave(), Some('e'));
        assert_eq!(gate.leave(), None);
        assert_eq!(gate.leave(), None);
        assert_eq!(gate.enter('z', 0), Entered::In('z')); // there is room: nobody need wait
        assert_eq!(gate.leave(), None);
        assert_eq!(gate.enter('f', 2), Entered::In('f'));
    }

    #[test]
    fn excuses_the_first_and_keeps_the_room_for_who_needs_it() {
        let gate = Gate::new(1);
        assert_eq!(gate.enter('a', 2), Entered::In('a'));
        assert_eq!(gate.enter('b', 2), Entered::Waits);
        assert_eq!(gate.enter('c', 2), Entered::Waits);
        assert_eq!(gate.excuse(|who| *who == 'c'), None); // not its turn
        assert_eq!(gate.excuse(|who| *who == 'b'), Some('b'));
        assert_eq!(gate.enter('d', 2), Entered::Waits); // no room has come of that
        assert_eq!(gate.leave(), Some('c'));
    }
}

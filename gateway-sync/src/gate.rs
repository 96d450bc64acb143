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

impl<T> Gate<T> {
    pub(crate) fn new(room: usize) -> Self {
        Self(Mutex::new(State {
            room,
            waiting: VecDeque::new(),
        }))
    }

    /// Lets it in and gives it back, or keeps it until there is room.
    pub(crate) fn enter(&self, who: T) -> Option<T> {
        let mut state = self.state();
        if state.room == 0 {
            state.waiting.push_back(who);
            return None;
        }
        state.room -= 1;
        Some(who)
    }

    /// How many wait.
    pub(crate) fn waiting(&self) -> usize {
        self.state().waiting.len()
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
        assert_eq!(gate.enter('a'), Some('a'));
        assert_eq!(gate.enter('b'), Some('b'));
        assert_eq!(gate.enter('c'), None);
        assert_eq!(gate.enter('d'), None);
        assert_eq!(gate.leave(), Some('c'));
        assert_eq!(gate.enter('e'), None); // nobody overtakes
        assert_eq!(gate.leave(), Some('d'));
        assert_eq!(gate.leave(), Some('e'));
        assert_eq!(gate.leave(), None);
        assert_eq!(gate.leave(), None);
        assert_eq!(gate.enter('f'), Some('f'));
    }

    #[test]
    fn excuses_the_first_and_keeps_the_room_for_who_needs_it() {
        let gate = Gate::new(1);
        assert_eq!(gate.enter('a'), Some('a'));
        assert_eq!(gate.enter('b'), None);
        assert_eq!(gate.enter('c'), None);
        assert_eq!(gate.excuse(|who| *who == 'c'), None); // not its turn
        assert_eq!(gate.excuse(|who| *who == 'b'), Some('b'));
        assert_eq!(gate.enter('d'), None); // no room has come of that
        assert_eq!(gate.leave(), Some('c'));
    }
}

//! Waiting for what happens, at the seat at hand and at those that nobody has.

use gateway_core::Application;

use super::{Held, Worker};
use crate::poller::Poller;

impl<A: Application> Worker<'_, A> {
    /// Waits until something happens at the seat, or at one that nobody has: to that one the worker
    /// then changes over.
    pub(super) fn poll(&mut self, number: usize) {
        let free = self.shared.seating.free();
        if free.is_empty() {
            return self.note_events(number, true);
        }
        let busy = self.wait_for_any(&free, number);
        if busy != number {
            if !self.shared.seating.exchange(number, busy) {
                return; // somebody has come for it
            }
            let tenure = self.shared.seats[busy].sit(&self.unsent);
            self.held = Some(Held { seat: busy, tenure });
        }
        self.note_events(busy, false);
    }

    /// Waits until something happens at one of the free seats or at the worker's own. The free ones
    /// come first, so that two seats that are both busy get their turns.
    fn wait_for_any(&self, free: &[usize], own: usize) -> usize {
        let seats = &self.shared.seats;
        if let Some(ready) = free.iter().find(|other| seats[**other].has_ready()) {
            return *ready;
        }
        let numbers: Vec<_> = free.iter().copied().chain([own]).collect();
        let pollers: Vec<_> = numbers
            .iter()
            .map(|number| &seats[*number].poller)
            .collect();
        match Poller::wait_any(&pollers) {
            Ok(first) => numbers[first],
            Err(error) => {
                tracing::error!(%error, "cannot poll");
                own
            }
        }
    }

    /// Looks for what has happened while there was always a connection that could go on: those that
    /// never rest must not shut the others out. Changes over to a seat that nobody has, if somebody
    /// waits there.
    pub(super) fn look_around(&mut self, number: usize) {
        self.note_events(number, false);
        for other in self.shared.seating.free() {
            self.note_events(other, false);
            if self.shared.seats[other].has_ready() {
                return self.change_over(number, other);
            }
        }
    }

    /// Leaves the seat at hand for one that nobody has, if that is still so.
    fn change_over(&mut self, number: usize, other: usize) {
        if self.shared.seating.exchange(number, other) {
            let tenure = self.shared.seats[other].sit(&self.unsent);
            self.held = Some(Held {
                seat: other,
                tenure,
            });
        }
    }

    /// Notes what has happened at a seat, and takes new connections.
    fn note_events(&mut self, number: usize, wait: bool) {
        let mut listeners = Vec::new();
        let seat = &self.shared.seats[number];
        if let Err(error) = seat.poll(&mut self.batch, wait, &mut listeners) {
            tracing::error!(%error, "cannot poll");
        }
        for listener in listeners {
            self.shared.accept(listener);
        }
    }
}

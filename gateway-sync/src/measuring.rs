//! Parts of this crate by themselves, for the micro-benchmarks of this repository. No part of the
//! interface: it changes as they do.

use std::sync::Arc;
use std::thread;

use crate::predictor::{Entry, Forecast, Measured, Predictor};
use crate::seat::Seat;
use crate::seating::{Seating, Spare};

/// The forecasts of a server.
pub struct Forecasts(Predictor);

impl Forecasts {
    /// Nothing is known yet.
    #[expect(clippy::new_without_default, reason = "made once, by name")]
    pub fn new() -> Self {
        Self(Predictor::new())
    }

    /// What a call costs that is back before anybody misses the seat: it is forecast, and learnt from.
    /// Says whether it was expected to be short.
    pub fn quick_call(&self, method: &str, path: &[u8]) -> bool {
        self.call(method, path, Measured::Quick)
    }

    /// The same of a call that waits.
    pub fn slow_call(&self, method: &str, path: &[u8]) -> bool {
        self.call(method, path, Measured::Waited)
    }

    fn call(&self, method: &str, path: &[u8], measured: Measured) -> bool {
        let entry = self.0.entry(method, path);
        let forecast = self.0.forecast(entry);
        self.0.learn(entry, measured);
        forecast == Forecast::Short
    }
}

/// A seat, of which a server has as many as there are cores.
pub struct OneSeat {
    seat: Seat,
    seating: Seating,
    called: Entry,
}

impl OneSeat {
    /// A seat that nobody has.
    ///
    /// # Errors
    ///
    /// If the kernel has no room for an epoll set.
    pub fn new() -> std::io::Result<Arc<Self>> {
        Ok(Arc::new(Self {
            seat: Seat::new()?,
            seating: Seating::new(1),
            called: Predictor::new().entry("GET", b"/"),
        }))
    }

    /// The calling thread, which comes for the seat.
    pub fn guest(self: &Arc<Self>) -> Guest {
        Guest {
            one: Arc::clone(self),
            spare: Spare::here(),
        }
    }

    /// What it costs to keep the seat through a call: its holder says that a call begins, and that it
    /// is over. Says whether the seat is still its own.
    pub fn keep_through_a_call(&self) -> bool {
        let pulse = self.seat.begin(self.called);
        self.seat.end(pulse)
    }

    /// Sends everybody home.
    pub fn close(&self) {
        self.seating.close();
    }
}

/// A thread that takes and leaves the seat.
pub struct Guest {
    one: Arc<OneSeat>,
    spare: Arc<Spare>,
}

impl Guest {
    /// Waits for the seat, and sits down. False if there is nothing to wait for any more.
    pub fn take(&self) -> bool {
        let taken = self.one.seating.take(&self.spare).is_some();
        if taken {
            self.one.seat.sit(&Arc::default());
        }
        taken
    }

    /// Leaves the seat to nobody, as when all threads are in calls: it stands free.
    pub fn leave_free(&self) {
        if !self.one.seating.leave(0) {
            self.one.seat.stand_free();
        }
    }

    /// Leaves the seat to a thread that waits for one, once there is one. False if there is nothing to
    /// wait for any more.
    pub fn hand_over(&self) -> bool {
        while !self.one.seating.leave(0) {
            if !self.take() {
                return false;
            }
            thread::yield_now();
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_forecast_follows_the_calls() {
        let forecasts = Forecasts::new();
        assert!(forecasts.quick_call("GET", b"/"));
        assert!(forecasts.slow_call("GET", b"/"));
        assert!(!forecasts.slow_call("GET", b"/"));
    }

    #[test]
    fn the_seat_goes_from_hand_to_hand() {
        let one = OneSeat::new().unwrap();
        let me = one.guest();
        assert!(me.take());
        assert!(one.keep_through_a_call());
        me.leave_free();
        assert!(me.take());
        thread::scope(|scope| {
            scope.spawn(|| {
                let other = one.guest();
                while other.take() && other.hand_over() {}
            });
            for _ in 0..10 {
                assert!(me.hand_over() && me.take());
            }
            one.close();
        });
    }
}

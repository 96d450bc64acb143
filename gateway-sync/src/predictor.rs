//! Whether a call will block: a branch predictor.
//!
//! A small table of saturating counters, indexed by a hash of method and path. A call that was
//! expected to be short and was not costs its seat about a millisecond, one that was expected to be
//! long and was not costs two changes of hands; so one slow call is enough to expect another, and
//! one quick call is not enough to forget a habit.
//!
//! ```text
//!   counter   0 ── 1 ── 2 ── 3
//!   expects   short    long
//!   a slow call: +2      a quick call: −1
//! ```

use std::hash::{BuildHasher, Hasher};
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};

use foldhash::fast::RandomState;

/// Entries of the table. Two paths that share one share their forecast, which costs time and
/// nothing else.
const SIZE: usize = 1024;

/// The highest count.
const MOST: u8 = 3;

/// What a call is expected to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Forecast {
    /// It comes back at once: the seat is kept.
    Short,
    /// It waits: the seat is given away first.
    Waits,
    /// It computes for longer than a seat can be kept from others.
    Computes,
}

/// What a call was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Measured {
    /// It came back before anybody missed the seat.
    Quick,
    /// It took its time, which the processor spent elsewhere.
    Waited,
    /// It took its time, and most of it on the processor.
    Computed,
}

/// Where a kind of call stands in the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Entry(usize);

impl Entry {
    /// The entry for the body of what this one is the call of: a call that returns at once may have
    /// a body that takes its time.
    pub(crate) fn of_body(self) -> Self {
        Self((self.0 + SIZE / 2) % SIZE)
    }
}

/// An entry that one thread notes and another looks at.
#[derive(Debug, Default)]
pub(crate) struct AtomicEntry(AtomicUsize);

impl AtomicEntry {
    pub(crate) fn store(&self, entry: Entry, order: Ordering) {
        self.0.store(entry.0, order);
    }

    pub(crate) fn load(&self, order: Ordering) -> Entry {
        Entry(self.0.load(order))
    }
}

/// The table. Shared by all workers: a lost update is a lost hint.
pub(crate) struct Predictor {
    table: Box<[AtomicU8]>,
    hasher: RandomState,
}

impl Predictor {
    pub(crate) fn new() -> Self {
        let table = (0..SIZE).map(|_| AtomicU8::new(0)).collect();
        Self {
            table,
            hasher: RandomState::default(),
        }
    }

    /// The entry for a method and a path. The hash is keyed, so that a client cannot easily choose
    /// whose forecast it shares; it need not withstand more, as a forecast is a hint.
    pub(crate) fn entry(&self, method: &str, path: &[u8]) -> Entry {
        let mut hasher = self.hasher.build_hasher();
        hasher.write(method.as_bytes());
        hasher.write(path);
        Entry(hasher.finish() as usize % SIZE)
    }

    pub(crate) fn forecast(&self, entry: Entry) -> Forecast {
        Cell::unpack(self.table[entry.0].load(Ordering::Relaxed)).forecast()
    }

    pub(crate) fn learn(&self, entry: Entry, measured: Measured) {
        let known = &self.table[entry.0];
        let before = known.load(Ordering::Relaxed);
        let after = Cell::unpack(before).learn(measured).pack();
        if after != before {
            known.store(after, Ordering::Relaxed);
        }
    }
}

/// One entry: how slow, and whether the slow ones compute.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Cell {
    slow: u8,
    computing: u8,
}

impl Cell {
    fn unpack(byte: u8) -> Self {
        Self {
            slow: byte & MOST,
            computing: byte >> 2 & MOST,
        }
    }

    fn pack(self) -> u8 {
        self.slow | self.computing << 2
    }

    fn forecast(self) -> Forecast {
        match (self.slow >= 2, self.computing >= 2) {
            (false, _) => Forecast::Short,
            (true, false) => Forecast::Waits,
            (true, true) => Forecast::Computes,
        }
    }

    fn learn(self, measured: Measured) -> Self {
        let slower = (self.slow + 2).min(MOST);
        match measured {
            Measured::Quick => Self {
                slow: self.slow.saturating_sub(1),
                ..self
            },
            Measured::Waited => Self {
                slow: slower,
                computing: self.computing.saturating_sub(1),
            },
            Measured::Computed => Self {
                slow: slower,
                computing: (self.computing + 1).min(MOST),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Forecast::*;
    use super::Measured::*;
    use super::*;

    #[test]
    fn learns_from_what_was_measured() {
        let cases: [(&str, &[Measured], Forecast); 9] = [
            ("nothing known", &[], Short),
            ("quick ones", &[Quick, Quick], Short),
            ("one slow call", &[Waited], Waits),
            ("one slow call, one quick", &[Waited, Quick], Short),
            (
                "a habit outlives one quick call",
                &[Waited, Waited, Quick],
                Waits,
            ),
            (
                "a habit is forgotten",
                &[Waited, Waited, Quick, Quick],
                Short,
            ),
            (
                "one that computes may have been unlucky",
                &[Computed],
                Waits,
            ),
            ("computing is a habit too", &[Computed, Computed], Computes),
            ("and is forgotten", &[Computed, Computed, Waited], Waits),
        ];
        for (name, calls, expected) in cases {
            let cell = calls.iter().fold(Cell::default(), |cell, call| {
                let next = cell.learn(*call);
                assert_eq!(Cell::unpack(next.pack()), next, "{name}");
                next
            });
            assert_eq!(cell.forecast(), expected, "{name}");
        }
    }

    #[test]
    fn keeps_kinds_of_calls_apart() {
        let predictor = Predictor::new();
        let slow = predictor.entry("GET", b"/slow");
        predictor.learn(slow, Waited);
        assert_eq!(predictor.forecast(slow), Waits);
        // Any one path may share the entry by chance; not all of them do.
        let short = (0..100)
            .map(|n| predictor.entry("GET", format!("/{n}").as_bytes()))
            .filter(|entry| predictor.forecast(*entry) == Short)
            .count();
        assert!(short > 90);
    }
}

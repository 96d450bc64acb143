//! What can be told of a key at a glance, for finding names that were mistyped.
//!
//! `build.rs` compiles this file as well. It may therefore name nothing else of this crate.

/// The set of letters of a key, and how many it has, in one word: the upper byte counts, each of
/// the other 56 bits stands for the letters whose code is congruent to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Letters(pub(crate) u64);

impl Letters {
    pub(crate) fn of(key: &str) -> Self {
        let set = key.chars().fold(0, |set, c| set | 1 << (u32::from(c) % 56));
        let count = u64::try_from(key.chars().count())
            .unwrap_or(u64::MAX)
            .min(255);
        Self(count << 56 | set)
    }

    /// How many letters, 255 for more.
    pub(crate) fn count(self) -> u64 {
        self.0 >> 56
    }

    /// A lower bound of the slips of the pen between two keys: each adds or takes one letter, or
    /// replaces one and so changes at most two bits.
    pub(crate) fn slips_at_least(self, other: Self) -> u64 {
        let differing = ((self.0 ^ other.0) << 8).count_ones();
        self.count()
            .abs_diff(other.count())
            .max(differing.div_ceil(2).into())
    }
}

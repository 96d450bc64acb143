//! Names that resemble one that is not there.
//!
//! All 290 000 are looked at, in one to five milliseconds: the set of its letters tells of nearly
//! every name that it is too far off, and only what is left is compared letter by letter. So there
//! is no index to load or to keep in step.

use crate::letters::Letters;

/// Every key, one after the other, that of the biggest city first.
static KEYS: &str = include_str!(concat!(env!("OUT_DIR"), "/nearest.txt"));

/// For every key 16 bytes, little-endian: its letters (8), the rank of the city it leads to (4),
/// and where it begins in [`KEYS`] (4); and one more that only says where the last one ends.
static GLANCES: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/nearest.bin"));

/// Ranks of the cities, at most `limit`, whose keys are nearest to `asked`: by the fewest slips of
/// the pen (a letter left out, put in, replaced, or swapped with its neighbour), then by
/// population.
pub(super) fn nearest(asked: &str, limit: usize) -> Vec<u32> {
    let letters = Letters::of(asked);
    let tolerance = tolerance(letters.count());
    let mut found: Vec<(u64, u32)> = keys(|of_key| letters.slips_at_least(of_key) <= tolerance)
        .map(|(key, rank)| (slips(asked, key), rank))
        .filter(|(slips, _)| *slips <= tolerance)
        .collect();
    found.sort_unstable();

    let mut ranks = Vec::with_capacity(limit);
    for (_, rank) in found {
        if ranks.len() < limit && !ranks.contains(&rank) {
            ranks.push(rank);
        }
    }
    ranks
}

/// How many slips a name of this many letters may hold and still be recognised.
fn tolerance(count: u64) -> u64 {
    match count {
        0..=3 => 1,
        4..=7 => 2,
        _ => 3,
    }
}

/// The keys that pass at a glance, with the ranks they lead to.
fn keys(passes: impl Fn(Letters) -> bool) -> impl Iterator<Item = (&'static str, u32)> {
    let (glances, _) = GLANCES.as_chunks::<16>();
    glances.windows(2).filter_map(move |pair| {
        let [glance, next] = pair else { return None };
        let word = |glance: &[u8; 16]| u128::from_le_bytes(*glance);
        let start = |glance| (word(glance) >> 96) as usize;
        if !passes(Letters(word(glance) as u64)) {
            return None;
        }
        Some((
            KEYS.get(start(glance)..start(next))?,
            (word(glance) >> 64) as u32,
        ))
    })
}

/// Optimal string alignment distance: insertions, deletions, replacements, swaps of neighbours.
fn slips(one: &str, other: &str) -> u64 {
    u64::try_from(strsim::osa_distance(one, other)).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_come_first_and_the_bigger_of_those() {
        assert_eq!(nearest("tokyoo", 1), nearest("tokyo", 1));
        assert_eq!(nearest("tokyo", 3).len(), 3);
    }

    #[test]
    fn a_city_is_named_once() {
        let ranks = nearest("seol", 20);
        let mut unique = ranks.clone();
        unique.sort_unstable();
        unique.dedup();
        assert_eq!(unique.len(), ranks.len());
    }

    #[test]
    fn nothing_resembles_gibberish() {
        assert!(nearest("qqqxxxzzzwwwyyy", 5).is_empty());
    }

    #[test]
    fn the_glance_never_rules_out_a_near_name() {
        let some: Vec<&str> = keys(|_| true).step_by(997).map(|(key, _)| key).collect();
        assert!(some.len() > 250);
        for one in &some {
            for other in &some {
                let bound = Letters::of(one).slips_at_least(Letters::of(other));
                assert!(bound <= slips(one, other), "{one} and {other}: {bound}");
            }
        }
    }

    #[test]
    fn every_key_stands_beside_its_own_letters() {
        for (at, (key, _)) in keys(|_| true).enumerate().step_by(4999) {
            let letters = Letters::of(key);
            assert!(
                keys(|of_key| of_key == letters).any(|(found, _)| found == key),
                "{at}: {key}"
            );
        }
    }
}

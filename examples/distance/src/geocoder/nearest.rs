//! Names that resemble one that is not there.
//!
//! All 290 000 are looked at, in some milliseconds: the set of its letters tells of nearly every name that it is too
//! far off, and only what is left is compared letter by letter. So there is no index to build, load or keep in step.

/// Every key and the rank of the city it leads to, the biggest city first. Made by `build.rs`.
static NAMES: &str = include_str!(concat!(env!("OUT_DIR"), "/nearest.tsv"));

/// Ranks of the cities, at most `limit`, whose keys are nearest to `asked`: by the fewest slips of the pen (a letter
/// left out, put in, replaced, or swapped with its neighbour), then by population.
pub(super) fn nearest(asked: &str, limit: usize) -> Vec<u32> {
    let tolerance = tolerance(asked);
    let letters = Letters::of(asked);
    let mut found: Vec<(u32, u32)> = NAMES
        .lines()
        .filter_map(|line| line.split_once('\t'))
        .filter(|(key, _)| letters.slips_at_least(&Letters::of(key)) <= tolerance)
        .map(|(key, rank)| (slips(asked, key), rank))
        .filter(|(slips, _)| *slips <= tolerance)
        .filter_map(|(slips, rank)| Some((slips, rank.parse().ok()?)))
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

/// How many slips a name of this length may hold and still be recognised.
fn tolerance(asked: &str) -> u32 {
    match asked.chars().count() {
        0..=3 => 1,
        4..=7 => 2,
        _ => 3,
    }
}

/// Optimal string alignment distance: insertions, deletions, replacements, swaps of neighbours.
fn slips(one: &str, other: &str) -> u32 {
    u32::try_from(strsim::osa_distance(one, other)).unwrap_or(u32::MAX)
}

/// What can be told of a key at a glance.
struct Letters {
    count: u32,
    /// One bit for each letter that occurs; letters may share a bit.
    set: u64,
}

impl Letters {
    fn of(key: &str) -> Self {
        key.chars()
            .fold(Self { count: 0, set: 0 }, |letters, c| Self {
                count: letters.count + 1,
                set: letters.set | 1 << (u32::from(c) % 61),
            })
    }

    /// A lower bound of [`slips`]: each adds or takes one letter, or replaces one and so changes at most two bits.
    fn slips_at_least(&self, other: &Self) -> u32 {
        let differing = (self.set ^ other.set).count_ones();
        self.count.abs_diff(other.count).max(differing.div_ceil(2))
    }
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
        let keys: Vec<&str> = NAMES
            .lines()
            .step_by(997)
            .filter_map(|line| Some(line.split_once('\t')?.0))
            .collect();
        for one in &keys {
            for other in &keys {
                let bound = Letters::of(one).slips_at_least(&Letters::of(other));
                assert!(bound <= slips(one, other), "{one} and {other}: {bound}");
            }
        }
    }
}

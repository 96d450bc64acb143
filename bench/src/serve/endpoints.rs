//! What the endpoints do, whoever serves them. A file of two workspaces: the servers of `bench/peers` include
//! it, so that all servers in Rust wait, compute and answer the same.

use std::hint::black_box;
use std::sync::OnceLock;
use std::thread;
use std::time::{Duration, Instant};

/// The answer of `/hello`.
pub const HELLO: &str = "Hello, world\n";

/// What `/io` waits.
pub const WAIT: Duration = Duration::from_millis(100);

/// What `/compute` computes for.
const COMPUTE: Duration = Duration::from_millis(2);

/// Rounds of a trial: some tenths of a millisecond.
const TRIAL: u64 = 200_000;

/// The longest that `/delay` waits.
const LONGEST: Duration = Duration::from_secs(30);

/// The answer of `/big`.
pub static BIG: [u8; 1024 * 1024] = [b'x'; 1024 * 1024];

/// A piece of `/stream`, of which there are [`PIECES`].
pub static PIECE: [u8; 4096] = [b'x'; 4096];

/// How many pieces `/stream` has.
pub const PIECES: usize = 16;

/// Says how many rounds [`compute`] makes: the measuring program sets it, so that all servers of a run compute
/// the same.
pub const ROUNDS: &str = "GATEWAY_BENCH_ROUNDS";

/// Computes for as long as [`COMPUTE`] takes while all cores compute, by a count of rounds: a loop that looks
/// at the clock would compute less on a busy machine.
pub fn compute() -> u64 {
    static GIVEN: OnceLock<u64> = OnceLock::new();
    let given = || std::env::var(ROUNDS).ok()?.parse().ok();
    spin(*GIVEN.get_or_init(|| given().unwrap_or_else(rounds)))
}

/// How many rounds take [`COMPUTE`] on a core of this machine while all of them compute: one alone is faster.
pub fn rounds() -> u64 {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let at_once: Vec<_> = (0..cores).map(|_| thread::spawn(trials)).collect();
    let mut all: Vec<Duration> = at_once
        .into_iter()
        .flat_map(|trials| trials.join().unwrap_or_default())
        .collect();
    all.sort_unstable();
    let usual = all.get(all.len() / 2).unwrap_or(&COMPUTE);
    (COMPUTE.as_nanos() * u128::from(TRIAL) / usual.as_nanos().max(1)) as u64
}

/// What so many rounds of a trial take, many times.
fn trials() -> Vec<Duration> {
    (0..200).map(|_| timed(TRIAL)).collect()
}

/// The wait that `/delay?s=1.5` asks for, given what follows the question mark; `None` where it asks for
/// none, or for too long a one.
pub fn delay(query: &str) -> Option<Duration> {
    let seconds: f64 = query.strip_prefix("s=")?.parse().ok()?;
    Duration::try_from_secs_f64(seconds)
        .ok()
        .filter(|delay| *delay <= LONGEST)
}

fn timed(rounds: u64) -> Duration {
    let start = Instant::now();
    spin(rounds);
    start.elapsed()
}

fn spin(rounds: u64) -> u64 {
    (0..rounds).fold(0, |sum, n| {
        black_box(sum ^ n).wrapping_mul(0x9E37_79B9_7F4A_7C15)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_delay() {
        let cases = [
            ("s=1.5", Some(Duration::from_millis(1500))),
            ("s=0", Some(Duration::ZERO)),
            ("s=30", Some(LONGEST)),
            ("s=30.1", None),
            ("s=-1", None),
            ("s=nan", None),
            ("s=", None),
            ("", None),
        ];
        for (query, expected) in cases {
            assert_eq!(delay(query), expected, "{query:?}");
        }
    }
}

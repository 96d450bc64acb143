//! What the endpoints do, whoever serves them: the same as in `gateway-bench serve`.

#![forbid(unsafe_code)]

use std::net::SocketAddr;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// The answer of `/hello`.
pub const HELLO: &str = "Hello, world\n";

/// The type of what is text.
pub const PLAIN: &str = "text/plain; charset=utf-8";

/// What `/io` waits.
pub const WAIT: Duration = Duration::from_millis(100);

/// Threads of the servers that have a thread for each call, as many as gateway-sync is given.
pub const THREADS: usize = 64;

/// What `/compute` computes for.
const COMPUTE: Duration = Duration::from_millis(2);

/// The answer of `/big`.
pub static BIG: [u8; 1024 * 1024] = [b'x'; 1024 * 1024];

/// A piece of `/stream`, of which there are [`PIECES`].
pub static PIECE: [u8; 4096] = [b'x'; 4096];

/// How many pieces `/stream` has.
pub const PIECES: usize = 16;

/// Where to listen: the only argument.
///
/// # Panics
///
/// If there is none, or it is no address.
pub fn address() -> SocketAddr {
    let argument = std::env::args().nth(1).expect("an address to listen on");
    argument.parse().expect("an address such as 127.0.0.1:8000")
}

/// Computes for as long as [`COMPUTE`] takes on an idle core, by a count of rounds, which the
/// measuring program sets so that all servers compute the same.
pub fn compute() -> u64 {
    static GIVEN: OnceLock<u64> = OnceLock::new();
    let given = || std::env::var("GATEWAY_BENCH_ROUNDS").ok()?.parse().ok();
    spin(*GIVEN.get_or_init(|| given().unwrap_or_else(rounds)))
}

fn rounds() -> u64 {
    let trial = 200_000;
    let fastest = (0..50).map(|_| timed(trial)).min().unwrap_or(COMPUTE);
    (COMPUTE.as_nanos() * u128::from(trial) / fastest.as_nanos().max(1)) as u64
}

/// The wait that `/delay?s=1.5` asks for, given what follows the question mark.
pub fn delay(query: &str) -> Option<Duration> {
    let seconds: f64 = query.strip_prefix("s=")?.parse().ok()?;
    Duration::try_from_secs_f64(seconds)
        .ok()
        .filter(|delay| *delay <= Duration::from_secs(30))
}

fn timed(rounds: u64) -> Duration {
    let start = Instant::now();
    spin(rounds);
    start.elapsed()
}

fn spin(rounds: u64) -> u64 {
    (0..rounds).fold(0, |sum, n| {
        std::hint::black_box(sum ^ n).wrapping_mul(0x9E37_79B9_7F4A_7C15)
    })
}

//! What the endpoints do, whoever serves them.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::OnceLock;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body::{Body, Frame};

/// The answer of `/hello`.
pub(super) const HELLO: &str = "Hello, world\n";

/// What `/io` waits.
pub(super) const WAIT: Duration = Duration::from_millis(100);

/// What `/compute` computes for.
const COMPUTE: Duration = Duration::from_millis(2);

/// The longest that `/delay` waits.
const LONGEST: Duration = Duration::from_secs(30);

/// The answer of `/big`.
static BIG: [u8; 1024 * 1024] = [b'x'; 1024 * 1024];

/// A piece of `/stream`, of which there are [`PIECES`].
static PIECE: [u8; 4096] = [b'x'; 4096];
pub(super) const PIECES: usize = 16;

pub(super) fn big() -> Bytes {
    Bytes::from_static(&BIG)
}

pub(super) fn piece() -> Bytes {
    Bytes::from_static(&PIECE)
}

/// Says how many rounds [`compute`] makes, so that all servers of a run compute the same.
pub(crate) const ROUNDS: &str = "GATEWAY_BENCH_ROUNDS";

/// Computes for as long as [`COMPUTE`] takes on an idle core, by a count of rounds: a loop that looks
/// at the clock would compute less on a busy machine.
pub(super) fn compute() -> u64 {
    static GIVEN: OnceLock<u64> = OnceLock::new();
    let given = || std::env::var(ROUNDS).ok()?.parse().ok();
    spin(*GIVEN.get_or_init(|| given().unwrap_or_else(rounds)))
}

/// How many rounds take [`COMPUTE`] on a core of this machine.
pub(crate) fn rounds() -> u64 {
    let trial = 200_000;
    let fastest = (0..50).map(|_| timed(trial)).min().unwrap_or(COMPUTE);
    (COMPUTE.as_nanos() * u128::from(trial) / fastest.as_nanos().max(1)) as u64
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

/// The wait that `/delay?s=1.5` asks for; `None` where it asks for none, or for too long a one.
pub(super) fn delay(query: &str) -> Option<Duration> {
    let seconds: f64 = query.strip_prefix("s=")?.parse().ok()?;
    Duration::try_from_secs_f64(seconds)
        .ok()
        .filter(|delay| *delay <= LONGEST)
}

/// `/stream` as async code makes it: always ready, one piece at a time, of no length that is known
/// before.
pub(super) struct Pieces {
    left: usize,
}

impl Pieces {
    pub(super) fn new() -> Self {
        Self { left: PIECES }
    }
}

impl Body for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        self.left -= 1;
        Poll::Ready(Some(Ok(Frame::data(piece()))))
    }
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

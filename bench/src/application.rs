//! The endpoints that are measured, as blocking code and as async code.

use std::time::{Duration, Instant};

use gateway_core::{Environ, Result, StatusError, text};
use http::StatusCode;

/// What `/io` waits.
const WAIT: Duration = Duration::from_millis(100);

/// What `/compute` computes for.
const COMPUTE: Duration = Duration::from_millis(2);

/// `/hello` (13 bytes), `/io`, `/compute`, `/mixed`, waiting as blocking code does.
pub(crate) fn blocking(environ: Environ) -> Result {
    match environ.path_info() {
        "/hello" => Ok(text("Hello, world\n")),
        "/io" => {
            std::thread::sleep(WAIT);
            Ok(text("waited\n"))
        }
        "/compute" => Ok(text(format!("{}\n", compute()))),
        "/mixed" => {
            std::thread::sleep(WAIT);
            Ok(text(format!("{}\n", compute())))
        }
        _ => Err(StatusError::new(StatusCode::NOT_FOUND, "not an endpoint").into()),
    }
}

/// The same, waiting as async code does. Needs a tokio runtime.
pub(crate) async fn asynchronous(environ: Environ) -> Result {
    match environ.path_info() {
        "/io" => {
            tokio::time::sleep(WAIT).await;
            Ok(text("waited\n"))
        }
        "/mixed" => {
            tokio::time::sleep(WAIT).await;
            let sum = environ.gateway().unblock(compute).await?;
            Ok(text(format!("{sum}\n")))
        }
        "/compute" => Ok(text(format!(
            "{}\n",
            environ.gateway().unblock(compute).await?
        ))),
        _ => blocking(environ),
    }
}

/// Computes for as long as [`COMPUTE`] takes on an idle core, by a count of rounds that is measured
/// once: a loop that looks at the clock would compute less on a busy machine.
fn compute() -> u64 {
    static ROUNDS: std::sync::OnceLock<u64> = std::sync::OnceLock::new();
    let rounds = *ROUNDS.get_or_init(|| {
        let trial = 200_000;
        let fastest = (0..20).map(|_| timed(trial)).min().unwrap_or(COMPUTE);
        (COMPUTE.as_nanos() * u128::from(trial) / fastest.as_nanos().max(1)) as u64
    });
    spin(rounds)
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

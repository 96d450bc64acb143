//! The client that looks in beside the load: it connects anew and asks, now and then. A load
//! generator keeps its connections, and does not see that a server starves whom it has not accepted.

use std::net::SocketAddr;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::plain::ask;
use crate::process::on_core;
use crate::stats::quantile;

/// From one request to the next, or longer where the answer takes longer.
const PAUSE: Duration = Duration::from_millis(20);

/// What waits longer is given up, and counted as failed.
const PATIENCE: Duration = Duration::from_secs(5);

/// What the client waited, connecting included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Waits {
    /// Requests that were answered.
    pub(crate) answered: usize,
    /// Requests that were not, in five seconds.
    pub(crate) failed: usize,
    /// Of those that were answered, in milliseconds.
    pub(crate) p50_ms: Option<f64>,
    pub(crate) p99_ms: Option<f64>,
    /// The longest.
    pub(crate) max_ms: Option<f64>,
}

impl Waits {
    /// Sums up what each request waited; `None` for one that failed.
    fn of(waits: &[Option<Duration>]) -> Self {
        let answered: Vec<f64> = waits
            .iter()
            .flatten()
            .map(|wait| wait.as_secs_f64() * 1e3)
            .collect();
        Self {
            answered: answered.len(),
            failed: waits.len() - answered.len(),
            p50_ms: quantile(answered.iter().copied(), 0.5),
            p99_ms: quantile(answered.iter().copied(), 0.99),
            max_ms: quantile(answered.iter().copied(), 1.0),
        }
    }
}

/// The client at its work, on a thread of its own.
pub(crate) struct Probe {
    stop: Sender<()>,
    thread: JoinHandle<Waits>,
}

impl Probe {
    /// Starts asking for a path, on one core if it is given.
    pub(crate) fn start(address: SocketAddr, path: String, core: Option<usize>) -> Self {
        let (stop, stopped) = mpsc::channel::<()>();
        let thread = std::thread::spawn(move || {
            let mut waits = Vec::new();
            let run = || {
                while stopped.recv_timeout(PAUSE) == Err(RecvTimeoutError::Timeout) {
                    let start = Instant::now();
                    let answered = ask(address, &path, PATIENCE);
                    waits.push(answered.is_ok().then(|| start.elapsed()));
                }
                Ok(())
            };
            // A core that is not there has stopped the server's start already.
            let _ = on_core(core, run);
            Waits::of(&waits)
        });
        Self { stop, thread }
    }

    /// Ends the work once the request that is under way is over.
    pub(crate) fn finish(self) -> Waits {
        drop(self.stop);
        self.thread.join().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_up_what_was_waited() {
        let ms = |ms| Some(Duration::from_millis(ms));
        let cases: [(&[Option<Duration>], Waits); 3] = [
            (&[], Waits::default()),
            (
                &[None],
                Waits {
                    failed: 1,
                    ..Waits::default()
                },
            ),
            (
                &[ms(2), None, ms(50), ms(1)],
                Waits {
                    answered: 3,
                    failed: 1,
                    p50_ms: Some(2.0),
                    p99_ms: Some(49.04),
                    max_ms: Some(50.0),
                },
            ),
        ];
        for (waits, expected) in cases {
            assert_eq!(Waits::of(waits), expected, "{waits:?}");
        }
    }
}

//! What is asked for: in blocking and in async code, the same answers.

use std::convert::Infallible;
use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use gateway_core::{Body, BoxApplication, Environ, Mount, Response, Result, blocking, text};

use crate::figures::Figures;

/// The response that is read slowly.
const LARGE: usize = 1024 * 1024;

/// Its pieces, where it is made piece by piece.
const PIECE: usize = 16 * 1024;

/// How long `/work` computes, in rounds of a hash: some 50 µs.
const ROUNDS: u64 = 25_000;

/// `/hello` (13 bytes), `/work` (the same, after computing for 50 µs), `/large` (1 MiB, one piece), `/pieces` (1 MiB, made piece by piece), `/upload`
/// (reads the body), `/block` (blocks for 20 ms, at most so many calls at once).
#[derive(Clone)]
pub(super) struct Application {
    large: Bytes,
    budget: usize,
    calls: Arc<Calls>,
}

/// The calls of `/block`.
#[derive(Default)]
struct Calls {
    now: AtomicUsize,
    most: AtomicUsize,
    all: AtomicUsize,
}

impl Application {
    pub(super) fn new(budget: usize) -> Self {
        Self {
            large: Bytes::from(vec![b'x'; LARGE]),
            budget,
            calls: Arc::default(),
        }
    }

    /// What has been counted since the last time.
    pub(super) fn figures(&self) -> Figures {
        let most = self.calls.most.swap(0, Ordering::Relaxed);
        let all = self.calls.all.swap(0, Ordering::Relaxed);
        Figures::default()
            .with("most", most as f64)
            .with("calls", all as f64)
    }

    /// In blocking code.
    pub(super) fn blocking(self) -> BoxApplication {
        let (large, pieces) = (self.clone(), self.clone());
        BoxApplication::new(
            Mount::new()
                .at("/block", self.block())
                .at("/large", blocking(move |_: Environ| large.large()))
                .at("/pieces", blocking(move |_: Environ| pieces.pieces()))
                .at("/upload", blocking(upload))
                .at("/work", blocking(|_: Environ| work()))
                .at("", blocking(|_: Environ| hello())),
        )
    }

    /// In async code; `/block` blocks here too.
    pub(super) fn asynchronous(self) -> BoxApplication {
        let (large, pieces) = (self.clone(), self.clone());
        let large = move |_: Environ| std::future::ready(large.large());
        let pieces = move |_: Environ| std::future::ready(pieces.pieces());
        let upload = async |mut environ: Environ| {
            let body = environ.input().read_all(u64::MAX).await?;
            Ok(text(body.len().to_string()))
        };
        BoxApplication::new(
            Mount::new()
                .at("/block", self.block())
                .at("/large", large)
                .at("/pieces", pieces)
                .at("/upload", upload)
                .at("/work", async |_: Environ| work())
                .at("", |_: Environ| std::future::ready(hello())),
        )
    }

    fn block(&self) -> impl gateway_core::Application + use<> {
        let calls = Arc::clone(&self.calls);
        blocking(move |_: Environ| {
            let now = calls.now.fetch_add(1, Ordering::SeqCst) + 1;
            calls.most.fetch_max(now, Ordering::SeqCst);
            thread::sleep(Duration::from_millis(20));
            calls.all.fetch_add(1, Ordering::SeqCst);
            calls.now.fetch_sub(1, Ordering::SeqCst);
            hello()
        })
        .limit(self.budget)
    }

    fn large(&self) -> Result {
        Ok(Response::new(Body::from(self.large.clone())))
    }

    fn pieces(&self) -> Result {
        let piece = self.large.slice(..PIECE);
        let pieces = std::iter::repeat_n(piece, LARGE / PIECE);
        Ok(Response::new(Body::iter(pieces.map(Ok::<_, Infallible>))))
    }
}

fn hello() -> Result {
    Ok(text("Hello, world\n"))
}

/// Computes for a while: what a small answer takes in most applications, so that it is the server which is at work.
fn work() -> Result {
    let hash = |hash: u64, round: u64| (hash ^ round).wrapping_mul(0x0100_0000_01b3).rotate_left(5);
    Ok(text(format!("{:016x}\n", (0..ROUNDS).fold(1, hash))))
}

fn upload(mut environ: Environ) -> Result {
    let mut body = Vec::new();
    environ.input().read_to_end(&mut body)?;
    Ok(text(body.len().to_string()))
}

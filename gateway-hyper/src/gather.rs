//! [`Bodies`]: request bodies on their way to blocking code, which is called when they are here.
//!
//! ```text
//!   live asked for ────────▶ leave to wait for the client? ── in turn ──▶ as it comes, on a thread
//!   client waits for 100 ──▶ leave, if there is room ───────────────────▶ as it comes, on a thread
//!   else, or no room ──────▶ memory ──▶ temporary file ─────────────────▶ whole
//! ```

use std::io;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use gateway_core::server::{Limits, Spool, SpoolError, Stage, Upload};
use gateway_core::{Environ, Error, Input, InputError, StatusError, UnblockError};
use http::header::RETRY_AFTER;
use http::{HeaderValue, StatusCode, Version};
use http_body::{Body, Frame, SizeHint};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::progress::{HandOver, Progress};

/// Request bodies on their way to blocking code.
pub(crate) struct Bodies {
    /// How much of one is kept in memory, in bytes.
    buffer: usize,
    memory: Arc<Memory>,
    spool: Arc<Spool>,
    /// Leave to read a body as it comes, on a thread that waits for the client meanwhile: for half of them.
    leave: Arc<Semaphore>,
    /// Whether there are more threads than have leave.
    has_others: bool,
}

impl Bodies {
    /// For calls on so many threads. Temporary files are made in `spool_in`, or where the system has its own.
    pub(crate) fn new(limits: &Limits, threads: usize, spool_in: Option<PathBuf>) -> Arc<Self> {
        let directory = spool_in.unwrap_or_else(tempfile::env::temp_dir);
        let half = (threads / 2).clamp(1, Semaphore::MAX_PERMITS);
        Arc::new(Self {
            buffer: limits.buffer,
            memory: Arc::new(Memory {
                used: AtomicUsize::new(0),
                most: limits.buffer.saturating_mul(limits.connections),
            }),
            spool: Spool::new(limits.spool, move || tempfile::tempfile_in(&directory)),
            leave: Arc::new(Semaphore::new(half)),
            has_others: threads > half,
        })
    }

    /// Has the request body here before the call, unless it is to be handed over as it comes.
    ///
    /// # Errors
    ///
    /// It cannot be read to its end, or not be kept.
    pub(crate) async fn gather(
        self: Arc<Self>,
        environ: Environ,
        request: Option<Arc<Progress>>,
    ) -> Result<Environ, Error> {
        match request.as_ref().map(|request| request.hand_over()) {
            Some(HandOver::Live) => {
                let loan = match Arc::clone(&self.leave).try_acquire_owned() {
                    Ok(loan) => loan,
                    Err(_) => self.wait_for_leave(request).await?,
                };
                Ok(lend(environ, loan))
            }
            Some(HandOver::Awaited) if self.has_others => {
                match Arc::clone(&self.leave).try_acquire_owned() {
                    Ok(loan) => Ok(lend(environ, loan)),
                    Err(_) => self.read(environ).await,
                }
            }
            _ => self.read(environ).await,
        }
    }

    async fn wait_for_leave(
        &self,
        request: Option<Arc<Progress>>,
    ) -> Result<OwnedSemaphorePermit, UnblockError> {
        let set_stage = |stage| {
            if let Some(request) = &request {
                request.set_stage(stage);
            }
        };
        set_stage(Stage::Queued);
        let loan = Arc::clone(&self.leave).acquire_owned().await;
        set_stage(Stage::InApplication);
        loan.map_err(|_| UnblockError::Cancelled)
    }

    /// Reads the body, to memory and beyond that to a file.
    async fn read(&self, mut environ: Environ) -> Result<Environ, Error> {
        let mut arriving = environ.take_input();
        // Over HTTP/1 a connection has one body at a time, and so no more than one buffer in memory.
        let is_counted = environ.protocol() >= Version::HTTP_2;
        let mut share = Share::of(&self.memory);
        let mut upload: Option<Upload> = None;
        while let Some(chunk) = arriving.next_chunk().await? {
            if is_counted {
                share.add(chunk.len());
            }
            if upload.is_none() && !arriving.is_arriving() {
                // Most bodies are one chunk.
                environ.set_input(Input::from(chunk).with_trailers(arriving.trailers().cloned()));
                share.keep_until_the_end(&environ);
                return Ok(environ);
            }
            let mut gathered = match upload.take() {
                Some(upload) => upload,
                None => Upload::expecting(arriving.remaining()),
            };
            gathered.push(&chunk);
            drop(chunk);
            if gathered.in_memory() > self.buffer || self.memory.is_full() {
                gathered = self.spill(gathered).await?;
                share.give_back();
            }
            upload = Some(gathered);
        }
        let trailers = arriving.trailers().cloned();
        environ.set_input(upload.unwrap_or_default().into_input(trailers, log_lost));
        share.keep_until_the_end(&environ);
        Ok(environ)
    }

    /// Moves what is in memory to the file, where that holds up no task. Not on the pool: its threads may all be in
    /// calls for long.
    async fn spill(&self, mut upload: Upload) -> Result<Upload, Error> {
        let spool = Arc::clone(&self.spool);
        let spilled = tokio::task::spawn_blocking(move || {
            let result = upload.spill(&spool);
            result.map(|()| upload)
        });
        match spilled.await {
            Ok(spilled) => spilled.map_err(refusal),
            Err(_) => Err(UnblockError::Cancelled.into()), // the runtime ends
        }
    }
}

/// A request body that cannot be kept.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Unkept(#[source] StatusError);

fn refusal(error: SpoolError) -> Error {
    let status = error.status();
    let mut refusal = StatusError::new(status, error.to_string());
    if status == StatusCode::SERVICE_UNAVAILABLE {
        let soon = HeaderValue::from_static("1");
        refusal = refusal.header(RETRY_AFTER, soon);
    }
    Unkept(refusal).into()
}

fn log_lost(error: &io::Error) {
    tracing::error!(%error, "cannot read the temporary file of a request body");
}

/// How much memory the bodies of HTTP/2 take, of which a connection has many at once: all of them no more than those of
/// HTTP/1 might.
struct Memory {
    used: AtomicUsize,
    most: usize,
}

impl Memory {
    fn is_full(&self) -> bool {
        self.used.load(Ordering::Relaxed) > self.most
    }
}

/// What one body takes of it. Given back when dropped.
struct Share {
    memory: Arc<Memory>,
    bytes: usize,
}

impl Share {
    fn of(memory: &Arc<Memory>) -> Self {
        Self {
            memory: Arc::clone(memory),
            bytes: 0,
        }
    }

    fn add(&mut self, bytes: usize) {
        self.bytes += bytes;
        self.memory.used.fetch_add(bytes, Ordering::Relaxed);
    }

    fn give_back(&mut self) {
        self.memory.used.fetch_sub(self.bytes, Ordering::Relaxed);
        self.bytes = 0;
    }

    /// The body is there until the request has ended.
    fn keep_until_the_end(self, environ: &Environ) {
        if self.bytes > 0 {
            environ.on_finish(move |_| drop(self));
        }
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.give_back();
    }
}

/// Hands the body over as it comes, with the leave to wait for it.
fn lend(mut environ: Environ, loan: OwnedSemaphorePermit) -> Environ {
    let arriving = environ.take_input();
    environ.set_input(Input::live(Lent {
        arriving,
        loan: Some(loan),
    }));
    environ
}

/// A body that is read as it comes. The leave goes back at its end, or when it is dropped.
struct Lent {
    arriving: Input,
    loan: Option<OwnedSemaphorePermit>,
}

impl Body for Lent {
    type Data = Bytes;
    type Error = InputError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, InputError>>> {
        let polled = Pin::new(&mut self.arriving).poll_frame(cx);
        if polled.is_ready() && !self.arriving.is_arriving() {
            self.loan = None;
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.arriving.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.arriving.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use gateway_core::server::Call;
    use gateway_core::{Ending, Outcome};

    use super::*;

    /// A body that comes in these pieces.
    struct Pieces(VecDeque<&'static [u8]>);

    impl Body for Pieces {
        type Data = Bytes;
        type Error = InputError;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _cx: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, InputError>>> {
            let piece = self.0.pop_front();
            Poll::Ready(piece.map(|piece| Ok(Frame::data(Bytes::from_static(piece)))))
        }

        fn is_end_stream(&self) -> bool {
            self.0.is_empty()
        }
    }

    /// A request with such a body.
    fn environ(version: Version, pieces: &[&'static [u8]], call: &Call) -> Environ {
        let body = Input::live(Pieces(pieces.iter().copied().collect()));
        let request = http::Request::post("http://x/").version(version).body(body);
        let environ = Environ::from_request(request.unwrap()).unwrap();
        environ.with_call(call)
    }

    /// With room for 1000 bytes in memory.
    fn bodies() -> Arc<Bodies> {
        let mut limits = Limits::default();
        limits.buffer = 500;
        limits.connections = 2;
        Bodies::new(&limits, 4, None)
    }

    #[tokio::test]
    async fn bodies_of_many_streams_take_no_more_memory_than_those_of_many_connections() {
        let bodies = bodies();
        let read = async |call: &Call, pieces: &[&'static [u8]]| {
            let environ = environ(Version::HTTP_2, pieces, call);
            Arc::clone(&bodies).gather(environ, None).await.unwrap()
        };
        let used = || bodies.memory.used.load(Ordering::Relaxed);
        let (first, second, third) = (Call::new(), Call::new(), Call::new());
        let _kept = read(&first, &[&[1; 200], &[2; 200]]).await;
        let _whole = read(&second, &[&[3; 450]]).await;
        assert_eq!((used(), bodies.spool.used()), (850, 0));
        let mut spilled = read(&third, &[&[4; 100], &[5; 100]]).await;
        assert_eq!((used(), bodies.spool.used()), (850, 200));
        let outcome = Outcome::new(None, 0, Ending::Complete);
        first.finish(&outcome);
        assert_eq!(used(), 450);
        second.finish(&outcome);
        third.finish(&outcome);
        assert_eq!(used(), 0);
        let body = spilled.input().blocking_read_all(1000).unwrap();
        assert_eq!(body, [[4; 100], [5; 100]].concat());
        assert_eq!(bodies.spool.used(), 0);
    }

    #[tokio::test]
    async fn one_body_at_a_time_needs_no_account() {
        let bodies = bodies();
        let call = Call::new();
        let environ = environ(Version::HTTP_11, &[&[1; 200], &[2; 200]], &call);
        let _kept = Arc::clone(&bodies).gather(environ, None).await.unwrap();
        assert_eq!(bodies.memory.used.load(Ordering::Relaxed), 0);
    }
}

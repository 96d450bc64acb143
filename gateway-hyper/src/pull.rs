//! [`Pull`]: chunks that block while they are made, made on the pool.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use gateway_core::server::{Panic, catch};
use gateway_core::{Error, FileBody, Iter};
use tokio::sync::oneshot;

use crate::closing::close;
use crate::pool::Pool;
use crate::progress::Progress;

/// Chunks that block while they are made. Each is a job of its own on the pool, and the next is
/// asked for when the last has been taken: between two chunks no thread is held.
pub(crate) struct Pull {
    pool: Arc<Pool>,
    request: Arc<Progress>,
    state: State,
}

/// What makes the chunks.
pub(crate) enum Maker {
    File(FileBody),
    Iter(Iter),
}

/// A chunk, or the end, or a panic.
pub(crate) type Made = Result<Option<Result<Bytes, Error>>, Panic>;

enum State {
    Idle(Maker),
    /// The maker is on the pool, and comes back with the chunk.
    Running(oneshot::Receiver<(Made, Option<Maker>)>),
    Ended,
}

impl Pull {
    pub(crate) fn new(pool: Arc<Pool>, request: Arc<Progress>, maker: Maker) -> Self {
        Self {
            pool,
            request,
            state: State::Idle(maker),
        }
    }

    /// Polls for the next chunk.
    pub(crate) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Made> {
        if let State::Idle(_) = self.state {
            self.ask();
        }
        let State::Running(answer) = &mut self.state else {
            return Poll::Ready(Ok(None));
        };
        let answer = ready!(Pin::new(answer).poll(cx));
        self.state = State::Ended;
        match answer {
            Ok((made, Some(maker))) => {
                self.state = State::Idle(maker);
                Poll::Ready(made)
            }
            Ok((made, None)) => Poll::Ready(made),
            Err(_) => Poll::Ready(Ok(Some(Err("the host stops".into())))),
        }
    }

    fn ask(&mut self) {
        let State::Idle(mut maker) = std::mem::replace(&mut self.state, State::Ended) else {
            return;
        };
        let (answer, asked) = oneshot::channel();
        self.state = State::Running(asked);
        let request = Arc::clone(&self.request);
        self.pool.pull(Box::new(move || {
            let made = catch(|| maker.next());
            // What has ended is closed here, on a thread that may block.
            let more = match made {
                Ok(Some(Ok(_))) => Some(maker),
                _ => {
                    close(maker, &request);
                    None
                }
            };
            if let Err(unwanted) = answer.send((made, more)) {
                close(unwanted, &request);
            }
        }));
    }
}

/// What makes the chunks is closed where it may block.
impl Drop for Pull {
    fn drop(&mut self) {
        let maker = match std::mem::replace(&mut self.state, State::Ended) {
            State::Idle(maker) => Some(maker),
            State::Running(mut answer) => {
                answer.close(); // what is not there yet stays with the job
                answer.try_recv().ok().and_then(|(_, maker)| maker)
            }
            State::Ended => None,
        };
        if let Some(maker) = maker {
            let request = Arc::clone(&self.request);
            self.pool.pull(Box::new(move || close(maker, &request)));
        }
    }
}

impl Maker {
    fn next(&mut self) -> Option<Result<Bytes, Error>> {
        match self {
            Self::File(file) => file.next().map(|chunk| chunk.map_err(Into::into)),
            Self::Iter(chunks) => chunks.next(),
        }
    }
}

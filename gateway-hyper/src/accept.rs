//! The accept loop: takes connections as long as there is room, and does not fall over.

use std::future::{Future, poll_fn};
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use gateway_core::server::Trouble;
use gateway_core::{Application, Endpoint, Scheme};
use tokio::time::{sleep_until, timeout};

use crate::connection::{self, State};
use crate::listener::{Accepted, Listener};
use crate::shared::{Phase, Shared};

/// How long accepting pauses when the process has no file descriptor left, if no connection ends before.
const PAUSE: Duration = Duration::from_millis(50);

/// Accepts connections until the server is to stop.
pub(crate) async fn accept<A: Application>(
    shared: &Arc<Shared>,
    listeners: &[Listener],
    app: &Arc<A>,
) {
    let mut turn = 0;
    let troubles = Troubles::default();
    while shared.stop.phase() == Phase::Serving {
        if !wait_for_room(shared, &troubles).await {
            return;
        }
        let next = troubles.tell_room_until(poll_fn(|cx| poll_accept(listeners, &mut turn, cx)));
        let Some(accepted) = unless_stopped(shared, next).await else {
            return;
        };
        match accepted {
            Ok(accepted) => begin(shared, app, accepted),
            Err(error) if is_of_the_connection(&error) => {
                tracing::debug!(%error, "a connection was gone before it was accepted");
            }
            Err(error) => {
                if troubles.starved.occurs(Instant::now()) {
                    tracing::error!(%error, "cannot accept connections; trying on");
                }
                let _ = timeout(PAUSE, shared.ended.notified()).await; // whichever comes first
            }
        }
    }
}

/// Why connections wait in the backlog longer than they should.
#[derive(Default)]
struct Troubles {
    /// There are as many connections as are allowed.
    crowd: Trouble,
    /// Accepting fails, mostly for want of descriptors.
    starved: Trouble,
}

impl Troubles {
    /// Waits for `next`, and says meanwhile that nobody waits any more who did before.
    async fn tell_room_until<F: Future>(&self, next: F) -> F::Output {
        let mut next = pin!(next);
        while let Some(calm_at) = self.crowd.calm_at().max(self.starved.calm_at()) {
            let mut calm = pin!(sleep_until(calm_at.into()));
            let found = poll_fn(|cx| match next.as_mut().poll(cx) {
                Poll::Ready(found) => Poll::Ready(Some(found)),
                Poll::Pending => calm.as_mut().poll(cx).map(|()| None),
            });
            if let Some(found) = found.await {
                return found;
            }
            let now = Instant::now();
            if self.crowd.is_over(now) | self.starved.is_over(now) {
                tracing::info!("accepting connections again");
            }
        }
        next.await
    }
}

/// Takes the connections that the kernel has accepted already, so that closing the listeners resets
/// none of them; then closes them.
pub(crate) fn take_backlog<A: Application>(
    shared: &Arc<Shared>,
    listeners: Vec<Listener>,
    app: &Arc<A>,
) {
    for listener in listeners {
        let taken = listener.into_backlog(|accepted| match accepted {
            Ok(accepted) => {
                begin(shared, app, accepted);
                true
            }
            Err(error) => is_of_the_connection(&error),
        });
        if let Err(error) = taken {
            tracing::warn!(%error, "cannot look into the backlog");
        }
    }
}

/// Starts serving a connection, in a task of its own.
fn begin<A: Application>(shared: &Arc<Shared>, app: &Arc<A>, accepted: Accepted) {
    let Accepted {
        socket,
        remote,
        local,
    } = accepted;
    socket.keep_unsent(shared.settings.limits.buffer);
    let endpoint = Endpoint::new(remote, local, Scheme::Http, shared.gateway.clone());
    let state = State::new(Arc::clone(shared), Arc::new(endpoint));
    let counted = Counted {
        number: shared.enter(Arc::clone(&state)),
        shared: Arc::clone(shared),
    };
    let app = Arc::clone(app);
    tokio::spawn(async move {
        connection::serve(socket, state, app).await;
        drop(counted);
    });
}

/// Counts a connection out when it ends, however that comes about.
struct Counted {
    number: u64,
    shared: Arc<Shared>,
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.shared.leave(self.number);
    }
}

/// Waits until there are fewer connections than the limit; false if the server is to stop.
async fn wait_for_room(shared: &Shared, troubles: &Troubles) -> bool {
    let limit = shared.settings.limits.connections;
    let is_full = || shared.count.load(Ordering::Acquire) >= limit;
    if !is_full() {
        return true;
    }
    if troubles.crowd.occurs(Instant::now()) {
        tracing::warn!(
            limit,
            "as many connections as allowed; more wait in the backlog"
        );
    }
    loop {
        let mut ended = pin!(shared.ended.notified());
        ended.as_mut().enable(); // before the look, so that nothing is missed in between
        if !is_full() {
            troubles.crowd.lasts(Instant::now());
            return true;
        }
        if unless_stopped(shared, ended).await.is_none() {
            return false;
        }
    }
}

/// The listeners in turn, so that a busy one does not shut the others out.
fn poll_accept(
    listeners: &[Listener],
    turn: &mut usize,
    cx: &mut Context<'_>,
) -> Poll<io::Result<Accepted>> {
    for _ in 0..listeners.len() {
        *turn = (*turn + 1) % listeners.len();
        if let ready @ Poll::Ready(_) = listeners[*turn].poll_accept(cx) {
            return ready;
        }
    }
    Poll::Pending
}

/// `future`, or `None` once the server is to stop.
pub(crate) async fn unless_stopped<F: Future>(shared: &Shared, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut stopped = pin!(shared.stop.changed.notified());
    poll_fn(|cx| {
        if let Poll::Ready(output) = future.as_mut().poll(cx) {
            return Poll::Ready(Some(output));
        }
        if shared.stop.phase() != Phase::Serving || stopped.as_mut().poll(cx).is_ready() {
            return Poll::Ready(None);
        }
        Poll::Pending
    })
    .await
}

/// Whether an error is the fate of one connection and says nothing of the next.
fn is_of_the_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::NotConnected
            | io::ErrorKind::InvalidInput // Darwin: setting an option on a connection that is gone
    )
}

//! HTTP/2 streams, and the deadlines that each has by itself: a client that opens its window for the
//! others may leave one response lying.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use hyper::rt::Executor;
use tokio::time::{Sleep, sleep_until};

use super::State;
use super::taking::Taking;

/// Has hyper's streams driven, each in a task of its own.
#[derive(Clone)]
pub(super) struct Streams(pub(super) Arc<State>);

impl<F> Executor<F> for Streams
where
    F: Future + Send + 'static,
    F::Output: Send,
{
    fn execute(&self, stream: F) {
        let taking = Arc::new(Taking::new(Arc::clone(&self.0)));
        let driven = drive(stream, Arc::clone(&taking));
        tokio::spawn(taking.scope(driven));
    }
}

/// Polls a stream to its end, or lets it go, which resets it, when the client takes nothing of it for too
/// long. Then waits for what h2 still has of it, and cannot reset: no more than [`AT_ONCE`] bytes, which stay
/// with h2 until the client takes them, or the connection ends.
///
/// The timer is there only once something waits, and is let go off like the connection's.
///
/// [`AT_ONCE`]: crate::exchange::AT_ONCE
async fn drive<F: Future>(stream: F, taking: Arc<Taking>) {
    let mut alarm: Option<Pin<Box<Sleep>>> = None;
    {
        let mut stream = pin!(stream);
        poll_fn(|cx| match stream.as_mut().poll(cx) {
            Poll::Ready(_) => Poll::Ready(()),
            Poll::Pending => poll_stall(&taking, &mut alarm, cx),
        })
        .await;
    }
    if let Some(exchange) = taking.kept() {
        // Most of them are written as soon as the connection has its turn; they need no timer.
        let mut has_waited = false;
        poll_fn(|cx| {
            if taking.poll_none(cx).is_ready() {
                return Poll::Ready(());
            }
            if !std::mem::replace(&mut has_waited, true) {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            poll_stall(&taking, &mut alarm, cx)
        })
        .await;
        exchange.resume(taking);
    }
}

/// Ready once something has been on its way for too long.
fn poll_stall(
    taking: &Taking,
    alarm: &mut Option<Pin<Box<Sleep>>>,
    cx: &mut Context<'_>,
) -> Poll<()> {
    while let Some((due, cause)) = taking.due() {
        let at = || taking.instant(due).into();
        let alarm = alarm.get_or_insert_with(|| Box::pin(sleep_until(at())));
        if alarm.deadline() > at() {
            alarm.as_mut().reset(at()); // what was to be waited for before may have been longer
        }
        ready!(alarm.as_mut().poll(cx));
        if taking.now() >= due {
            taking.reset(cause);
            return Poll::Ready(());
        }
        alarm.as_mut().reset(at());
    }
    Poll::Pending
}

//! A request body that is read while the application runs.
//!
//! The client waits for `100 Continue`, so the body cannot be read first: it is asked for when the
//! application reads (RFC 9110 §10.1.1). The worker then waits for the client, without a seat.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Instant;

use bytes::{Buf, Bytes, BytesMut};
use gateway_core::server::{Pace, Stage, Timeouts};
use gateway_core::{Input, InputError};
use gateway_http1::{CONTINUE, Error, Event, Receiver};
use http_body::{Body, Frame, SizeHint};

use crate::deadline::{Deadline, Phase};
use crate::log::Current;
use crate::socket::Socket;

/// How much is read from the socket at a time.
const CHUNK: usize = 16 * 1024;

/// Leave for one more thread to wait for a client that holds its body back. Given back when dropped.
#[derive(Debug)]
pub(crate) struct Loan(Arc<AtomicUsize>);

impl Loan {
    /// Leave, if fewer than `most` have it.
    pub(crate) fn try_take(lent: &Arc<AtomicUsize>, most: usize) -> Option<Self> {
        let more = |lent: usize| (lent < most).then_some(lent + 1);
        let taken = lent.fetch_update(Ordering::AcqRel, Ordering::Acquire, more);
        taken.is_ok().then(|| Self(Arc::clone(lent)))
    }
}

impl Drop for Loan {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

/// The worker's end of a live body: it takes back what it lent.
#[derive(Debug)]
pub(crate) struct Live {
    shared: Arc<Shared>,
    _loan: Loan,
}

/// What both ends look at.
#[derive(Debug)]
struct Shared {
    place: Mutex<Place>,
    /// Whether `100 Continue` may still be sent: not after it was, nor after the final head. Locked
    /// while it is sent.
    may_continue: Mutex<bool>,
}

/// Where the reader is.
#[derive(Debug)]
enum Place {
    /// Nobody reads.
    Here(Box<Reading>),
    /// Somebody reads, and may be waiting for the client.
    Out,
    /// Taken back.
    Gone,
}

/// What a live body reads from; lent by the connection.
#[derive(Debug)]
struct Reading {
    socket: Arc<Socket>,
    reader: Reader,
    current: Arc<Current>,
    pace: Pace,
    timeouts: Arc<Timeouts>,
    limit: u64,
    ended: bool,
}

/// The receiving half of a connection, and what it has not used.
#[derive(Debug)]
pub(crate) struct Reader {
    pub(crate) receiver: Receiver,
    pub(crate) inbox: BytesMut,
}

/// A live body that is over for the connection.
#[derive(Debug)]
pub(crate) struct Returned {
    pub(crate) reader: Reader,
    /// Whether the body was read to its end, so that another request can follow.
    pub(crate) ended: bool,
}

impl Live {
    /// Lends the connection's reader to the application's input.
    pub(crate) fn lend(
        loan: Loan,
        socket: Arc<Socket>,
        reader: Reader,
        current: Arc<Current>,
        timeouts: &Arc<Timeouts>,
        limit: u64,
    ) -> (Self, Input) {
        let reading = Reading {
            socket,
            reader,
            current,
            pace: Pace::default(),
            timeouts: Arc::clone(timeouts),
            limit,
            ended: false,
        };
        let shared = Arc::new(Shared {
            place: Mutex::new(Place::Here(Box::new(reading))),
            may_continue: Mutex::new(true),
        });
        let input = Input::live(LiveBody(Arc::clone(&shared)));
        let live = Self {
            shared,
            _loan: loan,
        };
        (live, input)
    }

    /// The final head is about to be sent: no interim response may follow it.
    pub(crate) fn answer(&self) {
        *lock(&self.shared.may_continue) = false;
    }

    /// Whether the body was read to its end.
    pub(crate) fn has_ended(&self) -> bool {
        matches!(&*lock(&self.shared.place), Place::Here(reading) if reading.ended)
    }

    /// Takes the reader back. An input that is still held reads no more; where it is being read from,
    /// by another thread, the connection cannot go on.
    pub(crate) fn take_back(self) -> Option<Returned> {
        match std::mem::replace(&mut *lock(&self.shared.place), Place::Gone) {
            Place::Here(mut reading) => {
                if reading.reader.inbox.is_empty() {
                    reading.reader.inbox = BytesMut::new(); // the memory goes back
                }
                Some(Returned {
                    reader: reading.reader,
                    ended: reading.ended,
                })
            }
            Place::Out | Place::Gone => None,
        }
    }
}

/// The application's end of a live body.
struct LiveBody(Arc<Shared>);

impl Body for LiveBody {
    type Data = Bytes;
    type Error = InputError;

    /// Blocks until there is a frame: it is polled on a worker, which may.
    fn poll_frame(
        self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, InputError>>> {
        let place = std::mem::replace(&mut *lock(&self.0.place), Place::Out);
        let Place::Here(mut reading) = place else {
            *lock(&self.0.place) = Place::Gone;
            return Poll::Ready(Some(Err(InputError::Disconnected)));
        };
        let frame = reading.next_frame(&self.0.may_continue);
        let mut place = lock(&self.0.place);
        if matches!(*place, Place::Out) {
            *place = Place::Here(reading);
        }
        Poll::Ready(frame.transpose())
    }

    fn is_end_stream(&self) -> bool {
        matches!(&*lock(&self.0.place), Place::Here(reading) if reading.ended)
    }

    fn size_hint(&self) -> SizeHint {
        match &*lock(&self.0.place) {
            Place::Here(reading) => reading.size_hint(),
            _ => SizeHint::default(),
        }
    }
}

impl Reading {
    fn size_hint(&self) -> SizeHint {
        let remaining = self.reader.receiver.remaining();
        remaining.map_or_else(SizeHint::default, SizeHint::with_exact)
    }

    fn next_frame(
        &mut self,
        may_continue: &Mutex<bool>,
    ) -> Result<Option<Frame<Bytes>>, InputError> {
        self.send_continue(may_continue)?;
        while !self.ended {
            let Reader { receiver, inbox } = &mut self.reader;
            let received = receiver
                .receive(inbox)
                .map_err(|error| input_error(error, self.limit))?;
            let data = match &received.event {
                Some(Event::Data(range)) => Bytes::copy_from_slice(&inbox[range.clone()]),
                _ => Bytes::new(),
            };
            inbox.advance(received.used);
            match received.event {
                Some(Event::Data(_)) => {
                    self.note_end();
                    return Ok(Some(Frame::data(data)));
                }
                Some(Event::Trailers(trailers)) => return Ok(Some(Frame::trailers(trailers))),
                Some(Event::End) => self.ended = true,
                Some(Event::Head(_)) => return Err(InputError::Malformed),
                None => self.read_more()?,
            }
        }
        Ok(None)
    }

    /// Takes the end that may stand right behind the last data, so that it is known at once.
    fn note_end(&mut self) {
        if self.reader.receiver.remaining() == Some(0) {
            let end = self.reader.receiver.receive(&[]);
            self.ended = matches!(end, Ok(received) if matches!(received.event, Some(Event::End)));
        }
    }

    /// Asks for the body, unless that was done or the final response is on its way: an interim
    /// response in the middle of it would be taken for a part of it (RFC 9110 §15.2.1).
    fn send_continue(&mut self, may_continue: &Mutex<bool>) -> Result<(), InputError> {
        let mut may_continue = lock(may_continue);
        if !std::mem::take(&mut *may_continue) {
            return Ok(());
        }
        let until = Instant::now().checked_add(self.timeouts.body_stall);
        let mut rest = CONTINUE;
        while !rest.is_empty() {
            match self.socket.write(&[IoSlice::new(rest)]).map_err(lost)? {
                Some(taken) => rest = &rest[taken..],
                None if self.socket.wait_writable(until).map_err(lost)? => {}
                None => return Err(InputError::TimedOut),
            }
        }
        Ok(())
    }

    fn read_more(&mut self) -> Result<(), InputError> {
        let inbox = &mut self.reader.inbox;
        let length = inbox.len();
        inbox.resize(length + CHUNK, 0);
        let result = loop {
            match self.socket.read(&mut self.reader.inbox[length..]) {
                Ok(Some(amount)) => break Ok(amount),
                Err(error) => break Err(lost(error)),
                Ok(None) => {}
            }
            if let Err(error) = self.wait() {
                break Err(error);
            }
        };
        let inbox = &mut self.reader.inbox;
        inbox.truncate(length + *result.as_ref().unwrap_or(&0));
        if inbox.is_empty() {
            *inbox = BytesMut::new(); // the memory goes back
        }
        match result? {
            0 => Err(InputError::Disconnected),
            amount => {
                self.pace.add(amount as u64);
                Ok(())
            }
        }
    }

    /// Waits for the client, whose time it is.
    fn wait(&mut self) -> Result<(), InputError> {
        let start = Instant::now();
        self.pace.resume(start);
        let deadline = Deadline::new(Phase::Body, start, &self.timeouts);
        let deadline = deadline.with(&mut self.pace, start, &self.timeouts);
        self.current.set_stage(Stage::ReadingBody);
        let readable = self.socket.wait_readable(deadline.first());
        let now = Instant::now();
        self.pace.pause(now);
        let in_time = readable.map_err(lost)?;
        if !in_time {
            let sight = self.current.sight_of_call(start);
            sight.log_cut(deadline.why(now), now);
        }
        self.current.set_stage(Stage::InApplication);
        in_time.then_some(()).ok_or(InputError::TimedOut)
    }
}

fn input_error(error: Error, limit: u64) -> InputError {
    match error {
        Error::BodyTooLarge => InputError::TooLarge { limit },
        _ => InputError::Malformed,
    }
}

fn lost(_: io::Error) -> InputError {
    InputError::Disconnected
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_is_lent_than_may_be_and_it_comes_back() {
        let lent = Arc::new(AtomicUsize::new(0));
        let first = Loan::try_take(&lent, 1);
        assert!(first.is_some());
        assert!(Loan::try_take(&lent, 1).is_none());
        drop(first);
        assert!(Loan::try_take(&lent, 1).is_some());
        assert!(Loan::try_take(&lent, 0).is_none());
    }
}

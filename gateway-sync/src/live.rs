//! A request body that is read while the application runs.
//!
//! Because the host was told to hand it over as it comes; or because the client waits for
//! `100 Continue`, so that the body cannot be read first: it is asked for when the application reads
//! (RFC 9110 §10.1.1). The worker then waits for the client, without a seat.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Instant;

use bytes::{Buf, Bytes, BytesMut};
use gateway_core::server::{Pace, Stage, Timeouts};
use gateway_core::{Input, InputError};
use gateway_http1::{CONTINUE, CloseReason, Error, Event, Receiver};
use http_body::{Body, Frame, SizeHint};

use crate::deadline::{Deadline, Phase};
use crate::lending::Loan;
use crate::log::Current;
use crate::socket::Socket;

/// How much of a body may be left unread for the connection to go on all the same: it is thrown away as
/// it comes.
const LITTLE: u64 = 64 * 1024;

/// How much is read from the socket at a time.
const CHUNK: usize = 16 * 1024;

/// The worker's end of a live body: it takes back what it lent.
#[derive(Debug)]
pub(crate) struct Live {
    shared: Arc<Shared>,
    /// The answer has begun, and the client was not asked for the body: it may never come.
    unasked: bool,
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
    /// Reading has failed: nobody knows what comes next.
    failed: bool,
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
    /// Whether another request can follow: the body was read to its end, or as good as.
    pub(crate) ended: bool,
}

impl Live {
    /// Lends the connection's reader to the application's input.
    pub(crate) fn lend(
        loan: Loan,
        may_continue: bool,
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
            failed: false,
        };
        let shared = Arc::new(Shared {
            place: Mutex::new(Place::Here(Box::new(reading))),
            may_continue: Mutex::new(may_continue),
        });
        let input = Input::live(LiveBody(Arc::clone(&shared)));
        let live = Self {
            shared,
            unasked: false,
            _loan: loan,
        };
        (live, input)
    }

    /// The final head is about to be sent: no interim response may follow it.
    pub(crate) fn answer(&mut self) {
        self.unasked = std::mem::take(&mut *lock(&self.shared.may_continue));
        // What is here and will be read by nobody is done with.
        if Arc::strong_count(&self.shared) == 1 {
            if let Place::Here(reading) = &mut *lock(&self.shared.place) {
                reading.discard();
            }
        }
    }

    /// Whether another request can follow, as far as is known: the body was read to its end, or what is
    /// left of it is little and on its way.
    pub(crate) fn can_go_on(&self) -> bool {
        match &*lock(&self.shared.place) {
            Place::Here(reading) => reading.ended || (!self.unasked && reading.has_little_left()),
            _ => false,
        }
    }

    /// Takes the reader back. An input that is still held reads no more; where it is being read from,
    /// by another thread, the connection cannot go on.
    pub(crate) fn take_back(self) -> Option<Returned> {
        let ended = self.can_go_on();
        match std::mem::replace(&mut *lock(&self.shared.place), Place::Gone) {
            Place::Here(mut reading) => {
                if reading.reader.inbox.is_empty() {
                    reading.reader.inbox = BytesMut::new(); // the memory goes back
                }
                Some(Returned {
                    reader: reading.reader,
                    ended,
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
        reading.failed |= frame.is_err();
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

    fn has_little_left(&self) -> bool {
        let left = self.reader.receiver.remaining();
        !self.failed && left.is_some_and(|left| left <= LITTLE)
    }

    /// Throws away what is here of the body.
    fn discard(&mut self) {
        let Reader { receiver, inbox } = &mut self.reader;
        while !self.ended {
            match receiver.receive(inbox) {
                Ok(received) => {
                    inbox.advance(received.used);
                    self.ended = matches!(received.event, Some(Event::End));
                    if received.event.is_none() {
                        return;
                    }
                }
                Err(_) => return, // it is found again by who reads on
            }
        }
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
                None => {
                    self.tell_cut("nothing of 100 Continue was taken for too long");
                    return Err(InputError::TimedOut);
                }
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
        match result.inspect_err(|error| self.tell_lost(*error))? {
            0 => {
                let left = self.reader.receiver.end_of_input();
                self.tell_cut(&left.to_string());
                Err(InputError::Disconnected)
            }
            amount => {
                self.pace.add(amount as u64);
                Ok(())
            }
        }
    }

    fn tell_lost(&self, error: InputError) {
        if error == InputError::Disconnected {
            self.tell_cut(&CloseReason::Disconnected.to_string());
        }
    }

    /// Says in the log that the request is cut off within its body, unless its end was told of.
    fn tell_cut(&self, why: &str) {
        let now = Instant::now();
        let sight = self.current.sight_of_body(now);
        if self.current.tell() {
            sight.log_cut(why, now);
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
            self.tell_cut(deadline.why(now));
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

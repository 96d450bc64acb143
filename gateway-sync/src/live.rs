//! A request body that is read while the application runs.
//!
//! The client waits for `100 Continue`, so the body cannot be read first: it is asked for when the
//! application reads (RFC 9110 §10.1.1). The worker then waits for the client, without a seat.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use gateway_core::{Input, InputError};
use gateway_http1::{CONTINUE, Error, Event, Receiver};
use http_body::{Body, Frame, SizeHint};

use crate::socket::Socket;

/// How much is read from the socket at a time.
const CHUNK: usize = 16 * 1024;

/// The worker's end of a live body: it takes back what it lent.
#[derive(Debug)]
pub(crate) struct Live(Arc<Mutex<Option<Reading>>>);

/// What a live body reads from; lent by the connection.
#[derive(Debug)]
struct Reading {
    socket: Arc<Socket>,
    reader: Reader,
    stall: Duration,
    continued: bool,
    ended: bool,
}

/// The receiving half of a connection, and what it has not used.
#[derive(Debug)]
pub(crate) struct Reader {
    pub(crate) receiver: Receiver,
    pub(crate) inbox: Vec<u8>,
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
    pub(crate) fn lend(socket: Arc<Socket>, reader: Reader, stall: Duration) -> (Self, Input) {
        let reading = Reading {
            socket,
            reader,
            stall,
            continued: false,
            ended: false,
        };
        let shared = Arc::new(Mutex::new(Some(reading)));
        (Self(Arc::clone(&shared)), Input::live(LiveBody(shared)))
    }

    /// Whether the body was read to its end.
    pub(crate) fn has_ended(&self) -> bool {
        lock(&self.0).as_ref().is_some_and(|reading| reading.ended)
    }

    /// Takes the reader back. An input that is still held reads no more.
    pub(crate) fn take_back(self) -> Option<Returned> {
        let reading = lock(&self.0).take()?;
        Some(Returned {
            reader: reading.reader,
            ended: reading.ended,
        })
    }
}

/// The application's end of a live body.
struct LiveBody(Arc<Mutex<Option<Reading>>>);

impl Body for LiveBody {
    type Data = Bytes;
    type Error = InputError;

    /// Blocks until there is a frame: it is polled on a worker, which may.
    fn poll_frame(
        self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, InputError>>> {
        let mut reading = lock(&self.0);
        Poll::Ready(match reading.as_mut() {
            Some(reading) => reading.next_frame().transpose(),
            None => Some(Err(InputError::Disconnected)),
        })
    }

    fn is_end_stream(&self) -> bool {
        lock(&self.0).as_ref().is_some_and(|reading| reading.ended)
    }

    fn size_hint(&self) -> SizeHint {
        let remaining = lock(&self.0)
            .as_ref()
            .and_then(|reading| reading.reader.receiver.remaining());
        remaining.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

impl Reading {
    fn next_frame(&mut self) -> Result<Option<Frame<Bytes>>, InputError> {
        self.send_continue()?;
        while !self.ended {
            let Reader { receiver, inbox } = &mut self.reader;
            let received = receiver.receive(inbox).map_err(input_error)?;
            let data = match &received.event {
                Some(Event::Data(range)) => Bytes::copy_from_slice(&inbox[range.clone()]),
                _ => Bytes::new(),
            };
            inbox.drain(..received.used);
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

    fn send_continue(&mut self) -> Result<(), InputError> {
        if std::mem::replace(&mut self.continued, true) {
            return Ok(());
        }
        let until = self.deadline();
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
        let until = Instant::now() + self.stall;
        let length = inbox.len();
        inbox.resize(length + CHUNK, 0);
        let result = loop {
            match self.socket.read(&mut inbox[length..]) {
                Ok(Some(amount)) => break Ok(amount),
                Err(error) => break Err(lost(error)),
                Ok(None) => {}
            }
            match self.socket.wait_readable(until) {
                Ok(true) => {}
                Ok(false) => break Err(InputError::TimedOut),
                Err(error) => break Err(lost(error)),
            }
        };
        inbox.truncate(length + *result.as_ref().unwrap_or(&0));
        match result? {
            0 => Err(InputError::Disconnected),
            _ => Ok(()),
        }
    }

    fn deadline(&self) -> Instant {
        Instant::now() + self.stall
    }
}

fn input_error(error: Error) -> InputError {
    match error {
        // The receiver knows the limit; all that is left to say is that it was exceeded.
        Error::BodyTooLarge => InputError::TooLarge { limit: 0 },
        _ => InputError::Malformed,
    }
}

fn lost(_: io::Error) -> InputError {
    InputError::Disconnected
}

fn lock(shared: &Mutex<Option<Reading>>) -> MutexGuard<'_, Option<Reading>> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

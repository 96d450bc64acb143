//! A host of one's own: a thread a connection, over a Unix socket. `docs/own-host.md` builds it step by
//! step, and the suite says what it can.

#![forbid(unsafe_code)]

use std::future::poll_fn;
use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Instant, SystemTime};

use bytes::BytesMut;
use gateway_core::server::{Call, Caught, Host, Job, Panic, block_on, check_requirements};
use gateway_core::server::{catch, error_response};
use gateway_core::{Address, Application, Capabilities, Ending, Endpoint, Environ, Gateway};
use gateway_core::{Input, Outcome, Response, Result, Scheme, UnblockError, status};
use gateway_http1::{AfterResponse, BodyLength, CONTINUE, Error, Event, Exchange, Limits};
use gateway_http1::{Receiver, RequestHead, encode_head};
use http::StatusCode;
use http_body::{Body as _, Frame};

struct OwnHost;

impl Host for OwnHost {
    fn software(&self) -> &str {
        "own-host/0.1"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::MULTITHREAD | Capabilities::STREAMING | Capabilities::TRAILERS
    }

    fn may_block(&self) -> bool {
        true // each connection has a thread
    }

    fn unblock(&self, job: Job) -> Result<(), UnblockError> {
        job();
        Ok(())
    }
}

/// Serves `app` until `stop` is set and one more client has come.
///
/// # Errors
///
/// If the application needs more than this host can do, or the listener fails.
pub fn serve(listener: &UnixListener, app: impl Application, stop: &AtomicBool) -> io::Result<()> {
    let gateway = Gateway::new(OwnHost);
    check_requirements(&app, gateway.capabilities())?;
    let here = Address::Unix(listener.local_addr()?.as_pathname().map(Arc::from));
    let ends = Endpoint::new(Address::Unix(None), here, Scheme::Http, gateway);
    let (app, ends) = (Arc::new(app), Arc::new(ends));
    while !stop.load(Ordering::SeqCst) {
        let connection = Connection {
            stream: listener.accept()?.0,
            ends: Arc::clone(&ends),
            receiver: Receiver::new(Limits::default()),
            buffer: BytesMut::new(),
            sent: (StatusCode::OK, 0),
        };
        let app = Arc::clone(&app);
        thread::spawn(move || connection.converse(&*app));
    }
    Ok(())
}

type Request = (RequestHead, Input);
type Sent = io::Result<AfterResponse>;

struct Connection {
    stream: UnixStream,
    ends: Arc<Endpoint>,
    receiver: Receiver,
    /// What was received and not used.
    buffer: BytesMut,
    /// Of the answer at hand: its status, and the bytes of its body.
    sent: (StatusCode, u64),
}

impl Connection {
    /// One request after the other. Any error ends the connection, and with it the thread.
    fn converse(mut self, app: &impl Application) -> io::Result<()> {
        loop {
            let after = match self.receive()? {
                Ok(request) => self.exchange(request, app)?,
                Err(refused) => self.send(status(refused.status()), &Exchange::refused(refused))?,
            };
            if after != AfterResponse::KeepAlive {
                self.stream.shutdown(Shutdown::Write)?;
                return io::copy(&mut self.stream, &mut io::sink()).map(drop);
            }
        }
    }

    /// A whole request, or why it is refused.
    fn receive(&mut self) -> io::Result<Result<Request, Error>> {
        let (mut head, mut body, mut trailers) = (None, BytesMut::new(), None);
        loop {
            let received = match self.receiver.receive(&self.buffer) {
                Ok(received) => received,
                Err(refused) => return Ok(Err(refused)),
            };
            let used = self.buffer.split_to(received.used);
            match received.event {
                Some(Event::Head(begun)) if begun.expects_continue => {
                    self.stream.write_all(CONTINUE)?;
                    head = Some(begun);
                }
                Some(Event::Head(begun)) => head = Some(begun),
                Some(Event::Data(range)) => body.extend_from_slice(&used[range]),
                Some(Event::Trailers(fields)) => trailers = Some(fields),
                Some(Event::End) => break,
                None => self.read()?,
            }
        }
        let head = head.ok_or(io::ErrorKind::InvalidData)?; // comes before the end
        let input = Input::from(body.freeze()).with_trailers(trailers);
        Ok(Ok((head, input)))
    }

    fn read(&mut self) -> io::Result<()> {
        let mut piece = [0; 16 * 1024];
        let length = self.stream.read(&mut piece)?;
        self.buffer.extend_from_slice(&piece[..length]);
        match length {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }

    /// A call and its answer, and how it ended.
    fn exchange(&mut self, (head, input): Request, app: &impl Application) -> Sent {
        let (exchange, call) = (head.exchange(), Call::new());
        let environ = Environ::new(head.into_parts(), input, Arc::clone(&self.ends), &call);
        let answered = environ.map_err(Into::into).and_then(|environ| {
            let environ = environ.with_times(Instant::now(), None);
            block_on(Caught::new(pin!(app.call(environ))))?
        });
        let (answer, ending) = match answered {
            Ok(answer) => (answer, Ending::Complete),
            Err(error) => (error_response(&*error), ending_of(error.is::<Panic>())),
        };
        let sent = catch(|| self.send(answer, &exchange)); // dropped, a body may panic too
        let after = sent.unwrap_or_else(|panic| Err(io::Error::other(panic)));
        let ending = match after.as_ref().map_err(io::Error::get_ref) {
            Ok(_) => ending,
            Err(Some(cause)) => ending_of(cause.is::<Panic>()),
            Err(None) => Ending::Disconnected, // the system's own error
        };
        call.finish(&Outcome::new(Some(self.sent.0), self.sent.1, ending));
        after
    }

    /// Sends an answer; one that cannot be sent is a 500. An error cuts the connection.
    fn send(&mut self, answer: Response, exchange: &Exchange) -> Sent {
        let (parts, mut body) = answer.into_parts();
        let length = body.length().map_or(BodyLength::Unknown, BodyLength::Known);
        let date = httpdate::fmt_http_date(SystemTime::now()).into_bytes();
        let date = date.first_chunk().ok_or(io::ErrorKind::InvalidData)?; // has 29 bytes
        let (mut out, mut trailers) = (Vec::new(), None);
        let (status, fields) = (parts.status, &parts.headers);
        let mut encoder = match encode_head(&mut out, exchange, status, fields, length, date) {
            Ok(encoder) => encoder,
            Err(error) => return self.send(error_response(&error), exchange),
        };
        self.sent = (status, 0);
        while encoder.wants_body() && encoder.remaining() != Some(0) {
            self.stream.write_all(&std::mem::take(&mut out))?;
            let frame = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx));
            let frame = block_on(Caught::new(pin!(frame))).map_err(io::Error::other)?;
            let frame = frame.transpose().map_err(io::Error::other)?;
            match frame.map(Frame::into_data) {
                None => break,
                Some(Ok(data)) => {
                    encoder.data(&data, &mut out).map_err(io::Error::other)?;
                    self.sent.1 += data.len() as u64;
                }
                Some(Err(frame)) => trailers = frame.into_trailers().ok(),
            }
        }
        let after = encoder.end(trailers.as_ref(), &mut out);
        self.stream.write_all(&out)?;
        after.map_err(io::Error::other)
    }
}

fn ending_of(panicked: bool) -> Ending {
    match panicked {
        true => Ending::Panicked,
        false => Ending::Failed,
    }
}

//! [`Io`]: the connection's socket as hyper sees it.
//!
//! Moves bytes, lets those through that are sound, and notes since when the client takes none. What
//! is sound is [`wire`](crate::wire)'s business, what is overdue [`deadline`](super::deadline)'s.

use std::future::Future;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use bytes::{Buf, BytesMut};
use gateway_core::server::{Ahead, Lead, Pace};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

use super::frames::{Frames, overdraft};
use super::opening::{Opening, Protocol};
use super::{State, kill};
use crate::cause::Cause;
use crate::listener::{End, Socket};
use crate::refusal::Refusal;
use crate::wire::Wire;

/// How much is read at once into bytes that wait to be whole.
const READ: usize = 4096;

/// How much of pipelined requests is read ahead of their turn, in bytes.
const MOST_HELD: usize = 64 * 1024;

/// How much is read and forgotten after an HTTP/2 connection was closed, in bytes: twice what a client may
/// have on its way (`WINDOW`). What comes after that is no answer's business.
const MOST_FORGOTTEN: usize = 2 * super::WINDOW as usize;

/// What hyper is given to read in place of a head that it must not read. The service answers it with
/// the refusal; nothing after it is read.
const REFUSED: &[u8] = b"GET / HTTP/1.1\r\nconnection: close\r\n\r\n";

/// The same for HEAD: the answer to that has no body, whatever is wrong with it (RFC 9110 §9.3.2).
const REFUSED_HEAD: &[u8] = b"HEAD / HTTP/1.1\r\nconnection: close\r\n\r\n";

/// The connection's socket as hyper sees it.
pub(crate) struct Io {
    socket: Socket,
    state: Arc<State>,
    /// Looks at what an HTTP/1 client sends.
    wire: Option<Wire>,
    /// Looks at what an HTTP/2 client sends: h2 checks that it is sound, not that it is worth while.
    frames: Option<Frames>,
    /// Bytes that hyper has not read yet.
    waiting: BytesMut,
    /// How many of those may be read.
    sound: usize,
    /// What is wrong with what follows the sound bytes.
    refusal: Option<Refusal>,
    /// Nothing more is for hyper to read.
    over: bool,
    /// Whether the socket wakes hyper for what the client does.
    is_watched: bool,
    /// How fast the client takes what is written, since it last had taken all there was.
    pace: Pace,
    /// Whether the kernel runs ahead of the client.
    lead: Lead,
    /// Whether it is waited for to take more.
    stalls: bool,
    linger: Option<Pin<Box<Sleep>>>,
    forgotten: usize,
}

impl Io {
    /// The first bytes have been read already.
    pub(super) fn new(socket: Socket, state: Arc<State>, opening: Opening) -> Self {
        let is_http1 = opening.protocol == Protocol::Http1;
        let wire = is_http1.then(|| Wire::new(&state.shared.settings.limits));
        let frames = (!is_http1).then(|| Frames::new(state.shared.clock.now()));
        let mut io = Self {
            socket,
            state,
            wire,
            frames,
            waiting: opening.bytes,
            sound: 0,
            refusal: None,
            over: false,
            is_watched: false,
            pace: Pace::default(),
            lead: Lead::default(),
            stalls: false,
            linger: None,
            forgotten: 0,
        };
        io.look();
        io
    }

    /// Looks at the bytes that wait.
    fn look(&mut self) {
        match &mut self.wire {
            Some(wire) => {
                let verdict = wire.look(&self.waiting, self.state.ended() + 1);
                self.sound = verdict.sound;
                self.refusal = verdict.refusal;
            }
            None => {
                let waiting = std::mem::take(&mut self.waiting);
                let passed = self.look_at_frames(&waiting).unwrap_or(waiting.len());
                self.sound += passed;
                let refused = std::mem::replace(&mut self.waiting, waiting);
                self.waiting.truncate(passed);
                self.waiting.unsplit(refused);
            }
        }
        self.note_wire();
    }

    /// Looks at what an HTTP/2 client sends; how much of it may pass, if not all. In place of the rest
    /// h2 reads what it closes the connection for.
    fn look_at_frames(&mut self, read: &[u8]) -> Option<usize> {
        let frames = self.frames.as_mut()?;
        frames.earn(self.state.take_worth());
        let now = self.state.shared.clock.now();
        let passed = frames.look(read, now);
        self.state.note_read(Some(now));
        self.state.note_head(frames.is_in_head());
        if passed.is_some() {
            self.state.cut(Cause::Flood);
            if !self.state.has_requests() {
                kill::log_connection(&self.state, &self.state.waits(), Cause::Flood, None);
            }
            self.waiting
                .extend_from_slice(&overdraft(self.state.shared.settings.limits.head));
            self.sound = self.waiting.len();
            self.over = true;
        }
        passed
    }

    /// Whether the next request is held back until the one that runs has ended. Were it in hyper's
    /// buffer, hyper would not look any more whether the client is still there.
    fn holds(&self) -> bool {
        let holds = |wire: &Wire| wire.is_in_head() && wire.heads() > self.state.ended();
        self.wire.as_ref().is_some_and(holds)
    }

    /// Whether no more is read ahead.
    fn is_full(&self) -> bool {
        self.holds() && self.waiting.len() >= MOST_HELD
    }

    /// Looks whether the client has left behind bytes that nobody reads, now and then: hyper reads on when they are
    /// asked for.
    fn look_for_end(&self) -> io::Result<()> {
        self.state.note_unwatched(!self.is_watched);
        if self.is_watched || !self.state.is_to_look() {
            return Ok(());
        }
        match self.socket.end() {
            Some(End::Reset) => Err(io::ErrorKind::ConnectionReset.into()),
            Some(End::Closed) => {
                self.state.client_stops_sending();
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// Gives hyper what is sound of the bytes that wait.
    fn give(&mut self, buffer: &mut ReadBuf<'_>) {
        let length = self.sound.min(buffer.remaining());
        buffer.put_slice(&self.waiting[..length]);
        self.waiting.advance(length);
        self.sound -= length;
        if self.waiting.is_empty() {
            self.waiting = BytesMut::new(); // given back
        }
    }

    /// Ready when the client has sent something of a request, or closed.
    pub(super) fn poll_readable(&self, cx: &mut Context<'_>) -> Poll<()> {
        match is_blank(&self.waiting) {
            true => self.socket.poll_readable(cx),
            false => Poll::Ready(()),
        }
    }

    /// Reads past the bytes that wait. False at the end of the stream.
    fn poll_more(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<bool>> {
        let mut space = [0; READ];
        let mut buffer = ReadBuf::new(&mut space);
        ready!(Pin::new(&mut self.socket).poll_read(cx, &mut buffer))?;
        self.waiting.extend_from_slice(buffer.filled());
        self.look();
        Poll::Ready(Ok(!buffer.filled().is_empty()))
    }

    /// Reads straight into hyper's buffer, as nothing waits. False at the end of the stream.
    fn poll_straight(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<bool>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.socket).poll_read(cx, buffer))?;
        let read = &buffer.filled()[before..];
        if read.is_empty() {
            return Poll::Ready(Ok(false));
        }
        let Some(wire) = &mut self.wire else {
            if let Some(passed) = self.look_at_frames(&buffer.filled()[before..]) {
                buffer.set_filled(before + passed);
            }
            return Poll::Ready(Ok(true));
        };
        let verdict = wire.look(read, self.state.ended() + 1);
        self.refusal = verdict.refusal;
        if verdict.sound < read.len() {
            self.waiting.extend_from_slice(&read[verdict.sound..]);
            buffer.set_filled(before + verdict.sound);
        }
        self.note_wire();
        Poll::Ready(Ok(true))
    }

    /// Notes since when a part of a head waits for the rest, and whether a body is on its way.
    fn note_wire(&self) {
        let Some(wire) = &self.wire else { return };
        let is_part = !is_blank(&self.waiting[self.sound..]) && self.refusal.is_none();
        let holds = self.holds();
        self.state.note_head(is_part && wire.is_in_head() && !holds);
        self.state.note_held(is_part && holds);
        let in_body = !wire.is_in_head() && wire.heads() > 0;
        self.state.note_body(in_body.then(|| wire.heads() - 1));
    }

    /// Says in the log that the client has left within a head, if it has.
    fn tell_half_head(&self) {
        if let Some(since) = self.state.waits().head_since {
            self.state.note_head(false);
            kill::log_head(&self.state, since, Cause::ClientLeft, None);
        }
    }

    /// The client sends no more. hyper takes that for its leaving, and drops what runs; so it is told
    /// when nothing does. A body that is cut short is told of at once.
    fn poll_end(&self) -> Poll<io::Result<()>> {
        self.state.note_read(None);
        let at_rest = self.wire.as_ref().is_some_and(Wire::is_in_head);
        match at_rest && !self.state.client_stops_sending() {
            true => Poll::Pending, // woken by the end of the request, or by its driver
            false => Poll::Ready(Ok(())),
        }
    }

    /// Keeps from hyper what is wrong: in place of a head it reads one that the service answers with
    /// the refusal, in place of the rest of a body an error.
    fn refuse(&mut self, refusal: Refusal, buffer: &mut ReadBuf<'_>) -> io::Result<()> {
        let heads = self.wire.as_ref().map_or(0, Wire::heads);
        let in_head = self.wire.as_ref().is_none_or(Wire::refused_head);
        self.over = true;
        let waiting = std::mem::take(&mut self.waiting);
        if in_head {
            self.state.refuse(heads, refusal);
            let is_head = waiting.starts_with(b"HEAD ");
            buffer.put_slice(if is_head { REFUSED_HEAD } else { REFUSED });
            return Ok(());
        }
        self.state.refuse(heads - 1, refusal); // a body has a head before it
        Err(refusal.of_input().into())
    }

    /// Reads what is sound, into hyper's buffer.
    fn poll_sound(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        loop {
            if self.sound > 0 {
                self.give(buffer);
            }
            if buffer.filled().len() > before {
                return Poll::Ready(Ok(()));
            }
            if self.over {
                return Poll::Pending; // the answer to the refusal ends the connection
            }
            if let Some(refusal) = self.refusal.take() {
                return Poll::Ready(self.refuse(refusal, buffer));
            }
            if self.state.is_head_overdue() && self.wire.is_some() {
                self.state.note_head(false);
                return Poll::Ready(self.refuse(Refusal::HeadTimedOut, buffer));
            }
            if !self.waiting.is_empty() {
                // What was held back may go on; what is held back is not added to without end.
                self.look();
                if self.sound > 0 || self.refusal.is_some() {
                    continue;
                }
                if self.is_full() {
                    return Poll::Pending; // woken by the end of the request
                }
            }
            let there_is_more = match self.waiting.is_empty() {
                true => ready!(self.poll_straight(cx, buffer)),
                false => ready!(self.poll_more(cx)),
            };
            if !matches!(there_is_more, Ok(true)) {
                self.tell_half_head();
            }
            if !there_is_more? {
                return self.poll_end();
            }
        }
    }

    /// Notes how the client takes what is written. All that the kernel takes counts, also what it has room
    /// for at once: how much of that the client has, it only says when a good part is gone.
    fn note_write(&mut self, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        match &written {
            Poll::Pending if !self.stalls => self.begin_to_stall(),
            Poll::Ready(Ok(length)) => {
                self.pace.add(*length as u64);
                self.end_stall();
            }
            _ => {}
        }
        written
    }

    fn begin_to_stall(&mut self) {
        let (clock, timeouts) = (
            self.state.shared.clock,
            &self.state.shared.settings.timeouts,
        );
        let now = Instant::now();
        self.stalls = true;
        self.pace.resume(now);
        self.lead.wait(now);
        let due = self.pace.due(timeouts).map(|due| clock.ticks(due));
        self.state.write_stalls(clock.ticks(now), due);
    }

    fn end_stall(&mut self) {
        if std::mem::take(&mut self.stalls) {
            let now = Instant::now();
            self.pace.pause(now);
            self.state.write_moves();
            // The streams of HTTP/2 have stalls of their own.
            if self.wire.is_some() && self.lead.go_on(now, &self.state.shared.ahead) {
                self.socket.keep_unsent(Ahead::BYTES);
                self.state.run_ahead();
            }
        }
    }

    /// Whether closing may answer something of the client's with a reset, which may destroy the last
    /// answer on its way.
    fn must_linger(&self) -> bool {
        // h2 does not say why it closes; there may be a GOAWAY on its way.
        let at_rest = self.wire.as_ref().is_some_and(Wire::is_in_head);
        let is_hosts_wish = self.state.is_draining() || self.state.is_cut();
        self.over || !at_rest || !self.waiting.is_empty() || is_hosts_wish
    }

    /// Reads and forgets what the client still sends, until it closes or has had its time
    /// ([`Timeouts::linger`](gateway_core::server::Timeouts::linger)).
    fn poll_linger(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let time = self.state.shared.settings.timeouts.linger;
        let linger = self.linger.get_or_insert_with(|| Box::pin(sleep(time)));
        loop {
            if linger.as_mut().poll(cx).is_ready() {
                return Poll::Ready(());
            }
            let mut space = [0; READ];
            let mut buffer = ReadBuf::new(&mut space);
            match ready!(Pin::new(&mut self.socket).poll_read(cx, &mut buffer)) {
                Ok(()) if !buffer.filled().is_empty() => {}
                _ => return Poll::Ready(()),
            }
            self.forgotten += buffer.filled().len();
            if self.frames.is_some() && self.forgotten > MOST_FORGOTTEN {
                return Poll::Ready(());
            }
        }
    }
}

/// Whether nothing of a request is here: an empty line before one does not begin it (RFC 9112 §2.2).
fn is_blank(bytes: &[u8]) -> bool {
    matches!(bytes, [] | [b'\r'] | [b'\r', b'\n'])
}

impl Drop for Io {
    fn drop(&mut self) {
        if self.state.is_reset() {
            self.socket.reset_on_close();
        }
    }
}

impl AsyncRead for Io {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let read = self.poll_sound(cx, buffer);
        self.is_watched = read.is_pending() && !self.is_full();
        read
    }
}

impl AsyncWrite for Io {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.socket).poll_write(cx, bytes);
        self.note_write(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.socket).poll_write_vectored(cx, slices);
        self.note_write(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.socket).poll_flush(cx))?;
        // hyper flushes when it has written all it had: the client has caught up.
        self.pace = Pace::default();
        self.state.flushed();
        Poll::Ready(match self.wire {
            Some(_) => self.look_for_end(),
            None => Ok(()), // frames are always read
        })
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.state.set_closing();
        if self.linger.is_none() {
            ready!(Pin::new(&mut self.socket).poll_shutdown(cx))?;
            if !self.must_linger() {
                return Poll::Ready(Ok(()));
            }
        }
        self.poll_linger(cx).map(Ok)
    }
}

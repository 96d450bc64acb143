//! Which sockets have something to say: epoll, edge-triggered, and a bell to wake who waits.

use std::io;
use std::os::fd::{AsFd, OwnedFd};

use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};
use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};
use rustix::io::Errno;

/// How many events are taken at a time. Small batches keep the tail short: what is ready last waits
/// for all before it.
const BATCH: usize = 16;

/// The token of the bell.
const BELL: u64 = u64::MAX;

/// Tokens of listeners begin here; below are connections.
const LISTENERS: u64 = 1 << 32;

/// An epoll set with a bell in it.
#[derive(Debug)]
pub(crate) struct Poller {
    epoll: OwnedFd,
    bell: OwnedFd,
}

/// What became ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ready {
    /// The listener of that number has connections waiting.
    Listener(usize),
    /// The connection in that slot can go on.
    Connection { slot: usize, signs: Signs },
}

/// What the kernel says of a connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Signs {
    /// There are bytes to read, or the end of them.
    pub(crate) readable: bool,
    /// The client has closed its sending side. Said again with every later edge.
    pub(crate) half_closed: bool,
    /// The connection is broken, or closed in both directions.
    pub(crate) broken: bool,
}

impl Signs {
    /// Whether these are a client's that has left, as far as they are news.
    ///
    /// A client that closes its sending side with its request may still wait for the answer
    /// (RFC 9112 §9.6); one that does so while it waits for a thread or is being answered has left.
    pub(crate) fn is_leaving(self, half_closed_before: bool) -> bool {
        self.broken || (self.half_closed && !half_closed_before)
    }
}

impl std::ops::BitOrAssign for Signs {
    fn bitor_assign(&mut self, more: Self) {
        self.readable |= more.readable;
        self.half_closed |= more.half_closed;
        self.broken |= more.broken;
    }
}

/// Room for one batch of events, kept by who polls.
pub(crate) struct Batch(Vec<Event>);

impl Batch {
    pub(crate) fn new() -> Self {
        Self(Vec::with_capacity(BATCH))
    }

    /// What became ready, bells left out.
    pub(crate) fn ready(&self) -> impl Iterator<Item = Ready> {
        self.0.iter().filter_map(|event| match event.data.u64() {
            BELL => None,
            token if token >= LISTENERS => Some(Ready::Listener((token - LISTENERS) as usize)),
            token => Some(Ready::Connection {
                slot: token as usize,
                signs: signs(event.flags),
            }),
        })
    }
}

fn signs(flags: EventFlags) -> Signs {
    let half_closed = flags.contains(EventFlags::RDHUP);
    let broken = flags.intersects(EventFlags::HUP | EventFlags::ERR);
    Signs {
        readable: half_closed || broken || flags.contains(EventFlags::IN),
        half_closed,
        broken,
    }
}

impl Poller {
    pub(crate) fn new() -> io::Result<Self> {
        let epoll = epoll::create(CreateFlags::CLOEXEC)?;
        let bell = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        epoll::add(
            &epoll,
            &bell,
            EventData::new_u64(BELL),
            EventFlags::IN | EventFlags::ET,
        )?;
        Ok(Self { epoll, bell })
    }

    /// Watches a connection until it is closed: one call in its life, as edges need no re-arming.
    pub(crate) fn add_connection(&self, socket: impl AsFd, slot: usize) -> io::Result<()> {
        let flags = EventFlags::IN | EventFlags::OUT | EventFlags::RDHUP | EventFlags::ET;
        Ok(epoll::add(
            &self.epoll,
            socket,
            EventData::new_u64(slot as u64),
            flags,
        )?)
    }

    /// Watches a listener that other pollers watch too: the kernel wakes one of them. Not edge
    /// triggered, so that nothing is lost when the connections waiting are not all taken.
    pub(crate) fn add_listener(&self, socket: impl AsFd, number: usize) -> io::Result<()> {
        let token = EventData::new_u64(LISTENERS + number as u64);
        let flags = EventFlags::IN | EventFlags::EXCLUSIVE;
        match epoll::add(&self.epoll, socket, token, flags) {
            Err(Errno::EXIST) => Ok(()),
            result => Ok(result?),
        }
    }

    /// Ends the watch on a listener.
    pub(crate) fn remove(&self, socket: impl AsFd) -> io::Result<()> {
        match epoll::delete(&self.epoll, socket) {
            Err(Errno::NOENT) => Ok(()),
            result => Ok(result?),
        }
    }

    /// Takes what is ready. If that is nothing, waits for it or for the bell, unless not to `wait`.
    pub(crate) fn wait(&self, batch: &mut Batch, wait: bool) -> io::Result<()> {
        const NOW: Timespec = Timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        batch.0.clear();
        let timeout = if wait { None } else { Some(&NOW) };
        match epoll::wait(&self.epoll, spare_capacity(&mut batch.0), timeout) {
            Ok(_) | Err(Errno::INTR) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Waits until one of several pollers has something, and tells which, the first ones first.
    pub(crate) fn wait_any(pollers: &[&Self]) -> io::Result<usize> {
        let mut fds: Vec<_> = pollers
            .iter()
            .map(|poller| PollFd::new(&poller.epoll, PollFlags::IN))
            .collect();
        loop {
            match poll(&mut fds, None) {
                Ok(_) | Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
            if let Some(first) = fds.iter().position(|fd| !fd.revents().is_empty()) {
                return Ok(first);
            }
        }
    }

    /// Wakes who waits, or who will wait next. The bell is never read: each stroke is an edge.
    pub(crate) fn ring(&self) {
        // Fails only when the counter is full, after 2^64 strokes: then an edge is pending anyway.
        let _ = rustix::io::write(&self.bell, &1u64.to_ne_bytes());
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::os::unix::net::UnixStream;

    use super::*;

    fn ready(poller: &Poller) -> Vec<Ready> {
        let mut batch = Batch::new();
        poller.wait(&mut batch, true).unwrap();
        batch.ready().collect()
    }

    fn connection(readable: bool, closed: bool) -> Vec<Ready> {
        let signs = Signs {
            readable,
            half_closed: closed,
            broken: closed,
        };
        vec![Ready::Connection { slot: 7, signs }]
    }

    #[test]
    fn a_half_close_is_leaving_when_it_is_news() {
        let half_closed = Signs {
            half_closed: true,
            ..Signs::default()
        };
        let broken = Signs {
            broken: true,
            ..Signs::default()
        };
        assert!(half_closed.is_leaving(false));
        assert!(!half_closed.is_leaving(true));
        assert!(broken.is_leaving(false) && broken.is_leaving(true));
        assert!(!Signs::default().is_leaving(false));
    }

    #[test]
    fn tells_bytes_and_ends_once_each() {
        let poller = Poller::new().unwrap();
        let (mut near, mut far) = UnixStream::pair().unwrap();
        poller.add_connection(&near, 7).unwrap();
        assert_eq!(ready(&poller), connection(false, false)); // can be written
        far.write_all(b"x").unwrap();
        assert_eq!(ready(&poller), connection(true, false));
        near.read_exact(&mut [0]).unwrap();
        drop(far);
        assert_eq!(ready(&poller), connection(true, true));
    }

    #[test]
    fn one_can_wait_for_several() {
        let (first, second) = (Poller::new().unwrap(), Poller::new().unwrap());
        second.ring();
        assert_eq!(Poller::wait_any(&[&first, &second]).unwrap(), 1);
        first.ring();
        assert_eq!(Poller::wait_any(&[&first, &second]).unwrap(), 0);
    }

    #[test]
    fn the_bell_wakes_every_time() {
        let poller = Poller::new().unwrap();
        for _ in 0..3 {
            poller.ring();
            assert_eq!(ready(&poller), []);
        }
    }
}

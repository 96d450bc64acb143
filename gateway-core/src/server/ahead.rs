//! [`Ahead`] and [`Lead`]: for which connections the kernel may run ahead of the client.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use super::{Limits, Timeouts};

/// How long a client may take until there is room again, and be thought of as fast.
const PROMPT: Duration = Duration::from_millis(20);

/// How many times in a row it must have been that fast.
const TIMES: u8 = 4;

/// How many times longer such a client may take nothing, at most: so much larger is a lead than what is kept by default.
const PATIENCE: u32 = 16;

/// For how many connections the kernel may run ahead of the client ([`Limits::ahead`]). One for a host.
///
/// The less the kernel keeps unsent for a connection ([`Limits::buffer`]), the sooner a host sees that a client is
/// slow, and the less memory it costs; but the more often it has to write to one that is fast: a body of 1 MiB
/// costs half as much again. So that bound is raised for clients that have shown that they are fast, as long as there
/// are not too many: each of them may stop to read at any time.
#[derive(Debug)]
pub struct Ahead {
    /// How many connections more may have a lead.
    free: AtomicUsize,
    /// Whether the kernel keeps as much anyway.
    needless: bool,
    timeouts: Timeouts,
}

impl Ahead {
    /// How much the kernel may keep unsent for a connection with a lead, in bytes.
    pub const BYTES: usize = 1024 * 1024;

    /// As many leads as [`Limits::ahead`] has room for; none where [`Limits::buffer`] is no less than a lead.
    pub fn new(limits: &Limits, timeouts: &Timeouts) -> Arc<Self> {
        let places = limits.ahead / Self::BYTES as u64;
        let times = Self::BYTES / limits.buffer.max(1);
        let times = u32::try_from(times).map_or(PATIENCE, |times| times.clamp(1, PATIENCE));
        Arc::new(Self {
            free: AtomicUsize::new(usize::try_from(places).unwrap_or(usize::MAX)),
            needless: limits.buffer >= Self::BYTES,
            timeouts: Timeouts {
                write_stall: timeouts.write_stall.saturating_mul(times),
                ..timeouts.clone()
            },
        })
    }

    /// The timeouts of connections with a lead. [`Timeouts::write_stall`] is longer as the lead is larger than
    /// [`Limits::buffer`], up to 16 times: that a client has taken something is seen when half of what the kernel keeps is
    /// gone, and one that was fast may be slow from now on.
    pub fn timeouts(&self) -> &Timeouts {
        &self.timeouts
    }

    fn place(self: &Arc<Self>) -> Option<Place> {
        if self.needless {
            return None;
        }
        self.free
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |free| {
                free.checked_sub(1)
            })
            .ok()?;
        Some(Place(Arc::clone(self)))
    }
}

/// One of those that [`Ahead`] counts.
#[derive(Debug)]
struct Place(Arc<Ahead>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.free.fetch_add(1, Ordering::Relaxed);
    }
}

/// Whether the kernel may run ahead of the client of one connection. To be kept until the socket is closed, as it
/// holds a place among those for which it may.
///
/// A client is fast that has made room within 20 ms, four times in a row, when it was waited for to take more. It has
/// no clock: time is an argument.
///
/// ```
/// use gateway_core::server::{Ahead, Lead, Limits, Timeouts};
/// use std::time::{Duration, Instant};
///
/// let ahead = Ahead::new(&Limits::default(), &Timeouts::default());
/// let mut lead = Lead::default();
/// let mut now = Instant::now();
/// let mut gained = false;
/// for _ in 0..4 {
///     lead.wait(now);
///     now += Duration::from_millis(1);
///     gained = lead.go_on(now, &ahead); // once true, the kernel is told to keep `Ahead::BYTES`
/// }
/// assert!(gained);
/// ```
#[derive(Debug, Default)]
pub struct Lead {
    /// Since when the client is waited for.
    since: Option<Instant>,
    /// How many times in a row it was fast.
    prompt: u8,
    place: Option<Place>,
}

impl Lead {
    /// The client is waited for, from `now` on, to take more. Does nothing if it is already.
    pub fn wait(&mut self, now: Instant) {
        self.since.get_or_insert(now);
    }

    /// The timeouts of the connection, whose host has these.
    pub fn timeouts<'a>(&'a self, timeouts: &'a Timeouts) -> &'a Timeouts {
        match &self.place {
            Some(place) => place.0.timeouts(),
            None => timeouts,
        }
    }

    /// The client has taken more. True if the kernel is to run ahead of it from now on.
    pub fn go_on(&mut self, now: Instant, ahead: &Arc<Ahead>) -> bool {
        let Some(since) = self.since.take() else {
            return false;
        };
        if self.place.is_some() {
            return false;
        }
        let is_prompt = now.saturating_duration_since(since) <= PROMPT;
        self.prompt = match is_prompt {
            true => self.prompt.saturating_add(1),
            false => 0,
        };
        if self.prompt >= TIMES {
            self.place = ahead.place();
        }
        self.place.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ahead(bytes: u64, buffer: usize) -> Arc<Ahead> {
        let limits = Limits {
            ahead: bytes,
            buffer,
            ..Limits::default()
        };
        Ahead::new(&limits, &Timeouts::default())
    }

    /// After which of the waits, in milliseconds each, the lead was gained.
    fn gained(lead: &mut Lead, ahead: &Arc<Ahead>, waits: &[u64]) -> Vec<usize> {
        let mut now = Instant::now();
        let mut gained = Vec::new();
        for (number, wait) in waits.iter().enumerate() {
            lead.wait(now);
            now += Duration::from_millis(*wait);
            if lead.go_on(now, ahead) {
                gained.push(number + 1);
            }
            assert!(!lead.go_on(now, ahead)); // nobody was waited for
        }
        gained
    }

    #[test]
    fn who_was_fast_often_enough_gains_it_once() {
        let ahead = ahead(1 << 20, 0);
        for (waits, expected) in [
            ([1, 1, 1, 1, 1, 1, 1, 1, 1].as_slice(), [4].as_slice()),
            (&[20, 20, 20, 20], &[4]),
            (&[1, 1, 1, 21, 1, 1, 1, 1], &[8]),
            (&[1, 1, 1, 5000, 1, 1, 1], &[]),
            (&[21; 100], &[]),
            (&[1, 1, 1, 1, 5000, 5000], &[4]), // it keeps what it may have in the kernel
        ] {
            assert_eq!(gained(&mut Lead::default(), &ahead, waits), expected);
        }
    }

    #[test]
    fn there_are_as_many_as_there_is_room_for() {
        let ahead = ahead((2 << 20) + 1, 0);
        let (mut one, mut other, mut third) = (Lead::default(), Lead::default(), Lead::default());
        assert_eq!(gained(&mut one, &ahead, &[1; 4]), [4]);
        assert_eq!(gained(&mut other, &ahead, &[1; 4]), [4]);
        assert!(gained(&mut third, &ahead, &[1; 300]).is_empty());
        drop(one); // its connection is closed
        assert_eq!(gained(&mut third, &ahead, &[1]), [1]);
    }

    #[test]
    fn its_client_may_take_nothing_for_longer() {
        let usual = Timeouts::default();
        for (buffer, times) in [(0, 16), (1, 16), (65_536, 16), (262_144, 4), (1 << 20, 1)] {
            let ahead = ahead(1 << 20, buffer);
            assert_eq!(ahead.timeouts().write_stall, usual.write_stall * times);
        }
        let mut lead = Lead::default();
        assert_eq!(lead.timeouts(&usual), &usual);
        let ahead = ahead(1 << 20, 1 << 16);
        gained(&mut lead, &ahead, &[1; 4]);
        assert_eq!(lead.timeouts(&usual), ahead.timeouts());
    }

    #[test]
    fn there_are_none_where_nobody_wants_them() {
        for (bytes, buffer) in [(0, 0), ((1 << 20) - 1, 0), (1 << 30, 1 << 20)] {
            let ahead = ahead(bytes, buffer);
            assert!(gained(&mut Lead::default(), &ahead, &[1; 9]).is_empty());
        }
    }
}

//! The `Date` of responses, made once a second.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// How long a date is kept before the clock is read again: with its second it changes at most this
/// late.
const KEPT: Duration = Duration::from_millis(10);

/// An IMF-fixdate (RFC 9110 §5.6.7), kept by each worker.
#[derive(Debug)]
pub(crate) struct Date {
    read: Option<Instant>,
    second: u64,
    text: [u8; 29],
}

impl Date {
    pub(crate) fn new() -> Self {
        let text = *b"Thu, 01 Jan 1970 00:00:00 GMT";
        Self {
            read: None,
            second: 0,
            text,
        }
    }

    /// The date at `now`, give or take [`KEPT`].
    pub(crate) fn at(&mut self, now: Instant) -> &[u8; 29] {
        let is_fresh = |read: Instant| now.saturating_duration_since(read) < KEPT;
        if !self.read.is_some_and(is_fresh) {
            self.read = Some(now);
            self.set(SystemTime::now());
        }
        &self.text
    }

    fn set(&mut self, time: SystemTime) {
        let second = time
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_secs());
        if second == self.second {
            return;
        }
        let text = httpdate::fmt_http_date(time);
        // Every date up to the year 9999 has 29 bytes; beyond it the last one stays.
        if let Ok(text) = text.as_bytes().try_into() {
            (self.second, self.text) = (second, text);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_with_the_second() {
        let mut date = Date::new();
        let time = UNIX_EPOCH + Duration::from_millis(784_111_777_500);
        for (later, expected) in [
            (0, b"Sun, 06 Nov 1994 08:49:37 GMT"),
            (499, b"Sun, 06 Nov 1994 08:49:37 GMT"),
            (500, b"Sun, 06 Nov 1994 08:49:38 GMT"),
        ] {
            date.set(time + Duration::from_millis(later));
            assert_eq!(&date.text, expected);
        }
    }

    #[test]
    fn reads_the_clock_again_after_a_while() {
        let (mut date, start) = (Date::new(), Instant::now());
        let today = *date.at(start);
        date.text = [b'?'; 29];
        date.second = 0;
        assert_eq!(*date.at(start + KEPT / 2), [b'?'; 29]);
        assert_eq!(date.at(start + KEPT)[..16], today[..16]);
    }
}

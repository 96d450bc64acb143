//! The `Date` of responses, made once a second.

use std::time::{SystemTime, UNIX_EPOCH};

/// An IMF-fixdate (RFC 9110 §5.6.7), kept by each worker.
#[derive(Debug)]
pub(crate) struct Date {
    second: u64,
    text: [u8; 29],
}

impl Date {
    pub(crate) fn new() -> Self {
        Self {
            second: 0,
            text: *b"Thu, 01 Jan 1970 00:00:00 GMT",
        }
    }

    /// The date now.
    pub(crate) fn now(&mut self) -> &[u8; 29] {
        self.at(SystemTime::now())
    }

    fn at(&mut self, time: SystemTime) -> &[u8; 29] {
        let second = time
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_secs());
        if second != self.second {
            let text = httpdate::fmt_http_date(time);
            // Every date up to the year 9999 has 29 bytes; beyond it the last one stays.
            if let Ok(text) = text.as_bytes().try_into() {
                (self.second, self.text) = (second, text);
            }
        }
        &self.text
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn changes_with_the_second() {
        let mut date = Date::new();
        let time = UNIX_EPOCH + Duration::from_millis(784_111_777_500);
        assert_eq!(date.at(time), b"Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(
            date.at(time + Duration::from_millis(499)),
            b"Sun, 06 Nov 1994 08:49:37 GMT"
        );
        assert_eq!(
            date.at(time + Duration::from_millis(500)),
            b"Sun, 06 Nov 1994 08:49:38 GMT"
        );
    }
}

//! An HTTP/2 client's frames, looked at as they pass: whether it does anything but keep its server
//! busy, and whether a head is here in part. Pure.
//!
//! h2 answers each PING and each SETTINGS, forgets each PRIORITY, and drops each stream that is reset at
//! once after it began. None of these takes memory, for it reads no further than it has answered. But all
//! of them take time, and a client can send them without end (CVE-2019-9512, -9515, CVE-2023-44487). So
//! each frame that asks for nothing has a price, and a connection an account:
//!
//! ```text
//!   1024 to begin with, 16 more a second, and some for each piece of a response
//!   PING, PRIORITY, WINDOW_UPDATE, CONTINUATION, unknown: 1 · RST_STREAM: 4 · SETTINGS: 16
//! ```
//!
//! A client that opens windows for what it is sent, and resets what it does not want any more, never gets
//! near the end. (nginx closes where the bytes that are no payload are too many; Envoy counts by kind.)
//! Bodies in small DATA frames have an account of h2's own.

/// What an account holds at first, and at most.
const FULL: i64 = 1024;

/// What is added each second.
const REFILL: u64 = 16;

/// What a client sends before its first frame (RFC 9113 §3.4).
const PREFACE: usize = 24;

/// The length of a frame's header (RFC 9113 §4.1).
const HEADER: usize = 9;

const HEADERS: u8 = 0x1;
const END_HEADERS: u8 = 0x4;

/// An HTTP/2 connection's incoming frames.
#[derive(Debug)]
pub(crate) struct Frames {
    header: [u8; HEADER],
    /// How much of a header is here.
    have: usize,
    /// Bytes until the next header.
    skip: usize,
    /// Whether a header block goes on in the next frame.
    in_block: bool,
    account: i64,
    refilled_at: u64,
}

impl Frames {
    /// Of a connection that begins at `now`, in milliseconds.
    pub(crate) fn new(now: u64) -> Self {
        Self {
            header: [0; HEADER],
            have: 0,
            skip: PREFACE,
            in_block: false,
            account: FULL,
            refilled_at: now,
        }
    }

    /// Whether a head is here in part.
    pub(crate) fn is_in_head(&self) -> bool {
        let in_frame = self.have == HEADER && is_of_head(self.header[3]) && self.skip > 0;
        self.in_block || in_frame
    }

    /// Adds what was earned since the last look.
    pub(crate) fn earn(&mut self, earned: u64) {
        let earned = i64::try_from(earned).unwrap_or(FULL);
        self.account = self.account.saturating_add(earned).min(FULL);
    }

    /// Looks at what comes at `now`. Gives the number of bytes that may pass if the account is overdrawn
    /// by one of these frames: up to its end, so that something else can stand in place of the next. The
    /// end may be yet to come; then the next look gives it.
    pub(crate) fn look(&mut self, mut bytes: &[u8], now: u64) -> Option<usize> {
        let all = bytes.len();
        loop {
            let passed = self.skip.min(bytes.len());
            self.skip -= passed;
            bytes = &bytes[passed..];
            if self.skip > 0 {
                return None;
            }
            if self.have == HEADER {
                self.have = 0;
                if self.is_overdrawn(now) {
                    return Some(all - bytes.len());
                }
            }
            let length = (HEADER - self.have).min(bytes.len());
            self.header[self.have..self.have + length].copy_from_slice(&bytes[..length]);
            self.have += length;
            bytes = &bytes[length..];
            if self.have < HEADER {
                return None;
            }
            self.begin_frame();
        }
    }

    /// A header is whole.
    fn begin_frame(&mut self) {
        let [high, middle, low, kind, flags, ..] = self.header;
        self.skip = usize::from(high) << 16 | usize::from(middle) << 8 | usize::from(low);
        self.account -= price(kind);
        if is_of_head(kind) {
            self.in_block = flags & END_HEADERS == 0;
        }
    }

    fn is_overdrawn(&mut self, now: u64) -> bool {
        if self.account >= 0 {
            return false;
        }
        // Time is looked at only now: most connections never get here.
        let earned = now.saturating_sub(self.refilled_at) / 1000 * REFILL;
        self.refilled_at += earned / REFILL * 1000;
        self.earn(earned);
        self.account < 0
    }
}

const CONTINUATION: u8 = 0x9;

fn is_of_head(kind: u8) -> bool {
    kind == HEADERS || kind == CONTINUATION
}

/// What a frame of this kind costs (RFC 9113 §6).
fn price(kind: u8) -> i64 {
    match kind {
        0x0 | HEADERS => 0, // DATA and HEADERS ask for something
        0x3 => 4,           // RST_STREAM: a call was begun for nothing
        0x4 => 16,          // SETTINGS: every stream is looked at
        _ => 1,
    }
}

/// What h2 reads in place of the frame that follows when the account is overdrawn: a header block that
/// never ends, which it answers with GOAWAY and ENHANCE_YOUR_CALM. h2 takes no more CONTINUATIONs than a
/// header list of `most` bytes can have.
pub(crate) fn overdraft(most: usize) -> Vec<u8> {
    const STREAM: [u8; 4] = [0x7f, 0xff, 0xff, 0xff];
    let frames = 16 + most / 8192; // twice as many as there are frames of 16 KiB in it, and some more
    let frame = |kind: u8| [&[0, 0, 0, kind, 0], STREAM.as_slice()].concat();
    let mut bait = frame(HEADERS);
    bait.extend(frame(CONTINUATION).repeat(frames));
    bait
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(kind: u8, flags: u8, payload: usize) -> Vec<u8> {
        let length = (payload as u32).to_be_bytes();
        let header = [length[1], length[2], length[3], kind, flags, 0, 0, 0, 1];
        [header.as_slice(), &vec![0; payload]].concat()
    }

    /// A connection whose preface has passed.
    fn begun() -> Frames {
        let mut frames = Frames::new(0);
        assert_eq!(frames.look(&[0; PREFACE], 0), None);
        frames
    }

    /// How many of these frames pass at once.
    fn pass(frames: &mut Frames, kind: u8, now: u64) -> Option<usize> {
        let one = frame(kind, END_HEADERS, 8);
        let many = one.repeat(4096);
        frames.look(&many, now).map(|passed| passed / one.len())
    }

    #[test]
    fn each_kind_has_its_price() {
        for (kind, most) in [
            (0x0, None),        // DATA
            (0x1, None),        // HEADERS
            (0x2, Some(1025)),  // PRIORITY
            (0x3, Some(257)),   // RST_STREAM
            (0x4, Some(65)),    // SETTINGS
            (0x6, Some(1025)),  // PING
            (0x8, Some(1025)),  // WINDOW_UPDATE
            (0x9, Some(1025)),  // CONTINUATION
            (0xff, Some(1025)), // unknown
        ] {
            assert_eq!(pass(&mut begun(), kind, 0), most, "{kind}");
        }
    }

    #[test]
    fn time_and_work_fill_the_account_and_not_beyond() {
        let mut frames = begun();
        assert_eq!(pass(&mut frames, 0x6, 0), Some(1025));
        assert_eq!(pass(&mut frames, 0x6, 1999), Some(16));
        frames.earn(100);
        assert_eq!(pass(&mut frames, 0x6, 1999), Some(100));
        frames.earn(u64::MAX);
        frames.earn(u64::MAX);
        assert_eq!(pass(&mut frames, 0x6, 1999), Some(1025));
    }

    #[test]
    fn counts_the_same_however_the_bytes_arrive() {
        let ping = frame(0x6, 0, 8);
        for cut in 1..ping.len() {
            let (mut frames, mut passed) = (begun(), 0);
            let found = (0..2000).find_map(|n| {
                for piece in [&ping[..cut], &ping[cut..]] {
                    if let Some(length) = frames.look(piece, 0) {
                        return Some((n, passed + length));
                    }
                    passed += piece.len();
                }
                None
            });
            assert_eq!(found, Some((1024, 1025 * ping.len())), "cut at {cut}");
        }
    }

    #[test]
    fn tells_whether_a_head_is_here_in_part() {
        let mut frames = begun();
        let headers = frame(HEADERS, 0, 10);
        frames.look(&headers[..HEADER + 3], 0);
        assert!(frames.is_in_head());
        frames.look(&headers[HEADER + 3..], 0);
        assert!(frames.is_in_head(), "a CONTINUATION is due");
        frames.look(&frame(CONTINUATION, END_HEADERS, 0), 0);
        assert!(!frames.is_in_head());
        frames.look(&frame(0x0, 0, 100)[..50], 0);
        assert!(!frames.is_in_head());
    }
}

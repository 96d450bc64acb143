//! A whole connection, cut where the fuzzer likes.

use gateway_http1::{BodyFraming, Limits};

use crate::feed::{Reads, feed};

/// The same is read however the bytes arrive: whole, in the pieces that the fuzzer chose, byte by byte. The
/// last byte is the number of cuts; the two bytes before it for each are where it is made.
pub fn connection(bytes: &[u8]) {
    let (bytes, cuts) = split(bytes);
    let limits = Limits::default();
    let whole = feed(bytes, [], &limits);
    let expected = told(&whole);
    assert_eq!(told(&feed(bytes, cuts, &limits)), expected);
    if bytes.len() < 2048 {
        assert_eq!(told(&feed(bytes, 1..bytes.len(), &limits)), expected);
    }
    for request in &whole.requests {
        if let (BodyFraming::Length(length), true) = (request.head.framing, request.complete) {
            assert_eq!(length, request.body.len() as u64);
            assert_eq!(request.end - request.head_end, request.body.len());
        }
    }
}

/// The bytes, and where they are cut.
pub(crate) fn split(bytes: &[u8]) -> (&[u8], Vec<usize>) {
    let Some((count, rest)) = bytes.split_last() else {
        return (bytes, Vec::new());
    };
    let (rest, places) = rest.split_at(rest.len().saturating_sub(usize::from(*count) * 2));
    let place = |pair: &[u8]| {
        let number = usize::from(pair[0]) << 8 | usize::from(*pair.get(1).unwrap_or(&0));
        number % (rest.len() + 1)
    };
    let mut cuts: Vec<usize> = places.chunks(2).map(place).collect();
    cuts.sort_unstable();
    (rest, cuts)
}

/// All that a host is told, in a form that can be compared.
fn told(reads: &Reads) -> String {
    format!("{reads:?}")
}

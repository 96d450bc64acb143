//! Feeds bytes to a receiver as a socket would, and gathers what it reads.

use gateway_http1::{Error, Event, Limits, Reading, Receiver, RequestHead};
use http::HeaderMap;

use self::pieces::in_pieces;

#[path = "../../gateway-http1/tests/feed/pieces.rs"]
mod pieces;

/// What was read of a request.
#[derive(Debug)]
pub(crate) struct Read {
    pub(crate) head: RequestHead,
    pub(crate) body: Vec<u8>,
    pub(crate) trailers: HeaderMap,
    pub(crate) complete: bool,
    /// Where its head ends in the bytes that were fed.
    pub(crate) head_end: usize,
    /// Where what was read of it ends.
    pub(crate) end: usize,
}

/// What was read from a connection.
#[derive(Debug)]
pub(crate) struct Reads {
    pub(crate) requests: Vec<Read>,
    /// Why it was refused, if it was.
    pub(crate) refused: Option<Error>,
    /// What it waited for at the end.
    pub(crate) reading: Reading,
}

/// Feeds `bytes` in the pieces that end at `cuts`, which ascend.
pub(crate) fn feed(bytes: &[u8], cuts: impl IntoIterator<Item = usize>, limits: &Limits) -> Reads {
    let mut receiver = Receiver::new(limits.clone());
    let mut requests: Vec<Read> = Vec::new();
    let fed = in_pieces(&mut receiver, bytes, cuts, |event, input, end| {
        take(&mut requests, event, input, end);
    });
    Reads {
        requests,
        refused: fed.err(),
        reading: receiver.reading(),
    }
}

/// Notes what was read up to `end`.
fn take(requests: &mut Vec<Read>, event: Event, input: &[u8], end: usize) {
    if let Event::Head(head) = event {
        assert!(requests.iter().all(|request| request.complete));
        return requests.push(Read {
            head,
            body: Vec::new(),
            trailers: HeaderMap::new(),
            complete: false,
            head_end: end,
            end,
        });
    }
    let request = requests.last_mut().expect("a head comes first");
    assert!(!request.complete, "nothing comes after the end");
    request.end = end;
    match event {
        Event::Data(range) => {
            assert!(!range.is_empty());
            request.body.extend_from_slice(&input[range]);
        }
        Event::Trailers(trailers) => request.trailers = trailers,
        Event::End => request.complete = true,
        Event::Head(_) => unreachable!("returned above"),
    }
}

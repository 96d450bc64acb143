//! Feeds bytes to a receiver as a socket would, and gathers what it reads.

mod pieces;

use http::HeaderMap;

use gateway_http1::{CloseReason, Event, Limits, Reading, Receiver, RequestHead};

use self::pieces::in_pieces;

/// What was read from a connection.
#[derive(Debug, Default)]
pub(crate) struct Reads {
    pub(crate) requests: Vec<Read>,
    pub(crate) end: Option<End>,
}

#[derive(Debug)]
pub(crate) struct Read {
    pub(crate) head: RequestHead,
    pub(crate) body: Vec<u8>,
    pub(crate) trailers: HeaderMap,
    pub(crate) complete: bool,
}

#[derive(Debug, PartialEq)]
pub(crate) enum End {
    Error { name: String, status: u16 },
    Input(CloseReason, Reading),
}

/// Feeds `bytes` in the pieces that end at `cuts`, as a socket would hand them over.
pub(crate) fn feed(bytes: &[u8], cuts: impl IntoIterator<Item = usize>) -> Reads {
    let mut receiver = Receiver::new(Limits::default());
    let mut reads = Reads::default();
    let fed = in_pieces(&mut receiver, bytes, cuts, |event, input, _| {
        reads.take(event, input);
    });
    reads.end = Some(match fed {
        Ok(()) => End::Input(receiver.end_of_input(), receiver.reading()),
        Err(error) => End::Error {
            name: format!("{error:?}"),
            status: error.status().as_u16(),
        },
    });
    reads
}

impl Reads {
    fn take(&mut self, event: Event, input: &[u8]) {
        if let Event::Head(head) = event {
            assert!(self.requests.iter().all(|request| request.complete));
            return self.requests.push(Read {
                head,
                body: Vec::new(),
                trailers: HeaderMap::new(),
                complete: false,
            });
        }
        let request = self.requests.last_mut().expect("a head comes first");
        assert!(!request.complete, "nothing comes after the end");
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
}

//! A request on its way from the wire to the application.

use std::io;
use std::time::Instant;

use gateway_core::Input;
use gateway_core::server::Upload;
use gateway_http1::{BodyFraming, Error, Event, Reading, Receiver, RequestHead, asked_for};
use http::{HeaderMap, Method};

use crate::rules::Rules;

/// A request whose head is here, and of whose body perhaps not all is. Handed on in a box: it is large,
/// and on its way through many hands.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) head: RequestHead,
    /// When its head was here.
    pub(crate) since: Instant,
    /// The client waits for `100 Continue`: the body is asked for when the application reads.
    pub(crate) awaited: bool,
    /// The body is handed over as it comes.
    pub(crate) live: bool,
    pub(crate) body: Upload,
    trailers: Option<HeaderMap>,
}

/// A request that is refused.
#[derive(Clone, Debug)]
pub(crate) struct Refused {
    pub(crate) error: Error,
    /// Method and path, where it is refused for its head, and the request line can be read.
    pub(crate) name: Option<String>,
    /// The answer to HEAD has no body, whatever is wrong with it (RFC 9110 §9.3.2).
    pub(crate) is_head: bool,
    /// It has its answer: this is the rest of a body that nobody has read.
    pub(crate) is_answered: bool,
}

impl Refused {
    /// A request of which a part is read, or that starts at `input`.
    pub(crate) fn new(error: Error, partial: Option<&Request>, input: &[u8]) -> Self {
        let is_head = match partial {
            Some(partial) => partial.head.method == Method::HEAD,
            None => input.starts_with(b"HEAD "),
        };
        let name = || asked_for(input).map(|(method, path)| format!("{method} {path}"));
        Self {
            error,
            name: match (partial, error) {
                (Some(_), _) | (None, Error::RequestLineTooLong) => None,
                (None, _) => name(),
            },
            is_head,
            is_answered: false,
        }
    }
}

/// Feeds `input`, which is here at `now`, to the receiver, until it is used up or a request can be answered.
/// Returns how much was used.
///
/// # Errors
///
/// The request is refused.
pub(crate) fn receive(
    receiver: &mut Receiver,
    partial: &mut Option<Box<Request>>,
    rules: &Rules,
    input: &[u8],
    now: Instant,
) -> Result<(usize, Option<Box<Request>>), Refused> {
    let mut used = 0;
    loop {
        // A live body may have been found malformed by who read it.
        let in_rest = matches!(receiver.reading(), Reading::Body | Reading::Closed);
        let is_answered = in_rest && partial.is_none();
        let received = receiver.receive(&input[used..]);
        let received = received.map_err(|error| Refused {
            is_answered,
            ..Refused::new(error, partial.as_deref(), &input[used..])
        })?;
        let start = used;
        used += received.used;
        match received.event {
            None => return Ok((used, None)),
            Some(Event::Head(head)) => {
                let mut request = Box::new(Request::new(head, now));
                request.live = rules.is_live(&request.head);
                if request.live {
                    return Ok((used, Some(request)));
                }
                if request.head.expects_continue && used == input.len() {
                    request.awaited = true;
                    return Ok((used, Some(request)));
                }
                *partial = Some(request);
            }
            Some(Event::Data(range)) => {
                let data = &input[start + range.start..start + range.end];
                if let Some(partial) = partial {
                    partial.body.push(data);
                }
            }
            Some(Event::Trailers(trailers)) => {
                if let Some(partial) = partial {
                    partial.trailers = Some(trailers);
                }
            }
            Some(Event::End) => {
                if let Some(request) = partial.take() {
                    return Ok((used, Some(request)));
                }
            }
        }
    }
}

impl Request {
    fn new(head: RequestHead, since: Instant) -> Self {
        let length = match head.framing {
            BodyFraming::Length(length) => Some(length),
            _ => None,
        };
        Self {
            head,
            since,
            awaited: false,
            live: false,
            body: Upload::expecting(length),
            trailers: None,
        }
    }

    /// Method and path, for log lines.
    pub(crate) fn name(&self) -> String {
        format!("{} {}", self.head.method, self.head.path())
    }

    /// Whether `100 Continue` is to be sent now: the client waits for it, nothing of the body is
    /// here, and it was not asked before.
    pub(crate) fn must_continue(&mut self) -> bool {
        self.body.length() == 0 && std::mem::take(&mut self.head.expects_continue)
    }

    /// Head and whole body.
    pub(crate) fn into_whole(self) -> (RequestHead, Input) {
        (self.head, self.body.into_input(self.trailers, log_lost))
    }
}

fn log_lost(error: &io::Error) {
    tracing::error!(%error, "cannot read the temporary file of a request body");
}

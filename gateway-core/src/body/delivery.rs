//! [`Delivery`]: whether a body is made ahead of its client.

use http::Extensions;

use super::{Body, BodyKind};

/// Whether a body is made ahead of its client, or no faster than the client takes it.
///
/// An application says so for one response by an extension; a host may have a setting for all of them.
/// Where neither says anything, a stream or a channel is live by its nature, and everything else is
/// buffered.
///
/// ```
/// use gateway_core::{Body, Delivery, Environ, Response, Result, blocking};
///
/// /// Server-sent events: each is made when the one before it has left.
/// fn events(_environ: Environ) -> Result {
///     let events = (1..).map(|n| Ok::<_, std::io::Error>(format!("data: {n}\n\n")));
///     let mut response = Response::new(Body::iter(events));
///     response.extensions_mut().insert(Delivery::Live);
///     Ok(response)
/// }
/// # let _ = blocking(events);
/// ```
///
/// Either way no chunk that the client would take waits for a later one for longer than 200 ms, as long as the
/// host has a thread to send it. It is a matter of what happens when the client takes them slowly, and a wish:
/// a host that makes every body as the client takes it, as gateway-hyper does, has nothing to change for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Delivery {
    /// The body is made as fast as it can be, and what the client does not take is kept: in memory,
    /// then in a temporary file. So the application is done early, and holds nothing for the sake of a
    /// slow client. Beyond [`Limits::response_spool`](crate::server::Limits::response_spool) it is made
    /// as the client takes it.
    Buffered,
    /// A chunk is made only when the client has taken those before it: nothing in it is older than
    /// the client's patience, and a body without end takes no memory.
    Live,
}

impl Delivery {
    /// How the body of a response is to be delivered: as its `extensions` say; if they say nothing, live
    /// where that is its nature, and else by `default`. For hosts.
    pub fn of(extensions: &Extensions, body: &Body, default: Self) -> Self {
        let by_nature = || match body.kind() {
            BodyKind::Stream(_) | BodyKind::Channel(_) => Self::Live,
            _ => default,
        };
        extensions.get().copied().unwrap_or_else(by_nature)
    }
}

#[cfg(test)]
mod tests {
    use super::Delivery::*;
    use super::*;
    use crate::Error;

    #[test]
    fn the_response_decides_then_its_nature_then_the_host() {
        let iter = || Body::iter(["x"].map(Ok::<_, Error>));
        let stream = || Body::stream(Body::from("x"));
        for (asked, body, default, expected) in [
            (None, iter(), Buffered, Buffered),
            (None, iter(), Live, Live),
            (None, stream(), Buffered, Live),
            (Some(Live), iter(), Buffered, Live),
            (Some(Buffered), iter(), Live, Buffered),
            (Some(Buffered), stream(), Live, Buffered),
            (None, Body::channel(1).1, Buffered, Live),
        ] {
            let mut extensions = Extensions::new();
            if let Some(asked) = asked {
                extensions.insert::<Delivery>(asked);
            }
            let found = Delivery::of(&extensions, &body, default);
            assert_eq!(found, expected, "{asked:?} {body:?} {default:?}");
        }
    }
}

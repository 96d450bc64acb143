//! HTTP/1.1 as seen by a server, on bytes.
//!
//! **In scope**: request heads, request targets, Host, body framing, the chunked coding both ways with
//! trailers, keep-alive, pipelining, `100 Continue` and other interim responses, upgrades up to the 101,
//! and the framing of responses.
//!
//! **Out of scope**: sockets, TLS, clocks and deadlines, HTTP/2, percent-decoding, routing, compression,
//! caching, ranges. This crate does no I/O and keeps no bytes: what it has not used stays with its owner.
//!
//! # The flow
//!
//! ```text
//!             ┌────────────────────── Receiver ──────────────────────┐
//!   bytes in  │                                                      │  events
//!  ─────────▶ │ Idle ─▶ Head ─▶ Body ─▶ End ─┬─ keep_alive ─▶ Idle   │ ─────────▶  Head, Data…, Trailers, End
//!             │            └──── no body ─▶┘  └─ close ─▶ Closed     │
//!             └──────────────────────────────────────────────────────┘
//!                     │ Error: the request is refused, and the connection with it
//!                     ▼
//!              Exchange (of the head, or of the error)
//!                     │
//!             ┌───────▼────────────── Encoder ───────────────────────┐
//!  bytes out  │ encode_interim* ─▶ encode_head ─▶ data* ─▶ end       │  AfterResponse
//!  ◀───────── │                                                      │ ─────────▶  KeepAlive, Close(why), Upgrade
//!             └──────────────────────────────────────────────────────┘
//! ```
//!
//! Each decision is made once and handed on as a value: a [`RequestHead`] says where its body ends, whether
//! the connection is to be kept, and whether the client waits for `100 Continue`, so that nothing else reads
//! the fields that say so. Whatever is unclear about framing is refused, not guessed; `docs/http.md` lists
//! what is supported and what is refused.
//!
//! # One exchange
//!
//! ```
//! use gateway_http1::{AfterResponse, BodyLength, Event, Limits, Receiver, encode_head};
//! use http::{HeaderMap, StatusCode};
//!
//! let input = b"POST /greet?in=en HTTP/1.1\r\nHost: example.com\r\nTransfer-Encoding: chunked\r\n\r\n\
//!               5\r\nworld\r\n0\r\n\r\n\
//!               GET /next HT";
//!
//! let mut receiver = Receiver::new(Limits::default());
//! let mut rest = &input[..];
//! let mut body = Vec::new();
//! let mut exchange = None;
//! loop {
//!     let (given, received) = (rest, receiver.receive(rest)?);
//!     rest = &rest[received.used..];
//!     match received.event {
//!         Some(Event::Head(head)) => {
//!             assert_eq!(head.method, "POST");
//!             assert_eq!(head.path(), "/greet");
//!             assert_eq!(head.authority(), Some("example.com"));
//!             exchange = Some(head.exchange());
//!         }
//!         Some(Event::Data(range)) => body.extend_from_slice(&given[range]),
//!         Some(Event::Trailers(_)) => unreachable!("none were sent"),
//!         Some(Event::End) => break,
//!         None => panic!("more bytes are needed"),
//!     }
//! }
//! assert_eq!(body, b"world");
//! assert_eq!(rest, b"GET /next HT"); // the start of the next request stays where it is
//!
//! let exchange = exchange.expect("a head comes before the end");
//! let date = b"Sun, 06 Nov 1994 08:49:37 GMT";
//! let mut out = Vec::new();
//! let mut encoder = encode_head(
//!     &mut out,
//!     &exchange,
//!     StatusCode::OK,
//!     &HeaderMap::new(),
//!     BodyLength::Known(13),
//!     date,
//! )?;
//! encoder.data(b"Hello, world!", &mut out)?;
//! assert_eq!(encoder.end(None, &mut out)?, AfterResponse::KeepAlive);
//! assert_eq!(
//!     out,
//!     b"HTTP/1.1 200 OK\r\ncontent-length: 13\r\ndate: Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\nHello, world!"
//! );
//!
//! // No head of the next request yet: call again once there are more bytes after these.
//! assert!(receiver.receive(rest)?.event.is_none());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What is left to the host
//!
//! * Deadlines: [`Receiver::reading`] says which one applies.
//! * `100 Continue`: it sends [`CONTINUE`] when the application begins to read a body that the client holds
//!   back ([`RequestHead::expects_continue`]). If it never does, it closes after the response.
//! * A body that the application did not read: before the next head can be read, the host reads it to its
//!   [`End`](Event::End), or closes if [`Receiver::remaining`] is more than it cares to
//!   ([`CloseReason::UnreadBody`]).
//! * Aborting: when [`Encoder::data`] or [`Encoder::end`] fails, the connection is cut, so that the client sees
//!   that the response is not whole.
//!
//! # Parsing
//!
//! Heads are read by hand, line by line, and kept as bytes with the places of what matters in them: most
//! applications look at little of a head, and the types of the http crate are made when they are asked for
//! ([`RequestHead::headers`], [`RequestHead::uri`]). A parser that others wrote would have to be checked for
//! everything it is lenient about; here there is nothing lenient to begin with, and the tests hold every
//! accepted head against what httparse reads.
//!
//! The [site](https://gateway.example/) has guides, the specification, and all settings.

#![forbid(unsafe_code)]

mod authority;
mod chunked;
mod close;
mod connection;
mod draft;
mod encode;
mod encode_error;
mod encoder;
mod error;
mod exchange;
mod fields;
mod framing;
mod head;
mod head_reader;
mod limits;
mod lines;
mod receiver;
mod request_line;
mod response;
mod response_fields;
mod target;
mod token;
mod trailers;

pub use close::{CloseReason, Reading};
pub use encode::{CONTINUE, encode_head, encode_interim};
pub use encode_error::EncodeError;
pub use encoder::{AfterResponse, Encoder};
pub use error::{Error, Fault};
pub use exchange::Exchange;
pub use framing::BodyFraming;
pub use head::RequestHead;
pub use limits::{Limits, Underscores};
pub use receiver::{Event, Received, Receiver};
pub use request_line::asked_for;
pub use response::BodyLength;

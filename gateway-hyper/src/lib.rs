//! An async server for [gateway](gateway_core) applications, on hyper and tokio.
//!
//! ```no_run
//! use gateway_core::{Environ, Result, text};
//!
//! async fn hello(environ: Environ) -> Result {
//!     Ok(text(format!("Hello from {}\n", environ.path_info())))
//! }
//!
//! # fn main() -> std::io::Result<()> {
//! gateway_hyper::Server::bind("127.0.0.1:8000")?.run(hello)
//! # }
//! ```
//!
//! **In scope**: HTTP/1.1, HTTP/1.0, and HTTP/2 in cleartext with prior knowledge, on one port, over
//! TCP and Unix sockets; a pool of threads for blocking code; deadlines, limits, graceful stop.
//! **Out of scope**: TLS and upgrades (to come), processes and reload (a master's business).
//!
//! ```text
//!  listener ─accept─▶ connection, a task of its own
//!                     │  opening   HTTP/1 or HTTP/2?
//!                     │  wire      HTTP/1: are the bytes sound?      ◀─ socket
//!                     │  hyper     messages, framing, HTTP/2
//!                     │  strict    is the request sound?
//!                     ▼
//!                  Environ ─▶ application ─▶ Response
//!                                │ blocking      │  declared   does the head fit the body?
//!                                ▼               ▼  outgoing   no more and no less than declared
//!                              pool            hyper ─▶ socket
//! ```
//!
//! # A whole program
//!
//! ```
//! use std::io::{Read, Write};
//! use gateway_core::{Environ, Result, blocking, text};
//! use gateway_hyper::Server;
//!
//! fn hello(environ: Environ) -> Result {
//!     Ok(text(format!("Hello from {}\n", environ.path_info())))
//! }
//!
//! let server = Server::bind("127.0.0.1:0")?.threads(4);
//! let (addr, handle) = (server.local_addr().ok_or("no TCP")?, server.handle());
//! let serving = std::thread::spawn(move || server.run(blocking(hello)));
//!
//! let mut client = std::net::TcpStream::connect(addr)?;
//! client.write_all(b"GET /example HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")?;
//! let mut answer = String::new();
//! client.read_to_string(&mut answer)?;
//! assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"));
//! assert!(answer.ends_with("\r\n\r\nHello from /example\n"));
//!
//! handle.stop();
//! serving.join().expect("no panic")?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What blocks what
//!
//! * **Async code** runs on the runtime's threads, as many as cores with [`Server::run`]. Code that
//!   blocks there holds up every connection of that thread: it belongs into
//!   [`blocking`](gateway_core::blocking()) or [`Gateway::unblock`](gateway_core::Gateway::unblock).
//! * **Blocking code** runs on the pool: at most [`Server::threads`] calls at once, and
//!   [`Server::queue`] calls that wait; beyond them the answer is 503 with `Retry-After`. A call whose
//!   client has left while it waited is not begun.
//! * **Files and iterators** are read on the pool too, a chunk a job. Chunks of responses that have
//!   begun go before new calls, and are never refused.
//!
//! # What a slow client costs
//!
//! A connection's memory, and no thread: heads, bodies read by async code and responses of every kind
//! wait in tasks. The exception is blocking code that reads a body which is still arriving: it holds
//! a thread of the pool until the body is there, or [`Timeouts::body_stall`] has passed without a
//! byte. Where uploads are large and clients slow, read the body in async code and hand it to
//! `unblock`.
//!
//! Every wait has a bound ([`Timeouts`]): for the head 408, for the body
//! [`InputError::TimedOut`](gateway_core::InputError), which is 408 where the application lets it
//! through, for the client to take the response a cut, between requests a close. A connection that
//! has not sent a byte is closed without a word.
//!
//! Over HTTP/2 the bound on taking a response is each stream's own as well: one whose window stays shut
//! for [`Timeouts::write_stall`], with a piece of at most 16 KiB waiting, is reset, and the others go on.
//! Only of the last piece hyper does not tell whether it is taken; it goes with the connection.
//!
//! # When the client leaves
//!
//! A reset is noticed at once: the call's future is dropped, and
//! [`cancelled`](gateway_core::Environ::cancelled) set. A client that closes in good order looks the
//! same as one that only closes its sending half and waits. So after 100 ms `cancelled` is set, and the
//! call is dropped after 5 s; what is ready before is sent. Blocking code is never interrupted, and
//! sees `cancelled`. A departure is not seen behind 64 KiB of pipelined requests.
//!
//! # When a deadline passes
//!
//! With [`Timeouts::request`] set, `cancelled` is set at the deadline. The application has 250 ms to
//! answer as it likes; then its future is dropped, and the client has 503.
//!
//! # Stopping
//!
//! [`Handle::stop`] takes what is in the kernel's accept queue and closes the listeners, finishes what
//! runs, says `Connection: close` or GOAWAY on it, closes what is idle, and cuts off what is left after
//! [`Timeouts::drain`]. A connection that has not sent a byte has a second to begin. Each second the
//! log says what is waited for.
//!
//! # Strictness
//!
//! What hyper leaves to its host is refused here: over HTTP/1 a missing, repeated or malformed Host,
//! one that differs from the target, target forms that do not suit the method, CONNECT (501), names
//! with `_`, unknown expectations (417). What hyper hides from its host is refused before hyper reads
//! it: bare CR and LF, Content-Length beside Transfer-Encoding, repeated lengths, loose chunk lines,
//! forbidden trailers. That costs one more pass over each head, some 100 ns.
//!
//! What the application says about its own response is checked too: hop-by-hop fields (but
//! `Connection: close`), a Content-Length that is no number or not the body's, a 1xx as the answer
//! are a 500 and a line in the log. A body that turns out longer or shorter than declared is cut.
//!
//! Trailers of a response go out where the client sent `TE: trailers`, and the response names them in
//! `Trailer`.
//!
//! [`Timeouts`]: gateway_core::server::Timeouts
//! [`Timeouts::body_stall`]: gateway_core::server::Timeouts::body_stall
//! [`Timeouts::request`]: gateway_core::server::Timeouts::request
//! [`Timeouts::write_stall`]: gateway_core::server::Timeouts::write_stall
//! [`Timeouts::drain`]: gateway_core::server::Timeouts::drain

#![forbid(unsafe_code)]

mod accept;
mod cause;
mod closing;
mod connection;
mod declared;
mod drain;
mod exchange;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
mod host;
mod input;
mod listener;
mod octets;
mod outgoing;
mod pool;
mod progress;
mod pull;
mod refusal;
mod server;
mod service;
mod settings;
mod shared;
mod strict;
mod wire;

pub use server::{Handle, Server};

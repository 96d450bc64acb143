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
//!                     │  frames    HTTP/2: are they worth while?
//!                     │  hyper     messages, framing, HTTP/2
//!                     │  strict    is the request sound?
//!                     ▼
//!                  Environ ─▶ application ─▶ Response
//!                                │ blocking      │  declared   does the head fit the body?
//!                              gather            ▼  outgoing   no more and no less than declared
//!                                ▼             hyper ─▶ socket
//!                              pool
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
//! * **Blocking code** runs on the pool, when the request body is here: at most [`Server::threads`] calls
//!   at once, and [`Server::queue`] calls that wait; beyond them the answer is 503 with `Retry-After`. A call
//!   whose client has left while it waited is not begun.
//! * **Files and iterators** are read on the pool too, a chunk a job. Chunks of responses that have
//!   begun go before new calls, and are never refused.
//!
//! # What a slow client costs
//!
//! A connection's memory, and no thread: heads, bodies and responses of every kind wait in tasks. Async code
//! reads a body while it arrives. Blocking code is called when it is here: up to [`Limits::buffer`] of it
//! in memory, the rest in a temporary file, which has no name and is made in [`Server::spool_in`]; all
//! files together hold no more than [`Limits::spool`], beyond which the answer is 503. Two kinds of body are
//! read while they arrive by blocking code too, each on a thread that waits for the client meanwhile, and on half of the
//! threads at most: [live](Server::live_bodies) ones, and those that the client holds back (`Expect: 100-continue`).
//! What a blocking closure reads that async code hands to `unblock` is read on its thread as it comes.
//!
//! Every wait has a bound ([`Timeouts`]): for the head 408, for the body
//! [`InputError::TimedOut`](gateway_core::InputError), which is 408 where the application lets it
//! through, for the client to take the response a cut, between requests a close. A connection that
//! has not sent a byte is closed without a word. Besides, a client must not be slower than
//! [`Timeouts::min_rate`], while it is waited for: a body that comes too slowly is the same
//! `TimedOut`, a response that is taken too slowly is cut. What the application takes is not counted.
//!
//! A connection that is idle for a fifteenth of [`Timeouts::idle`] is taken from hyper, whose buffers are
//! let go, until something comes. Responses are handed over as they are taken, and none is kept in files:
//! [`Limits::response_spool`] has no meaning for this host.
//!
//! # What an idle connection costs
//!
//! In memory of the process, `RssAnon` over 3000 connections after a request each (2026-11-22, one machine):
//!
//! | allocator | HTTP/1.1 | the same, at rest | HTTP/2 | kept in all when 3000 have left |
//! |---|---:|---:|---:|---:|
//! | glibc's malloc | 15.0 KB | 15.0 KB | 23.0 KB | 46 MB, 69 MB over HTTP/2 |
//! | jemalloc, which gives back after 0.5 s | 11.3 KB | 5.7 KB | 19.7 KB | 3 MB, 5 MB over HTTP/2 |
//!
//! Before it is at rest, for a fifteenth of [`Timeouts::idle`], a connection has what its last request had hyper take:
//! some 48 KB after a head of 58 KiB, 130 KB after 200 KB of a body to blocking code.
//!
//! Nothing of it is leaked: what is freed lies between what is not, and glibc's malloc gives back no such
//! memory to the system, but to the next connections. A program that has many idle ones chooses another
//! global allocator. For HTTP/2, h2 has a buffer of 16 KiB to write from and one of 8 KiB to read to as
//! long as the connection lives, and lets nobody choose their sizes.
//!
//! # HTTP/2
//!
//! * **A stream of which the client takes nothing** for [`Timeouts::write_stall`] is reset, and the others
//!   go on. Where h2 has the end already it cannot be reset: the request is given up, and no more than
//!   16 KiB stay with h2 until they are taken, or the connection ends.
//! * **The least rate is that of the connection**, over all its bodies in one direction: streams share what
//!   the line carries, and one among a hundred is slow on a line that is not. When the client falls below
//!   it, the streams that wait for it are reset, or answered 408.
//! * **A response is told complete** when the socket has all of it, as over HTTP/1.
//! * **What a connection holds is bounded**: [`Server::streams`] requests at once, a head of
//!   [`Limits::head`], 64 KiB of each response and the two chunks with which it comes to that, 256 KiB of
//!   each request body that nobody reads and 1 MiB of all of them.
//! * **Frames that ask for nothing** (PING, SETTINGS, PRIORITY, resets, windows opened for nothing) are on an
//!   account that time and answers fill. A client that overdraws it is closed with `ENHANCE_YOUR_CALM`.
//! * **When the server stops**, streams that have begun are finished. Those that come after the last GOAWAY
//!   are not looked at, as it says, so that the client may ask again.
//!
//! # When the client leaves
//!
//! A reset is noticed at once: the call's future is dropped, and
//! [`cancelled`](gateway_core::Environ::cancelled) set. A client that closes in good order looks the
//! same as one that only closes its sending half and waits. So after 100 ms `cancelled` is set, and the
//! call is dropped after 5 s; what is ready before is sent. Blocking code is never interrupted, and
//! sees `cancelled`. Behind bytes that nobody reads, as of a body that the application does not ask for, it is looked every 100 ms
//! whether the client is still there. The end of a client whose bytes the kernel has no more room for is not seen.
//!
//! # When a deadline passes
//!
//! With [`Timeouts::request`] set, `cancelled` is set at the deadline. The application has 250 ms to
//! answer as it likes; then its future is dropped, and the client has 503.
//!
//! # Stopping
//!
//! [`Handle::stop`] takes what is in the kernel's accept queue and closes the listeners, finishes what
//! runs, says `Connection: close` or GOAWAY on it, closes what is idle for [`Timeouts::idle_at_stop`],
//! and cuts off what is left after [`Timeouts::drain`]. Each second the log says what is waited for: how
//! many requests in which [`Stage`](gateway_core::server::Stage), and the oldest of them.
//!
//! # What the log says
//!
//! Through [`tracing`]. Whatever is cut off has one line, `cut off`, with who (`remote`), which request
//! (`request`, method and path, or that none was begun), where it stood (`stage`), its `age`, and `why`.
//! That is so as well where it is h2 that closes a connection for what the client did: each of its requests
//! has its line, or the connection has one with what h2 says (`error`). What h2 refuses on a stream before
//! it is a request goes without one.
//!
//! A request that the host refuses has a line with the same fields, `request refused`, with the `status` of its
//! answer and the `error`; and so has one that the application fails at, `request failed`. That there are too
//! many connections, or no descriptors for more, is told once, and once when nobody has waited for a second.
//!
//! # Strictness
//!
//! What hyper leaves to its host is refused here: over HTTP/1 a missing, repeated or malformed Host,
//! one that differs from the target, target forms that do not suit the method, CONNECT (501), names
//! with `_`, unknown expectations (417). What hyper hides from its host is refused before hyper reads
//! it: bare CR and LF, Content-Length beside Transfer-Encoding, repeated lengths, loose chunk lines,
//! forbidden trailers. That costs one more pass over each head, some 100 ns. What h2 reads more leniently is
//! refused by the same rules: names, values with spaces around them, lengths, long methods, trailers.
//!
//! What the application says about its own response is checked too: hop-by-hop fields (but
//! `Connection: close`), a Content-Length that is no number or not the body's, a 1xx as the answer
//! are a 500 and a line in the log. A body that turns out longer or shorter than declared is cut.
//!
//! Trailers of a response go out where the client sent `TE: trailers`, and the response names them in
//! `Trailer`.
//!
//! The [site](https://gateway.example/) has guides, the specification, and all settings.
//!
//! [`Limits::buffer`]: gateway_core::server::Limits::buffer
//! [`Limits::head`]: gateway_core::server::Limits::head
//! [`Limits::response_spool`]: gateway_core::server::Limits::response_spool
//! [`Limits::spool`]: gateway_core::server::Limits::spool
//! [`Timeouts`]: gateway_core::server::Timeouts
//! [`Timeouts::body_stall`]: gateway_core::server::Timeouts::body_stall
//! [`Timeouts::idle`]: gateway_core::server::Timeouts::idle
//! [`Timeouts::idle_at_stop`]: gateway_core::server::Timeouts::idle_at_stop
//! [`Timeouts::min_rate`]: gateway_core::server::Timeouts::min_rate
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
mod fault;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
mod gather;
mod host;
mod input;
mod listener;
mod octets;
mod outgoing;
mod piece;
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

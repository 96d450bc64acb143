//! A threaded server for [gateway](gateway_core) applications that slow clients cannot hold up.
//!
//! No async runtime, no reactor thread, no proxy needed in front. Blocking code runs on the thread
//! that has read its request; async code is polled there.
//!
//! ```no_run
//! use gateway_core::{Environ, Result, blocking, text};
//!
//! fn hello(environ: Environ) -> Result {
//!     Ok(text(format!("Hello from {}\n", environ.path_info())))
//! }
//!
//! # fn main() -> std::io::Result<()> {
//! gateway_sync::Server::bind("127.0.0.1:8000")?.threads(64).serve(blocking(hello))
//! # }
//! ```
//!
//! **In scope**: HTTP/1.1 and 1.0 over TCP and Unix sockets, clients of any slowness, deadlines, least
//! rates, limits, graceful stop.
//! **Out of scope**: HTTP/2 (gateway-hyper has it), TLS (to come), processes and reload (a master's
//! business), HTTP on bytes ([`gateway_http1`]).
//!
//! # How it works
//!
//! A classic threaded server gives each connection a thread, and a slow client keeps it. Here a
//! connection is a state machine that belongs to no thread, and threads hold *seats*.
//!
//! ```text
//!                      ┌───────────────── seat (one a core) ─────────────────┐
//!   listener ─accept─▶ │ epoll set · connections · those that are ready      │
//!                      └──────▲──────────────────────────────────────────────┘
//!                             │ held by one thread at a time
//!   worker:  poll ─▶ read ─▶ whole request? ─▶ application ─▶ write ─▶ next connection
//!                             │ no: next           │ blocks?
//!                             ▼                    ▼
//!                      the connection waits    the seat goes to a spare thread, the worker
//!                      in its slot             goes on without one, then takes a free seat
//! ```
//!
//! A seat is an epoll set, the connections registered with it, and the list of those that can go
//! on. There are as many as cores. The thread that holds a seat reads a request whole, calls the
//! application right there, and writes the answer: nothing is handed over. Threads beyond the seats
//! are spare.
//!
//! A call that blocks must not keep a seat. A small predictor remembers, by method and path, which
//! calls do: before such a call the worker gives its seat to a spare. A call that was expected to be
//! quick and is not loses its seat to a spare after about a millisecond, and the predictor learns. An
//! async application needs no forecast: if its first poll is pending, the seat is given away and the
//! worker sleeps until the future is woken.
//!
//! Calls that compute look to the clock like calls that wait; the thread's processor time tells them
//! apart. More of them at once than there are cores gain nothing, and delay everybody: beyond that
//! number they wait for one another, while quick calls go on.
//!
//! # Threads
//!
//! [`Server::threads`] is how many calls can *wait* at once. Idle and slow connections take none,
//! quick calls share as many as there are cores. A service whose calls wait 100 ms for a database and
//! that should answer 1000 requests a second needs 100 of them; one that only computes needs no more
//! than cores. A thread that is spare costs its stack's touched pages, some 20 KiB, and no time.
//! There is one thread more, so that one is in no call at any time: it reads requests, sends what is kept, notices
//! clients that leave, and cuts what is overdue. When all others are in calls, requests wait in their connections, in
//! the order in which they came, and nobody is refused; or as many as [`Server::queue`] says wait, and the rest are
//! answered 503 with `Retry-After` at once. A resource that fewer calls may share than there are threads is bounded by
//! [`Blocking::limit`](gateway_core::Blocking::limit).
//!
//! # What blocks what
//!
//! | this | takes a thread | takes a seat |
//! |---|---|---|
//! | a connection that is idle, or sends or reads slowly | no | no |
//! | a quick call | while it runs | while it runs |
//! | a call that waits or computes | while it runs | for at most about 1 ms, the first time |
//! | an async call that is pending | until it is ready | no |
//! | a request body that the client holds back (`Expect: 100-continue`) | while the application reads it | no |
//! | a [live](Server::live_bodies) request body | while the application reads it | no |
//! | a temporary file that is written or read | while it is | as a call |
//! | a blocking iterator as response body | while it makes a chunk | as a call |
//! | a stream or channel as response body | while it is polled | while it is polled |
//! | a response that the client takes slowly | no | no |
//!
//! # What a slow client costs
//!
//! Memory, then a temporary file, and no thread, but where the table says so: an application that reads a body
//! while it arrives waits for its client.
//!
//! ```text
//!   client ─▶ memory, Limits::buffer ─▶ file, Limits::body ───────────▶ the application reads it
//!   client ◀─ memory, Limits::buffer ◀─ file, Limits::response_spool ◀─ the application makes it
//! ```
//!
//! **A request body** is gathered before the application is called, in memory up to
//! [`Limits::buffer`](gateway_core::server::Limits::buffer) and one read more, the rest in a file. The application
//! sees no difference: its [`Input`](gateway_core::Input) reads the file where it is asked. With
//! [`Server::live_bodies`] the application is called when the head is here, and reads while the client sends.
//!
//! **A response body** that is an iterator is made as fast as it can be; what the client does not take is
//! kept. So the application is done early: its iterator is dropped, and no thread waits for anybody. When the
//! file is full, the body is made as its client takes it. Bytes and files are sent from where they are. A
//! response that is [live](gateway_core::Delivery::Live) is never made ahead: streams and channels by their
//! nature, others if they or the server ([`Server::delivery`]) say so. A live chunk is sent when it is made.
//! Others that come in no time leave together, up to 32 KiB; none waits for one that takes its time, as long as a
//! thread is free to send it.
//!
//! Files have no names, are made in [`Server::spool_in`], and hold no more than
//! [`Limits::spool`](gateway_core::server::Limits::spool) together. Beyond it, or where the disk is full or there is no
//! descriptor left, a request is answered 503 with `Retry-After`, and a response is made as its client takes it.
//!
//! Time is bounded as well: see [`Timeouts`](gateway_core::server::Timeouts). A client that stands still, or is
//! slower than [`min_rate`](gateway_core::server::Timeouts::min_rate), is answered 408 while it sends, and cut
//! while it takes, by a reset, so that it cannot take what it has for the whole. Only time in which the client has
//! the word counts. Whatever is cut off leaves a line in the log: who, which request, how old, in which
//! [`Stage`](gateway_core::server::Stage), and why.
//!
//! # When there is too much
//!
//! Connections beyond [`Limits::connections`](gateway_core::server::Limits::connections) wait in the kernel's
//! backlog, and so do all when descriptors run out; the log says so once, and once when nobody has waited for a
//! second. What is there already is served meanwhile.
//!
//! # When the client leaves
//!
//! A client that closes or resets its connection during the call sets
//! [`Environ::cancelled`](gateway_core::Environ::cancelled) at once; an async call that is pending is
//! dropped. A client that closes its sending side with its request may still wait for the answer, and
//! gets it; one that closes while its request waits for a thread has left, and its call is not begun.
//!
//! # Platforms
//!
//! Linux, by epoll.
//!
//! The [site](https://gateway.example/) has guides, the specification, and all settings.

#![forbid(unsafe_code)]

mod connection;
mod date;
mod deadline;
mod drain;
mod gate;
mod host;
mod lending;
mod listener;
mod live;
mod log;
#[cfg(feature = "measuring")]
#[doc(hidden)]
pub mod measuring;
mod monitor;
mod outbox;
mod poller;
mod predictor;
mod reactor;
mod request;
mod respond;
mod rules;
mod seat;
mod seating;
mod server;
mod shared;
mod socket;
mod stopwatch;
mod unsent;
mod worker;

pub use server::{Handle, Server};

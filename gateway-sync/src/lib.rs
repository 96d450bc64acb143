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
//! **In scope**: HTTP/1.1 and 1.0 over TCP and Unix sockets, deadlines, limits, graceful stop.
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
//! When all threads are in calls, requests wait: first in their connections, then in the kernel's
//! backlog. A resource that fewer calls may share than there are threads is bounded by
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
//! | a blocking iterator as response body | while it makes a chunk | as a call |
//! | a stream or channel as response body | while it is polled | while it is polled |
//! | a response that the client takes slowly | no | no |
//!
//! # What a slow client costs
//!
//! Memory: the request as far as it is here, or the rest of the response. Request bodies are kept in
//! memory up to [`Limits::body`](gateway_core::server::Limits::body); a response body is pulled only
//! while the client keeps up, so that no more than one chunk of it is kept. And time, which is
//! bounded: see [`Timeouts`](gateway_core::server::Timeouts).
//!
//! # When the client leaves
//!
//! A client that closes or resets its connection during the call sets
//! [`Environ::cancelled`](gateway_core::Environ::cancelled) at once; an async call that is pending is
//! dropped. A client that closes only its sending side *before* the call begins may still wait for
//! the answer, and gets it.
//!
//! # Platforms
//!
//! Linux, by epoll.

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
mod spool;
mod stopwatch;
mod upload;
mod worker;

pub use server::{Handle, Server};

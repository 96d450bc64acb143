//! What the servers of others have in common: where they listen, and what the endpoints do.

#![forbid(unsafe_code)]

use std::net::SocketAddr;

#[path = "../../src/serve/endpoints.rs"]
mod endpoints;

pub use endpoints::{BIG, HELLO, PIECE, PIECES, WAIT, compute, delay};

/// The type of what is text.
pub const PLAIN: &str = "text/plain; charset=utf-8";

/// Threads of the servers that have a thread for each call, as many as gateway-sync is given.
pub const THREADS: usize = 64;

/// Where to listen: the only argument.
///
/// # Panics
///
/// If there is none, or it is no address.
pub fn address() -> SocketAddr {
    let argument = std::env::args().nth(1).expect("an address to listen on");
    argument.parse().expect("an address such as 127.0.0.1:8000")
}

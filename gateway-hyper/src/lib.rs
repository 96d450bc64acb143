//! An async server for gateway applications, on hyper and tokio.

#![forbid(unsafe_code)]

mod accept;
mod connection;
mod declared;
mod drain;
mod exchange;
mod host;
mod input;
mod listener;
mod outgoing;
mod pool;
mod pull;
mod refusal;
mod server;
mod service;
mod settings;
mod shared;
mod strict;
mod wire;

pub use server::{Handle, Server};

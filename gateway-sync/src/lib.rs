//! A threaded server for gateway applications that slow clients cannot hold up.

#![forbid(unsafe_code)]

mod connection;
mod date;
mod deadline;
mod drain;
mod host;
mod listener;
mod live;
mod log;
mod monitor;
mod outbox;
mod poller;
mod predictor;
mod request;
mod respond;
mod seat;
mod seating;
mod server;
mod shared;
mod socket;
mod worker;

pub use server::{Handle, Server};

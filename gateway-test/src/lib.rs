//! Conformance suite, raw client and fixture applications for gateway hosts.

#![forbid(unsafe_code)]

mod answer;
pub mod client;
pub mod conformance;
pub mod corpus;
mod environ;
mod event;
pub mod fixtures;

pub use answer::{Answer, Failure, call};
pub use environ::{EnvironBuilder, environ};
pub use event::{DidNotHappen, Event, Log, PATIENCE};

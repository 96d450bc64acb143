//! The parts of a request that are ours, each as a piece of work of its own, for the micro-benchmarks:
//! `cargo bench -p gateway-bench` measures their time and their allocations, `bench/instructions` counts
//! their instructions.
//!
//! **In scope**: what is public of gateway-core and gateway-http1, and whole requests over a socket.
//! **Out of scope**: the predictor and the hand-over of a seat by themselves, which are private to
//! gateway-sync; they show in the difference between requests that keep their seat and requests that
//! give it away.

#![forbid(unsafe_code)]

pub mod pieces;

//! The parts of a request that are ours, each as a piece of work of its own, for the micro-benchmarks:
//! `cargo bench -p gateway-bench` measures their time and their allocations, `bench/instructions` counts
//! their instructions.
//!
//! **In scope**: reading, the environ, encoding, forecasts, seats, and whole requests over a socket.
//! **Out of scope**: what the kernel does, which is four fifths of a request; `compare` measures that.

#![forbid(unsafe_code)]

pub mod kept;
pub mod pieces;

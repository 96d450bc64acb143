//! Counts the allocations of each piece of work, and of a whole request: a line each, with name, allocations
//! and bytes, after warm-up. What `bench/instructions` puts beside the instructions.

#![forbid(unsafe_code)]
#![allow(clippy::print_stdout, reason = "a program whose output is its purpose")]

use std::alloc::System;

use gateway_bench::kept::{HELLO, Kept};
use gateway_bench::pieces::PIECES;
use gateway_core::{Environ, Response, Result, text};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const TIMES: usize = 1000;

fn main() {
    for (name, ready) in PIECES {
        count(name, ready());
    }
    let mut kept = Kept::start(hello, 2, "/hello");
    count(
        "a whole GET with a static body on gateway-sync",
        move || kept.ask(),
    );
    let mut kept = Kept::start(with_a_field, 2, "/hello");
    count("the same, answered with a Content-Type", move || kept.ask());
}

fn hello(_environ: Environ) -> Result {
    Ok(Response::new(HELLO.into()))
}

fn with_a_field(_environ: Environ) -> Result {
    Ok(text(HELLO))
}

/// Counts in all threads, which the server's monitor is one of: rounded, its few do not show.
fn count(name: &str, mut work: impl FnMut()) {
    (0..TIMES).for_each(|_| work());
    let region = Region::new(ALLOCATOR);
    (0..TIMES).for_each(|_| work());
    let counted = region.change();
    let allocations = counted.allocations + counted.reallocations;
    let a_time = |count: usize| (count + TIMES / 2) / TIMES;
    println!(
        "{name}\t{}\t{}",
        a_time(allocations),
        a_time(counted.bytes_allocated)
    );
}

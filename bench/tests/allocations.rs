//! Allocations of a whole request on gateway-sync, counted in all threads of the process. One test a
//! program: what others allocate at the same time would be counted as well.

#![forbid(unsafe_code)]

use std::alloc::System;

use gateway_bench::kept::{HELLO, Kept};
use gateway_core::{Environ, Response, Result};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const REQUESTS: usize = 2000;

/// What a GET with a static body may allocate, after warm-up:
///
/// 1. the bytes of the head, which the environ keeps,
/// 2. the request that is being gathered,
/// 3. the environ, on the heap so that moving it is cheap.
///
/// None of them is of a map of fields: http makes one when the application first asks for it.
const MOST: usize = 3;

fn hello(_environ: Environ) -> Result {
    Ok(Response::new(HELLO.into()))
}

#[test]
fn a_get_with_a_static_body_allocates_what_it_must() {
    let mut kept = Kept::start(hello, 2, "/hello");
    (0..200).for_each(|_| kept.ask());
    let region = Region::new(ALLOCATOR);
    (0..REQUESTS).for_each(|_| kept.ask());
    let counted = region.change();
    let allocations = counted.allocations + counted.reallocations;
    // The monitor may allocate now and then, and so may the one who prints a test's name.
    assert!(allocations < MOST * REQUESTS + REQUESTS / 2, "{counted:?}");
}

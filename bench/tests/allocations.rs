//! Allocations of a whole request on gateway-sync, counted in all threads of the process. One test a
//! program: what others allocate at the same time would be counted as well.

#![forbid(unsafe_code)]

use std::alloc::System;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread;

use gateway_core::{Environ, Response, Result, blocking};
use gateway_sync::Server;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const REQUEST: &[u8] = b"GET /hello HTTP/1.1\r\nHost: 127.0.0.1:8000\r\n\r\n";
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
    Ok(Response::new("Hello, world\n".into()))
}

#[test]
fn a_get_with_a_static_body_allocates_what_it_must() {
    let server = Server::bind("127.0.0.1:0").unwrap().threads(2);
    let (address, handle) = (server.local_addr().unwrap(), server.handle());
    let serving = thread::spawn(move || server.serve(blocking(hello)));
    let mut stream = TcpStream::connect(address).unwrap();
    let mut answer = [0; 1024];
    ask(&mut stream, &mut answer, 200);

    let region = Region::new(ALLOCATOR);
    ask(&mut stream, &mut answer, REQUESTS);
    let counted = region.change();
    let allocations = counted.allocations + counted.reallocations;
    println!(
        "{:.3} allocations and {:.0} bytes a request",
        allocations as f64 / REQUESTS as f64,
        counted.bytes_allocated as f64 / REQUESTS as f64
    );
    // The monitor may allocate now and then, and so may the one who prints a test's name.
    assert!(allocations < MOST * REQUESTS + REQUESTS / 2, "{counted:?}");

    drop(stream);
    handle.stop();
    serving.join().unwrap().unwrap();
}

/// Asks again and again without allocating anything.
fn ask(stream: &mut TcpStream, answer: &mut [u8; 1024], times: usize) {
    for _ in 0..times {
        stream.write_all(REQUEST).expect("it reads");
        let mut length = 0;
        while !answer[..length].ends_with(b"Hello, world\n") {
            let read = stream.read(&mut answer[length..]).expect("it answers");
            assert!(read > 0, "the connection was closed");
            length += read;
        }
    }
}

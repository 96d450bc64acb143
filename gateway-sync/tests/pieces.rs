//! However pieces and clients dawdle, what is received is what was made.

#![allow(clippy::unwrap_used, reason = "tests say by panicking what went wrong")]

mod common;

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use gateway_core::{Body, Environ, Error, Response, blocking};
use gateway_test::client::Client;
use http::Method;

use common::{Running, get, server};

const CLIENTS: u64 = 6;
const RESPONSES: u64 = 6;
const PIECES: u64 = 40;

/// A number that looks random, the same for the same `of` (Vigna's splitmix64).
fn mixed(of: u64) -> u64 {
    let mut z = of.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Most pieces are small, some large.
fn piece(seed: u64, number: u64) -> Bytes {
    let chance = mixed(seed * PIECES + number);
    let length = match chance % 8 {
        0 => chance >> 16 & 0xffff,
        _ => chance >> 16 & 0x7ff,
    };
    (0..length)
        .map(|at| mixed(chance ^ (at >> 3)) as u8)
        .collect()
}

/// Most pieces come at once, some do not.
fn dawdle(seed: u64, number: u64) {
    match mixed(seed ^ number << 32) % 16 {
        0 => thread::sleep(Duration::from_millis(5)),
        1 => thread::yield_now(),
        _ => {}
    }
}

fn ask(client: &mut Client, seed: u64) {
    client.send(get(&format!("/{seed}"))).unwrap();
    if seed % 3 == 0 {
        thread::sleep(Duration::from_millis(10)); // what is made meanwhile is kept
    }
    let body = client.read(&Method::GET).unwrap().body;
    let made: Vec<u8> = (0..PIECES).flat_map(|number| piece(seed, number)).collect();
    assert!(body == made, "of seed {seed}");
}

#[test]
fn what_is_received_is_what_was_made() {
    let app = Arc::new(blocking(|environ: Environ| {
        let seed: u64 = environ.path_info()[1..].parse()?;
        let pieces = (0..PIECES).map(move |number| {
            dawdle(seed, number);
            Ok::<_, Error>(piece(seed, number))
        });
        Ok(Response::new(Body::iter(pieces)))
    }));
    for threads in [1, 2, 8] {
        let running = Running::start(server(threads), Arc::clone(&app));
        thread::scope(|scope| {
            for number in 0..CLIENTS {
                let address = &running.address;
                scope.spawn(move || {
                    let mut client = match number % 2 {
                        0 => Client::connect_narrow(address, 4096).unwrap(),
                        _ => Client::connect(address).unwrap(),
                    };
                    for response in 0..RESPONSES {
                        ask(&mut client, number * RESPONSES + response);
                    }
                });
            }
        });
    }
}

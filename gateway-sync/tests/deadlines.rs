//! What is due is counted from the request at hand, not from one before it.

#![allow(clippy::unwrap_used, reason = "tests say by panicking what went wrong")]

mod common;

use std::thread;
use std::time::{Duration, Instant};

use gateway_core::server::{Timeouts, block_on};
use gateway_core::{Application, CancelReason, Environ, blocking, text};
use gateway_test::Log;
use gateway_test::client::Client;
use http::Method;

use common::{Running, get, server};

fn served() -> impl Application {
    blocking(|_| Ok(text("served")))
}

/// Uses `clients` in turn until the server has closed `witness`, whose time ran later than theirs
/// did. One seat looks at all deadlines at once, and at most one client is being answered then: the
/// others' deadlines are what is tested.
fn outlive(witness: Client, clients: &mut [Client], mut request: impl FnMut(&mut Client)) {
    let mut witness = witness;
    let gone = thread::spawn(move || witness.read_to_end());
    while !gone.is_finished() {
        clients.iter_mut().for_each(&mut request);
    }
    gone.join().unwrap().unwrap();
    clients.iter_mut().for_each(&mut request);
}

#[test]
fn a_connection_in_use_outlives_the_time_that_an_idle_one_has() {
    let mut timeouts = Timeouts::default();
    timeouts.idle = Duration::from_secs(3);
    let running = Running::start(server(1).timeouts(timeouts), served());
    let mut clients: Vec<_> = (0..8).map(|_| running.client()).collect();
    for client in &mut clients {
        assert_eq!(client.get("/").unwrap().text(), "served");
    }
    let mut idle = running.client();
    assert_eq!(idle.get("/").unwrap().text(), "served");
    outlive(idle, &mut clients, |client| {
        assert_eq!(client.get("/").unwrap().text(), "served");
    });
}

#[test]
fn each_head_has_its_own_time_although_the_one_before_came_with_a_piece_of_it() {
    let mut timeouts = Timeouts::default();
    timeouts.head = Duration::from_secs(3);
    let running = Running::start(server(1).timeouts(timeouts), served());
    let request = get("/");
    let (start, rest) = request.split_at(10);
    let mut clients: Vec<_> = (0..8).map(|_| running.client()).collect();
    for client in &mut clients {
        client.send(start).unwrap();
    }
    let mut slow = running.client();
    slow.send(start).unwrap();
    outlive(slow, &mut clients, |client| {
        client.send([rest, start].concat()).unwrap();
        assert_eq!(client.read(&Method::GET).unwrap().text(), "served");
    });
}

#[test]
fn requests_that_came_after_one_that_timed_out_have_all_their_time() {
    let mut timeouts = Timeouts::default();
    timeouts.request = Some(Duration::from_secs(3));
    let ends = Log::new();
    let app = {
        let ends = ends.clone();
        blocking(move |environ: Environ| {
            if environ.path_info() == "/slow" {
                assert_eq!(block_on(environ.cancelled()), CancelReason::Deadline);
                ends.note(Instant::now());
                return Ok(text("slow"));
            }
            assert_eq!(environ.cancelled().reason(), None);
            assert!(environ.received_at() >= Some(ends.next()?));
            ends.note(Instant::now());
            Ok(text("quick"))
        })
    };
    let running = Running::start(server(2).timeouts(timeouts), app);
    let mut client = running.client();
    let together = [get("/slow"), get("/quick"), get("/quick")].concat();
    client.send(together).unwrap();
    for expected in ["slow", "quick", "quick"] {
        let reply = client.read(&Method::GET).unwrap();
        assert_eq!((reply.status, reply.text()), (200, expected));
    }
}

#[test]
fn who_waits_for_one_requests_cancellation_is_not_told_of_the_next_ones() {
    let mut timeouts = Timeouts::default();
    timeouts.request = Some(Duration::from_millis(10));
    let kept = Log::new();
    let keeps = kept.clone();
    let app = blocking(move |environ: Environ| {
        if environ.path_info() == "/slow" {
            block_on(environ.cancelled());
        } else {
            keeps.note(environ.cancelled());
        }
        Ok(text("done"))
    });
    let running = Running::start(server(2).timeouts(timeouts), app);
    let mut client = running.client();
    client.send(get("/quick") + &get("/slow")).unwrap();
    for _ in 0..2 {
        assert_eq!(client.read(&Method::GET).unwrap().text(), "done");
    }
    assert_eq!(kept.next().unwrap().reason(), None);
}

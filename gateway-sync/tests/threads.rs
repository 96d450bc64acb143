//! What takes a thread of the threaded server and what does not. What holds for every host is in the
//! conformance suite.

#![allow(clippy::unwrap_used, reason = "tests say by panicking what went wrong")]

mod common;

use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use gateway_core::server::{Limits, Timeouts};
use gateway_core::{
    Body, CancelReason, Delivery, Environ, Response, Result, Sender, blocking, text,
};
use gateway_test::client::Client;
use gateway_test::{Event, Log, PATIENCE};

use common::{Running, get, server};

#[test]
fn a_stream_that_has_nothing_to_say_takes_no_thread() {
    let senders: &'static Log<Sender> = Box::leak(Box::new(Log::new()));
    let app = |environ: Environ| {
        if environ.path_info() == "/quick" {
            return Ok(text("quick"));
        }
        let (sender, body) = Body::channel(1);
        senders.note(sender);
        Ok(Response::new(body))
    };
    let running = Running::start(server(1), blocking(app));
    let mut streams: Vec<_> = (0..20).map(|_| running.client()).collect();
    for stream in &mut streams {
        stream.send(get("/stream")).unwrap();
    }
    let open: Vec<_> = (0..20).map(|_| senders.next().unwrap()).collect();
    assert_eq!(running.client().get("/quick").unwrap().text(), "quick");
    for mut sender in open {
        sender.blocking_send("some").unwrap();
        sender.blocking_send("thing").unwrap();
        sender.finish();
    }
    for mut stream in streams {
        assert_eq!(stream.read(&http::Method::GET).unwrap().text(), "something");
    }
}

#[test]
fn the_first_slow_call_of_a_path_costs_the_others_a_tick_and_no_more() {
    let (entered, release) = (Event::new(), Event::new());
    let (inside, go) = (entered.clone(), release.clone());
    let app = blocking(move |environ: Environ| {
        if environ.path_info() == "/slow" {
            inside.set();
            go.wait()?;
        }
        Ok(text("done"))
    });
    // One more thread than calls that are stuck: the seat must find it.
    let running = Running::start(server(2), app);
    let mut slow = running.client();
    slow.send(get("/slow")).unwrap();
    entered.wait().unwrap();
    let mut quick = running.client();
    for _ in 0..10 {
        assert_eq!(quick.get("/quick").unwrap().text(), "done");
    }
    release.set();
    assert_eq!(slow.read(&http::Method::GET).unwrap().text(), "done");
}

#[test]
fn a_connection_beyond_the_limit_waits_until_there_is_room() {
    let mut limits = Limits::default();
    limits.connections = 2;
    let running = Running::start(server(2).limits(limits), blocking(|_| Ok(text("served"))));
    let mut first = running.client();
    let mut second = running.client();
    assert_eq!(first.get("/").unwrap().text(), "served");
    assert_eq!(second.get("/").unwrap().text(), "served");
    let mut third = running.client();
    third.send(get("/")).unwrap();
    for _ in 0..20 {
        assert_eq!(first.get("/").unwrap().text(), "served");
    }
    assert!(third.is_quiet().unwrap());
    drop(first);
    assert_eq!(third.read(&http::Method::GET).unwrap().text(), "served");
}

/// Who leaves makes room at once, not with the next look at deadlines: that would be twice a second.
#[test]
fn the_last_place_is_never_left_unused() {
    let mut limits = Limits::default();
    limits.connections = 50;
    let running = Running::start(server(2).limits(limits), blocking(|_| Ok(text("served"))));
    let mut held: Vec<_> = (0..49).map(|_| running.client()).collect();
    for client in &mut held {
        assert_eq!(client.get("/").unwrap().text(), "served");
    }
    let begun = Instant::now();
    for _ in 0..200 {
        assert_eq!(running.client().get("/").unwrap().text(), "served");
    }
    assert!(begun.elapsed() < PATIENCE);
}

#[test]
fn a_stop_does_not_wait_for_ever_for_a_call_that_does_not_return() {
    let (entered, cancelled) = (Event::new(), Log::new());
    let (inside, seen) = (entered.clone(), cancelled.clone());
    let never = Mutex::new(());
    let app = blocking(move |environ: Environ| {
        inside.set();
        seen.note(gateway_core::server::block_on(environ.cancelled()));
        let _held = never.lock();
        loop {
            thread::park();
        }
    });
    let mut timeouts = Timeouts::default();
    timeouts.drain = Duration::from_millis(100);
    let running = Running::start(server(2).timeouts(timeouts), app);
    let mut client = running.client();
    client.send(get("/")).unwrap();
    entered.wait().unwrap();
    running.stop();
    assert_eq!(cancelled.next().unwrap(), CancelReason::Shutdown);
    assert!(client.read(&http::Method::GET).is_err());
}

#[test]
fn a_deadline_is_seen_by_blocking_code_and_ends_async_code() {
    let mut timeouts = Timeouts::default();
    timeouts.request = Some(Duration::from_millis(10));
    let reasons = Log::new();
    let seen = reasons.clone();
    let app = blocking(move |environ: Environ| {
        assert!(environ.deadline() > environ.received_at());
        seen.note(gateway_core::server::block_on(environ.cancelled()));
        Ok(text("too late, but answered"))
    });
    let running = Running::start(server(2).timeouts(timeouts.clone()), app);
    assert_eq!(running.client().get("/").unwrap().status, 200);
    assert_eq!(reasons.next().unwrap(), CancelReason::Deadline);

    async fn never(_environ: Environ) -> Result {
        std::future::pending().await
    }
    let running = Running::start(server(2).timeouts(timeouts), never);
    assert_eq!(running.client().get("/").unwrap().status, 503);
}

#[test]
fn a_live_iterator_is_pulled_only_as_fast_as_its_client_reads() {
    let pulled = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let count = std::sync::Arc::clone(&pulled);
    let app = blocking(move |environ: Environ| {
        if environ.path_info() == "/quick" {
            return Ok(text("quick"));
        }
        let count = std::sync::Arc::clone(&count);
        let mut response = Response::new(Body::iter((0..1000).map(move |_| {
            count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            Ok::<_, gateway_core::Error>(vec![b'x'; 64 * 1024])
        })));
        response.extensions_mut().insert(Delivery::Live);
        Ok(response)
    });
    let running = Running::start(server(1), app);
    let mut slow = Client::connect_narrow(&running.address, 4096).unwrap();
    slow.send(get("/large")).unwrap();
    // The only thread is free again: the rest of the large body waits for its client.
    slow.read_some(1).unwrap();
    // Each answer leaves the body a turn, in which it would be pulled on if its client did not matter.
    let mut quick = running.client();
    for _ in 0..100 {
        assert_eq!(quick.get("/quick").unwrap().text(), "quick");
    }
    assert!(pulled.load(std::sync::atomic::Ordering::Relaxed) < 500);
}

#[test]
fn one_thread_that_is_left_looks_after_all_connections() {
    let (entered, release) = (Log::new(), Event::new());
    let (inside, go) = (entered.clone(), release.clone());
    let app = blocking(move |environ: Environ| {
        if environ.path_info() == "/slow" {
            inside.note(());
            go.wait()?;
        }
        Ok(text("done"))
    });
    // Connections are spread over the seats, and as many threads are stuck as leave one to go round.
    let threads = 2 + thread::available_parallelism().unwrap().get();
    let running = Running::start(server(threads), app);
    let mut kept: Vec<_> = (0..8).map(|_| running.client()).collect();
    for client in &mut kept {
        assert_eq!(client.get("/quick").unwrap().text(), "done");
    }
    let mut slow: Vec<_> = (1..threads).map(|_| running.client()).collect();
    for client in &mut slow {
        client.send(get("/slow")).unwrap();
        entered.next().unwrap();
    }
    for _ in 0..3 {
        for client in &mut kept {
            assert_eq!(client.get("/quick").unwrap().text(), "done");
        }
        assert_eq!(running.client().get("/quick").unwrap().text(), "done");
    }
    release.set();
    for mut client in slow {
        assert_eq!(client.read(&http::Method::GET).unwrap().text(), "done");
    }
}

#[test]
fn what_is_due_of_a_connection_is_not_due_of_its_call() {
    let mut timeouts = Timeouts::default();
    timeouts.head = Duration::from_millis(500);
    timeouts.idle = Duration::from_millis(500);
    let wakers = Log::new();
    let seen = wakers.clone();
    let app = move |environ: Environ| {
        let seen = seen.clone();
        async move {
            let event = Event::new();
            seen.note((event.clone(), environ.cancelled()));
            event.happened().await;
            Ok(text("in its own time"))
        }
    };
    let running = Running::start(server(2).timeouts(timeouts), app);
    let mut client = running.client();
    client.send(get("/")).unwrap();
    let (event, cancelled) = wakers.next().unwrap();
    // Other connections are found overdue meanwhile: deadlines have been looked at.
    let mut silent = running.client();
    silent.closes().unwrap();
    assert!(!cancelled.is_cancelled());
    event.set();
    assert_eq!(
        client.read(&http::Method::GET).unwrap().text(),
        "in its own time"
    );
}

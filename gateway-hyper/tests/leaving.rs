//! HTTP/2 clients that leave during a call, and servers that do.

#![allow(clippy::unwrap_used)] // a failure here is a failure of the test

mod common;

use std::sync::Mutex;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use common::frames::*;
use common::{PATIENCE, Running, start, start_with};
use gateway_core::server::Timeouts;
use gateway_core::{Application, BoxApplication, CancelReason, Environ, Result, blocking, text};

/// What an application tells, and what it waits for.
struct Told {
    entered: Receiver<String>,
    cancelled: Receiver<CancelReason>,
}

fn next<T>(told: &Receiver<T>) -> T {
    told.recv_timeout(PATIENCE).unwrap()
}

/// Calls that end when they are cancelled, in both styles.
fn waiting() -> [(BoxApplication, Told); 2] {
    fn told() -> ((Sender<String>, Sender<CancelReason>), Told) {
        let (enter, entered) = channel();
        let (cancel, cancelled) = channel();
        ((enter, cancel), Told { entered, cancelled })
    }
    let ((enter, cancel), of_async) = told();
    let waits = move |environ: Environ| {
        let (enter, cancel) = (enter.clone(), cancel.clone());
        let cancelled = environ.cancelled();
        // Outlives the call, which is dropped.
        tokio::spawn(async move { cancel.send(cancelled.await).unwrap() });
        async move {
            enter.send(environ.path_info().to_owned()).unwrap();
            std::future::pending::<Result>().await
        }
    };
    let ((enter, cancel), of_blocking) = told();
    let blocks = blocking(move |environ: Environ| {
        enter.send(environ.path_info().to_owned()).unwrap();
        let reason = gateway_core::server::block_on(environ.cancelled());
        cancel.send(reason).unwrap();
        Ok(text("nobody waits for it"))
    });
    [
        (BoxApplication::new(waits), of_async),
        (BoxApplication::new(blocks), of_blocking),
    ]
}

fn leaves(how: impl Fn(Wire)) {
    for (app, told) in waiting() {
        let server = start(app);
        let mut wire = Wire::open(&server);
        wire.send(&[get(1, "/")]);
        next(&told.entered);
        how(wire);
        assert_eq!(next(&told.cancelled), CancelReason::Disconnected);
    }
}

#[test]
fn a_reset_stream_sets_cancelled() {
    leaves(|mut wire| {
        wire.send(&[reset(1)]);
        // Stays connected until the reset is read.
        wire.send(&[Frame::new(PING, 0, 0, [0; 8])]);
        wire.until(PING);
    });
}

#[test]
fn a_closed_connection_sets_cancelled() {
    leaves(drop);
}

#[test]
fn a_reset_connection_sets_cancelled() {
    leaves(|wire| {
        let socket = socket2::SockRef::from(&wire.stream);
        socket.set_linger(Some(Duration::ZERO)).unwrap();
    });
}

/// One thread: what is asked second waits for the first.
fn one_thread() -> (Running, Told, Sender<()>) {
    let (enter, entered) = channel();
    let (cancel, cancelled) = channel();
    let (release, released) = channel::<()>();
    let released = Mutex::new(released);
    let gated = blocking(move |environ: Environ| {
        enter.send(environ.path_info().to_owned()).unwrap();
        released.lock().unwrap().recv_timeout(PATIENCE).unwrap();
        Ok(text("done"))
    });
    let app = move |environ: Environ| {
        let (cancel, cancelled) = (cancel.clone(), environ.cancelled());
        tokio::spawn(async move { cancel.send(cancelled.await).unwrap() });
        let gated = gated.clone();
        async move { gated.call(environ).await }
    };
    let server = start_with(app, |server| server.threads(1));
    (server, Told { entered, cancelled }, release)
}

#[test]
fn a_call_whose_stream_was_reset_while_it_waited_is_not_begun() {
    let (server, told, release) = one_thread();
    let mut wire = Wire::open(&server);
    wire.send(&[get(1, "/first")]);
    assert_eq!(next(&told.entered), "/first");
    wire.send(&[get(3, "/left"), Frame::new(PING, 0, 0, [3; 8])]);
    while wire.until(PING).payload != [3; 8] {}
    wire.send(&[reset(3)]);
    assert_eq!(next(&told.cancelled), CancelReason::Disconnected);
    wire.send(&[get(5, "/stays")]);
    release.send(()).unwrap();
    release.send(()).unwrap();
    assert_eq!(next(&told.entered), "/stays");
    assert_eq!(wire.answered(2), [1, 5]);
}

#[test]
fn a_stop_serves_what_comes_before_the_last_goaway_and_nothing_after() {
    let (server, told, release) = one_thread();
    let mut wire = Wire::open(&server);
    wire.send(&[get(1, "/before")]);
    assert_eq!(next(&told.entered), "/before");
    server.handle.stop();
    let first = wire.until(GOAWAY);
    assert_eq!((first.last_stream(), first.code()), (0x7fff_ffff, NO_ERROR));
    let ping = wire.until(PING);
    // On its way when the server stopped.
    wire.send(&[
        get(3, "/crossed"),
        Frame::new(PING, END_STREAM, 0, ping.payload),
    ]);
    let last = wire.until(GOAWAY);
    assert_eq!((last.last_stream(), last.code()), (3, NO_ERROR));
    // The client knows that this one is not looked at, and may be tried again (RFC 9113 §6.8).
    wire.send(&[get(5, "/late")]);
    release.send(()).unwrap();
    release.send(()).unwrap();
    assert_eq!(wire.answered(2), [1, 3]);
    assert_eq!(next(&told.entered), "/crossed");
    while let Some(frame) = wire.next() {
        assert_ne!(frame.stream, 5, "{frame:?}");
    }
    drop(wire);
    let mut server = server;
    server.join();
    assert!(told.entered.try_recv().is_err(), "served after GOAWAY");
}

/// It need not answer the PING, nor close.
#[test]
fn a_client_that_is_silent_does_not_hold_a_stop_up() {
    let mut timeouts = Timeouts::default();
    timeouts.linger = Duration::from_millis(50);
    timeouts.drain = Duration::MAX; // no bound
    let hello = |_environ: Environ| async { Ok(text("hello")) };
    let mut server = start_with(hello, |server| server.timeouts(timeouts));
    let mut wire = Wire::open(&server);
    wire.send(&[get(1, "/")]);
    assert!(wire.until_on(DATA, 1).ends_stream());
    server.handle.stop();
    assert_eq!(wire.until(GOAWAY).code(), NO_ERROR);
    wire.ends();
    server.join();
}

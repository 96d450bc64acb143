//! Clients that are too slow, over HTTP/1 and HTTP/2. The bounds that are not meant are longer than a
//! test waits.

#![allow(clippy::unwrap_used)] // a failure here is a failure of the test

mod common;

use std::io::Write;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use common::frames::*;
use common::{PATIENCE, Running, start_with, status};
use gateway_core::server::Timeouts;
use gateway_core::{Body, Ending, Environ, InputError, Response, Result, blocking, text};

const SHORT: Duration = Duration::from_millis(100);

fn timeouts(set: impl FnOnce(&mut Timeouts)) -> Timeouts {
    let mut timeouts = Timeouts::default();
    timeouts.head = 2 * PATIENCE;
    timeouts.body_stall = 2 * PATIENCE;
    timeouts.write_stall = 2 * PATIENCE;
    timeouts.rate_grace = 2 * PATIENCE;
    set(&mut timeouts);
    timeouts
}

/// No client of these tests is that fast.
fn fast(timeouts: &mut Timeouts) {
    timeouts.min_rate = u64::MAX;
    timeouts.rate_grace = SHORT;
}

/// Reads the body; tells why it cannot.
fn reading(tell: Sender<InputError>, timeouts: Timeouts) -> Running {
    let app = move |mut environ: Environ| {
        let tell = tell.clone();
        async move {
            let read = environ.input().read_all(1 << 20).await;
            Ok(text(read.inspect_err(|error| tell.send(*error).unwrap())?))
        }
    };
    start_with(app, |server| server.timeouts(timeouts))
}

fn told<T>(told: &Receiver<T>) -> T {
    told.recv_timeout(PATIENCE).unwrap()
}

/// Sends a head, and then a byte now and then, until the server has enough.
fn trickle(server: &Running) -> String {
    let mut client = server.connect();
    client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n");
    let mut sending = client.stream.try_clone().unwrap();
    let trickling = std::thread::spawn(move || {
        while sending.write_all(b"x").is_ok() {
            std::thread::sleep(SHORT / 20); // the pace of this client
        }
    });
    let answer = client.rest();
    drop(client);
    trickling.join().unwrap();
    answer
}

#[test]
fn an_upload_below_the_least_rate_is_answered_408() {
    let (tell, error) = channel();
    let server = reading(tell, timeouts(fast));
    let answer = trickle(&server);
    assert_eq!(status(&answer), 408, "{answer}");
    assert!(answer.contains("\r\nconnection: close\r\n"), "{answer}");
    assert_eq!(told(&error), InputError::TimedOut);
}

#[test]
fn an_upload_below_the_least_rate_to_blocking_code_is_answered_408() {
    let app = |mut environ: Environ| Ok(text(environ.input().blocking_read_all(1 << 20)?));
    let server = start_with(blocking(app), |server| server.timeouts(timeouts(fast)));
    assert_eq!(status(&trickle(&server)), 408);
}

const BIG: usize = 64 << 20;

/// Answers `/big` with much, `/some` with a little less than it takes to be sent at once, and tells how
/// each answer ended.
fn writing(timeouts: Timeouts) -> (Running, Receiver<Ending>) {
    let (tell, ending) = channel();
    let app = move |environ: Environ| {
        let tell = tell.clone();
        async move {
            let length = match environ.path_info() {
                "/big" => BIG,
                "/some" => 50_000,
                _ => return Ok(text("hello")),
            };
            environ.on_finish(move |outcome| tell.send(outcome.ending).unwrap());
            Ok(Response::new(Body::from(vec![b'x'; length])))
        }
    };
    let server = start_with(app, |server| server.timeouts(timeouts));
    (server, ending)
}

#[test]
fn a_response_taken_below_the_least_rate_is_cut() {
    let (server, ending) = writing(timeouts(fast));
    let mut client = server.connect();
    client.send("GET /big HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_eq!(told(&ending), Ending::TimedOut);
    let (came, _) = client.rest_and_end();
    assert!(came.len() < BIG, "the cut looks like the whole");
}

#[test]
fn a_window_that_stays_shut_is_a_stall_and_below_the_least_rate() {
    let stall = |timeouts: &mut Timeouts| timeouts.write_stall = SHORT;
    for timeouts in [timeouts(fast), timeouts(stall)] {
        let (server, ending) = writing(timeouts);
        let mut wire = Wire::connect(&server, &windows_of(0));
        wire.send(&[get(1, "/big"), get(3, "/some")]);
        assert_eq!(told(&ending), Ending::TimedOut);
        assert_eq!(told(&ending), Ending::TimedOut);
        let mut reset = [wire.until(RST_STREAM), wire.until(RST_STREAM)];
        reset.sort_by_key(|frame| frame.stream);
        let reset = reset.map(|frame| (frame.stream, frame.code()));
        assert_eq!(reset, [(1, CANCEL), (3, CANCEL)]);
        // The others go on.
        let head = Frame::new(HEADERS, END_STREAM | END_HEADERS, 5, head("HEAD", "/"));
        wire.send(&[head]);
        assert_eq!(wire.until_on(HEADERS, 5).status(), 200);
    }
}

#[test]
fn a_connection_window_that_stays_shut_is_below_the_least_rate() {
    let (server, ending) = writing(timeouts(fast));
    let mut wire = Wire::connect(&server, &windows_of(1 << 30)); // the connection's is 65 535
    wire.send(&[get(1, "/big")]);
    assert_eq!(told(&ending), Ending::TimedOut);
    assert_eq!(wire.until_on(RST_STREAM, 1).code(), CANCEL);
}

/// The last byte counts as much as the others.
#[test]
fn a_response_is_complete_over_http2_when_there_is_room_for_all_of_it() {
    let (server, ending) = writing(timeouts(|_| ()));
    for (window, expected) in [(49_999, Ending::Disconnected), (50_000, Ending::Complete)] {
        let mut wire = Wire::connect(&server, &windows_of(window));
        wire.send(&[get(1, "/some")]);
        let mut came = 0;
        while came < window as usize {
            came += wire.until_on(DATA, 1).payload.len();
        }
        if expected == Ending::Disconnected {
            wire.send(&[reset(1)]);
        }
        assert_eq!(told(&ending), expected, "{window}");
    }
}

#[test]
fn an_upload_over_http2_that_stalls_or_trickles_is_answered() {
    let stall = |timeouts: &mut Timeouts| timeouts.body_stall = SHORT;
    for timeouts in [timeouts(stall), timeouts(fast)] {
        let (tell, error) = channel();
        let server = reading(tell, timeouts);
        let mut wire = Wire::open(&server);
        wire.send(&[post(1, "/"), Frame::new(DATA, 0, 1, "half")]);
        assert_eq!(told(&error), InputError::TimedOut);
        assert!(!wire.until_on(HEADERS, 1).payload.is_empty());
        wire.send(&[get(3, "/")]);
        assert_eq!(wire.until_on(HEADERS, 3).status(), 200); // the others go on
    }
}

#[test]
fn a_connection_over_http2_that_asks_for_nothing_is_closed() {
    let (tell, _) = channel();
    let server = reading(tell, timeouts(|timeouts| timeouts.head = SHORT));
    let mut wire = Wire::open(&server);
    assert_eq!(wire.until(GOAWAY).code(), NO_ERROR);
    wire.ends();
}

/// No other frame may come between the parts of a head: nothing goes on while it is not whole.
#[test]
fn a_head_over_http2_that_is_not_whole_in_time_closes_the_connection() {
    for cut in ["within a frame", "between frames"] {
        let (tell, ended) = channel();
        let app = move |environ: Environ| {
            let tell = tell.clone();
            environ.on_finish(move |outcome| tell.send(outcome.ending).unwrap());
            std::future::pending::<Result>()
        };
        let timeouts = timeouts(|timeouts| timeouts.head = SHORT);
        let server = start_with(app, |server| server.timeouts(timeouts));
        let mut wire = Wire::open(&server);
        wire.send(&[get(1, "/")]);
        let part = match cut {
            "within a frame" => get(3, "/").bytes()[..20].to_vec(),
            _ => Frame::new(HEADERS, END_STREAM, 3, head("GET", "/")).bytes(),
        };
        wire.stream.write_all(&part).unwrap();
        assert_eq!(told(&ended), Ending::TimedOut, "{cut}");
        wire.ends();
    }
}

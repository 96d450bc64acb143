//! Clients that always have more to do, and code that takes its time, do not shut others out.

#![allow(clippy::unwrap_used, reason = "tests say by panicking what went wrong")]

mod common;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use gateway_core::{Body, Environ, Error, Response, blocking, status, text};
use gateway_test::{Event, Log};
use http::{Method, StatusCode};

use common::{Running, cores, get, server};

/// Counts, and lets a test look.
#[derive(Clone, Default)]
struct Count(Arc<AtomicUsize>);

impl Count {
    fn up(&self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }

    fn now(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

#[test]
fn a_client_that_sends_many_requests_at_once_does_not_shut_others_out() {
    const MANY: usize = 1500; // in less than is read at a time
    let (entered, release) = (Event::new(), Event::new());
    let (inside, go) = (entered.clone(), release.clone());
    let (answered, before) = (Count::default(), Log::new());
    let (count, seen) = (answered.clone(), before.clone());
    let app = blocking(move |environ: Environ| {
        match environ.path_info() {
            "/first" => {
                inside.set();
                go.wait()?;
            }
            "/other" => seen.note(count.now()),
            _ => count.up(),
        }
        Ok(status(StatusCode::NO_CONTENT))
    });
    let running = Running::start(server(1), app);
    let mut other = running.client();
    other.get("/").unwrap();
    let mut busy = running.client();
    busy.send(get("/first") + &get("/").repeat(MANY)).unwrap();
    entered.wait().unwrap();
    other.send(get("/other")).unwrap();
    let reading = thread::spawn(move || {
        (0..=MANY).all(|_| {
            busy.read(&Method::GET)
                .is_ok_and(|reply| reply.status == 204)
        })
    });
    release.set();
    let before = before.next().unwrap();
    assert!(before < MANY, "{before} requests were answered before");
    assert!(reading.join().unwrap());
}

#[test]
fn a_body_without_end_does_not_shut_others_out() {
    let stop = Event::new();
    let ends = stop.clone();
    let (entered, release) = (Event::new(), Event::new());
    let (inside, go) = (entered.clone(), release.clone());
    let app = blocking(move |environ: Environ| {
        if environ.path_info() == "/other" {
            return Ok(text("done"));
        }
        let (inside, go, ends) = (inside.clone(), go.clone(), ends.clone());
        let first = std::iter::once_with(move || {
            inside.set();
            go.wait()?;
            Ok(".")
        });
        let more = std::iter::from_fn(move || (!ends.is_set()).then_some(Ok::<_, Error>(".")));
        Ok(Response::new(Body::iter(first.chain(more))))
    });
    let running = Running::start(server(1), app);
    let mut busy = running.client();
    busy.send(get("/endless")).unwrap();
    entered.wait().unwrap();
    let reading = thread::spawn(move || busy.read(&Method::GET));
    let mut other = running.client();
    other.send(get("/other")).unwrap();
    release.set();
    assert_eq!(other.read(&Method::GET).unwrap().text(), "done");
    stop.set();
    assert!(reading.join().unwrap().is_ok());
}

/// What an application may do at the end of a request.
#[derive(Clone, Default)]
struct End {
    begun: Event,
    release: Event,
    /// Whether it was released, and did not wait in vain.
    over: Log<bool>,
}

impl End {
    fn last(&self) {
        self.begun.set();
        self.over.note(self.release.wait().is_ok());
    }
}

/// A body without pieces, whose drop takes its time.
struct Lasting(End);

impl fmt::Debug for Lasting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Lasting")
    }
}

impl Iterator for Lasting {
    type Item = Result<&'static str, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        None
    }
}

impl Drop for Lasting {
    fn drop(&mut self) {
        self.0.last();
    }
}

/// What is attached to a response, or an error, whose drop takes its time.
#[derive(Clone, Debug, thiserror::Error)]
#[error("it lasts")]
struct Attached(#[allow(dead_code, reason = "it is dropped")] Arc<Lasting>);

/// Has the application block at the end of a request to `path`, and asks at every seat meanwhile.
fn others_are_answered_during(path: &str) {
    let (end, senders) = (End::default(), Log::new());
    let (lasting, opened) = (end.clone(), senders.clone());
    let app = blocking(move |environ: Environ| {
        let end = lasting.clone();
        match environ.path_info() {
            "/finish" => environ.on_finish(move |_| end.last()),
            "/stream" => {
                environ.on_finish(move |_| end.last());
                let (sender, body) = Body::channel(1);
                opened.note(sender);
                return Ok(Response::new(body));
            }
            "/body" => return Ok(Response::new(Body::iter(Lasting(end)))),
            "/refused" => {
                let mut response = Response::new(Body::iter(Lasting(end)));
                *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS; // nobody asked for it
                return Ok(response);
            }
            "/attached" => {
                let mut response = text("done");
                let attached = Attached(Arc::new(Lasting(end)));
                response.extensions_mut().insert(attached);
                return Ok(response);
            }
            "/failed" => return Err(Attached(Arc::new(Lasting(end))).into()),
            _ => {}
        }
        Ok(text("done"))
    });
    let running = Running::start(server(cores() + 2), app);
    let mut others = running.clients_everywhere();
    for other in &mut others {
        assert_eq!(other.get("/").unwrap().text(), "done");
    }
    let mut client = Some(running.client());
    client.as_mut().unwrap().send(get(path)).unwrap();
    let _open = (path == "/stream").then(|| {
        let sender = senders.next().unwrap();
        client.take(); // it leaves
        sender
    });
    end.begun.wait().unwrap();
    for other in &mut others {
        assert_eq!(other.get("/").unwrap().text(), "done");
    }
    end.release.set();
    assert!(end.over.next().unwrap(), "others were answered after it");
}

#[test]
fn who_waits_for_the_outcome_does_not_hold_others_up() {
    others_are_answered_during("/finish");
}

#[test]
fn who_waits_for_the_outcome_does_not_hold_others_up_when_the_client_has_left() {
    others_are_answered_during("/stream");
}

#[test]
fn the_end_of_a_body_does_not_hold_others_up() {
    others_are_answered_during("/body");
}

#[test]
fn the_end_of_what_a_response_has_attached_does_not_hold_others_up() {
    others_are_answered_during("/attached");
}

#[test]
fn the_end_of_an_error_does_not_hold_others_up() {
    others_are_answered_during("/failed");
}

#[test]
fn the_end_of_a_body_that_cannot_be_sent_does_not_hold_others_up() {
    others_are_answered_during("/refused");
}

#[test]
fn a_body_without_end_does_not_shut_out_the_seats_that_nobody_has() {
    let (stop, entered, release) = (Event::new(), Log::new(), Event::new());
    let (ends, inside, go) = (stop.clone(), entered.clone(), release.clone());
    let app = blocking(move |environ: Environ| {
        match environ.path_info() {
            "/stuck" => {
                inside.note(());
                go.wait()?;
            }
            "/endless" => {
                let ends = ends.clone();
                inside.note(());
                let more =
                    std::iter::from_fn(move || (!ends.is_set()).then_some(Ok::<_, Error>(".")));
                return Ok(Response::new(Body::iter(more)));
            }
            _ => {}
        }
        Ok(text("done"))
    });
    // One thread is left for all seats.
    let running = Running::start(server(cores()), app);
    let mut others = running.clients_everywhere();
    for other in &mut others {
        assert_eq!(other.get("/").unwrap().text(), "done");
    }
    let mut stuck: Vec<_> = (1..cores()).map(|_| running.client()).collect();
    for client in &mut stuck {
        client.send(get("/stuck")).unwrap();
        entered.next().unwrap();
    }
    let mut busy = running.client();
    busy.send(get("/endless")).unwrap();
    entered.next().unwrap();
    let reading = thread::spawn(move || busy.read(&Method::GET));
    for other in &mut others {
        assert_eq!(other.get("/").unwrap().text(), "done");
    }
    stop.set();
    release.set();
    assert!(reading.join().unwrap().is_ok());
}

#[test]
fn a_client_whose_many_requests_take_their_time_does_not_shut_others_out() {
    const MANY: usize = 200;
    let (entered, release) = (Event::new(), Event::new());
    let (inside, go) = (entered.clone(), release.clone());
    let (answered, before) = (Count::default(), Log::new());
    let (count, seen) = (answered.clone(), before.clone());
    let app = blocking(move |environ: Environ| {
        match environ.path_info() {
            "/first" => {
                inside.set();
                go.wait()?;
            }
            "/other" => seen.note(count.now()),
            _ => {
                thread::sleep(Duration::from_millis(2)); // the work that a call is
                count.up();
            }
        }
        Ok(text("done"))
    });
    let running = Running::start(server(1), app);
    let mut other = running.client();
    other.get("/").unwrap();
    let mut busy = running.client();
    busy.send(get("/first") + &get("/slow").repeat(MANY))
        .unwrap();
    entered.wait().unwrap();
    other.send(get("/other")).unwrap();
    release.set();
    assert_eq!(other.read(&Method::GET).unwrap().text(), "done");
    let before = before.next().unwrap();
    assert!(before < MANY, "{before} requests were answered before");
}

#[test]
fn a_body_whose_pieces_take_their_time_does_not_shut_others_out() {
    const PIECES: usize = 1000;
    let (entered, release) = (Event::new(), Event::new());
    let (inside, go) = (entered.clone(), release.clone());
    let (pulled, before) = (Count::default(), Log::new());
    let (count, seen) = (pulled.clone(), before.clone());
    let app = blocking(move |environ: Environ| {
        if environ.path_info() == "/other" {
            seen.note(count.now());
            return Ok(text("done"));
        }
        let (inside, go, count) = (inside.clone(), go.clone(), count.clone());
        let first = std::iter::once_with(move || {
            inside.set();
            go.wait()?;
            Ok(".")
        });
        let more = (0..PIECES).map(move |_| {
            thread::sleep(Duration::from_millis(2)); // the work that a piece is
            count.up();
            Ok::<_, Error>(".")
        });
        Ok(Response::new(Body::iter(first.chain(more))))
    });
    let running = Running::start(server(1), app);
    let mut busy = running.client();
    busy.send(get("/slow")).unwrap();
    entered.wait().unwrap();
    let mut other = running.client();
    other.send(get("/other")).unwrap();
    release.set();
    assert_eq!(other.read(&Method::GET).unwrap().text(), "done");
    let before = before.next().unwrap();
    assert!(before < PIECES, "{before} pieces were sent before");
    drop(busy);
}

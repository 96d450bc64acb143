//! What a client does not take is made all the same and kept for it, unless it is live.
//!
//! Over Unix sockets, of which it is known how much they hold.

#![allow(clippy::unwrap_used, reason = "tests say by panicking what went wrong")]

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use gateway_core::server::Limits;
use gateway_core::{Application, Body, Delivery, Ending, Environ, Error, Response, blocking, text};
use gateway_test::{Event, Log};
use http::Method;

use common::lines::lines;
use common::{Running, files_in, get, unix_server};

/// How much a chunk holds.
const CHUNK: usize = 50_000;

/// Chunks of a response that is more than the buffers of a socket hold.
const CHUNKS: usize = 40;

fn chunk(number: usize) -> Bytes {
    let first = (number % 251) as u8;
    (0..CHUNK).map(|at| first ^ (at >> 4) as u8).collect()
}

fn whole() -> Vec<u8> {
    (0..CHUNKS).flat_map(chunk).collect()
}

/// Sets an event when it is dropped.
struct Closing(Event);

impl Drop for Closing {
    fn drop(&mut self) {
        self.0.set();
    }
}

/// Answers chunks, of which it counts those made; how they are delivered is in the path.
fn chunks(made: &Arc<AtomicUsize>, closed: &Event) -> impl Application + use<> {
    let (made, closed) = (Arc::clone(made), closed.clone());
    blocking(move |environ: Environ| {
        let delivery = match environ.path_info() {
            "/small" => return Ok(text("small")),
            "/live" => Some(Delivery::Live),
            "/buffered" => Some(Delivery::Buffered),
            _ => None,
        };
        let (made, closing) = (Arc::clone(&made), Closing(closed.clone()));
        let chunks = (0..CHUNKS).map(move |number| {
            let _ = &closing;
            made.fetch_add(1, Ordering::SeqCst);
            Ok::<_, Error>(chunk(number))
        });
        let mut response = Response::new(Body::iter(chunks));
        if let Some(delivery) = delivery {
            response.extensions_mut().insert(delivery);
        }
        Ok(response)
    })
}

#[test]
fn the_application_is_done_before_its_client_has_read() {
    let directory = tempfile::tempdir().unwrap();
    let (made, closed) = (Arc::default(), Event::new());
    let outcomes = Log::new();
    let app = gateway_test::fixtures::finishes(
        gateway_core::BoxApplication::new(chunks(&made, &closed)),
        &outcomes,
    );
    let (server, _path) = unix_server("done", 1);
    let running = Running::start(server.spool_in(directory.path()), app);
    let mut client = running.client();
    client.send(get("/")).unwrap();
    closed.wait().unwrap();
    assert_eq!(made.load(Ordering::SeqCst), CHUNKS);
    assert_eq!(files_in(directory.path()), 1);
    // The only thread is free, and how it ended is not told before it has.
    assert_eq!(running.client().get("/small").unwrap().text(), "small");
    assert_eq!(outcomes.next().unwrap().bytes_sent, 5);
    assert!(outcomes.is_empty());
    assert!(client.read(&Method::GET).unwrap().body == whole());
    let outcome = outcomes.next().unwrap();
    assert_eq!(outcome.bytes_sent, (CHUNKS * CHUNK) as u64);
    assert_eq!(outcome.ending, Ending::Complete);
    assert_eq!(client.get("/small").unwrap().text(), "small");
    assert_eq!(files_in(directory.path()), 0);
}

#[test]
fn a_live_response_is_made_as_its_client_takes_it() {
    for (path, default) in [("/live", Delivery::Buffered), ("/", Delivery::Live)] {
        let directory = tempfile::tempdir().unwrap();
        let (made, closed) = (Arc::default(), Event::new());
        let (server, _path) = unix_server("live", 1);
        let server = server.delivery(default).spool_in(directory.path());
        let running = Running::start(server, chunks(&made, &closed));
        let mut client = running.client();
        client.send(get(path)).unwrap();
        client.peek(12).unwrap();
        for _ in 0..100 {
            assert_eq!(running.client().get("/small").unwrap().text(), "small");
        }
        assert!(made.load(Ordering::SeqCst) < CHUNKS, "{path}");
        assert_eq!(files_in(directory.path()), 0);
        assert!(!closed.is_set());
        assert!(client.read(&Method::GET).unwrap().body == whole());
    }
}

/// Pieces that come at once are gathered, and not for longer than the client can bear: what is made is on its way,
/// although the next piece waits for the client to have seen it.
#[test]
fn quick_pieces_do_not_wait_for_a_slow_one() {
    for slow in [1, 9] {
        let seen = Event::new();
        let waits = seen.clone();
        let app = blocking(move |_: Environ| {
            let waits = waits.clone();
            let pieces = (0..=slow).map(move |number| match number == slow {
                true => waits.wait().map(|()| "slow".to_owned()),
                false => Ok(format!("quick {number}")),
            });
            Ok(Response::new(Body::iter(pieces)))
        });
        let running = Running::start(common::server(2), app);
        let mut client = running.client();
        client.send(get("/")).unwrap();
        let last = format!("quick {}", slow - 1);
        let mut length = 1;
        while !client.peek(length).unwrap().ends_with(last.as_bytes()) {
            length += 1;
        }
        seen.set();
        assert!(client.read(&Method::GET).unwrap().text().ends_with("slow"));
    }
}

/// Nor does what a slow client has left in memory and in a file, while a thread is free to send it.
#[test]
fn what_is_kept_is_sent_while_a_piece_is_made() {
    for directly in [false, true] {
        let (reached, seen) = (Event::new(), Event::new());
        let (tells, waits) = (reached.clone(), seen.clone());
        let app = blocking(move |_: Environ| {
            let (tells, waits) = (tells.clone(), waits.clone());
            let pieces = (0..=CHUNKS).map(move |number| {
                if number < CHUNKS {
                    return Ok(chunk(number));
                }
                tells.set();
                waits.wait().map(|()| Bytes::from_static(b"slow"))
            });
            let mut response = Response::new(Body::iter(pieces));
            let length = CHUNKS * CHUNK + 4;
            let headers = response.headers_mut();
            headers.insert("content-length", length.to_string().parse().unwrap());
            Ok(response)
        });
        let mut limits = Limits::default();
        if directly {
            limits.buffer = 2 * CHUNKS * CHUNK; // nothing goes through a file
        }
        let (server, _path) = unix_server("kept-sent", 3);
        let running = Running::start(server.limits(limits), app);
        let mut client = running.client();
        client.send(get("/")).unwrap();
        reached.wait().unwrap();
        let mut body = Vec::new();
        while !body.ends_with(b"\r\n\r\n") {
            body.extend(client.read_some(1).unwrap());
        }
        let body = client.read_some(CHUNKS * CHUNK).unwrap();
        assert!(body == whole());
        seen.set();
        assert_eq!(client.read_some(4).unwrap(), b"slow");
    }
}

#[test]
fn a_response_may_be_buffered_where_others_are_live() {
    let (made, closed) = (Arc::default(), Event::new());
    let (server, _path) = unix_server("buffered", 1);
    let server = server.delivery(Delivery::Live);
    let running = Running::start(server, chunks(&made, &closed));
    let mut client = running.client();
    client.send(get("/buffered")).unwrap();
    closed.wait().unwrap();
    assert!(client.read(&Method::GET).unwrap().body == whole());
}

#[test]
fn beyond_its_file_a_response_is_made_as_its_client_takes_it() {
    let lines = lines();
    let mut one = Limits::default();
    one.response_spool = 1_000_000;
    let mut all = Limits::default();
    all.spool = 1_000_000;
    for (path, limits) in [("/one", one), ("/all", all)] {
        let (made, closed) = (Arc::default(), Event::new());
        let (server, _path) = unix_server("beyond", 1);
        let running = Running::start(server.limits(limits), chunks(&made, &closed));
        let mut client = running.client();
        client.send(get(path)).unwrap();
        lines.wait_for(&["response held back", &format!("request=GET {path} ")]);
        assert_eq!(running.client().get("/small").unwrap().text(), "small");
        assert!(made.load(Ordering::SeqCst) < CHUNKS);
        assert!(!closed.is_set());
        assert!(client.read(&Method::GET).unwrap().body == whole());
    }
}

#[test]
fn what_is_in_memory_or_in_a_file_already_is_sent_from_there() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("large");
    std::fs::write(&path, whole()).unwrap();
    let spool = tempfile::tempdir().unwrap();
    let app = blocking(move |environ: Environ| {
        Ok(match environ.path_info() {
            "/file" => {
                let file = std::fs::File::open(&path)?;
                Response::new(Body::file(file, 0, (CHUNK * CHUNKS) as u64))
            }
            "/bytes" => Response::new(whole().into()),
            _ => text("small"),
        })
    });
    let (server, _path) = unix_server("made", 1);
    let running = Running::start(server.spool_in(spool.path()), app);
    for path in ["/file", "/bytes"] {
        let mut client = running.client();
        client.send(get(path)).unwrap();
        client.peek(12).unwrap();
        for _ in 0..20 {
            assert_eq!(running.client().get("/small").unwrap().text(), "small");
        }
        assert_eq!(files_in(spool.path()), 0, "{path}");
        assert!(client.read(&Method::GET).unwrap().body == whole(), "{path}");
    }
}

#[test]
fn a_stream_is_live_by_nature_and_buffered_if_it_says_so() {
    let closed = Log::new();
    let drops = closed.clone();
    let app = blocking(move |environ: Environ| {
        let event = Event::new();
        drops.note(event.clone());
        let chunks = Chunks(0, Closing(event));
        let mut response = Response::new(Body::stream(chunks));
        if environ.path_info() == "/buffered" {
            response.extensions_mut().insert(Delivery::Buffered);
        }
        Ok(response)
    });
    let (server, _path) = unix_server("nature", 1);
    let running = Running::start(server, app);
    let mut live = running.client();
    live.send(get("/live")).unwrap();
    let of_live = closed.next().unwrap();
    live.peek(12).unwrap();
    let mut buffered = running.client();
    buffered.send(get("/buffered")).unwrap();
    closed.next().unwrap().wait().unwrap();
    assert!(!of_live.is_set());
    for mut client in [live, buffered] {
        assert!(client.read(&Method::GET).unwrap().body == whole());
    }
    of_live.wait().unwrap();
}

struct Chunks(usize, Closing);

impl http_body::Body for Chunks {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<http_body::Frame<Bytes>, Error>>> {
        let _ = &self.1;
        let number = self.0;
        self.0 += 1;
        let frame = (number < CHUNKS).then(|| Ok(http_body::Frame::data(chunk(number))));
        std::task::Poll::Ready(frame)
    }
}

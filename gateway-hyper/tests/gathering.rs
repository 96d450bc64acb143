//! Request bodies on their way to blocking code: they are here before a thread is taken, unless they are to be read
//! as they come.

#![allow(clippy::unwrap_used)] // a failure here is a failure of the test

mod common;

use std::io::Read;
use std::path::Path;
use std::sync::mpsc::{Receiver, channel};

use common::frames::*;
use common::log::log;
use common::{Client, PATIENCE, Running, start_with, status};
use gateway_core::server::Limits;
use gateway_core::{Application, Environ, Result, blocking, text};

/// More than is read at a time, so that it is not here at once.
const LARGE: usize = 300_000;

/// Tells of each call when its head is here, and has `app` answer.
fn noted(app: impl Application) -> (impl Application, Receiver<String>) {
    let (tell, told) = channel();
    let app = std::sync::Arc::new(app);
    let noted = move |environ: Environ| {
        tell.send(environ.path_info().to_owned()).unwrap();
        let app = std::sync::Arc::clone(&app);
        async move { app.call(environ).await }
    };
    (noted, told)
}

/// Blocking code that tells when it is called, and answers with the sum of what it reads.
fn sum() -> (impl Application, Receiver<String>) {
    let (tell, told) = channel();
    let app = blocking(move |mut environ: Environ| -> Result {
        tell.send(environ.path_info().to_owned()).unwrap();
        let mut body = Vec::new();
        environ.input().read_to_end(&mut body)?;
        let sum: u64 = body.iter().map(|byte| u64::from(*byte)).sum();
        let trailer = environ.input().trailers().map(|fields| fields.len());
        Ok(text(format!("{} {sum} {trailer:?}", body.len())))
    });
    (app, told)
}

fn next(told: &Receiver<String>) -> String {
    told.recv_timeout(PATIENCE).unwrap()
}

fn head(path: &str, length: usize) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n"
    )
}

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
}

fn body(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at ^ (at >> 8)) as u8).collect()
}

fn sum_of(body: &[u8], trailers: Option<usize>) -> String {
    let sum: u64 = body.iter().map(|byte| u64::from(*byte)).sum();
    format!("{} {sum} {trailers:?}", body.len())
}

/// Sends a request, of which the answer may come before it is sent.
fn exchange(server: &Running, request: Vec<u8>) -> String {
    let mut client = server.connect();
    let mut sending = client.stream.try_clone().unwrap();
    let sender = std::thread::spawn(move || std::io::Write::write_all(&mut sending, &request));
    let answer = client.rest();
    let _ = sender.join().unwrap(); // refused, the rest of it is not read
    answer
}

fn small_memory() -> Limits {
    let mut limits = Limits::default();
    limits.buffer = 1000;
    limits
}

#[test]
fn clients_that_send_their_bodies_slowly_hold_no_thread() {
    let (app, called) = sum();
    let (app, began) = noted(app);
    let server = start_with(app, |server| server.threads(1));
    let mut slow: Vec<Client> = (0..8)
        .map(|_| {
            let mut client = server.connect();
            client.send(head("/slow", 3) + "a");
            assert_eq!(next(&began), "/slow");
            client
        })
        .collect();
    let mut wire = Wire::open(&server);
    for stream in [1, 3, 5] {
        wire.send(&[post(stream, "/slow"), Frame::new(DATA, 0, stream, "a")]);
        assert_eq!(next(&began), "/slow");
    }
    assert!(server.whole(get("/quick")).ends_with("0 0 None"));
    assert_eq!(next(&called), "/quick");
    for client in &mut slow {
        client.send("bc");
        assert!(client.rest().ends_with("3 294 None"));
        assert_eq!(next(&called), "/slow");
    }
    for stream in [1, 3, 5] {
        wire.send(&[Frame::new(DATA, END_STREAM, stream, "bc")]);
        let answer = wire.until_on(DATA, stream);
        assert_eq!(answer.payload, b"3 294 None");
    }
}

#[test]
fn a_place_in_the_budget_is_for_who_is_here() {
    let app = blocking(|mut environ: Environ| -> Result {
        let length = environ.input().blocking_read_all(10)?.len();
        Ok(text(length.to_string()))
    });
    let (app, began) = noted(app.limit(1));
    let server = start_with(app, |server| server);
    let mut slow = server.connect();
    slow.send(head("/slow", 2) + "a");
    assert_eq!(next(&began), "/slow");
    assert!(server.whole(get("/quick")).ends_with('0'));
    slow.send("b");
    assert!(slow.rest().ends_with('2'));
}

#[test]
fn blocking_code_reads_the_same_body_wherever_it_was_kept() {
    for limits in [small_memory(), Limits::default()] {
        let (app, _called) = sum();
        let server = start_with(app, |server| server.limits(limits));
        for length in [0, 999, 1000, 1001, 20_000, 65_536, LARGE, 1_000_000] {
            let body = body(length);
            let request = [head("/", length).as_bytes(), &body].concat();
            assert!(exchange(&server, request).ends_with(&sum_of(&body, None)));

            let chunked = head("/", 0).replace("Content-Length: 0", "Transfer-Encoding: chunked");
            let mut request = chunked.into_bytes();
            for chunk in body.chunks(7000) {
                request.extend(format!("{:x}\r\n", chunk.len()).bytes());
                request.extend(chunk);
                request.extend(b"\r\n");
            }
            request.extend(b"0\r\nx-sum: 7\r\n\r\n");
            assert!(exchange(&server, request).ends_with(&sum_of(&body, Some(1))));
        }
    }
}

#[test]
fn what_does_not_fit_into_memory_is_in_an_unnamed_file_until_it_is_read() {
    let files_in = |directory: &Path| {
        let open = std::fs::read_dir("/proc/self/fd").unwrap();
        let links = open.filter_map(|entry| std::fs::read_link(entry.unwrap().path()).ok());
        links.filter(|link| link.starts_with(directory)).count()
    };
    let directory = tempfile::tempdir().unwrap();
    let here = directory.path().to_owned();
    let app = blocking(move |mut environ: Environ| -> Result {
        let (remaining, files) = (environ.input().remaining(), files_in(&here));
        environ.input().read_to_end(&mut Vec::new())?;
        let read = files_in(&here);
        Ok(text(format!("{remaining:?} {files} {read}")))
    });
    let server = start_with(app, |server| {
        server.limits(small_memory()).spool_in(directory.path())
    });
    let request = [head("/", LARGE).as_bytes(), &body(LARGE)].concat();
    let answer = exchange(&server, request);
    assert!(answer.ends_with("Some(300000) 1 0"), "{answer}");
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
}

#[test]
fn beyond_what_all_files_may_hold_a_request_is_refused_until_there_is_room() {
    let (release, released) = channel::<()>();
    let released = std::sync::Mutex::new(released);
    let (tell, called) = channel();
    let app = blocking(move |mut environ: Environ| -> Result {
        tell.send(environ.path_info().to_owned()).unwrap();
        if environ.path_info() == "/holds" {
            released.lock().unwrap().recv_timeout(PATIENCE)?;
        }
        let length = environ.input().blocking_read_all(1 << 20)?.len();
        Ok(text(length.to_string()))
    });
    let mut limits = small_memory();
    limits.spool = 400_000;
    let server = start_with(app, |server| server.limits(limits));
    let large = |path| [head(path, LARGE).as_bytes(), &body(LARGE)].concat();
    let mut holder = server.connect();
    holder.send(large("/holds"));
    assert_eq!(next(&called), "/holds");

    let log = log();
    let refused = exchange(&server, large("/refused"));
    assert_eq!(status(&refused), 503);
    assert!(refused.contains("\r\nretry-after: 1\r\n"), "{refused}");
    log.until(&["POST /refused", "hold as much as they may"]);
    assert!(called.try_recv().is_err());

    release.send(()).unwrap();
    assert!(holder.rest().ends_with("300000"));
    assert!(exchange(&server, large("/later")).ends_with("300000"));
}

#[test]
fn a_file_that_cannot_be_made_costs_one_request() {
    let (app, _called) = sum();
    let server = start_with(app, |server| {
        let nowhere = Path::new("/nowhere/at/all");
        server.limits(small_memory()).spool_in(nowhere)
    });
    let log = log();
    let failing = [head("/failing", LARGE).as_bytes(), &body(LARGE)].concat();
    assert_eq!(status(&exchange(&server, failing)), 500);
    log.until(&["POST /failing", "the temporary file: "]);
    assert!(server.whole(head("/", 1) + "a").ends_with("1 97 None"));
}

#[test]
fn live_bodies_are_read_while_the_client_sends_on_half_of_the_threads() {
    let (tell, bytes) = channel::<(String, u8)>();
    let app = blocking(move |mut environ: Environ| -> Result {
        let mut byte = [0];
        while environ.input().read(&mut byte)? > 0 {
            tell.send((environ.path_info().to_owned(), byte[0]))
                .unwrap();
        }
        Ok(text("read"))
    });
    let (app, began) = noted(app);
    let server = start_with(app, |server| {
        let is_live = |head: &http::request::Parts| head.uri.path().starts_with("/live");
        server.threads(2).live_bodies(is_live)
    });
    let told = || bytes.recv_timeout(PATIENCE).unwrap();
    let mut first = server.connect();
    first.send(head("/live/1", 2) + "a");
    assert_eq!(told(), ("/live/1".to_owned(), b'a'));
    let mut second = server.connect();
    second.send(head("/live/2", 1) + "c");
    assert_eq!([next(&began), next(&began)], ["/live/1", "/live/2"]);
    // The second waits for its turn, and takes no thread.
    assert!(server.whole(get("/quick")).ends_with("read"));
    assert!(bytes.try_recv().is_err());
    first.send("b");
    // The last of the first body ends its turn: the second may tell before it.
    let mut rest = [told(), told()];
    rest.sort();
    assert_eq!(
        rest,
        [("/live/1".to_owned(), b'b'), ("/live/2".to_owned(), b'c')]
    );
    assert!(first.rest().ends_with("read"));
    assert!(second.rest().ends_with("read"));
}

#[test]
fn clients_that_hold_their_bodies_back_take_half_of_the_threads_and_no_more() {
    let (app, called) = sum();
    let server = start_with(app, |server| server.threads(2));
    let awaited =
        |path: &str| head(path, 1).replace("\r\n\r\n", "\r\nExpect: 100-continue\r\n\r\n");
    let proceed = "HTTP/1.1 100 Continue\r\n\r\n";
    let mut first = server.connect();
    first.send(awaited("/1"));
    assert_eq!(next(&called), "/1"); // its body is asked for when it is read
    assert_eq!(first.until("\r\n\r\n"), proceed);
    let mut second = server.connect();
    second.send(awaited("/2"));
    assert_eq!(second.until("\r\n\r\n"), proceed); // by the host
    assert!(server.whole(get("/quick")).ends_with("0 0 None"));
    assert_eq!(next(&called), "/quick");
    second.send("b");
    assert!(second.rest().ends_with("1 98 None"));
    assert_eq!(next(&called), "/2");
    first.send("a");
    assert!(first.rest().ends_with("1 97 None"));
}

#[test]
fn who_leaves_before_the_body_is_here_is_not_answered_for() {
    let (app, called) = sum();
    let (app, began) = noted(app);
    let server = start_with(app, |server| server.threads(1));
    let mut leaves = server.connect();
    leaves.send(head("/leaves", 2) + "a");
    assert_eq!(next(&began), "/leaves");
    drop(leaves);
    assert!(server.whole(get("/quick")).ends_with("0 0 None"));
    assert_eq!(next(&called), "/quick");
    drop(server);
    assert!(called.recv().is_err()); // ended, and never called for it
}

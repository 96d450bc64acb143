//! Request bodies that are too large for memory go through a temporary file, of which the application sees
//! nothing.

#![allow(clippy::unwrap_used, reason = "tests say by panicking what went wrong")]

mod common;

use std::io::Read;
use std::path::Path;

use gateway_core::server::Limits;
use gateway_core::{Environ, blocking, text};
use gateway_test::client::Client;
use gateway_test::fixtures::{Style, echo};
use gateway_test::{Event, Log};
use http::Method;

use common::lines::lines;
use common::{Running, files_in, server};

/// More than is read at a time, so that it is not here at once.
const LARGE: usize = 300_000;

fn small_memory() -> Limits {
    let mut limits = Limits::default();
    limits.buffer = 1000;
    limits
}

fn body(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at ^ (at >> 8)) as u8).collect()
}

fn post(path: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head = format!("POST {path} HTTP/1.1\r\nhost: test\r\ncontent-length: {length}\r\n\r\n");
    [head.as_bytes(), body].concat()
}

fn chunked(path: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("POST {path} HTTP/1.1\r\nhost: test\r\ntransfer-encoding: chunked\r\n\r\n");
    let mut request = head.into_bytes();
    for chunk in body.chunks(7000) {
        request.extend(format!("{:x}\r\n", chunk.len()).bytes());
        request.extend(chunk);
        request.extend(b"\r\n");
    }
    request.extend(b"0\r\n\r\n");
    request
}

/// Sends a body, of which the answer may come before it is sent.
fn upload(client: &mut Client, request: Vec<u8>) -> gateway_test::client::Reply {
    client.send_meanwhile(request).unwrap();
    client.read(&Method::POST).unwrap()
}

#[test]
fn an_application_reads_the_same_body_wherever_it_was_kept() {
    for (style, limits) in Style::BOTH
        .into_iter()
        .zip([small_memory(), Limits::default()])
    {
        let running = Running::start(server(2).limits(limits), echo(style));
        let mut client = running.client();
        for length in [0, 999, 1000, 1001, 20_000, 65_536, LARGE, 1_000_000] {
            let body = body(length);
            for mut request in [post("/", &body), chunked("/", &body)] {
                request.extend(post("/", b"what follows"));
                let reply = upload(&mut client, request);
                assert!(reply.body == body, "{length}, {style}");
                assert_eq!(client.read(&Method::POST).unwrap().text(), "what follows");
            }
        }
    }
}

#[test]
fn what_does_not_fit_into_memory_is_in_an_unnamed_file_until_it_is_read() {
    let directory = tempfile::tempdir().unwrap();
    let (entered, release) = (Log::new(), Log::<()>::new());
    let (inside, go) = (entered.clone(), release.clone());
    let app = blocking(move |mut environ: Environ| {
        inside.note(environ.input().remaining());
        go.next()?;
        let mut first = [0; 1];
        environ.input().read_exact(&mut first)?;
        Ok(text("began"))
    });
    let limits = small_memory();
    let running = Running::start(server(2).limits(limits).spool_in(directory.path()), app);
    let mut client = running.client();
    client.send_meanwhile(post("/", &body(LARGE))).unwrap();
    assert_eq!(entered.next().unwrap(), Some(LARGE as u64));
    assert_eq!(files_in(directory.path()), 1);
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
    release.note(());
    assert_eq!(client.read(&Method::POST).unwrap().text(), "began");
    // The body was read whole before the call: another request follows, and the file is gone.
    client.send(post("/", b"small")).unwrap();
    entered.next().unwrap();
    assert_eq!(files_in(directory.path()), 0);
    release.note(());
    assert_eq!(client.read(&Method::POST).unwrap().text(), "began");
}

#[test]
fn beyond_what_all_files_may_hold_a_request_is_refused_until_there_is_room() {
    let lines = lines();
    let (entered, release) = (Log::new(), Event::new());
    let (inside, go) = (entered.clone(), release.clone());
    let app = blocking(move |mut environ: Environ| {
        inside.note(());
        if environ.path_info() == "/holds" {
            go.wait()?;
        }
        let length = environ.input().blocking_read_all(1 << 20)?.len();
        Ok(text(length.to_string()))
    });
    let mut limits = small_memory();
    limits.spool = 400_000;
    let running = Running::start(server(3).limits(limits), app);
    let mut holder = running.client();
    holder.send_meanwhile(post("/holds", &body(LARGE))).unwrap();
    entered.next().unwrap();

    let mut refused = running.client();
    let reply = upload(&mut refused, post("/refused", &body(LARGE)));
    assert_eq!((reply.status, reply.says_close()), (503, true));
    assert_eq!(reply.field("retry-after"), Some("1"));
    let line = lines.wait_for(&["cut off", "request=POST /refused stage=reading body "]);
    assert!(line.contains("hold as much as they may"), "{line}");
    assert!(entered.is_empty());

    // Others are served meanwhile, and when there is room so are large ones.
    let mut other = running.client();
    assert_eq!(upload(&mut other, post("/", b"small")).text(), "5");
    release.set();
    assert_eq!(holder.read(&Method::POST).unwrap().text(), "300000");
    assert_eq!(upload(&mut other, post("/", &body(LARGE))).text(), "300000");
}

#[test]
fn a_request_that_is_cut_gives_back_what_it_held() {
    let app = blocking(|mut environ: Environ| {
        let length = environ.input().blocking_read_all(1 << 20)?.len();
        Ok(text(length.to_string()))
    });
    let mut limits = small_memory();
    limits.spool = 400_000;
    let running = Running::start(server(1).limits(limits), app);
    for _ in 0..5 {
        let request = post("/", &body(LARGE));
        let mut leaves = running.client();
        leaves.send(&request[..request.len() - 1]).unwrap();
        leaves.reset().unwrap();
        // The only thread takes what comes in turn: it may have to be told of the end first.
        let mut client = running.client();
        while upload(&mut client, request.clone()).status != 200 {
            client = running.client();
        }
    }
}

#[test]
fn a_file_that_cannot_be_made_costs_one_request() {
    let lines = lines();
    let app = blocking(|mut environ: Environ| {
        let length = environ.input().blocking_read_all(1 << 20)?.len();
        Ok(text(length.to_string()))
    });
    let nowhere = Path::new("/nowhere/at/all");
    let running = Running::start(server(2).limits(small_memory()).spool_in(nowhere), app);
    let mut other = running.client();
    assert_eq!(upload(&mut other, post("/", b"small")).text(), "5");
    let mut failing = running.client();
    let reply = upload(&mut failing, post("/failing", &body(LARGE)));
    assert_eq!((reply.status, reply.says_close()), (500, true));
    let line = lines.wait_for(&["cut off", "request=POST /failing stage=reading body "]);
    assert!(line.contains("the temporary file: "), "{line}");
    assert_eq!(upload(&mut other, post("/", b"small")).text(), "5");
}

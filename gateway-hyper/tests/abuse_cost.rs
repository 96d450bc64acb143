//! What HTTP/2 clients cost that abuse their server, in memory and processor time; another client is served
//! meanwhile. The server is a process of its own: this program again.
//!
//! `cargo test --release -p gateway-hyper --test abuse_cost -- --nocapture` prints the figures.

#![allow(clippy::unwrap_used)] // a failure here is a failure of the test

mod common;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use common::PATIENCE;
use common::frames::*;
use common::process::{Process, is_server, memory, processor_time, serve};
use gateway_core::{Body, Environ, Error, Response, Result, text};

/// Abusive connections at once.
const AT_ONCE: usize = 4;

/// Connections that each abusive client makes, one after the other, where the server closes them.
const CONNECTIONS: usize = 1;

/// Writes after which an abusive client must have been closed.
const WRITES: u32 = 100_000;

/// Answers that another client must have had meanwhile.
const ANSWERS: u64 = 20;

/// What all of it may cost in memory, whatever the kind of abuse: 32 MiB a connection. That is what a
/// client may keep: 128 streams, and on each a head of 64 KiB, whose fields take three times as much in
/// memory, or 64 KiB of a response.
const MOST: u64 = AT_ONCE as u64 * (32 << 20);

/// Streams that a connection may have.
const STREAMS: u32 = 128;

/// The pieces of a large response.
const PIECE: usize = 16 * 1024;

async fn app(environ: Environ) -> Result {
    match environ.path_info() {
        "/silent" => std::future::pending().await,
        "/pieces" => {
            let pieces = std::iter::repeat_with(|| Ok::<_, Error>(vec![b'x'; PIECE]));
            Ok(Response::new(Body::iter(pieces.take(64))))
        }
        _ => Ok(text("hello")),
    }
}

/// A way to abuse a server.
struct Abuse {
    name: &'static str,
    settings: Frame,
    /// The frames of the n-th write, until there are none.
    frames: fn(u32) -> Vec<Frame>,
    /// Whether the server closes the connection; else the client holds it.
    is_closed: bool,
}

fn abuses() -> Vec<Abuse> {
    let plain = || Frame::new(SETTINGS, 0, 0, []);
    let closed = |name, frames| Abuse {
        name,
        settings: plain(),
        frames,
        is_closed: true,
    };
    let held = |name, settings, frames| Abuse {
        name,
        settings,
        frames,
        is_closed: false,
    };
    vec![
        closed("rapid reset", |n| {
            let pair = |n| [get(2 * n + 1, "/silent"), reset(2 * n + 1)];
            (50 * n..50 * (n + 1)).flat_map(pair).collect()
        }),
        closed("CONTINUATION, empty", |n| match n {
            0 => vec![Frame::new(HEADERS, END_STREAM, 1, head("GET", "/"))],
            _ => vec![Frame::new(CONTINUATION, 0, 1, []); 100],
        }),
        closed("CONTINUATION, with fields", |n| match n {
            0 => vec![Frame::new(HEADERS, END_STREAM, 1, head("GET", "/"))],
            _ => vec![Frame::new(CONTINUATION, 0, 1, field("x", &"y".repeat(1000))); 16],
        }),
        closed("SETTINGS", |n| vec![windows_of(1000 + n); 20]),
        closed("PING", |_| vec![Frame::new(PING, 0, 0, [7; 8]); 100]),
        closed("heads far beyond the limit", |n| {
            let field = field("x", &"y".repeat(16_000));
            let mut frames = vec![Frame::new(CONTINUATION, 0, 2 * n + 1, field); 40];
            frames.insert(
                0,
                Frame::new(HEADERS, END_STREAM, 2 * n + 1, head("GET", "/")),
            );
            frames
        }),
        held(
            "heads that are small only on the wire",
            plain(),
            |n| match n {
                0..STREAMS => vec![bomb(2 * n + 1)],
                _ => Vec::new(),
            },
        ),
        held("heads just below the limit", plain(), |n| match n {
            0..STREAMS => large_head(2 * n + 1),
            _ => Vec::new(),
        }),
        held("windows that stay shut", windows_of(0), |n| match n {
            0 => (0..STREAMS).map(|n| get(2 * n + 1, "/pieces")).collect(),
            _ => Vec::new(),
        }),
        held(
            "open windows, nothing read",
            windows_of(1 << 30),
            |n| match n {
                0 => {
                    let ask = (0..STREAMS).map(|n| get(2 * n + 1, "/pieces"));
                    std::iter::once(window_update(0, 1 << 30))
                        .chain(ask)
                        .collect()
                }
                _ => Vec::new(),
            },
        ),
    ]
}

/// A head of fields that the table of HPACK has: 1 byte each on the wire, 4000 in the list.
fn bomb(stream: u32) -> Frame {
    let mut block = head("GET", "/silent");
    let mut added = field("x", &"y".repeat(3900));
    added[0] = 0x40; // literal with incremental indexing (RFC 7541 §6.2.1)
    block.extend(added);
    block.extend([0xbe; 8000]); // the entry that was added last (§6.1)
    Frame::new(HEADERS, END_STREAM | END_HEADERS, stream, block)
}

/// A head of 90 fields of 600 bytes.
fn large_head(stream: u32) -> Vec<Frame> {
    let fields = (0..90).flat_map(|n| field(&format!("x-{n}"), &"y".repeat(600)));
    let block: Vec<u8> = head("GET", "/silent").into_iter().chain(fields).collect();
    let pieces = block.chunks(16_000);
    let mut frames: Vec<_> = pieces
        .map(|piece| Frame::new(CONTINUATION, 0, stream, piece))
        .collect();
    frames[0].kind = HEADERS;
    frames[0].flags = END_STREAM;
    frames.last_mut().unwrap().flags |= END_HEADERS;
    frames
}

#[test]
fn abuse_over_http2_takes_bounded_memory_while_others_are_served() {
    if is_server() {
        return serve(app);
    }
    let name = "abuse_over_http2_takes_bounded_memory_while_others_are_served";
    let server = Process::start(name, 1024);
    answers(server.address, || false);
    let before = memory(server.id());
    eprintln!(
        "{} KiB before; {AT_ONCE} abusive connections at once",
        before >> 10
    );
    for abuse in abuses() {
        let cost = measure(&server, &abuse);
        eprintln!("{}: {cost}", abuse.name);
        let more = cost.memory.saturating_sub(before);
        assert!(more < MOST, "{}: {} MiB more", abuse.name, more >> 20);
    }
}

/// What an abuse has cost.
struct Cost {
    memory: u64,
    processor: Duration,
    took: Duration,
    frames: u64,
    answers: u64,
}

impl std::fmt::Display for Cost {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            frames, answers, ..
        } = self;
        let mib = self.memory as f64 / f64::from(1 << 20);
        let (processor, took) = (self.processor.as_millis(), self.took.as_millis());
        write!(
            f,
            "{mib:.1} MiB at most, {processor} ms of processor time in {took} ms, "
        )?;
        write!(f, "{frames} frames sent, {answers} others answered")
    }
}

fn measure(server: &Process, abuse: &Abuse) -> Cost {
    let (address, id) = (server.address, server.id());
    let (started, processor) = (Instant::now(), processor_time(id));
    let (frames, is_over) = (AtomicU64::new(0), AtomicBool::new(false));
    let (sent, served) = (Barrier::new(AT_ONCE + 1), Barrier::new(AT_ONCE + 1));
    let peak = AtomicU64::new(0);
    let look = || peak.fetch_max(memory(id), Ordering::Relaxed);
    let answers = thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                let mut held = Vec::new();
                for _ in 0..if abuse.is_closed { CONNECTIONS } else { 1 } {
                    held.extend(commit(abuse, address, &frames));
                }
                sent.wait();
                served.wait(); // what is held is held so long
            });
        }
        let watch = scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                look();
                thread::sleep(Duration::from_millis(2));
            }
        });
        // One is served while they are at it, and then, while they hold on.
        let other = scope.spawn(|| answers(address, || !is_over.load(Ordering::Relaxed)));
        sent.wait();
        let meanwhile = self::answers(address, || false);
        is_over.store(true, Ordering::Relaxed);
        watch.join().unwrap();
        let answers = other.join().unwrap() + meanwhile;
        served.wait();
        answers
    });
    Cost {
        memory: peak.into_inner(),
        processor: processor_time(id) - processor,
        took: started.elapsed(),
        frames: frames.into_inner(),
        answers,
    }
}

/// Abuses the server on one connection, which is given back if it is held.
fn commit(abuse: &Abuse, address: SocketAddr, count: &AtomicU64) -> Option<Wire> {
    let mut wire = Wire::connect_to(address, &abuse.settings);
    for n in 0..WRITES {
        let frames = (abuse.frames)(n);
        if frames.is_empty() || !wire.send(&frames) {
            break;
        }
        count.fetch_add(frames.len() as u64, Ordering::Relaxed);
    }
    if abuse.is_closed {
        assert!(
            !wire.send(&(abuse.frames)(1)),
            "{}: is not closed",
            abuse.name
        );
        let code = wire.closed_with();
        // None where the client went on and on, and was reset.
        assert!(
            code.is_none_or(|code| code == ENHANCE_YOUR_CALM),
            "{}: {code:?}",
            abuse.name
        );
        return None;
    }
    Some(wire)
}

/// Has another client ask, a few times, and longer while it `goes_on`. Gives the number of answers.
fn answers(address: SocketAddr, goes_on: impl Fn() -> bool) -> u64 {
    let mut client = TcpStream::connect(address).unwrap();
    client.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut count = 0;
    while count < ANSWERS || goes_on() {
        client
            .write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            .unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(b"hello") {
            let mut bytes = [0; 1024];
            let length = client.read(&mut bytes).unwrap();
            assert!(length > 0, "closed on another client");
            answer.extend(&bytes[..length]);
        }
        count += 1;
    }
    count
}

//! Both hosts, whole, over sockets: the same bytes mean the same to each.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::OnceLock;
use std::time::Duration;
use std::{io, thread};

use gateway_core::server::Timeouts;
use gateway_http1::{Limits, Reading};
use gateway_test::fixtures::{Dump, Style, dump};
use http::Method;

use crate::feed::{Reads, feed};
use crate::oracle::{Field, owned, unchunk, values};

/// Both hosts answer the same requests, which they read alike, and refuse the same one.
pub fn hosts(bytes: &[u8]) {
    if bytes.starts_with(b"PRI * HTTP/2.0") || bytes.starts_with(b"\r\nPRI * HTTP/2.0") {
        return; // which only one of them speaks
    }
    let hosts = HOSTS.get_or_init(Hosts::start);
    let reads = feed(bytes, [], &Limits::default());
    let heads = reads.requests.iter();
    let bodiless: Vec<bool> = heads.map(|read| read.head.method == Method::HEAD).collect();
    let mut sync = answers(hosts.sync, bytes, &bodiless);
    let mut hyper = answers(hosts.hyper, bytes, &bodiless);
    if is_cut_short(bytes, &reads) {
        // The client has left in the middle: an answer to that is one host's courtesy.
        for answers in [&mut sync, &mut hyper] {
            answers.truncate(reads.requests.iter().filter(|read| read.complete).count());
        }
    }
    assert_eq!(sync, hyper);
}

/// Whether the last request is not whole. One host may have seen already that it is not sound.
fn is_cut_short(bytes: &[u8], reads: &Reads) -> bool {
    match reads.refused {
        None => reads.reading != Reading::Idle,
        Some(_) => {
            let complete = reads.requests.last().is_none_or(|read| read.complete);
            let rest = &bytes[reads.requests.last().map_or(0, |read| read.end)..];
            complete && !rest.windows(4).any(|bytes| bytes == b"\r\n\r\n")
        }
    }
}

static HOSTS: OnceLock<Hosts> = OnceLock::new();

struct Hosts {
    sync: SocketAddr,
    hyper: SocketAddr,
}

impl Hosts {
    /// They run until the process ends.
    fn start() -> Self {
        let sync = gateway_sync::Server::bind("127.0.0.1:0")
            .unwrap()
            .threads(2);
        let hyper = gateway_hyper::Server::bind("127.0.0.1:0").unwrap();
        let address = |addresses: &[gateway_core::Address]| addresses[0].socket().unwrap();
        let hosts = Self {
            sync: address(sync.local_addrs()),
            hyper: address(hyper.local_addrs()),
        };
        thread::spawn(move || sync.timeouts(Timeouts::default()).serve(dump(Style::Async)));
        thread::spawn(move || hyper.run(dump(Style::Async)));
        hosts
    }
}

/// An answer, as far as it is the same on both hosts.
#[derive(Debug, PartialEq)]
struct Answer {
    /// 400 for all that are refused: which of two faults is named first may differ.
    status: u16,
    /// What the application was told, for those that it answered.
    told: Option<(Vec<Field>, Vec<u8>)>,
}

/// Sends `bytes`, and nothing after them; all that is answered.
fn answers(host: SocketAddr, bytes: &[u8], bodiless: &[bool]) -> Vec<Answer> {
    let reply = exchange(host, bytes).expect("the host answers, and closes");
    let (mut answers, mut rest) = (Vec::new(), &reply[..]);
    while !rest.is_empty() {
        let bodiless = bodiless.get(answers.len()).copied().unwrap_or(false);
        let (answer, length) = read(rest, bodiless);
        rest = &rest[length..];
        if answer.status != 100 {
            answers.push(answer);
        }
    }
    answers
}

fn exchange(host: SocketAddr, bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut socket = TcpStream::connect(host)?;
    socket.set_read_timeout(Some(Duration::from_secs(20)))?;
    let _ = socket.write_all(bytes); // it may have refused before it has read all
    let _ = socket.shutdown(Shutdown::Write);
    let mut reply = Vec::new();
    match socket.read_to_end(&mut reply) {
        Err(error) if error.kind() != io::ErrorKind::ConnectionReset => Err(error),
        _ => Ok(reply),
    }
}

/// The answer at the start of `bytes`, and its length.
fn read(bytes: &[u8], bodiless: bool) -> (Answer, usize) {
    let mut fields = [httparse::EMPTY_HEADER; 64];
    let mut response = httparse::Response::new(&mut fields);
    let head = response.parse(bytes).expect("a response").unwrap();
    let (status, fields) = (response.code.unwrap_or(0), owned(response.headers));
    let rest = &bytes[head..];
    let length = values(&fields, "content-length");
    let (body, length) = if bodiless || status == 100 {
        (Vec::new(), 0)
    } else if let [length] = &*length {
        let length: usize = String::from_utf8_lossy(length).parse().unwrap();
        // A host may say in its own refusal of HEAD how long it would have been; that is the last answer.
        let there = if status == 200 {
            length
        } else {
            length.min(rest.len())
        };
        (rest[..there].to_vec(), there)
    } else if values(&fields, "transfer-encoding").is_empty() {
        (Vec::new(), 0)
    } else {
        let found = unchunk(rest).expect("a whole chunked body");
        (found.body, found.used)
    };
    let told = (status == 200).then(|| told(&body)).flatten();
    let status = if status >= 400 { 400 } else { status };
    (Answer { status, told }, head + length)
}

/// What the application was told, but for what differs from host to host and from run to run.
fn told(body: &[u8]) -> Option<(Vec<Field>, Vec<u8>)> {
    let dump = Dump::parse(body).ok()?;
    let names = [
        "REQUEST_METHOD",
        "REQUEST_URI",
        "PATH_INFO",
        "SERVER_PROTOCOL",
        "CONTENT_TYPE",
        "HTTP_HOST",
        "HTTP_X_A",
        "HTTP_COOKIE",
        "raw_path",
    ];
    let fields = names
        .iter()
        .filter_map(|name| Some(((*name).to_owned(), dump.bytes(name)?.to_vec())));
    Some((fields.collect(), dump.body))
}

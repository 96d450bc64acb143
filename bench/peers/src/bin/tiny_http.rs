//! tiny_http: threads that share one server, as its documentation shows.

#![forbid(unsafe_code)]

use std::io::{self, Read};
use std::thread;

use gateway_bench_peers::{
    BIG, HELLO, PIECE, PIECES, PLAIN, THREADS, WAIT, address, compute, delay,
};
use tiny_http::{Header, Request, Response, Server, StatusCode};

fn main() {
    let server = Server::http(address()).expect("the address is free");
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                loop {
                    // A connection that is broken is its client's affair.
                    let _ = server.recv().and_then(answer);
                }
            });
        }
    });
}

fn answer(mut request: Request) -> io::Result<()> {
    let url = request.url().to_owned();
    let (path, query) = url.split_once('?').unwrap_or((&url, ""));
    match path {
        "/hello" => request.respond(text(HELLO)),
        "/io" => {
            thread::sleep(WAIT);
            request.respond(text("waited\n"))
        }
        "/compute" => request.respond(text(format!("{}\n", compute()))),
        "/mixed" => {
            thread::sleep(WAIT);
            request.respond(text(format!("{}\n", compute())))
        }
        "/upload" => {
            let length = io::copy(request.as_reader(), &mut io::sink())?;
            request.respond(text(format!("{length}\n")))
        }
        "/big" => request.respond(response(&BIG[..], Some(BIG.len()))),
        "/stream" => {
            let pieces = io::repeat(PIECE[0]).take((PIECE.len() * PIECES) as u64);
            request.respond(response(pieces, None))
        }
        "/delay" => match delay(query) {
            Some(delay) => {
                thread::sleep(delay);
                request.respond(text("waited\n"))
            }
            None => request.respond(Response::empty(400)),
        },
        _ => request.respond(Response::empty(404)),
    }
}

fn text(text: impl Into<String>) -> Response<impl Read> {
    let plain = Header::from_bytes("Content-Type", PLAIN).expect("it is ASCII");
    Response::from_string(text).with_header(plain)
}

fn response<R: Read>(body: R, length: Option<usize>) -> Response<R> {
    Response::new(StatusCode(200), Vec::new(), body, length, None)
}

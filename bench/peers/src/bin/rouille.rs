//! rouille with a pool as large as gateway-sync's.

#![forbid(unsafe_code)]

use std::io::{self, Read};
use std::thread;

use gateway_bench_peers::{BIG, HELLO, PIECE, PIECES, THREADS, WAIT, address, compute, delay};
use rouille::{Request, Response, ResponseBody, Server};

fn main() {
    Server::new(address(), answer)
        .expect("the address is free")
        .pool_size(THREADS)
        .run();
}

fn answer(request: &Request) -> Response {
    match request.url().as_str() {
        "/hello" => Response::text(HELLO),
        "/io" => {
            thread::sleep(WAIT);
            Response::text("waited\n")
        }
        "/compute" => Response::text(format!("{}\n", compute())),
        "/mixed" => {
            thread::sleep(WAIT);
            Response::text(format!("{}\n", compute()))
        }
        "/upload" => {
            let length = request
                .data()
                .map(|mut body| io::copy(&mut body, &mut io::sink()));
            match length {
                Some(Ok(length)) => Response::text(format!("{length}\n")),
                _ => Response::empty_400(),
            }
        }
        "/big" => Response {
            data: ResponseBody::from_reader_and_size(&BIG[..], BIG.len()),
            ..Response::text("")
        },
        "/stream" => {
            let pieces = io::repeat(PIECE[0]).take((PIECE.len() * PIECES) as u64);
            Response {
                data: ResponseBody::from_reader(pieces),
                ..Response::text("")
            }
        }
        "/delay" => match delay(request.raw_query_string()) {
            Some(delay) => {
                thread::sleep(delay);
                Response::text("waited\n")
            }
            None => Response::empty_400(),
        },
        _ => Response::empty_404(),
    }
}

//! may_minihttp: coroutines, one worker a core. It cannot stream a response, and has no timeouts.

#![forbid(unsafe_code)]

use std::io;

use gateway_bench_peers::{BIG, HELLO, WAIT, address, compute, delay};
use may_minihttp::{HttpServer, HttpService, Request, Response};

#[derive(Clone)]
struct Endpoints;

impl HttpService for Endpoints {
    fn call(
        &mut self,
        request: Request<'_, '_, '_>,
        response: &mut Response<'_>,
    ) -> io::Result<()> {
        let url = request.path();
        let (path, query) = url.split_once('?').unwrap_or((url, ""));
        match path {
            "/hello" => text(response, HELLO),
            "/io" => {
                may::coroutine::sleep(WAIT);
                text(response, "waited\n");
            }
            "/compute" => computed(response),
            "/mixed" => {
                may::coroutine::sleep(WAIT);
                computed(response);
            }
            "/upload" => {
                let length = io::copy(&mut request.body(), &mut io::sink())?;
                plain(response);
                response.body_vec(format!("{length}\n").into_bytes());
            }
            "/big" => response.body_vec(BIG.to_vec()),
            "/delay" => match delay(query) {
                Some(delay) => {
                    may::coroutine::sleep(delay);
                    text(response, "waited\n");
                }
                None => {
                    response.status_code(400, "Bad Request");
                }
            },
            _ => {
                response.status_code(404, "Not Found");
            }
        }
        Ok(())
    }
}

fn main() {
    let workers = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    may::config().set_workers(workers);
    HttpServer(Endpoints)
        .start(address())
        .expect("the address is free")
        .join()
        .expect("it serves until it is ended");
}

fn computed(response: &mut Response<'_>) {
    plain(response);
    response.body_vec(format!("{}\n", compute()).into_bytes());
}

fn text(response: &mut Response<'_>, text: &'static str) {
    plain(response);
    response.body(text);
}

fn plain(response: &mut Response<'_>) {
    response.header("Content-Type: text/plain; charset=utf-8");
}

//! actix-web with its defaults, but for what all servers here have that can: TCP_NODELAY, and idle connections kept.

#![forbid(unsafe_code)]

use std::convert::Infallible;

use actix_web::error::{ErrorBadRequest, ErrorInternalServerError};
use actix_web::http::KeepAlive;
use actix_web::rt::time::sleep;
use actix_web::web::{self, Bytes, Payload};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, Result};
use futures_util::{StreamExt, stream};
use gateway_bench_peers::{BIG, HELLO, PIECE, PIECES, PLAIN, WAIT, address, compute, delay};

#[actix_web::main]
async fn main() -> std::io::Result<()> {
    HttpServer::new(|| {
        App::new()
            .route("/hello", web::get().to(async || text(HELLO)))
            .route("/io", web::get().to(io))
            .route("/compute", web::get().to(computed))
            .route("/mixed", web::get().to(mixed))
            .route("/upload", web::post().to(upload))
            .route(
                "/big",
                web::get().to(async || HttpResponse::Ok().body(Bytes::from_static(&BIG))),
            )
            .route("/stream", web::get().to(pieces))
            .route("/delay", web::get().to(wait))
    })
    // As ours, and as bare hyper's. Its own idle time of 5 s would cut the idle connections.
    .keep_alive(KeepAlive::Timeout(std::time::Duration::from_secs(75)))
    // As ours, bare hyper's and axum's: what waits for a delayed ACK says nothing of a server.
    .tcp_nodelay(true)
    .workers(std::thread::available_parallelism()?.get())
    .bind(address())?
    .run()
    .await
}

fn text(text: impl Into<String>) -> HttpResponse {
    HttpResponse::Ok().content_type(PLAIN).body(text.into())
}

async fn io() -> HttpResponse {
    sleep(WAIT).await;
    text("waited\n")
}

async fn computed() -> Result<HttpResponse> {
    let sum = web::block(compute)
        .await
        .map_err(ErrorInternalServerError)?;
    Ok(text(format!("{sum}\n")))
}

async fn mixed() -> Result<HttpResponse> {
    sleep(WAIT).await;
    computed().await
}

async fn upload(mut body: Payload) -> Result<HttpResponse> {
    let mut length = 0;
    while let Some(chunk) = body.next().await {
        length += chunk?.len();
    }
    Ok(text(format!("{length}\n")))
}

async fn pieces() -> HttpResponse {
    let piece = Ok::<_, Infallible>(Bytes::from_static(&PIECE));
    HttpResponse::Ok().streaming(stream::iter(std::iter::repeat_n(piece, PIECES)))
}

async fn wait(request: HttpRequest) -> Result<HttpResponse> {
    sleep(delay(request.query_string()).ok_or_else(|| ErrorBadRequest("s is 0 to 30 seconds"))?)
        .await;
    Ok(text("waited\n"))
}

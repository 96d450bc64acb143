//! axum on tokio's default runtime.

#![forbid(unsafe_code)]

use std::convert::Infallible;

use axum::Router;
use axum::body::Body;
use axum::extract::RawQuery;
use axum::http::StatusCode;
use axum::routing::{get, post};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use gateway_bench_peers::{BIG, HELLO, PIECE, PIECES, WAIT, address, compute, delay};
use tokio::net::TcpSocket;

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let app = Router::new()
        .route("/hello", get(|| async { HELLO }))
        .route("/io", get(io))
        .route("/compute", get(computed))
        .route("/mixed", get(mixed))
        .route("/upload", post(upload))
        .route("/big", get(|| async { Bytes::from_static(&BIG) }))
        .route("/stream", get(pieces))
        .route("/delay", get(wait));
    // As ours: the usual backlog of 128 drops connections when 512 come at once.
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(address())?;
    let listener = socket.listen(1024)?;
    axum::serve(
        axum::serve::ListenerExt::tap_io(listener, |stream| {
            // A connection that is gone already needs none.
            let _ = stream.set_nodelay(true);
        }),
        app,
    )
    .await
}

async fn io() -> &'static str {
    tokio::time::sleep(WAIT).await;
    "waited\n"
}

async fn computed() -> Result<String, StatusCode> {
    let sum = tokio::task::spawn_blocking(compute).await;
    sum.map(|sum| format!("{sum}\n"))
        .map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)
}

async fn mixed() -> Result<String, StatusCode> {
    tokio::time::sleep(WAIT).await;
    computed().await
}

async fn upload(body: Body) -> Result<String, StatusCode> {
    let mut length = 0;
    let mut chunks = body.into_data_stream();
    while let Some(chunk) = chunks.next().await {
        length += chunk.map_err(|_| StatusCode::BAD_REQUEST)?.len();
    }
    Ok(format!("{length}\n"))
}

async fn pieces() -> Body {
    let piece = Ok::<_, Infallible>(Bytes::from_static(&PIECE));
    Body::from_stream(stream::iter(std::iter::repeat_n(piece, PIECES)))
}

async fn wait(RawQuery(query): RawQuery) -> Result<&'static str, StatusCode> {
    let delay = delay(&query.unwrap_or_default()).ok_or(StatusCode::BAD_REQUEST)?;
    tokio::time::sleep(delay).await;
    Ok("waited\n")
}

//! An axum application of some size, hosted by gateway: notes that are listed, written, removed, and
//! pushed to whoever watches. Nothing in it is written for gateway but [`client`], which asks where a
//! request came from.
//!
//! ```text
//!   gateway-sync, gateway-hyper ─▶ from_service ─▶ axum's Router
//!                                                    ├── /notes         state, extractors, JSON
//!                                                    ├── /notes/events  server-sent events
//!                                                    ├── /upload        a streamed body, counted
//!                                                    ├── /client        gateway's Context
//!                                                    └── /hello ─▶ into_service ─▶ a gateway application
//!                                                  gzip around all of it (tower-http)
//! ```
//!
//! `cargo run -p axum-on-gateway -- --host sync` serves it with threads, `--host hyper` with hyper.

#![forbid(unsafe_code)]

mod client;
mod events;
mod notes;
mod serve;

use axum::Router;
use axum::extract::Request;
use axum::routing::{get, post};
use futures_util::StreamExt;
use gateway_core::{Application, Capabilities, blocking, requiring};
use gateway_tower::{from_service, into_service};
use tower_http::compression::CompressionLayer;
use tower_http::limit::RequestBodyLimitLayer;

pub use client::client;
pub use events::events;
pub use notes::{NewNote, Note, Notes};
pub use serve::{Host, Server};

/// How large a request body may be, in bytes.
pub const LARGEST_BODY: usize = 1024 * 1024;

/// The routes.
pub fn router(notes: Notes) -> Router {
    let hello = into_service(hello::hello);
    let blocking_hello = into_service(blocking(hello::hello_blocking));
    Router::new()
        .route("/", get(|| async { "Notes are at /notes\n" }))
        .route("/notes", get(notes::list).post(notes::add))
        .route("/notes/events", get(events))
        .route("/notes/{id}", get(notes::show).delete(notes::remove))
        .route("/upload", post(upload))
        .route("/client", get(client))
        .nest_service("/hello", hello.answering())
        .nest_service("/hello/blocking", blocking_hello.answering())
        .with_state(notes)
        .layer(RequestBodyLimitLayer::new(LARGEST_BODY))
        .layer(CompressionLayer::new())
}

/// The same as a gateway application. It says that it needs tokio, so that a host without it refuses to
/// start, and does not fail at the first timer.
pub fn application(notes: Notes) -> impl Application {
    requiring(Capabilities::TOKIO, from_service(router(notes)))
}

/// Counts what is uploaded, piece by piece, in no more memory than a piece.
async fn upload(request: Request) -> Result<String, axum::http::StatusCode> {
    let mut pieces = request.into_body().into_data_stream();
    let mut length = 0;
    while let Some(piece) = pieces.next().await {
        length += piece.map_err(|error| notes::status_of(&error))?.len();
    }
    Ok(format!("{length} bytes\n"))
}

//! One connection: which protocol it speaks, hyper driven through it, and its deadlines.

pub(crate) mod deadline;
mod drive;
mod flow;
mod frames;
mod io;
mod kill;
mod opening;
mod requests;
mod rest;
mod state;
mod streams;
mod taking;

use std::convert::Infallible;
use std::pin::{Pin, pin};
use std::sync::Arc;

use gateway_core::Application;
use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::{HttpService, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};

pub(crate) use io::Io;
pub(crate) use state::State;
pub(crate) use taking::Taking;

use crate::exchange::Exchange;
use crate::listener::Socket;
use crate::outgoing::Outgoing;
use crate::service;
use crate::settings::LONGEST;
use drive::{Driven, drive};
use opening::{Opening, Protocol};
use rest::rest;
use streams::Streams;

/// What waits to be sent on an HTTP/2 stream, in bytes (hyper: 400 KiB; nginx `http2_chunk_size`: 8 KiB
/// at once).
const SEND_BUFFER: usize = 64 * 1024;

/// How much of one request body, and of all on a connection, may come before the application reads
/// (hyper: 1 MiB each; nginx `http2_body_preread_size`: 64 KiB). One upload that nobody reads leaves room
/// for others.
const STREAM_WINDOW: u32 = 256 * 1024;
const WINDOW: u32 = 1024 * 1024;

/// Streams that are reset before they are so much as looked at: 20, hyper's and Go's bound.
const RESET_UNSEEN: usize = 20;

/// Streams that had to be reset or refused for what the client sent on them: 1024, as in hyper.
const RESET_FOR_ERRORS: usize = 1024;

/// Serves a connection until it ends.
pub(crate) async fn serve<A: Application>(mut socket: Socket, state: Arc<State>, app: Arc<A>) {
    let Some(opened) = Opening::new(&mut socket, &state).await else {
        return;
    };
    let protocol = opened.protocol;
    let mut io = Io::new(socket, Arc::clone(&state), opened);
    if protocol == Protocol::Http2 {
        let connection = http2(&state).serve_connection(TokioIo::new(io), service(&state, &app));
        let end = |connection: Pin<&mut _>| http2::Connection::graceful_shutdown(connection);
        drive(pin!(connection), end, protocol, false, &state).await;
        return state.over();
    }
    let mut may_rest = true;
    loop {
        let mut connection =
            http1(&state).serve_connection(TokioIo::new(io), service(&state, &app));
        let end = |connection: Pin<&mut _>| http1::Connection::graceful_shutdown(connection);
        let driven = drive(Pin::new(&mut connection), end, protocol, may_rest, &state).await;
        if driven == Driven::Ended {
            return state.over();
        }
        // hyper has read no more than whole heads, and all of them are answered.
        io = connection.into_parts().io.into_inner();
        may_rest = rest(&io, &state).await;
    }
}

/// What hyper calls for each request.
fn service<A: Application>(
    state: &Arc<State>,
    app: &Arc<A>,
) -> impl HttpService<Incoming, ResBody = Outgoing, Error = Infallible, Future: Send + 'static> + use<A>
{
    let (state, app) = (Arc::clone(state), Arc::clone(app));
    service_fn(move |request: Request<Incoming>| {
        let exchange = Exchange::begin(Arc::clone(&state), &request);
        service::serve(exchange, Arc::clone(&app), request)
    })
}

/// hyper's part of HTTP/1. Its own header time-out stays off: it would arm a timer for each request.
fn http1(state: &State) -> http1::Builder {
    let limits = &state.shared.settings.limits;
    let mut builder = http1::Builder::new();
    builder
        .header_read_timeout(None)
        .max_buf_size(limits.head.max(8 * 1024) + 8 * 1024);
    if limits.headers > 100 {
        builder.max_headers(limits.headers); // up to 100 hyper has them on its stack
    }
    builder
}

/// hyper's part of HTTP/2.
fn http2(state: &Arc<State>) -> http2::Builder<Streams> {
    let settings = &state.shared.settings;
    let head = u32::try_from(settings.limits.head).unwrap_or(u32::MAX);
    let mut builder = http2::Builder::new(Streams(Arc::clone(state)));
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(settings.streams.max(1))
        .max_header_list_size(head)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(WINDOW)
        // Beyond these the connection is closed. What is reset later is on the account of `frames`.
        .max_pending_accept_reset_streams(RESET_UNSEEN)
        .max_local_error_reset_streams(RESET_FOR_ERRORS)
        .max_send_buf_size(SEND_BUFFER)
        // A client that is gone without a word is found out by a ping.
        .keep_alive_interval(settings.timeouts.idle.min(LONGEST))
        .keep_alive_timeout(settings.timeouts.write_stall.min(LONGEST));
    builder
}

//! hyper alone, no gateway: the baseline.

use std::net::SocketAddr;

use bytes::Bytes;
use http::{HeaderValue, StatusCode, header};
use http_body_util::{BodyExt, Either, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpSocket;

use super::bodies::{Pieces, big};
use super::endpoints::{HELLO, WAIT, compute, delay};

type Answer = Response<Either<Full<Bytes>, Pieces>>;

/// hyper as its own guide has it, with the timer that most forget, and a backlog as long as ours:
/// what a careful user runs.
pub(super) fn serve(address: SocketAddr, backlog: u32) -> super::Result {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(accept(address, backlog))
}

async fn accept(address: SocketAddr, backlog: u32) -> super::Result {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    let listener = socket.listen(backlog)?;
    super::say(listener.local_addr().ok());
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        tokio::spawn(async move {
            let mut builder = hyper::server::conn::http1::Builder::new();
            builder.timer(TokioTimer::new());
            // A broken connection is the client's, and ends with its task.
            let _ = builder
                .serve_connection(TokioIo::new(stream), service_fn(answer))
                .await;
        });
    }
}

async fn answer(request: Request<Incoming>) -> Result<Answer, hyper::Error> {
    Ok(match request.uri().path() {
        "/hello" => text(HELLO),
        "/io" => {
            tokio::time::sleep(WAIT).await;
            text("waited\n")
        }
        "/compute" => computed().await,
        "/mixed" => {
            tokio::time::sleep(WAIT).await;
            computed().await
        }
        "/upload" => text(format!("{}\n", drained(request.into_body()).await?)),
        "/big" => Response::new(Either::Left(Full::new(big()))),
        "/stream" => Response::new(Either::Right(Pieces::new())),
        "/delay" => match delay(request.uri().query().unwrap_or_default()) {
            Some(delay) => {
                tokio::time::sleep(delay).await;
                text("waited\n")
            }
            None => status(StatusCode::BAD_REQUEST),
        },
        _ => status(StatusCode::NOT_FOUND),
    })
}

async fn drained(mut body: Incoming) -> Result<usize, hyper::Error> {
    let mut length = 0;
    while let Some(frame) = body.frame().await {
        length += frame?.data_ref().map_or(0, Bytes::len);
    }
    Ok(length)
}

/// Computes off the event loop, as a careful user does.
async fn computed() -> Answer {
    match tokio::task::spawn_blocking(compute).await {
        Ok(sum) => text(format!("{sum}\n")),
        Err(_) => status(StatusCode::INTERNAL_SERVER_ERROR),
    }
}

fn text(text: impl Into<Bytes>) -> Answer {
    let mut response = Response::new(Either::Left(Full::new(text.into())));
    let plain = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, plain);
    response
}

fn status(status: StatusCode) -> Answer {
    let mut response = Response::new(Either::Left(Full::default()));
    *response.status_mut() = status;
    response
}

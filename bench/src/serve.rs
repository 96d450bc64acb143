//! One server, by name.

use std::convert::Infallible;
use std::net::SocketAddr;

use bytes::Bytes;
use clap::{Args, ValueEnum};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

use crate::application;

type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// Serves the endpoints that are measured.
#[derive(Args)]
pub(crate) struct Serve {
    /// Which server.
    #[arg(long, value_enum, default_value = "sync")]
    host: Host,
    /// Where it listens.
    #[arg(long, default_value = "127.0.0.1:8000")]
    bind: SocketAddr,
    /// Threads for calls: of the threaded server, or of the async server's pool.
    #[arg(long, default_value_t = 64)]
    threads: usize,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Host {
    /// gateway-sync, blocking application.
    Sync,
    /// gateway-hyper, async application.
    Hyper,
    /// gateway-hyper, blocking application on its pool.
    HyperBlocking,
    /// hyper alone, no gateway: the baseline. `/hello` only.
    BareHyper,
}

impl Serve {
    pub(crate) fn run(self) -> Result {
        match self.host {
            Host::Sync => {
                let server = gateway_sync::Server::bind(self.bind)?.threads(self.threads);
                Ok(server.serve(gateway_core::blocking(application::blocking))?)
            }
            Host::Hyper => {
                let server = gateway_hyper::Server::bind(self.bind)?.threads(self.threads);
                Ok(server.run(application::asynchronous)?)
            }
            Host::HyperBlocking => {
                let server = gateway_hyper::Server::bind(self.bind)?.threads(self.threads);
                Ok(server.run(gateway_core::blocking(application::blocking))?)
            }
            Host::BareHyper => runtime()?.block_on(bare_hyper(self.bind)),
        }
    }
}

fn runtime() -> Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?)
}

/// hyper as its own guide has it, with the timer that most forget: what a careful user runs.
async fn bare_hyper(address: SocketAddr) -> Result {
    let listener = TcpListener::bind(address).await?;
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        tokio::spawn(async move {
            let mut builder = hyper::server::conn::http1::Builder::new();
            builder.timer(hyper_util::rt::TokioTimer::new());
            // A broken connection is the client's, and ends with its task.
            let _ = builder
                .serve_connection(TokioIo::new(stream), service_fn(hello))
                .await;
        });
    }
}

async fn hello(
    _request: Request<Incoming>,
) -> std::result::Result<Response<Full<Bytes>>, Infallible> {
    let mut response = Response::new(Full::new(Bytes::from_static(b"Hello, world\n")));
    let plain = http::HeaderValue::from_static("text/plain; charset=utf-8");
    response
        .headers_mut()
        .insert(http::header::CONTENT_TYPE, plain);
    Ok(response)
}

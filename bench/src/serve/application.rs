//! The endpoints as applications of gateway, as blocking code and as async code.

use std::io::BufRead;

use bytes::Bytes;
use gateway_core::{Body, Environ, Error, Response, Result, StatusError, text};
use http::StatusCode;

use super::bodies::{Pieces, big, piece};
use super::endpoints::{HELLO, PIECES, WAIT, compute, delay};

/// The endpoints, waiting as blocking code does.
pub(super) fn blocking(mut environ: Environ) -> Result {
    match environ.path_info() {
        "/hello" => Ok(text(HELLO)),
        "/io" => {
            std::thread::sleep(WAIT);
            Ok(text("waited\n"))
        }
        "/compute" => Ok(text(format!("{}\n", compute()))),
        "/mixed" => {
            std::thread::sleep(WAIT);
            Ok(text(format!("{}\n", compute())))
        }
        "/upload" => Ok(text(format!("{}\n", drained(&mut environ)?))),
        "/big" => Ok(Response::new(big().into())),
        "/stream" => {
            let pieces = (0..PIECES).map(|_| Ok::<Bytes, Error>(piece()));
            Ok(Response::new(Body::iter(pieces)))
        }
        "/delay" => {
            std::thread::sleep(delay(environ.query_string()).ok_or_else(bad_delay)?);
            Ok(text("waited\n"))
        }
        _ => Err(StatusError::new(StatusCode::NOT_FOUND, "not an endpoint").into()),
    }
}

/// The same, waiting as async code does; what computes goes to the pool. Needs a tokio runtime.
pub(super) async fn asynchronous(mut environ: Environ) -> Result {
    match environ.path_info() {
        "/io" => {
            tokio::time::sleep(WAIT).await;
            Ok(text("waited\n"))
        }
        "/mixed" => {
            tokio::time::sleep(WAIT).await;
            computed(&environ).await
        }
        "/compute" => computed(&environ).await,
        "/upload" => {
            let mut length = 0;
            while let Some(chunk) = environ.input().next_chunk().await? {
                length += chunk.len();
            }
            Ok(text(format!("{length}\n")))
        }
        "/stream" => Ok(Response::new(Body::stream(Pieces::new()))),
        "/delay" => {
            tokio::time::sleep(delay(environ.query_string()).ok_or_else(bad_delay)?).await;
            Ok(text("waited\n"))
        }
        _ => blocking(environ),
    }
}

async fn computed(environ: &Environ) -> Result {
    let sum = environ.gateway().unblock(compute).await?;
    Ok(text(format!("{sum}\n")))
}

/// Reads the request body to its end without keeping it, and says how long it was.
fn drained(environ: &mut Environ) -> std::io::Result<usize> {
    let mut length = 0;
    loop {
        let chunk = environ.input().fill_buf()?.len();
        if chunk == 0 {
            return Ok(length);
        }
        length += chunk;
        environ.input().consume(chunk);
    }
}

fn bad_delay() -> StatusError {
    StatusError::new(StatusCode::BAD_REQUEST, "s is 0 to 30 seconds, as in s=1.5")
}

//! A request of hyper's → [`Environ`] → the application → a response for hyper.

use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::mem;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use gateway_core::server::{
    Caught, LiveBodies, Panic, Stage, catch, drop_extensions, error_response, status_of,
};
use gateway_core::{
    Application, CancelReason, Ending, Environ, Error, Response, StatusError, status,
};
use http::header::{CONNECTION, EXPECT, UPGRADE};
use http::request::Parts;
use http::{HeaderValue, Request, StatusCode, Version};
use hyper::body::Incoming;
use tokio::time::timeout_at;

use crate::cause::Cause;
use crate::closing::close;
use crate::declared::{self, Question};
use crate::exchange::Exchange;
use crate::input::input;
use crate::outgoing::Outgoing;
use crate::progress::{HandOver, NONE_BEGUN};
use crate::refusal::Refusal;
use crate::shared::Phase;
use crate::strict;

/// How long an application may take to notice that its deadline has passed, and to answer itself.
const GRACE: Duration = Duration::from_millis(250);

/// Why there is no response of the application's.
#[derive(Debug, thiserror::Error)]
enum Failure {
    /// Its head was kept from hyper: what is known of the request is not the client's.
    #[error("{0}")]
    Unread(Refusal),
    #[error("{0}")]
    Refused(Refusal),
    #[error("{0}")]
    Malformed(StatusError),
    #[error("{0}")]
    Failed(Error),
    #[error(transparent)]
    Panicked(#[from] Panic),
    #[error("the deadline passed")]
    Late,
}

/// Serves one request. Never fails: whatever goes wrong is answered.
///
/// The exchange has begun when hyper hands the request over, not only when the future is polled: in
/// between hyper may look whether the client is still there. The environ is made at once as well: it is
/// a pointer, and the request would be copied along with the future.
pub(crate) fn serve<A: Application>(
    mut exchange: Exchange,
    app: Arc<A>,
    request: Request<Incoming>,
) -> impl Future<Output = Result<http::Response<Outgoing>, Infallible>> + Send + use<A> {
    let admitted = admit(&mut exchange, request);
    respond(Outgoing::begin(exchange), app, admitted)
}

async fn respond<A: Application>(
    mut outgoing: Outgoing,
    app: Arc<A>,
    admitted: Result<Environ, Failure>,
) -> Result<http::Response<Outgoing>, Infallible> {
    let result = match admitted {
        Ok(environ) => ask(app.as_ref(), environ, outgoing.exchange()).await,
        Err(failure) => Err(failure),
    };
    let response = match result {
        Ok(response) => response,
        Err(failure) => answer(failure, outgoing.exchange_mut()),
    };
    Ok(finish(response, outgoing))
}

/// Checks what hyper has not, and makes the environ.
fn admit(exchange: &mut Exchange, request: Request<Incoming>) -> Result<Environ, Failure> {
    if let Some(refusal) = exchange.state.refusal_of(exchange.number) {
        return Err(Failure::Unread(refusal));
    }
    let shared = &exchange.state.shared;
    let (mut parts, body) = request.into_parts();
    let limits = &shared.settings.limits;
    strict::check(&mut parts, limits).map_err(Failure::Refused)?;
    let limit = limits.body;
    if http_body::Body::size_hint(&body).lower() > limit {
        return Err(Failure::Refused(Refusal::BodyTooLarge(limit)));
    }
    let endpoint = Arc::clone(&exchange.state.endpoint);
    if !http_body::Body::is_end_stream(&body) {
        let how = hand_over(&parts, &shared.settings.live_bodies);
        exchange.progress.set_hand_over(how);
    }
    let input = input(body, exchange);
    let environ =
        Environ::new(parts, input, endpoint, &exchange.call).map_err(Failure::Malformed)?;
    Ok(environ.with_times(exchange.progress.received_at, exchange.deadline()))
}

/// How blocking code gets the body of this request.
fn hand_over(head: &Parts, live_bodies: &LiveBodies) -> HandOver {
    let is_live = live_bodies.wants(head).unwrap_or_else(|panic| {
        tracing::error!(%panic, "who says which bodies are live panicked");
        false
    });
    if is_live {
        return HandOver::Live;
    }
    match head.headers.contains_key(EXPECT) {
        true => HandOver::Awaited, // of 100-continue: other expectations are refused
        false => HandOver::Whole,
    }
}

/// Calls the application, inside its deadline if there is one.
async fn ask<A: Application>(
    app: &A,
    environ: Environ,
    exchange: &Exchange,
) -> Result<Response, Failure> {
    let deadline = environ.deadline();
    // Begun inside, where it is polled: there its panic is caught, and its future is made in place.
    let call = pin!(async { app.call(environ).await });
    let mut call = Caught::new(call);
    let mut call = pin!(poll_fn(|cx| {
        if exchange.state.has_left() {
            exchange.call.cancel(CancelReason::Disconnected);
        }
        exchange.progress.during(|| Pin::new(&mut call).poll(cx))
    }));
    let result = match deadline {
        None => call.await,
        Some(deadline) => within(call.as_mut(), deadline, exchange).await?,
    };
    result?.map_err(Failure::Failed)
}

/// Waits until the deadline, then says that it has passed, and waits a little longer.
async fn within<F: Future>(
    mut call: Pin<&mut F>,
    deadline: Instant,
    exchange: &Exchange,
) -> Result<F::Output, Failure> {
    // Most calls are ready at once; they need no timer.
    let first = poll_fn(|cx| Poll::Ready(call.as_mut().poll(cx))).await;
    if let Poll::Ready(output) = first {
        return Ok(output);
    }
    // Boxed, as every future on the way to hyper would have room for two timers, and be moved with it.
    Box::pin(wait(call, deadline, exchange)).await
}

async fn wait<F: Future>(
    mut call: Pin<&mut F>,
    deadline: Instant,
    exchange: &Exchange,
) -> Result<F::Output, Failure> {
    if let Ok(output) = timeout_at(deadline.into(), call.as_mut()).await {
        return Ok(output);
    }
    exchange.call.cancel(CancelReason::Deadline);
    let late = timeout_at((deadline + GRACE).into(), call).await;
    late.map_err(|_| Failure::Late)
}

/// Answers in the application's stead. Its error is its code too, which may panic when it is shown, or
/// dropped.
fn answer(failure: Failure, exchange: &mut Exchange) -> Response {
    match catch(|| answer_to(failure, exchange)) {
        Ok(response) => response,
        Err(panic) => {
            let request = &exchange.progress;
            tracing::error!(%request, %panic, "the application's error panicked");
            exchange.set_verdict(Ending::Panicked);
            status(StatusCode::INTERNAL_SERVER_ERROR)
        }
    }
}

/// Answers what went wrong, and says it in the log.
fn answer_to(failure: Failure, exchange: &mut Exchange) -> Response {
    let failure = refused_body(failure, exchange);
    let mut response = match &failure {
        Failure::Unread(refusal) | Failure::Refused(refusal) => status(refusal.status()),
        Failure::Malformed(error) => error_response(error),
        Failure::Failed(error) => error_response(error.as_ref()),
        Failure::Panicked(_) => status(StatusCode::INTERNAL_SERVER_ERROR),
        Failure::Late => status(StatusCode::SERVICE_UNAVAILABLE),
    };
    exchange.set_verdict(match &failure {
        Failure::Panicked(_) => Ending::Panicked,
        Failure::Late => Ending::TimedOut,
        _ => Ending::Failed,
    });
    // A path that is no text says nothing against the requests after it.
    let is_refusal = matches!(failure, Failure::Unread(_) | Failure::Refused(_));
    // Over HTTP/2 streams do not get in each other's way: the others go on.
    if is_refusal && exchange.version < Version::HTTP_2 {
        let close = HeaderValue::from_static("close");
        response.headers_mut().insert(CONNECTION, close);
    }
    log(&failure, response.status(), exchange);
    response
}

/// What the application passes on as an error of its input is a refusal of the host's, where the
/// body was refused.
fn refused_body(failure: Failure, exchange: &Exchange) -> Failure {
    let refusal = exchange.state.refusal_of(exchange.number);
    match (&failure, refusal) {
        (Failure::Failed(error), Some(refusal))
            if status_of(error.as_ref()) == refusal.of_input().status() =>
        {
            Failure::Refused(refusal)
        }
        _ => failure,
    }
}

/// 5xx is the application's or the host's trouble; the rest is between client and application.
fn log(failure: &Failure, status: StatusCode, exchange: &Exchange) {
    let (request, remote) = (&exchange.progress, &exchange.state.endpoint.remote);
    let status = status.as_u16();
    match failure {
        Failure::Unread(Refusal::HeadTimedOut) => {} // told of when it was cut off
        Failure::Unread(_) => {
            tracing::info!(%remote, request = NONE_BEGUN, status, error = %failure, "request refused");
        }
        Failure::Late => request.log_cut(remote, Cause::Deadline),
        Failure::Failed(_) if was_dropped(exchange) => {
            request.log_cut(remote, exchange.state.shared.stop.why_cutting());
        }
        _ if status >= 500 => {
            tracing::error!(%remote, %request, status, error = %failure, "request failed");
        }
        _ => tracing::info!(%remote, %request, status, error = %failure, "request refused"),
    }
}

/// Whether the call waited for a thread when the server gave up what has not begun.
fn was_dropped(exchange: &Exchange) -> bool {
    let is_cutting = exchange.state.shared.stop.phase() == Phase::Cutting;
    is_cutting && exchange.progress.stage() == Stage::Queued
}

/// Checks the response, and hands it over.
fn finish(mut response: Response, mut outgoing: Outgoing) -> http::Response<Outgoing> {
    let exchange = outgoing.exchange_mut();
    if let Err(panic) = drop_extensions(&mut response) {
        let request = &exchange.progress;
        tracing::error!(%request, %panic, "what the response has attached panicked");
        let own = status(StatusCode::INTERNAL_SERVER_ERROR);
        close(mem::replace(&mut response, own), request);
        exchange.set_verdict(Ending::Panicked);
    }
    let framing = match frame(&mut response, exchange) {
        Ok(framing) => framing,
        Err(fault) => {
            tracing::error!(
                request = %exchange.progress,
                status = response.status().as_u16(),
                error = %fault,
                "the application's response cannot be sent"
            );
            exchange.set_verdict(Ending::Failed);
            let own = status(StatusCode::INTERNAL_SERVER_ERROR);
            close(mem::replace(&mut response, own), &exchange.progress);
            let length = response.body().length();
            declared::Framing::of_own(length, exchange.method(), response.headers_mut())
        }
    };
    exchange.set_status(response.status());
    *response.version_mut() = Version::HTTP_11; // hyper's business, which panics at some
    close_if_last(&mut response, exchange);
    let (parts, body) = response.into_parts();
    outgoing.answer(body, framing);
    http::Response::from_parts(parts, outgoing)
}

fn frame(
    response: &mut Response,
    exchange: &Exchange,
) -> Result<declared::Framing, declared::Fault> {
    let question = Question {
        method: exchange.method(),
        version: exchange.version,
        status: response.status(),
        length: response.body().length(),
    };
    declared::framing(&question, response.headers_mut())
}

/// Says that the connection ends with this response, where it does.
fn close_if_last(response: &mut Response, exchange: &Exchange) {
    let state = &exchange.state;
    let most = state.shared.settings.limits.requests_per_connection;
    // What is left of a body that nobody read cannot be told from the next request; to read it all
    // for the sake of the connection is to be held up by it.
    let is_last = most.is_some_and(|most| exchange.number + 1 >= most)
        || state.is_draining()
        || state.is_body_left(exchange.number);
    let headers = response.headers_mut();
    // Looked through once: there are few, and to look one up is to hash its name.
    let (mut upgrades, mut closes) = (false, false);
    for (name, value) in &*headers {
        upgrades |= *name == UPGRADE;
        closes |= *name == CONNECTION && is_close(value);
    }
    let is_last = is_last || closes;
    if exchange.version >= Version::HTTP_2 {
        // There is no such field in HTTP/2 (RFC 9113 §8.2.2): it says so with GOAWAY.
        headers.remove(CONNECTION);
        if is_last {
            state.set_last();
        }
        return;
    }
    // Upgrade is a field of the connection's, and named there (RFC 9110 §7.8).
    let said = match (upgrades, is_last) {
        (true, true) => "upgrade, close",
        (true, false) => "upgrade",
        (false, true) => "close",
        (false, false) => return,
    };
    headers.insert(CONNECTION, HeaderValue::from_static(said));
}

fn is_close(connection: &HeaderValue) -> bool {
    connection.as_bytes().eq_ignore_ascii_case(b"close")
}

//! A request of hyper's → [`Environ`] → the application → a response for hyper.

use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::mem;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use gateway_core::server::{
    Caught, LiveBodies, Panic, Stage, catch, drop_extensions, error_in, error_response, status_of,
};
use gateway_core::{
    Application, CancelReason, Ending, Environ, Error, InputError, Response, StatusError,
    UnblockError, status,
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
use crate::gather::Unkept;
use crate::input::input;
use crate::outgoing::Outgoing;
use crate::progress::{HandOver, NONE_BEGUN};
use crate::refusal::Refusal;
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
    RefusedBody(Refusal),
    #[error("{0}")]
    Malformed(StatusError),
    #[error("{0}")]
    Failed(Error),
    /// There is no room for it: no place in the queue, or none for its body.
    #[error("{1}")]
    Overloaded(Stage, Error),
    /// It was cut off before the application had all of it.
    #[error("{2}")]
    CutOff(Stage, Cause, Error),
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
    let failure = classify(failure, exchange);
    let mut response = match &failure {
        Failure::Unread(refusal) | Failure::Refused(refusal) | Failure::RefusedBody(refusal) => {
            status(refusal.status())
        }
        Failure::Malformed(error) => error_response(error),
        Failure::Failed(error) | Failure::Overloaded(_, error) | Failure::CutOff(_, _, error) => {
            error_response(error.as_ref())
        }
        Failure::Panicked(_) => status(StatusCode::INTERNAL_SERVER_ERROR),
        Failure::Late => status(StatusCode::SERVICE_UNAVAILABLE),
    };
    exchange.set_verdict(match &failure {
        Failure::Panicked(_) => Ending::Panicked,
        Failure::Late => Ending::TimedOut,
        Failure::CutOff(_, cause, _) => cause.ending(),
        _ => Ending::Failed,
    });
    // A path that is no text says nothing against the requests after it.
    let is_refusal = matches!(
        failure,
        Failure::Unread(_) | Failure::Refused(_) | Failure::RefusedBody(_)
    );
    // Over HTTP/2 streams do not get in each other's way: the others go on.
    if is_refusal && exchange.version < Version::HTTP_2 {
        let close = HeaderValue::from_static("close");
        response.headers_mut().insert(CONNECTION, close);
    }
    log(&failure, response.status(), exchange);
    response
}

/// What the application passes on, of its input or of the host, is no failure of its own.
fn classify(failure: Failure, exchange: &Exchange) -> Failure {
    let Failure::Failed(error) = failure else {
        return failure;
    };
    let status = status_of(error.as_ref());
    if let Some(refusal) = refusal_of_body(exchange) {
        if refusal.of_input().status() == status {
            return Failure::RefusedBody(refusal);
        }
    }
    if error.is::<Unkept>() {
        return Failure::Overloaded(Stage::ReadingBody, error);
    }
    let why_cut = why_cut(exchange);
    match (error_in(error.as_ref()), error_in(error.as_ref()), why_cut) {
        (Some(UnblockError::Overloaded), _, _) => Failure::Overloaded(Stage::Queued, error),
        (Some(UnblockError::Cancelled), _, Some(why)) => Failure::CutOff(Stage::Queued, why, error),
        (_, Some(InputError::Disconnected), why) => {
            let why = why.unwrap_or_else(|| exchange.state.why_gone());
            Failure::CutOff(Stage::ReadingBody, why, error)
        }
        (_, Some(InputError::TimedOut), _) if exchange.progress.is_told() => {
            Failure::CutOff(Stage::ReadingBody, Cause::BodyStalled, error)
        }
        _ => Failure::Failed(error),
    }
}

/// Why the body is refused, if it is.
fn refusal_of_body(exchange: &Exchange) -> Option<Refusal> {
    let of_http1 = exchange.state.refusal_of(exchange.number);
    of_http1.or_else(|| exchange.progress.refusal())
}

/// Why nobody waits for the answer, if that is so.
fn why_cut(exchange: &Exchange) -> Option<Cause> {
    let state = &exchange.state;
    let known = state.why_cut().or_else(|| exchange.progress.fault());
    known.or_else(|| match exchange.call.reason()? {
        CancelReason::Deadline => Some(Cause::Deadline),
        _ => Some(state.why_gone()),
    })
}

/// Says in the log what is answered in the application's stead: which request, how old, in which stage, and
/// why. 5xx is the application's trouble; the rest is between client and application.
fn log(failure: &Failure, status: StatusCode, exchange: &Exchange) {
    let (request, remote) = (&exchange.progress, &exchange.state.endpoint.remote);
    let (age, code) = (request.age(), status.as_u16());
    let refused = |stage: Stage| {
        tracing::info!(
            %remote, %request, %stage, ?age, status = code, error = %failure, "request refused"
        );
    };
    match failure {
        Failure::Unread(Refusal::HeadTimedOut) => {} // told of when it was cut off
        Failure::Unread(_) => {
            let (request, stage) = (NONE_BEGUN, Stage::ReadingHead);
            tracing::info!(
                %remote, request, %stage, ?age, status = code, error = %failure, "request refused"
            );
        }
        Failure::Refused(_) | Failure::Malformed(_) => refused(Stage::ReadingHead),
        Failure::RefusedBody(_) => refused(Stage::ReadingBody),
        Failure::Overloaded(stage, _) => refused(*stage),
        Failure::Late => request.log_cut(remote, Cause::Deadline),
        Failure::CutOff(stage, cause, _) => request.log_cut_in(*stage, remote, *cause),
        Failure::Failed(_) | Failure::Panicked(_) => {
            let stage = request.stage();
            if status.is_server_error() {
                tracing::error!(
                    %remote, %request, %stage, ?age, status = code, error = %failure, "request failed"
                );
            } else {
                tracing::info!(
                    %remote, %request, %stage, ?age, status = code, error = %failure, "request failed"
                );
            }
        }
    }
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

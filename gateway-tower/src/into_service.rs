//! [`into_service`]: an application as a tower service.

use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as Task, Poll};

use gateway_core::server::{Call, error_response};
use gateway_core::{Application, Endpoint, Environ, Error, Gateway, Input, Result, StatusError};
use http::{Request, Response};
use http_body::Body;
use tower_service::Service;

use crate::exchange::Exchange;
use crate::input::input_of;
use crate::target::{self, Whole};
use crate::{Context, ServiceBody};

/// Makes a service of an application, for tower's layers and whoever serves services.
///
/// A request that came through [`from_service`](crate::from_service) brings its [`Context`], and the
/// application finds the environ as the host has made it: what a router on the way took off the path is
/// SCRIPT_NAME. Any other request is a call of the service's own; its environ has the two ends of the
/// connection from an `Arc<Endpoint>` among the request's extensions, if there is one, and what
/// [`at`](IntoService::at) and [`gateway`](IntoService::gateway) say.
///
/// The service is always ready. Its error is the application's; [`IntoService::answering`] makes a
/// response of it, as axum wants it.
///
/// ```
/// use gateway_core::{Environ, Result, server::block_on, text};
/// use gateway_tower::into_service;
/// use http_body_util::BodyExt;
/// use tower::ServiceExt;
///
/// async fn hello(environ: Environ) -> Result {
///     Ok(text(format!("Hello from {}\n", environ.path_info())))
/// }
/// let request = http::Request::get("/tower").body(String::new())?;
/// let response = block_on(into_service(hello).oneshot(request))?;
/// let body = block_on(response.into_body().collect())?.to_bytes();
/// assert_eq!(body, "Hello from /tower\n");
/// # Ok::<(), gateway_core::Error>(())
/// ```
pub fn into_service<A: Application>(application: A) -> IntoService<A> {
    IntoService {
        application: Arc::new(application),
        unhosted: Arc::new(Unhosted::default()),
    }
}

/// An application as a service; made by [`into_service`]. Clones share it.
pub struct IntoService<A> {
    application: Arc<A>,
    unhosted: Arc<Unhosted>,
}

/// What the environ of a request says that came through no gateway host.
#[derive(Clone, Debug)]
struct Unhosted {
    /// What a router in front takes off the path, decoded.
    script_name: String,
    /// The ends of the connection, and the host, if the request brings none.
    endpoint: Arc<Endpoint>,
}

impl Default for Unhosted {
    fn default() -> Self {
        Self {
            script_name: String::new(),
            endpoint: Arc::new(Endpoint::detached()),
        }
    }
}

impl<A: Application> IntoService<A> {
    /// Says what a router in front takes off the path, as axum's `nest_service` does, for requests that
    /// come through no gateway host: SCRIPT_NAME.
    ///
    /// # Panics
    ///
    /// If `script_name` is neither empty nor starts with `/`, or if it ends with `/`.
    #[must_use]
    pub fn at(mut self, script_name: &str) -> Self {
        let valid =
            script_name.is_empty() || (script_name.starts_with('/') && !script_name.ends_with('/'));
        assert!(
            valid,
            "SCRIPT_NAME is empty, or starts with '/' and does not end with one"
        );
        Arc::make_mut(&mut self.unhosted).script_name = script_name.to_owned();
        self
    }

    /// Says where blocking code runs, for requests that come through no gateway host; on tokio that is
    /// `tokio_gateway` of the feature `tokio`.
    #[must_use]
    pub fn gateway(mut self, gateway: Gateway) -> Self {
        let unhosted = Arc::make_mut(&mut self.unhosted);
        Arc::make_mut(&mut unhosted.endpoint).gateway = gateway;
        self
    }

    /// A service that answers errors itself, as a host does: with the status that they name and nothing
    /// of their text. [`Cause`](crate::Cause) in the response's extensions has the error, for a layer that logs.
    pub fn answering(self) -> Answering<A> {
        Answering(self)
    }
}

impl<A, B> Service<Request<B>> for IntoService<A>
where
    A: Application,
    B: Body + Send + 'static,
    B::Error: Into<Error>,
{
    type Response = Response<ServiceBody>;
    type Error = Error;
    type Future = ServiceFuture<Error>;

    fn poll_ready(&mut self, _cx: &mut Task<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let application = Arc::clone(&self.application);
        let hosted = self.unhosted.environ_of(request.map(input_of));
        ServiceFuture(Box::pin(async move {
            let (environ, mut exchange) = hosted?;
            let gateway = environ.gateway().clone();
            match application.call(environ).await {
                Ok(response) => {
                    if let Some(exchange) = &mut exchange {
                        exchange.answered(response.status(), response.body().length());
                    }
                    Ok(response.map(|body| ServiceBody::new(body, gateway, exchange)))
                }
                Err(error) => {
                    if let Some(exchange) = &mut exchange {
                        exchange.failed();
                    }
                    Err(error)
                }
            }
        }))
    }
}

impl Unhosted {
    /// The environ of a request; with its host's side where there is no host.
    fn environ_of(
        &self,
        mut request: Request<Input>,
    ) -> Result<(Environ, Option<Exchange>), StatusError> {
        if let Some(context) = request.extensions_mut().remove::<Context>() {
            return Ok((hosted(&context, request)?, None));
        }
        let whole = target::under(&self.script_name, request.uri());
        *request.uri_mut() = whole.uri;
        let given = request.extensions().get::<Arc<Endpoint>>();
        let endpoint = Arc::clone(given.unwrap_or(&self.endpoint));
        let call = Call::new();
        let (parts, input) = request.into_parts();
        let mut environ = Environ::new(parts, input, endpoint, &call)?;
        environ.shift_path(&self.script_name);
        Ok((environ, Some(Exchange::new(call))))
    }
}

/// The environ as the host has made it, with what the request has become since.
fn hosted(context: &Context, mut request: Request<Input>) -> Result<Environ, StatusError> {
    let before = context.environ();
    let script_len = before.script_name().len();
    let Whole { uri, script_len } =
        target::whole(before.uri(), script_len, context.shown(), request.uri());
    *request.uri_mut() = uri;
    let mut environ = before.with_request(request)?;
    let script_name = environ.path_info().get(..script_len).map(str::to_owned);
    if let Some(script_name) = script_name {
        environ.shift_path(&script_name);
    }
    Ok(environ)
}

/// An application as a service that answers errors itself; made by [`IntoService::answering`].
pub struct Answering<A>(IntoService<A>);

impl<A, B> Service<Request<B>> for Answering<A>
where
    A: Application,
    B: Body + Send + 'static,
    B::Error: Into<Error>,
{
    type Response = Response<ServiceBody>;
    type Error = Infallible;
    type Future = ServiceFuture<Infallible>;

    fn poll_ready(&mut self, _cx: &mut Task<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let answer = self.0.call(request);
        ServiceFuture(Box::pin(async move {
            answer.await.or_else(|error| Ok(answered(error)))
        }))
    }
}

fn answered(error: Error) -> Response<ServiceBody> {
    let mut response = error_response(error.as_ref());
    response.extensions_mut().insert(Cause(error.into()));
    // Nothing of it blocks, and the call is over.
    let gateway = Gateway::new(gateway_core::server::Detached);
    response.map(|body| ServiceBody::new(body, gateway, None))
}

/// The error that a response stands for; see [`IntoService::answering`].
#[derive(Clone, Debug)]
pub struct Cause(pub Arc<dyn std::error::Error + Send + Sync>);

/// Waits for an application's answer.
#[must_use = "nothing happens before it is polled"]
pub struct ServiceFuture<E>(Pin<Box<dyn Future<Output = Answer<E>> + Send>>);

type Answer<E> = Result<Response<ServiceBody>, E>;

impl<E> Future for ServiceFuture<E> {
    type Output = Answer<E>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Task<'_>) -> Poll<Self::Output> {
        self.0.as_mut().poll(cx)
    }
}

impl<A> Clone for IntoService<A> {
    fn clone(&self) -> Self {
        Self {
            application: Arc::clone(&self.application),
            unhosted: Arc::clone(&self.unhosted),
        }
    }
}

impl<A> Clone for Answering<A> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<A> fmt::Debug for IntoService<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IntoService")
            .field("unhosted", &self.unhosted)
            .finish_non_exhaustive()
    }
}

impl<A> fmt::Debug for Answering<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Answering").field(&self.0).finish()
    }
}

impl<E> fmt::Debug for ServiceFuture<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ServiceFuture")
    }
}

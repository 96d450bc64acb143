//! [`from_service`]: a tower service as an application.

use std::fmt;
use std::future::poll_fn;
use std::mem;

use gateway_core::{Application, Environ, Error, Input, Response, Result};
use http::header::{CONNECTION, HeaderMap, HeaderName, TE, TRANSFER_ENCODING};
use http::{Request, StatusCode};
use http_body::Body;
use tower_service::Service;

use crate::{Context, outgoing, target};

/// Makes an application of a service: an axum `Router`, or whatever stands in tower's layers.
///
/// The service is cloned for each request, and called when its clone is ready. What an environ knows
/// beyond a request is in the request's extensions, as [`Context`]; its URI is the path below
/// SCRIPT_NAME. Errors are the application's: the host answers the status that they name, 500 if none.
///
/// A service that needs tokio should say so:
/// [`requiring`](gateway_core::requiring)`(Capabilities::TOKIO, from_service(router))`. Then a host
/// without it refuses to start. One that is not `Sync` is put into [`Locked`](crate::Locked).
///
/// ```
/// use gateway_core::{Body, Input};
/// use gateway_test::{call, environ};
/// use gateway_tower::from_service;
/// use http::{Request, Response};
///
/// let service = tower::service_fn(|request: Request<Input>| async move {
///     Ok::<_, gateway_core::Error>(Response::new(Body::from(request.uri().path().to_owned())))
/// });
/// assert_eq!(call(&from_service(service), environ("GET /tower")).text(), "/tower");
/// ```
pub fn from_service<S>(service: S) -> FromService<S> {
    FromService {
        service,
        body: |input| input,
    }
}

/// A service as an application; made by [`from_service`].
#[derive(Clone)]
pub struct FromService<S, F = fn(Input) -> Input> {
    service: S,
    body: F,
}

impl<S> FromService<S> {
    /// For a service that takes requests with a body of one type only: `body` makes it.
    ///
    /// ```
    /// use gateway_core::{Body, Input};
    /// use gateway_test::{call, environ};
    /// use gateway_tower::from_service;
    /// use http::{Request, Response};
    ///
    /// /// A body type of somebody's own.
    /// struct Upload(Input);
    ///
    /// let service = tower::service_fn(|request: Request<Upload>| async move {
    ///     let body = request.into_body().0.read_all(1000).await?;
    ///     Ok::<_, gateway_core::Error>(Response::new(Body::from(body)))
    /// });
    /// let app = from_service(service).with_body(Upload);
    /// assert_eq!(call(&app, environ("POST /").body("hello")).text(), "hello");
    /// ```
    pub fn with_body<F, B>(self, body: F) -> FromService<S, F>
    where
        F: Fn(Input) -> B,
    {
        FromService {
            service: self.service,
            body,
        }
    }
}

impl<S, F, In, Out> Application for FromService<S, F>
where
    S: Service<Request<In>, Response = http::Response<Out>> + Clone + Send + Sync + 'static,
    S::Future: Send,
    S::Error: Into<Error>,
    F: Fn(Input) -> In + Send + Sync + 'static,
    In: Send,
    Out: Body + Send + 'static,
    Out::Error: Into<Error>,
{
    async fn call(&self, environ: Environ) -> Result {
        let request = request_of(environ).map(&self.body);
        // Each request has a service of its own: what it waits for is its own turn.
        let mut service = self.service.clone();
        poll_fn(|cx| service.poll_ready(cx))
            .await
            .map_err(Into::into)?;
        let response = service.call(request).await.map_err(Into::into)?;
        response_of(response).await
    }
}

/// The request of an environ; the rest of the environ goes along in the extensions.
fn request_of(mut environ: Environ) -> Request<Input> {
    let mut request = Request::new(environ.take_input());
    let shown = target::shown(environ.uri(), environ.script_name().len());
    *request.method_mut() = environ.method().clone();
    *request.uri_mut() = shown.clone();
    *request.version_mut() = environ.protocol();
    *request.headers_mut() = mem::take(environ.headers_mut());
    *request.extensions_mut() = mem::take(environ.extensions_mut());
    let context = Context::new(environ, shown);
    request.extensions_mut().insert(context);
    request
}

async fn response_of<B>(response: http::Response<B>) -> Result
where
    B: Body + Send + 'static,
    B::Error: Into<Error>,
{
    let (mut head, body) = response.into_parts();
    if !matches!(
        head.status,
        StatusCode::SWITCHING_PROTOCOLS | StatusCode::UPGRADE_REQUIRED
    ) {
        remove_hop_by_hop(&mut head.headers);
    }
    let body = outgoing::body_of(body).await?;
    Ok(Response::from_parts(head, body))
}

/// Removes what concerns a connection that the service does not have (RFC 9110 §7.6.1), but for its wish
/// to close it. A gateway host would refuse such a response; hyper, for which services are written, does
/// as they say or passes it over.
fn remove_hop_by_hop(headers: &mut HeaderMap) {
    const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");
    const PROXY_CONNECTION: HeaderName = HeaderName::from_static("proxy-connection");
    const CLOSE: http::HeaderValue = http::HeaderValue::from_static("close");

    for name in [TRANSFER_ENCODING, TE, KEEP_ALIVE, PROXY_CONNECTION] {
        headers.remove(name);
    }
    if !headers.contains_key(CONNECTION) {
        return;
    }
    let values: Vec<_> = headers.get_all(CONNECTION).iter().cloned().collect();
    headers.remove(CONNECTION);
    headers.remove(http::header::UPGRADE);
    for option in values.iter().filter_map(|value| value.to_str().ok()) {
        for name in option.split(',').map(str::trim) {
            if name.eq_ignore_ascii_case("close") {
                headers.insert(CONNECTION, CLOSE);
            } else if let Ok(name) = HeaderName::try_from(name) {
                headers.remove(name);
            }
        }
    }
}

impl<S: fmt::Debug, F> fmt::Debug for FromService<S, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("FromService").field(&self.service).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_belongs_to_the_connection_stays_behind() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("connection", "keep-alive, X-Mine"),
            ("connection", "close"),
            ("keep-alive", "timeout=5"),
            ("transfer-encoding", "chunked"),
            ("x-mine", "1"),
            ("x-other", "2"),
        ] {
            headers.append(
                HeaderName::from_static(name),
                http::HeaderValue::from_static(value),
            );
        }
        remove_hop_by_hop(&mut headers);
        let left: Vec<_> = headers.keys().map(HeaderName::as_str).collect();
        assert_eq!(headers["connection"], "close");
        assert_eq!(left.len(), 2, "{left:?}");
        assert!(headers.contains_key("x-other"));
    }
}

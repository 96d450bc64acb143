//! tower's layers around an application, and applications as layers around a service.

use std::fmt;

use gateway_core::{Application, Requiring, requiring};
use tower_layer::Layer;

use crate::{Answering, FromService, IntoService, from_service, into_service};

/// Puts an application into a tower layer, such as tower-http's compression.
///
/// ```
/// use std::time::Duration;
///
/// use gateway_core::{Environ, Result, text};
/// use gateway_test::{call, environ};
/// use gateway_tower::layered;
///
/// async fn hello(environ: Environ) -> Result {
///     Ok(text(format!("Hello from {}\n", environ.path_info())))
/// }
/// let app = layered(tower::load_shed::LoadShedLayer::new(), hello);
/// assert_eq!(call(&app, environ("GET /there")).text(), "Hello from /there\n");
/// ```
pub fn layered<L, A>(layer: L, application: A) -> Requiring<FromService<L::Service>>
where
    L: Layer<IntoService<A>>,
    A: Application,
    FromService<L::Service>: Application,
{
    let needs = application.requires();
    requiring(needs, from_service(layer.layer(into_service(application))))
}

/// Makes a tower layer of a gateway's middleware: of anything that takes an application and gives one.
///
/// ```
/// use gateway_core::{Body, Head, Input, server::block_on};
/// use gateway_tower::middleware;
/// use http::{Request, Response};
/// use tower::{ServiceBuilder, ServiceExt};
///
/// let service = ServiceBuilder::new().layer(middleware(Head)).service_fn(
///     |request: Request<Input>| async move {
///         assert_eq!(request.method(), "GET");
///         Ok::<_, gateway_core::Error>(Response::new(Body::from("12345")))
///     },
/// );
/// let response = block_on(service.oneshot(Request::head("/").body(String::new())?))?;
/// assert_eq!(response.headers()["content-length"], "5");
/// # Ok::<(), gateway_core::Error>(())
/// ```
pub fn middleware<F>(wrap: F) -> Middleware<F> {
    Middleware(wrap)
}

/// A gateway's middleware as a tower layer; made by [`middleware`].
#[derive(Clone, Copy)]
pub struct Middleware<F>(F);

impl<F, S, A> Layer<S> for Middleware<F>
where
    F: Fn(FromService<S>) -> A,
    A: Application,
{
    type Service = Answering<A>;

    fn layer(&self, inner: S) -> Answering<A> {
        into_service((self.0)(from_service(inner))).answering()
    }
}

impl<F> fmt::Debug for Middleware<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Middleware")
    }
}

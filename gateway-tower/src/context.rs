//! [`Context`]: what an environ knows beyond the request of the `http` crate.

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use gateway_core::{Address, Cancelled, Environ, Gateway, Outcome, Scheme};
use http::{Extensions, Uri};

/// What an environ knows beyond the request of the `http` crate: where the application is mounted, who
/// the two ends are, and whether anyone still waits.
///
/// Every request that [`from_service`](crate::from_service) hands to a service carries one among its
/// extensions. Clones are the same call.
///
/// ```
/// use gateway_core::{Body, Error, Input};
/// use gateway_test::{call, environ};
/// use gateway_tower::{Context, from_service};
/// use http::{Request, Response};
///
/// let service = tower::service_fn(|request: Request<Input>| async move {
///     let context = Context::of(request.extensions()).ok_or("no gateway host in front")?;
///     Ok::<_, Error>(Response::new(Body::from(context.remote_addr().to_string())))
/// });
/// let client = std::net::SocketAddr::from(([192, 0, 2, 7], 5000));
/// let answer = call(&from_service(service), environ("GET /").remote(client));
/// assert_eq!(answer.text(), "192.0.2.7:5000");
/// ```
#[derive(Clone)]
pub struct Context(Arc<Inner>);

struct Inner {
    /// The environ without its headers, extensions and input.
    environ: Environ,
    /// The target as the service was given it.
    shown: Uri,
}

impl Context {
    /// The context of a request, if it came through a gateway host.
    pub fn of(extensions: &Extensions) -> Option<&Self> {
        extensions.get()
    }

    pub(crate) fn new(environ: Environ, shown: Uri) -> Self {
        Self(Arc::new(Inner { environ, shown }))
    }

    /// The part of the path that led to the service, which its URI does not show: see
    /// [`Environ::script_name`].
    pub fn script_name(&self) -> &str {
        self.0.environ.script_name()
    }

    /// The client's end of the connection.
    pub fn remote_addr(&self) -> &Address {
        self.0.environ.remote_addr()
    }

    /// The host's end of the connection.
    pub fn local_addr(&self) -> &Address {
        self.0.environ.local_addr()
    }

    /// How the client reached the host.
    pub fn url_scheme(&self) -> Scheme {
        self.0.environ.url_scheme()
    }

    /// The host, and a place for blocking work: [`Gateway::unblock`].
    pub fn gateway(&self) -> &Gateway {
        self.0.environ.gateway()
    }

    /// Tells whether anyone still waits for the answer.
    pub fn cancelled(&self) -> Cancelled {
        self.0.environ.cancelled()
    }

    /// By when the answer is due, if the host has a limit.
    pub fn deadline(&self) -> Option<Instant> {
        self.0.environ.deadline()
    }

    /// When the request head was complete.
    pub fn received_at(&self) -> Option<Instant> {
        self.0.environ.received_at()
    }

    /// Runs `callback` once, when the request has ended: see [`Environ::on_finish`].
    pub fn on_finish(&self, callback: impl FnOnce(&Outcome) + Send + 'static) {
        self.0.environ.on_finish(callback);
    }

    pub(crate) fn environ(&self) -> &Environ {
        &self.0.environ
    }

    pub(crate) fn shown(&self) -> &Uri {
        &self.0.shown
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context")
            .field("script_name", &self.script_name())
            .field("remote_addr", self.remote_addr())
            .finish_non_exhaustive()
    }
}

//! [`Application`]: environ in; status, headers and body out.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use crate::{Capabilities, Environ, Result};

/// The application side of the interface (PEP 3333, "The Application/Framework Side").
///
/// Async functions and closures of the shape `async fn(Environ) -> Result` are applications; so are
/// structs that implement the trait, `Arc<A>`, [`BoxApplication`], and blocking code wrapped by
/// [`blocking`](crate::blocking()).
///
/// # Errors
///
/// An `Err`, like a panic, is answered by the host: with the status that a
/// [`StatusError`](crate::StatusError) or [`InputError`](crate::InputError) in it names, with 500
/// otherwise. Its text goes to the log, never to the client.
///
/// # Cancellation
///
/// A host may drop the future when the client is gone. Code that must run to its end belongs into
/// [`Environ::on_finish`], or into a task of its own.
pub trait Application: Send + Sync + 'static {
    /// Answers one request.
    fn call(&self, environ: Environ) -> impl Future<Output = Result> + Send;

    /// What the application cannot do without. A host that lacks any of it refuses to start.
    fn requires(&self) -> Capabilities {
        Capabilities::NONE
    }
}

impl<F, Fut> Application for F
where
    F: Fn(Environ) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result> + Send,
{
    fn call(&self, environ: Environ) -> impl Future<Output = Result> + Send {
        self(environ)
    }
}

impl<A: Application> Application for Arc<A> {
    fn call(&self, environ: Environ) -> impl Future<Output = Result> + Send {
        (**self).call(environ)
    }

    fn requires(&self) -> Capabilities {
        (**self).requires()
    }
}

/// Any application, behind one type: for tables of them, and where the type cannot be named.
///
/// Clones share the application. A call costs one allocation more than the application itself.
#[derive(Clone)]
pub struct BoxApplication(Arc<dyn DynApplication>);

impl BoxApplication {
    /// Erases the type of `application`.
    pub fn new(application: impl Application) -> Self {
        Self(Arc::new(application))
    }
}

impl Application for BoxApplication {
    fn call(&self, environ: Environ) -> impl Future<Output = Result> + Send {
        self.0.call_boxed(environ)
    }

    fn requires(&self) -> Capabilities {
        self.0.requires_boxed()
    }
}

impl fmt::Debug for BoxApplication {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BoxApplication")
    }
}

/// Wraps an application with a declaration of what it needs of its host.
///
/// ```
/// use gateway_core::{Application, Capabilities, Environ, Result, requiring, text};
///
/// async fn live(_environ: Environ) -> Result {
///     Ok(text("needs a host that streams"))
/// }
/// let app = requiring(Capabilities::STREAMING, live);
/// assert!(app.requires().contains(Capabilities::STREAMING));
/// ```
pub fn requiring<A: Application>(capabilities: Capabilities, application: A) -> Requiring<A> {
    Requiring {
        capabilities,
        application,
    }
}

/// An application that declares requirements; made by [`requiring`].
#[derive(Clone, Debug)]
pub struct Requiring<A> {
    capabilities: Capabilities,
    application: A,
}

impl<A: Application> Application for Requiring<A> {
    fn call(&self, environ: Environ) -> impl Future<Output = Result> + Send {
        self.application.call(environ)
    }

    fn requires(&self) -> Capabilities {
        self.capabilities | self.application.requires()
    }
}

/// The object-safe face of [`Application`].
trait DynApplication: Send + Sync + 'static {
    fn call_boxed(&self, environ: Environ) -> Pin<Box<dyn Future<Output = Result> + Send + '_>>;
    fn requires_boxed(&self) -> Capabilities;
}

impl<A: Application> DynApplication for A {
    fn call_boxed(&self, environ: Environ) -> Pin<Box<dyn Future<Output = Result> + Send + '_>> {
        Box::pin(self.call(environ))
    }

    fn requires_boxed(&self) -> Capabilities {
        self.requires()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{server::block_on, text};

    struct Named(&'static str);

    impl Application for Named {
        async fn call(&self, _environ: Environ) -> Result {
            Ok(text(self.0))
        }
    }

    fn answer(application: &impl Application) -> http::StatusCode {
        block_on(application.call(Environ::default()))
            .unwrap()
            .status()
    }

    #[test]
    fn structs_functions_closures_and_shared_ones_are_applications() {
        async fn function(_environ: Environ) -> Result {
            Ok(text("function"))
        }
        let shared = Arc::new(Named("shared"));
        assert_eq!(answer(&Named("struct")), 200);
        assert_eq!(answer(&function), 200);
        assert_eq!(
            answer(&|_environ: Environ| async { Ok(text("closure")) }),
            200
        );
        assert_eq!(answer(&shared), 200);
        assert_eq!(answer(&BoxApplication::new(shared)), 200);
    }

    #[test]
    fn requirements_add_up_through_wrappers() {
        let app = requiring(
            Capabilities::TRAILERS,
            requiring(Capabilities::UPGRADE, Named("x")),
        );
        let boxed = BoxApplication::new(Arc::new(app));
        assert_eq!(
            boxed.requires(),
            Capabilities::TRAILERS | Capabilities::UPGRADE
        );
    }
}

//! [`lint()`]: an application that checks both sides of the interface while it is called.

mod application;
mod body;
mod environ;
mod host;
mod input;
mod middleware;
mod trailers;
mod violation;
mod watch;

#[cfg(test)]
mod tests;

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

pub use violation::{Findings, Violation};

use self::watch::Watch;
use crate::{Application, Capabilities, Environ, Response, Result};

/// Wraps an application so that every call is checked on both sides: what the host gives, and what the
/// application answers (`wsgiref.validate`, Rack::Lint).
///
/// What breaks a clause of the specification (`docs/SPEC.md`) that says MUST is a [`Violation`], which
/// names the clause: the error of the call before the head, of the body after it. All that was found,
/// SHOULD included, is in [`Lint::findings`]. For tests and while developing: it costs some allocations a
/// call, and a body that a thread sends is polled like a stream.
///
/// ```
/// use gateway_core::{Application, Environ, Response, Result, lint, server::block_on, text};
///
/// async fn careless(_environ: Environ) -> Result {
///     let mut response = text("hello");
///     response.headers_mut().insert("transfer-encoding", "chunked".parse()?);
///     Ok(response)
/// }
/// let app = lint(careless);
/// let error = block_on(app.call(Environ::default())).unwrap_err();
/// assert!(error.to_string().starts_with("A2: "));
/// assert_eq!(app.findings().broken()[0].clause(), "A2");
/// ```
///
/// Middleware is checked from both of its sides: `lint(middleware(lint(application)))`.
pub fn lint<A: Application>(application: A) -> Lint<A> {
    Lint {
        needs: application.requires(),
        application,
        findings: Findings::default(),
    }
}

/// An application that is checked; made by [`lint()`].
pub struct Lint<A> {
    application: A,
    /// What the application needed when it was wrapped.
    needs: Capabilities,
    findings: Findings,
}

impl<A> Lint<A> {
    /// What was found, in all calls so far and to come.
    pub fn findings(&self) -> Findings {
        self.findings.clone()
    }
}

impl<A: Application> Lint<A> {
    async fn checked(&self, mut environ: Environ) -> Result {
        let watch = Watch::new(&environ, self.findings.clone());
        watch.all(&environ, environ::CHECKS)?;
        let needs = self.application.requires();
        watch.judge(host::meets_needs(needs, environ.gateway().capabilities()))?;
        watch.judge(application::needs_stay(self.needs, needs))?;
        middleware::check(&mut environ, needs, &watch)?;
        host::listen(&environ, &watch);
        input::wrap(&mut environ, &watch);
        let answered = self.application.call(environ).await;
        match watch.of_input() {
            Some(violation) => Err(violation.into()),
            None => Self::answer(answered?, &watch),
        }
    }

    fn answer(response: Response, watch: &Watch) -> Result {
        watch.all(&(watch.asked(), &response), application::CHECKS)?;
        let announced = trailers::announced(response.headers());
        let declared = application::declared_length(response.headers());
        watch.answers(&response, declared);
        Ok(response.map(|inner| body::wrap(inner, declared, announced, watch)))
    }
}

impl<A: Application> Application for Lint<A> {
    fn call(&self, environ: Environ) -> impl Future<Output = Result> + Send {
        Calling {
            call: Some(Box::pin(self.checked(environ))),
            findings: &self.findings,
        }
    }

    fn requires(&self) -> Capabilities {
        self.application.requires()
    }
}

/// A call that knows when it is over.
struct Calling<'a, F> {
    call: Option<Pin<Box<F>>>,
    findings: &'a Findings,
}

impl<F: Future<Output = Result>> Future for Calling<'_, F> {
    type Output = Result;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result> {
        if let Err(violation) = host::polls_once_ready(self.call.is_some()) {
            return Poll::Ready(Err(self.findings.note(violation).into()));
        }
        let polled = self.call.as_mut().map(|call| call.as_mut().poll(cx));
        match polled {
            Some(Poll::Ready(result)) => {
                self.call = None;
                Poll::Ready(result)
            }
            _ => Poll::Pending,
        }
    }
}

impl<A: fmt::Debug> fmt::Debug for Lint<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lint")
            .field("application", &self.application)
            .field("findings", &self.findings)
            .finish_non_exhaustive()
    }
}

//! Defects in how the application is called.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use bytes::Bytes;
use gateway_core::{
    Application, Body, BoxApplication, Capabilities, Environ, Error, Input, Result, StatusError,
};
use http::StatusCode;
use http_body::Body as _;

/// An application, told other things than the host knows, and answering others than it does.
pub(super) struct Between {
    application: BoxApplication,
    tells: fn(Environ) -> Environ,
    answers: fn(Result) -> Result,
}

impl Between {
    pub(super) fn telling(
        application: BoxApplication,
        tells: fn(Environ) -> Environ,
    ) -> BoxApplication {
        BoxApplication::new(Self {
            application,
            tells,
            answers: |answer| answer,
        })
    }

    pub(super) fn answering(
        application: BoxApplication,
        answers: fn(Result) -> Result,
    ) -> BoxApplication {
        BoxApplication::new(Self {
            application,
            tells: |environ| environ,
            answers,
        })
    }
}

impl Application for Between {
    async fn call(&self, environ: Environ) -> Result {
        (self.answers)(self.application.call((self.tells)(environ)).await)
    }

    fn requires(&self) -> Capabilities {
        self.application.requires()
    }
}

pub(super) fn after_the_whole_body(application: BoxApplication) -> BoxApplication {
    calling(application, |application, mut environ| async move {
        let body = environ.input().read_all(u64::MAX).await?;
        environ.set_input(Input::from(body));
        application.call(environ).await
    })
}

/// Nothing is sent before the body is at its end.
pub(super) fn until_the_body_is_made(application: BoxApplication) -> BoxApplication {
    calling(application, |application, environ| async move {
        let (parts, mut body) = application.call(environ).await?.into_parts();
        let mut made = Vec::new();
        while let Some(frame) = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
            made.extend(frame?.into_data());
        }
        let made = Body::iter(made.into_iter().map(Ok::<Bytes, Error>));
        Ok(gateway_core::Response::from_parts(parts, made))
    })
}

/// Nobody is answered any more once a call has panicked.
pub(super) fn until_one_panics(application: BoxApplication) -> BoxApplication {
    let panicked = Arc::new(AtomicBool::new(false));
    calling(application, move |application, environ| {
        let poisons = Poisons(Arc::clone(&panicked));
        async move {
            if poisons.0.load(Ordering::SeqCst) {
                return Err("a call has panicked before".into());
            }
            application.call(environ).await
        }
    })
}

/// Notes that it is dropped in a panic.
struct Poisons(Arc<AtomicBool>);

impl Drop for Poisons {
    fn drop(&mut self) {
        self.0.fetch_or(std::thread::panicking(), Ordering::SeqCst);
    }
}

/// Whoever comes while three calls run is sent away.
pub(super) fn three_at_the_most(application: BoxApplication) -> BoxApplication {
    let inside = Arc::new(AtomicUsize::new(0));
    calling(application, move |application, environ| {
        let inside = Arc::clone(&inside);
        async move {
            let others = inside.fetch_add(1, Ordering::SeqCst);
            let answer = match others {
                0..3 => application.call(environ).await,
                _ => {
                    Err(StatusError::new(StatusCode::SERVICE_UNAVAILABLE, "too many calls").into())
                }
            };
            inside.fetch_sub(1, Ordering::SeqCst);
            answer
        }
    })
}

fn calling<F>(
    application: BoxApplication,
    call: impl Fn(BoxApplication, Environ) -> F + Send + Sync + 'static,
) -> BoxApplication
where
    F: Future<Output = Result> + Send + 'static,
{
    BoxApplication::new(move |environ: Environ| call(application.clone(), environ))
}

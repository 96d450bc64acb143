//! An application that writes down what it was asked.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use gateway_core::{Body, BoxApplication, Environ, Response};
use http::HeaderValue;

/// A request as the application saw it, its body read to the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The method.
    pub method: String,
    /// Path and query, as sent.
    pub target: String,
    /// The body.
    pub body: Bytes,
}

/// What an application was asked, in order.
#[derive(Clone, Debug, Default)]
pub struct Recorder(Arc<Mutex<Vec<Seen>>>);

impl Recorder {
    /// The application: it writes down each request that came whole, and answers with its number,
    /// its method and its body.
    pub fn application(&self) -> BoxApplication {
        let recorder = self.clone();
        BoxApplication::new(move |environ: Environ| recorder.clone().answer(environ))
    }

    async fn answer(self, mut environ: Environ) -> gateway_core::Result {
        let body = environ.input().read_all(u64::MAX).await?;
        let seen = Seen {
            method: environ.method().to_string(),
            target: environ.var("REQUEST_URI").unwrap_or_default().into_owned(),
            body: body.clone(),
        };
        let method = HeaderValue::from_str(&seen.method)?;
        let number = self.add(seen);
        let mut response = Response::new(Body::from(body));
        response.headers_mut().insert("x-seen", number.into());
        response.headers_mut().insert("x-method", method);
        Ok(response)
    }

    /// How many there were.
    pub fn count(&self) -> usize {
        self.all().len()
    }

    /// Those after the first `count`.
    pub fn since(&self, count: usize) -> Vec<Seen> {
        self.all().get(count..).unwrap_or_default().to_vec()
    }

    fn add(&self, seen: Seen) -> usize {
        let mut all = self.all();
        all.push(seen);
        all.len() - 1
    }

    fn all(&self) -> std::sync::MutexGuard<'_, Vec<Seen>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

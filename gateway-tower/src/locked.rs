//! [`Locked`]: a service that is not `Sync`, made so.

use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll};

use tower_service::Service;

/// A service that is not `Sync`, such as tower's `BoxCloneService`, made so: what applications share must
/// be. The lock is held while the service is cloned, once a request.
#[derive(Debug, Default)]
pub struct Locked<S>(Mutex<S>);

impl<S> Locked<S> {
    /// Wraps `service`.
    pub fn new(service: S) -> Self {
        Self(Mutex::new(service))
    }

    fn inner(&mut self) -> &mut S {
        self.0.get_mut().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S: Clone> Clone for Locked<S> {
    fn clone(&self) -> Self {
        Self::new(
            self.0
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .clone(),
        )
    }
}

impl<S: Service<R>, R> Service<R> for Locked<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner().poll_ready(cx)
    }

    fn call(&mut self, request: R) -> S::Future {
        self.inner().call(request)
    }
}

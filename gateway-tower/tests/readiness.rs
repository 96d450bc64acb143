//! Services that are not always ready are waited for.

#![allow(clippy::unwrap_used, reason = "tests say by panicking what went wrong")]

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker, ready};
use std::thread;

use gateway_core::{
    Application, Error, Input, Response, Result, StatusError, server::block_on, text,
};
use gateway_test::{Event, Log, call, environ};
use gateway_tower::from_service;
use http::{Request, StatusCode};
use tower::{Service, ServiceBuilder, service_fn};

/// Ready once the event has happened, each clone for itself; panics if it is called before.
struct Opening {
    opened: Event,
    polled: Log<()>,
    waiting: Option<Pin<Box<dyn Future<Output = ()> + Send + Sync>>>,
    ready: bool,
}

impl Clone for Opening {
    fn clone(&self) -> Self {
        Self {
            opened: self.opened.clone(),
            polled: self.polled.clone(),
            waiting: None,
            ready: false, // tower: a clone of a ready service is not ready
        }
    }
}

impl Service<Request<Input>> for Opening {
    type Response = Response;
    type Error = Error;
    type Future = std::future::Ready<Result>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let opened = self.opened.clone();
        let polled = self.polled.clone();
        let waiting = self
            .waiting
            .get_or_insert_with(|| Box::pin(async move { opened.happened().await }));
        let poll = waiting.as_mut().poll(cx);
        polled.note(());
        ready!(poll);
        self.ready = true;
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _request: Request<Input>) -> Self::Future {
        assert!(
            std::mem::take(&mut self.ready),
            "called before it was ready"
        );
        std::future::ready(Ok(text("ready")))
    }
}

fn opening() -> (Opening, Event, Log<()>) {
    let (opened, polled) = (Event::new(), Log::new());
    let service = Opening {
        opened: opened.clone(),
        polled: polled.clone(),
        waiting: None,
        ready: false,
    };
    (service, opened, polled)
}

#[test]
fn a_call_waits_until_the_service_is_ready() {
    let (service, opened, polled) = opening();
    let app = Arc::new(from_service(service));
    let calls: Vec<_> = (0..3)
        .map(|_| {
            let app = Arc::clone(&app);
            thread::spawn(move || call(&app, environ("GET /")).text().to_owned())
        })
        .collect();
    for _ in 0..3 {
        polled.next().unwrap(); // each has found it closed
    }
    opened.set();
    for call in calls {
        assert_eq!(call.join().unwrap(), "ready");
    }
}

#[test]
fn who_gives_up_while_it_waits_is_not_called() {
    let (service, opened, _polled) = opening();
    let app = from_service(service);
    let mut waiting = Box::pin(app.call(environ("GET /").build()));
    let mut cx = Context::from_waker(Waker::noop());
    assert!(waiting.as_mut().poll(&mut cx).is_pending());
    drop(waiting);
    opened.set();
    assert_eq!(call(&app, environ("GET /")).text(), "ready");
}

#[test]
fn a_limit_on_concurrency_holds_across_requests() {
    let (entered, release, most) = (Log::new(), Event::new(), Arc::new(AtomicUsize::new(0)));
    let inside = Arc::new(AtomicUsize::new(0));
    let (notes, gate, highest) = (entered.clone(), release.clone(), Arc::clone(&most));
    let service =
        ServiceBuilder::new()
            .concurrency_limit(2)
            .service_fn(move |_: Request<Input>| {
                let (notes, gate) = (notes.clone(), gate.clone());
                let (inside, highest) = (Arc::clone(&inside), Arc::clone(&highest));
                async move {
                    highest.fetch_max(inside.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    notes.note(());
                    gate.happened().await;
                    inside.fetch_sub(1, Ordering::SeqCst);
                    Ok::<_, Error>(text("done"))
                }
            });
    let app = Arc::new(from_service(service));
    let calls: Vec<_> = (0..6)
        .map(|_| {
            let app = Arc::clone(&app);
            thread::spawn(move || call(&app, environ("GET /")).status)
        })
        .collect();
    entered.next().unwrap();
    entered.next().unwrap(); // both places are taken
    release.set();
    for call in calls {
        assert_eq!(call.join().unwrap(), 200);
    }
    assert_eq!(most.load(Ordering::SeqCst), 2);
}

#[test]
fn a_service_that_is_never_ready_fails_the_call() {
    #[derive(Clone)]
    struct Broken;

    impl Service<Request<Input>> for Broken {
        type Response = Response;
        type Error = Error;
        type Future = std::future::Ready<Result>;

        fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
            let full = StatusError::new(StatusCode::SERVICE_UNAVAILABLE, "the pool is gone");
            Poll::Ready(Err(full.into()))
        }

        fn call(&mut self, _request: Request<Input>) -> Self::Future {
            panic!("called although it was not ready")
        }
    }

    assert_eq!(call(&from_service(Broken), environ("GET /")).status, 503);
}

#[test]
fn a_layer_that_sheds_load_answers_at_once() {
    let gate = Event::new();
    let held = gate.clone();
    let entered = Event::new();
    let enters = entered.clone();
    let service = ServiceBuilder::new()
        .load_shed()
        .concurrency_limit(1)
        .service(service_fn(move |_: Request<Input>| {
            let (gate, enters) = (held.clone(), enters.clone());
            async move {
                enters.set();
                gate.happened().await;
                Ok::<_, Error>(text("done"))
            }
        }));
    let app = Arc::new(from_service(service));
    let first = Arc::clone(&app);
    let first = thread::spawn(move || call(&first, environ("GET /")).status);
    entered.wait().unwrap();
    assert!(block_on(app.call(environ("GET /").build())).is_err());
    gate.set();
    assert_eq!(first.join().unwrap(), 200);
}

//! Blocking calls: how many at once, how many wait, and what happens beyond.

#![allow(clippy::unwrap_used)] // a failure here is a failure of the test

mod common;

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};

use common::{PATIENCE, start_with, status};
use gateway_core::{Application, Body, Environ, Response, Result, blocking, text};

const GET: &str = "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";

/// An application that says when it is called, and answers when it is let.
fn gated() -> (impl Application, Receiver<()>, Sender<()>) {
    let (entered, enters) = channel();
    let (release, released) = channel();
    let released = Mutex::new(released);
    let app = blocking(move |_environ: Environ| -> Result {
        entered.send(()).unwrap();
        released.lock().unwrap().recv_timeout(PATIENCE).unwrap();
        Ok(text("done"))
    });
    (app, enters, release)
}

#[test]
fn beyond_the_threads_and_the_queue_the_answer_is_503() {
    let (app, enters, release) = gated();
    let server = start_with(app, |server| server.threads(1).queue(0));
    let mut first = server.connect();
    first.send(GET);
    enters.recv_timeout(PATIENCE).unwrap();

    let refused = server.whole(GET);
    assert_eq!(status(&refused), 503);
    assert!(refused.contains("\r\nretry-after: 1\r\n"), "{refused}");

    release.send(()).unwrap();
    assert_eq!(status(&first.rest()), 200);
}

/// Who waits for a turn in a budget waits for no thread; but no more of them wait than for threads.
#[test]
fn beyond_a_budget_and_the_queue_the_answer_is_503() {
    let (enters, entered) = channel();
    let (release, released) = channel();
    let released = Mutex::new(released);
    let app = blocking(move |_environ: Environ| -> Result {
        enters.send(()).unwrap();
        released.lock().unwrap().recv_timeout(PATIENCE).unwrap();
        Ok(text("done"))
    });
    let app = Arc::new(app.limit(1));
    let (call, called) = channel();
    let told = move |environ: Environ| {
        let (app, mut call) = (Arc::clone(&app), Some(call.clone()));
        async move {
            let mut answer = pin!(app.call(environ));
            poll_fn(|cx| {
                let polled = answer.as_mut().poll(cx);
                // It runs, or has its place among those that wait.
                call.take().inspect(|call| call.send(()).unwrap());
                polled
            })
            .await
        }
    };
    let server = start_with(told, |server| server.threads(4).queue(1));
    let mut clients = [server.connect(), server.connect()];
    for client in &mut clients {
        client.send(GET);
        called.recv_timeout(PATIENCE).unwrap();
    }
    entered.recv_timeout(PATIENCE).unwrap();

    let refused = server.whole(GET);
    assert_eq!(status(&refused), 503);
    assert!(refused.contains("\r\nretry-after: 1\r\n"), "{refused}");

    for client in &mut clients {
        release.send(()).unwrap();
        assert_eq!(status(&client.rest()), 200);
    }
}

#[test]
fn a_call_whose_client_left_while_it_waited_is_not_begun() {
    /// Tells when a call is over, or dropped because its client left.
    struct Over(Sender<String>, String);
    impl Drop for Over {
        fn drop(&mut self) {
            let _ = self.0.send(std::mem::take(&mut self.1));
        }
    }
    let (app, enters, release) = gated();
    let app = Arc::new(app);
    let (call, called) = channel();
    let (tell, over) = channel();
    let watched = move |environ: Environ| {
        let watch = Over(tell.clone(), environ.path_info().to_owned());
        call.send(environ.path_info().to_owned()).unwrap();
        let app = Arc::clone(&app);
        async move {
            let _watch = watch;
            app.call(environ).await
        }
    };
    let server = start_with(watched, |server| server.threads(1).queue(10));
    let mut first = server.connect();
    first.send(GET);
    enters.recv_timeout(PATIENCE).unwrap();

    let mut leaves = server.connect();
    leaves.send(GET.replace("GET /", "GET /leaves"));
    // A reset that comes with the request would keep it from being read at all.
    assert_eq!(called.recv_timeout(PATIENCE).unwrap(), "/");
    assert_eq!(called.recv_timeout(PATIENCE).unwrap(), "/leaves");
    let socket = socket2::SockRef::from(&leaves.stream);
    socket.set_linger(Some(std::time::Duration::ZERO)).unwrap();
    drop(leaves);
    assert_eq!(over.recv_timeout(PATIENCE).unwrap(), "/leaves");
    let mut stays = server.connect();
    stays.send(GET);

    release.send(()).unwrap();
    release.send(()).unwrap();
    assert_eq!(status(&first.rest()), 200);
    assert_eq!(status(&stays.rest()), 200);
    enters.recv_timeout(PATIENCE).unwrap();
    assert!(enters.try_recv().is_err(), "the call of who left was begun");
}

#[test]
fn a_stream_holds_no_thread_between_its_chunks() {
    let server = start_with(
        blocking(|environ: Environ| -> Result {
            if environ.path_info() == "/ping" {
                return Ok(text("pong"));
            }
            let chunks =
                std::iter::repeat_with(|| Ok::<_, gateway_core::Error>(vec![0; 64 * 1024]));
            Ok(Response::new(Body::iter(chunks)))
        }),
        |server| server.threads(1),
    );
    let mut streams = Vec::new();
    for _ in 0..4 {
        let mut client = server.connect();
        client.send("GET /endless HTTP/1.1\r\nHost: x\r\n\r\n");
        client.until("\r\n\r\n"); // begun, and not read any further
        streams.push(client);
    }
    let ping = "GET /ping HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    assert_eq!(status(&server.whole(ping)), 200);
}

#[test]
fn iterators_are_closed_once_on_a_thread_that_may_block() {
    struct Closing(Arc<AtomicUsize>, Sender<Option<String>>);
    impl Iterator for Closing {
        type Item = Result<&'static str, gateway_core::Error>;
        fn next(&mut self) -> Option<Self::Item> {
            Some(Ok("again and again"))
        }
    }
    impl Drop for Closing {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::SeqCst);
            let _ = self
                .1
                .send(std::thread::current().name().map(str::to_owned));
        }
    }
    let closed = Arc::new(AtomicUsize::new(0));
    let (tell, told) = channel();
    let count = Arc::clone(&closed);
    let server = start_with(
        move |_environ: Environ| {
            let body = Body::iter(Closing(Arc::clone(&count), tell.clone()));
            async move { Ok(Response::new(body)) }
        },
        |server| server,
    );
    let mut client = server.connect();
    client.send(GET);
    client.until("again and again");
    drop(client);
    let thread = told.recv_timeout(PATIENCE).unwrap();
    assert_eq!(thread.as_deref(), Some("gateway-blocking"));
    drop(server);
    assert_eq!(closed.load(Ordering::SeqCst), 1);
}

//! What is done while every thread that may make calls is in one: the others are looked after all the same.

#![allow(clippy::unwrap_used, reason = "tests say by panicking what went wrong")]

mod common;

use std::time::Duration;

use gateway_core::server::{Timeouts, block_on};
use gateway_core::{Application, BoxApplication, CancelReason, Cancelled, Environ, blocking, text};
use gateway_test::client::Client;
use gateway_test::fixtures::Style;
use gateway_test::{Event, Log};
use http::Method;

use common::lines::lines;
use common::{Running, get, server};

/// Calls that are made at once.
const THREADS: [usize; 2] = [1, 3];

/// What calls tell.
#[derive(Clone)]
struct Told {
    /// The path of each call that begins.
    begun: Log<String>,
    /// Why each call of `/watch` was cancelled.
    cancelled: Log<Option<CancelReason>>,
    /// Whether each call of `/hold` that ends was let go.
    held: Log<bool>,
}

/// Tells why the call was cancelled when it ends: async code may be dropped before it has seen it.
struct Tells(Log<Option<CancelReason>>, Cancelled);

impl Drop for Tells {
    fn drop(&mut self) {
        self.0.note(self.1.reason());
    }
}

impl Told {
    fn new() -> Self {
        Self {
            begun: Log::new(),
            cancelled: Log::new(),
            held: Log::new(),
        }
    }

    /// `/watch` waits until nobody waits for its answer, `/hold` until it is let go.
    fn application(&self, style: Style, go: &Event) -> BoxApplication {
        let (told, go) = (self.clone(), go.clone());
        match style {
            Style::Blocking => BoxApplication::new(blocking(move |environ: Environ| {
                block_on(told.answer(&go, environ))
            })),
            Style::Async => BoxApplication::new(move |environ: Environ| {
                let (told, go) = (told.clone(), go.clone());
                async move { told.answer(&go, environ).await }
            }),
        }
    }

    async fn answer(&self, go: &Event, environ: Environ) -> gateway_core::Result {
        let path = environ.path_info().to_owned();
        self.begun.note(path.clone());
        match path.as_str() {
            "/watch" => {
                let _tells = Tells(self.cancelled.clone(), environ.cancelled());
                environ.cancelled().await;
            }
            "/hold" => {
                let waited = go.wait();
                self.held.note(waited.is_ok());
                waited?;
            }
            _ => {}
        }
        Ok(text("done"))
    }
}

/// As many clients as there are threads, each of them in a call of `path`.
fn fill(running: &Running, told: &Told, threads: usize, path: &str) -> Vec<Client> {
    let ask = |_| {
        let mut client = running.client();
        client.send(get(path)).unwrap();
        assert_eq!(told.begun.next().unwrap(), path);
        client
    };
    (0..threads).map(ask).collect()
}

fn start(threads: usize, timeouts: Timeouts, app: impl Application) -> Running {
    Running::start(server(threads).timeouts(timeouts), app)
}

#[test]
fn clients_that_leave_are_noticed() {
    for threads in THREADS {
        for style in Style::BOTH {
            for resets in [true, false] {
                let told = Told::new();
                let app = told.application(style, &Event::new());
                let running = start(threads, Timeouts::default(), app);
                for client in fill(&running, &told, threads, "/watch") {
                    match resets {
                        true => client.reset().unwrap(),
                        false => drop(client),
                    }
                    let reason = told.cancelled.next();
                    let reason =
                        reason.unwrap_or_else(|_| panic!("{threads}, {style}, reset {resets}"));
                    assert_eq!(reason, Some(CancelReason::Disconnected));
                }
            }
        }
    }
}

#[test]
fn what_was_asked_for_by_clients_that_left_is_not_begun() {
    for threads in THREADS {
        for style in Style::BOTH {
            let (told, go) = (Told::new(), Event::new());
            let app = told.application(style, &go);
            let running = start(threads, Timeouts::default(), app);
            let held = fill(&running, &told, threads, "/hold");
            let lines = lines();
            let mut left = running.client();
            left.send(get(&format!("/left/{threads}/{style}"))).unwrap();
            // One that sends no more when it is read has not left: every seat has seen it before.
            for mut other in running.clients_everywhere() {
                other.send("GET\r\n\r\n").unwrap();
                assert_eq!(other.read(&Method::GET).unwrap().status, 400);
            }
            left.stop_sending().unwrap();
            let asked = format!("request=GET /left/{threads}/{style} ");
            lines.wait_for(&["cut off", &asked, "stage=queued "]);
            go.set();
            for mut client in held {
                assert_eq!(client.read(&Method::GET).unwrap().text(), "done");
            }
            assert_eq!(running.client().get("/after").unwrap().text(), "done");
            assert_eq!(told.begun.next().unwrap(), "/after");
        }
    }
}

#[test]
fn what_is_overdue_is_cut() {
    let mut timeouts = Timeouts::default();
    timeouts.head = Duration::from_millis(300);
    timeouts.idle = Duration::from_millis(300);
    for threads in THREADS {
        let (told, go) = (Told::new(), Event::new());
        let app = told.application(Style::Blocking, &go);
        let running = start(threads, timeouts.clone(), app);
        let mut idle = running.client();
        assert_eq!(idle.get("/").unwrap().text(), "done");
        assert_eq!(told.begun.next().unwrap(), "/");
        let held = fill(&running, &told, threads, "/hold");
        let mut half = running.client();
        half.send("GET / HTTP/1.1\r\n").unwrap();
        assert_eq!(half.read(&Method::GET).unwrap().status, 408);
        idle.closes().unwrap();
        go.set();
        assert_eq!(held.len(), threads);
    }
}

#[test]
fn a_request_that_waits_is_answered_when_its_deadline_passes() {
    let lines = lines();
    let mut timeouts = Timeouts::default();
    timeouts.request = Some(Duration::from_millis(300));
    for threads in THREADS {
        for style in Style::BOTH {
            let (told, go) = (Told::new(), Event::new());
            let app = told.application(style, &go);
            let running = start(threads, timeouts.clone(), app);
            let held = fill(&running, &told, threads, "/hold");
            let mut waits = running.client();
            let path = format!("/waits/{threads}/{style}");
            waits.send(get(&path)).unwrap();
            let reply = waits.read(&Method::GET).unwrap();
            assert_eq!((reply.status, reply.says_close()), (503, true));
            waits.closes().unwrap();
            let asked = format!("request=GET {path} stage=queued ");
            let line = lines.wait_for(&["cut off", &asked]);
            assert!(line.contains("the deadline passed"), "{line}");
            // It was not that those that hold have let go.
            assert!(told.held.is_empty());
            go.set();
            for _ in held {
                assert!(told.held.next().unwrap(), "until it was let go");
            }
            assert!(told.begun.is_empty());
        }
    }
}

#[test]
fn a_stop_closes_what_is_idle() {
    let mut timeouts = Timeouts::default();
    timeouts.idle_at_stop = Duration::ZERO;
    for threads in THREADS {
        let (told, go) = (Told::new(), Event::new());
        let app = told.application(Style::Blocking, &go);
        let running = start(threads, timeouts.clone(), app);
        let mut idle = running.client();
        assert_eq!(idle.get("/").unwrap().text(), "done");
        assert_eq!(told.begun.next().unwrap(), "/");
        let held = fill(&running, &told, threads, "/hold");
        running.handle.stop();
        idle.closes().unwrap();
        go.set();
        for mut client in held {
            assert_eq!(client.read(&Method::GET).unwrap().text(), "done");
        }
        running.stop();
    }
}

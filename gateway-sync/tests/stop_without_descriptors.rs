//! A server that has no descriptor left can be stopped: what it has is answered.
//!
//! The limit is the process's, so that there is one test here.

#![allow(clippy::unwrap_used, reason = "tests say by panicking what went wrong")]

mod common;

use gateway_core::{Environ, blocking, text};
use gateway_test::Event;
use http::Method;

use common::descriptors::Descriptors;
use common::lines::lines;
use common::{Running, get, server};

#[test]
fn a_stop_without_descriptors_answers_what_is_there_and_ends() {
    let lines = lines();
    let (entered, go) = (Event::new(), Event::new());
    let (inside, release) = (entered.clone(), go.clone());
    let app = blocking(move |environ: Environ| {
        if environ.path_info() == "/busy" {
            inside.set();
            release.wait()?;
        }
        Ok(text("done"))
    });
    let running = Running::start(server(2), app);
    let (mut idle, mut busy) = (running.client(), running.client());
    assert_eq!(idle.get("/").unwrap().text(), "done");
    busy.send(get("/busy")).unwrap();
    entered.wait().unwrap();
    let mut descriptors = Descriptors::use_up();
    // One for a client, none for the server's end of it.
    descriptors.give_back();
    let mut late = running.client();
    lines.wait_for(&["ERROR", "cannot accept connections", "connections=2 "]);
    running.handle.stop();
    lines.wait_for(&["stopping", "waits_for=", "oldest=GET /busy "]);
    go.set();
    let reply = busy.read(&Method::GET).unwrap();
    assert_eq!((reply.text(), reply.says_close()), ("done", true));
    drop(busy);
    idle.closes().unwrap();
    running.stop();
    // It was in the backlog of a server that could not take it: its end is seen, not waited for.
    assert!(late.read(&Method::GET).unwrap_err().is_end());
    drop(descriptors);
}

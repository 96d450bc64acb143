//! The servers of others: their programs and their settings.

use super::server::{Answers, Places, Server};

/// A program of `bench/peers`: name, what it answers, settings.
const PEERS: [(&str, Answers, &str); 6] = [
    (
        "axum",
        Answers::Everything,
        "axum::serve on tokio's default runtime, one worker a core; TCP_NODELAY and a backlog of 1024, as ours have them",
    ),
    (
        "actix-web",
        Answers::Everything,
        "HttpServer, one worker a core, computing in web::block; TCP_NODELAY, and 75 s of keep-alive instead of 5, which would cut idle connections; otherwise its defaults (a backlog of 1024)",
    ),
    (
        "tiny_http",
        Answers::Everything,
        "64 threads that call recv() on one Server, as its documentation shows; no TCP_NODELAY, for which it has no setting, and std's backlog of 128; closes connections without saying so, each of which wrk counts as an error",
    ),
    (
        "rouille",
        Answers::Everything,
        "Server::pool_size(64), where its default is 8 threads a core; no TCP_NODELAY, for which it has no setting, and std's backlog of 128; closes connections without saying so, as tiny_http, which it is built on",
    ),
    (
        "may_minihttp",
        Answers::Kept,
        "one worker a core; waiting with may's sleep, computing in the coroutine; no TCP_NODELAY, for which it has no setting, and a backlog of 1024; not asked to stream, which it cannot, nor to close connections, which it does not",
    ),
    (
        "epoll",
        Answers::Hello,
        "one thread a core with an epoll set each; a canned answer to whatever ends in an empty line; TCP_NODELAY and a backlog of 1024",
    ),
];

/// A Python server: name, program, arguments, settings. `{address}`, `{host}`, `{port}` and `{app}`
/// are filled in.
const PYTHON: [(&str, &str, &str, &str); 6] = [
    (
        "gunicorn-sync",
        "gunicorn",
        "--bind {address} --workers 5 --worker-class sync {app}",
        "5 workers, the 2 × cores + 1 of its documentation; keeps no connection alive",
    ),
    (
        "gunicorn-gthread",
        "gunicorn",
        "--bind {address} --workers 5 --worker-class gthread --threads 8 {app}",
        "5 workers of 8 threads, the 2 × cores + 1 and 2–4 × cores of its documentation",
    ),
    (
        "gunicorn-gevent",
        "gunicorn",
        "--bind {address} --workers 5 --worker-class gevent {app}",
        "5 workers, 1000 connections each (its default)",
    ),
    (
        "uwsgi",
        "uwsgi",
        "--http11-socket {address} --master --processes 4 --threads 2 --need-app --disable-logging --die-on-term --listen 1024 --module {app}",
        "4 processes of 2 threads, as its quickstart has it, serving HTTP itself, without the log of requests",
    ),
    (
        "granian",
        "granian",
        "--interface wsgi --host {host} --port {port} --workers 2 {app}",
        "2 workers, otherwise its defaults",
    ),
    (
        "waitress",
        "waitress-serve",
        "--listen={address} --threads=4 {app}",
        "4 threads, its default",
    ),
];

/// How they come about.
pub(super) const BUILD_PEERS: &str = "bench/peers/build";
pub(super) const BUILD_PYTHON: &str = "bench/peers/python/install";

/// Names of the peers in Rust.
pub(super) fn peers() -> impl Iterator<Item = String> {
    PEERS.iter().map(|(name, ..)| (*name).to_owned())
}

/// Names of the peers in Python, each with a bare callable and with Flask.
pub(super) fn python() -> impl Iterator<Item = String> {
    PYTHON
        .iter()
        .flat_map(|(name, ..)| [format!("{name}/wsgi"), format!("{name}/flask")])
}

/// A peer in Rust, by name.
pub(super) fn peer(name: &str, places: &Places) -> Option<Server> {
    let (_, answers, settings) = PEERS.iter().find(|(of, ..)| *of == name)?;
    Some(Server {
        name: name.to_owned(),
        settings: (*settings).to_owned(),
        health: "/hello",
        answers: *answers,
        folder: ".".into(),
        program: places.peers.join(name),
        arguments: vec!["{address}".to_owned()],
        install: BUILD_PEERS,
    })
}

/// A peer in Python, by name and kind of application.
pub(super) fn python_peer(name: &str, places: &Places) -> Option<Server> {
    let (server, style) = name.split_once('/')?;
    let application = match style {
        "wsgi" => "bare:application",
        "flask" => "flasks:application",
        _ => return None,
    };
    let (_, program, arguments, settings) = PYTHON.iter().find(|(of, ..)| *of == server)?;
    let arguments = arguments
        .split_ascii_whitespace()
        .map(|argument| argument.replace("{app}", application))
        .collect();
    Some(Server {
        name: name.to_owned(),
        settings: (*settings).to_owned(),
        health: "/hello",
        answers: Answers::Everything,
        folder: places.python.clone(),
        program: places.python.join(".venv/bin").join(program),
        arguments,
        install: BUILD_PYTHON,
    })
}

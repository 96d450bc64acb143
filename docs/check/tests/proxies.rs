//! The configurations of nginx and HAProxy that the site shows, in front of both hosts.
//!
//! `GATEWAY_NO_PROXIES=1` leaves these tests out where the programs are not installed.

#![allow(clippy::unwrap_used, reason = "a test that fails says so")]

use std::collections::HashSet;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Instant;
use std::{env, fs, thread};

use gateway_core::{
    Address, Body, BoxApplication, CancelReason, Ending, Environ, Response, Result, text,
};
use gateway_test::client::Client;
use gateway_test::conformance::{Running, Setup};
use gateway_test::{Event, PATIENCE};
use gateway_tests::hosts;
use http::Method;
use tempfile::TempDir;

/// A proxy that runs, ended with the test.
struct Proxy {
    child: Child,
    folder: TempDir,
}

const NGINX: &str = include_str!("../../deploy/nginx.conf");
const HAPROXY: &str = include_str!("../../deploy/haproxy.cfg");

impl Proxy {
    fn start(program: &str, host: SocketAddr) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let front = folder.path().join("front");
        let (configuration, places) = match program {
            "nginx" => (
                NGINX,
                [("listen 80;", format!("listen unix:{};", front.display()))],
            ),
            _ => (
                HAPROXY,
                [("bind :80", format!("bind unix@{}", front.display()))],
            ),
        };
        let mut text = configuration.to_owned();
        for (place, stand_in) in places
            .into_iter()
            .chain([("127.0.0.1:8000", host.to_string())])
        {
            assert_eq!(text.matches(place).count(), 1, "{place}");
            text = text.replace(place, &stand_in);
        }
        let file = folder.path().join("configuration");
        fs::write(&file, text).unwrap();
        let log = fs::File::create(folder.path().join("log")).unwrap();
        let mut command = Command::new(installed(program));
        match program {
            "nginx" => command
                .args([
                    "-g",
                    "daemon off; master_process off; pid pid;",
                    "-e",
                    "stderr",
                ])
                .arg("-p")
                .arg(folder.path())
                .arg("-c"),
            _ => command.args(["-db", "-f"]),
        };
        command.arg(file).stdin(Stdio::null());
        command.stdout(log.try_clone().unwrap()).stderr(log);
        let child = command.spawn().unwrap();
        let mut proxy = Self { child, folder };
        proxy.comes_up();
        proxy
    }

    fn comes_up(&mut self) {
        let until = Instant::now() + PATIENCE;
        while Client::connect(&self.address()).is_err() {
            let ended = self.child.try_wait().unwrap().is_some();
            assert!(
                !ended && Instant::now() < until,
                "does not come up: {}",
                self.log()
            );
            thread::yield_now();
        }
    }

    fn address(&self) -> Address {
        Address::Unix(Some(self.folder.path().join("front").into()))
    }

    fn client(&self) -> Client {
        Client::connect(&self.address()).unwrap()
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Where the program is: in PATH, or where Debian has servers.
fn installed(program: &str) -> PathBuf {
    let path = env::var_os("PATH").unwrap_or_default();
    let sbin = ["/usr/sbin", "/usr/local/sbin"].map(PathBuf::from);
    env::split_paths(&path)
        .chain(sbin)
        .map(|folder| folder.join(program))
        .find(|file| file.is_file())
        .unwrap_or_else(|| {
            panic!("{program} is not installed; GATEWAY_NO_PROXIES=1 leaves this out")
        })
}

/// Runs `test` with each proxy in front of each host; each time with a new state, which the application
/// shares.
fn behind_each<S: Default>(
    application: impl Fn(&S) -> BoxApplication,
    test: impl Fn(&str, &Proxy, &S),
) {
    if env::var_os("GATEWAY_NO_PROXIES").is_some_and(|value| value == "1") {
        return;
    }
    for host in hosts() {
        for program in ["nginx", "haproxy"] {
            let state = S::default();
            let running: Running = host.start(application(&state), Setup::default()).unwrap();
            let address = running.addresses()[0].socket().unwrap();
            test(program, &Proxy::start(program, address), &state);
            running.stop();
            let ended = running.ended();
            assert!(ended.is_ok(), "{} behind {program}: {ended:?}", host.name());
        }
    }
}

#[test]
fn requests_pass_with_their_host_and_client_over_kept_connections() {
    async fn app(environ: Environ) -> Result {
        let client = environ.header("x-forwarded-for").unwrap_or("nobody");
        Ok(text(format!(
            "{} {} {client}",
            environ.remote_addr(),
            environ.url()
        )))
    }
    behind_each(
        |()| BoxApplication::new(app),
        |program, proxy, ()| {
            let mut client = proxy.client();
            let mut connections = HashSet::new();
            for _ in 0..20 {
                let reply = client.get("/a%20b?c=d").unwrap();
                let words: Vec<&str> = reply.text().split(' ').collect();
                assert_eq!(words[1], "http://test.example/a%20b?c=d", "{program}");
                if program == "nginx" {
                    assert_ne!(words[2], "nobody"); // HAProxy names no client on a Unix socket
                }
                connections.insert(words[0].to_owned());
            }
            assert!(connections.len() < 20, "{program} keeps no connection");
        },
    );
}

#[test]
fn bodies_pass_whole_in_either_framing() {
    async fn app(mut environ: Environ) -> Result {
        let body = environ.input().read_all(u64::MAX).await?;
        Ok(text(body))
    }
    let body = "0123456789abcdef".repeat(20_000);
    let length = format!(
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let chunked = format!(
        "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{body}\r\n0\r\n\r\n",
        body.len()
    );
    behind_each(
        |()| BoxApplication::new(app),
        |program, proxy, ()| {
            let mut client = proxy.client();
            for request in [&length, &chunked] {
                client.send_meanwhile(request.clone().into_bytes()).unwrap();
                let reply = client.read_final(&Method::POST).unwrap();
                assert_eq!(reply.status, 200, "{program}");
                assert!(reply.text() == body, "{program}");
            }
        },
    );
}

#[test]
fn a_stream_passes_as_it_is_made() {
    behind_each(streams, |program, proxy, ()| {
        let mut client = proxy.client();
        client
            .send("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            .unwrap();
        let mut seen = Vec::new();
        while !contains(&seen, b"first\n") {
            seen.extend(client.read_some(1).unwrap_or_else(|error| {
                panic!("{program} holds the first chunk back: {error}");
            }));
        }
        proxy.client().get("/go-on").unwrap();
        assert!(
            contains(&client.read_to_end().unwrap(), b"second\n"),
            "{program}"
        );
    });
}

/// Sends a chunk, and the next when it is asked for `/go-on`.
fn streams((): &()) -> BoxApplication {
    let go_on = Event::new();
    BoxApplication::new(move |environ: Environ| {
        let go_on = go_on.clone();
        async move {
            if environ.path_info() == "/go-on" {
                go_on.set();
                return Ok(text(""));
            }
            let (mut sender, body) = Body::channel(1);
            thread::spawn(move || {
                let _ = sender.blocking_send("first\n");
                if go_on.wait().is_ok() && sender.blocking_send("second\n").is_ok() {
                    sender.finish();
                }
            });
            Ok(Response::new(body))
        }
    })
}

fn contains(bytes: &[u8], what: &[u8]) -> bool {
    bytes.windows(what.len()).any(|window| window == what)
}

#[test]
fn the_application_is_told_when_a_client_leaves() {
    behind_each(waits, |program, proxy, (began, told)| {
        let mut client = proxy.client();
        client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
        began.wait().unwrap();
        drop(client);
        assert!(told.wait().is_ok(), "{program} does not tell");
    });
}

/// Says when it is called, and when its client has left: it may be told so, or be dropped at once.
fn waits((began, told): &(Event, Event)) -> BoxApplication {
    let (began, told) = (began.clone(), told.clone());
    BoxApplication::new(move |environ: Environ| {
        let (began, told, dropped) = (began.clone(), told.clone(), told.clone());
        environ.on_finish(move |outcome| {
            if outcome.ending == Ending::Disconnected {
                dropped.set();
            }
        });
        async move {
            if environ.path_info() == "/health" {
                return Ok(text("")); // HAProxy asks
            }
            began.set();
            if environ.cancelled().await == CancelReason::Disconnected {
                told.set();
            }
            Ok(text("nobody reads this"))
        }
    })
}

#[test]
fn what_is_refused_is_refused_behind_a_proxy_too() {
    async fn app(mut environ: Environ) -> Result {
        let length = environ.input().read_all(u64::MAX).await?.len();
        Ok(text(format!(
            "{length} {}",
            environ.var("HTTP_X_Y").unwrap_or_default()
        )))
    }
    behind_each(
        |()| BoxApplication::new(app),
        |program, proxy, ()| {
            let large = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n";
            assert_eq!(
                proxy.client().exchange(large).unwrap().status,
                413,
                "{program}"
            );
            // nginx drops the field, HAProxy passes it on.
            let underscore = "GET / HTTP/1.1\r\nHost: x\r\nX_Y: 1\r\n\r\n";
            let reply = proxy.client().exchange(underscore).unwrap();
            match program {
                "nginx" => assert_eq!((reply.status, reply.text()), (200, "0 ")),
                _ => assert_eq!(reply.status, 400),
            }
        },
    );
}

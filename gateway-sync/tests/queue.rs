//! Where it is bounded how many requests wait for a thread, the rest are refused at once, although all
//! threads are in calls; and who may wait is not forgotten.

#![allow(clippy::unwrap_used, reason = "tests say by panicking what went wrong")]

mod common;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::atomic::{AtomicBool, AtomicUsize};
use std::thread;
use std::time::{Duration, Instant};

use gateway_core::server::Timeouts;
use gateway_core::{Application, Body, Environ, Error, Response, blocking, text};
use gateway_test::Log;
use gateway_test::client::Client;
use http::Method;

use common::lines::lines;
use common::{Running, cores, get, server};

/// More pieces than are made in one turn.
const PIECES: usize = 100;

/// A call that takes so long keeps no seat.
const LONG: Duration = Duration::from_millis(10);

/// Calls that tell that they have begun, and end when they are let go.
struct Calls {
    entered: Log<String>,
    release: Log<()>,
    /// How many have computed at once.
    most: Arc<AtomicUsize>,
    /// What is asked for as `/compute?spin` computes until then.
    stop: Arc<AtomicBool>,
}

impl Calls {
    fn new() -> Self {
        Self {
            entered: Log::new(),
            release: Log::new(),
            most: Arc::default(),
            stop: Arc::default(),
        }
    }

    /// Whatever is asked for blocks, but for `/quick` and `/compute`; that too if it is to `hold`. The body of `/pieces` blocks
    /// instead, and that of `/compute?body`.
    fn application(&self) -> impl Application + use<> {
        let (entered, release) = (self.entered.clone(), self.release.clone());
        let (computing, most) = (AtomicUsize::new(0), Arc::clone(&self.most));
        let stop = Arc::clone(&self.stop);
        blocking(move |mut environ: Environ| {
            let path = environ.path_info().to_owned();
            if path == "/quick" {
                return Ok(text("quick"));
            }
            let query = environ.query_string().to_owned();
            if path == "/compute" && query != "hold" {
                most.fetch_max(computing.fetch_add(1, SeqCst) + 1, SeqCst);
                if query == "spin" {
                    entered.note(path.clone());
                }
                let start = Instant::now();
                while start.elapsed() < LONG || (query == "spin" && !stop.load(SeqCst)) {
                    std::hint::spin_loop();
                }
                computing.fetch_sub(1, SeqCst);
                if query != "body" {
                    return Ok(text("computed"));
                }
            }
            let (entered, release) = (entered.clone(), release.clone());
            let wait = move || {
                entered.note(path.clone());
                release.next()
            };
            if environ.path_info() == "/pieces" || query == "body" {
                let pieces = if query == "body" { 0 } else { PIECES };
                let first = std::iter::repeat_n("piece", pieces).map(Ok::<_, Error>);
                let then = std::iter::once_with(move || {
                    wait()?;
                    Ok("then")
                });
                return Ok(Response::new(Body::iter(first.chain(then))));
            }
            wait()?;
            environ.input().blocking_read_all(100)?;
            Ok(text("done"))
        })
    }
}

/// Has the host learn that `/compute` computes.
fn learn(running: &Running) {
    for _ in 0..5 {
        assert_eq!(running.client().get("/compute").unwrap().text(), "computed");
    }
}

/// Whether the host can be told what computes from what waits.
fn can_learn() -> bool {
    Path::new("/proc/thread-self/schedstat").exists()
}

/// Waits until every seat has seen what was sent before.
fn look_everywhere(running: &Running) {
    for mut other in running.clients_everywhere() {
        other.send("GET\r\n\r\n").unwrap();
        assert_eq!(other.read(&Method::GET).unwrap().status, 400);
    }
}

fn asks(running: &Running, path: &str) -> Client {
    let mut client = running.client();
    client.send(get(path)).unwrap();
    client
}

#[test]
fn who_comes_when_all_threads_are_in_calls_is_refused_and_named() {
    let lines = lines();
    for threads in [1, 2, 2 * cores()] {
        let calls = Calls::new();
        let running = Running::start(server(threads).queue(0), calls.application());
        let mut busy: Vec<_> = (0..threads).map(|_| asks(&running, "/busy")).collect();
        for _ in 0..threads {
            calls.entered.next().unwrap();
        }
        for kept in running.clients_everywhere() {
            let mut kept = kept;
            for _ in 0..3 {
                kept.send(get("/quick?refused")).unwrap();
                let reply = kept.read(&Method::GET).unwrap();
                assert_eq!((reply.status, reply.field("retry-after")), (503, Some("1")));
                assert!(!reply.says_close());
            }
            let remote = format!("remote={} ", kept.local_addr().unwrap());
            let request = "request=GET /quick stage=queued age=";
            lines.wait_for(&["INFO", "request refused", &remote, request, "status=503 "]);
        }
        for _ in 0..threads {
            calls.release.note(());
        }
        for client in &mut busy {
            assert_eq!(client.read(&Method::GET).unwrap().text(), "done");
        }
    }
}

#[test]
fn who_may_wait_waits_and_who_leaves_gives_the_place_to_another() {
    let lines = lines();
    for path in ["/reset", "/closed"] {
        let calls = Calls::new();
        let running = Running::start(server(1).queue(1), calls.application());
        let mut busy = asks(&running, "/busy");
        calls.entered.next().unwrap();
        // Of two one is refused, whichever it is; the other waits.
        let two = [asks(&running, path), asks(&running, path)];
        let request = format!("request=GET {path} ");
        let line = lines.wait_for(&["request refused", &request]);
        let [one, other] = two;
        let is_one = line.contains(&format!("remote={} ", one.local_addr().unwrap()));
        let (mut refused, waits) = if is_one { (one, other) } else { (other, one) };
        assert_eq!(refused.read(&Method::GET).unwrap().status, 503);
        let gone = format!("remote={} ", waits.local_addr().unwrap());
        match path {
            "/reset" => waits.reset().unwrap(),
            _ => drop(waits),
        }
        lines.wait_for(&["cut off", &gone, &request, "stage=queued "]);
        refused.send(get("/next")).unwrap();
        calls.release.note(());
        assert_eq!(busy.read(&Method::GET).unwrap().text(), "done");
        assert_eq!(calls.entered.next().unwrap(), "/next");
        calls.release.note(());
        assert_eq!(refused.read(&Method::GET).unwrap().text(), "done");
    }
}

#[test]
fn a_body_that_blocks_is_a_call() {
    let calls = Calls::new();
    let running = Running::start(server(1).queue(0), calls.application());
    let mut made = asks(&running, "/pieces");
    assert_eq!(calls.entered.next().unwrap(), "/pieces");
    let mut client = running.client();
    assert_eq!(client.get("/quick").unwrap().status, 503);
    calls.release.note(());
    let body = made.read(&Method::GET).unwrap();
    assert_eq!(body.text(), "piece".repeat(PIECES) + "then");
}

#[test]
fn bodies_that_block_wait_for_their_turn() {
    let calls = Calls::new();
    let running = Running::start(server(1).queue(100), calls.application());
    let mut made: Vec<_> = (0..5).map(|_| asks(&running, "/pieces")).collect();
    let mut quick: Vec<_> = (0..5).map(|_| asks(&running, "/quick")).collect();
    for _ in 0..5 {
        assert_eq!(calls.entered.next().unwrap(), "/pieces");
        calls.release.note(());
    }
    for client in &mut made {
        let body = client.read(&Method::GET).unwrap();
        assert_eq!(body.text(), "piece".repeat(PIECES) + "then");
    }
    for client in &mut quick {
        assert_eq!(client.read(&Method::GET).unwrap().text(), "quick");
    }
}

#[test]
fn a_refused_request_whose_body_is_not_here_is_the_last_of_its_connection() {
    let calls = Calls::new();
    let server = server(2).queue(0);
    let server = server.live_bodies(|head| head.uri.path() == "/live");
    let running = Running::start(server, calls.application());
    let mut busy = [asks(&running, "/busy"), asks(&running, "/busy")];
    for _ in &busy {
        calls.entered.next().unwrap();
    }
    for fields in [
        "/live HTTP/1.1\r\n",
        "/held HTTP/1.1\r\nexpect: 100-continue\r\n",
    ] {
        let mut client = running.client();
        let head = format!("POST {fields}host: test\r\ncontent-length: 4\r\n\r\n");
        client.send(head).unwrap();
        let reply = client.read(&Method::POST).unwrap();
        assert_eq!((reply.status, reply.says_close()), (503, true), "{fields}");
        client.closes().unwrap();
    }
    for _ in &busy {
        calls.release.note(());
    }
    for client in &mut busy {
        assert_eq!(client.read(&Method::GET).unwrap().text(), "done");
    }
}

/// Calls that compute wait for a core before they wait for a thread; neither wait has no end.
#[test]
fn calls_that_compute_are_refused_only_where_too_many_wait() {
    for queue in [0, 1] {
        let calls = Calls::new();
        let running = Running::start(server(2).queue(queue), calls.application());
        for _ in 0..5 {
            // Nobody else asks for anything: there is always a core, and a thread.
            let mut client = running.client();
            let last = "GET /compute HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n";
            assert_eq!(client.exchange(last).unwrap().text(), "computed");
            client.closes().unwrap(); // both are free again
        }
        let mut busy = [asks(&running, "/busy"), asks(&running, "/busy")];
        for _ in &busy {
            calls.entered.next().unwrap();
        }
        let asking: Vec<_> = (0..10).map(|_| asks(&running, "/compute")).collect();
        // Those that are refused are told so while all threads are in calls.
        let answers = Log::new();
        for mut client in asking {
            let answers = answers.clone();
            thread::spawn(move || answers.note(client.read(&Method::GET).unwrap().status));
        }
        for _ in 0..10 - 2 * queue {
            assert_eq!(answers.next().unwrap(), 503);
        }
        for _ in &busy {
            calls.release.note(());
        }
        for client in &mut busy {
            assert_eq!(client.read(&Method::GET).unwrap().text(), "done");
        }
        let rest: Vec<_> = (0..2 * queue).map(|_| answers.next().unwrap()).collect();
        assert!(rest.iter().filter(|status| **status == 200).count() >= queue);
    }
}

/// Those that wait for a thread do not all compute at once when threads are free, and each has its turn.
#[test]
fn calls_that_compute_and_have_waited_for_a_thread_wait_for_a_core() {
    if !can_learn() {
        return;
    }
    for threads in [cores(), 2 * cores() + 2] {
        let calls = Calls::new();
        let running = Running::start(server(threads), calls.application());
        learn(&running);
        let mut busy: Vec<_> = (0..threads).map(|_| asks(&running, "/busy")).collect();
        for _ in 0..threads {
            calls.entered.next().unwrap();
        }
        let asking: Vec<_> = (0..3 * threads)
            .map(|_| asks(&running, "/compute"))
            .collect();
        look_everywhere(&running);
        for _ in 0..threads {
            calls.release.note(());
        }
        for client in &mut busy {
            assert_eq!(client.read(&Method::GET).unwrap().text(), "done");
        }
        for mut client in asking {
            assert_eq!(client.read(&Method::GET).unwrap().text(), "computed");
        }
        let most = calls.most.load(SeqCst);
        assert!(
            most <= cores(),
            "{most} compute at once, of {threads} threads"
        );
    }
}

/// As many calls as there are cores, that were expected to compute and wait. Others compute meanwhile.
fn others_compute_beside(path: &str) {
    if !can_learn() {
        return;
    }
    let calls = Calls::new();
    let running = Running::start(server(2 * cores() + 2), calls.application());
    learn(&running);
    let waiting: Vec<_> = (0..cores()).map(|_| asks(&running, path)).collect();
    for _ in &waiting {
        assert_eq!(calls.entered.next().unwrap(), "/compute");
    }
    let others: Vec<_> = (0..5).map(|_| asks(&running, "/compute")).collect();
    for mut other in others {
        assert_eq!(other.read(&Method::GET).unwrap().text(), "computed");
    }
    assert!(calls.entered.is_empty());
    for _ in &waiting {
        calls.release.note(());
    }
    for mut client in waiting {
        assert_eq!(client.read(&Method::GET).unwrap().status, 200);
    }
}

#[test]
fn calls_that_were_expected_to_compute_and_wait_keep_no_core() {
    others_compute_beside("/compute?hold");
}

#[test]
fn the_body_that_follows_a_call_that_computes_keeps_no_core() {
    others_compute_beside("/compute?body");
}

#[test]
fn what_is_asked_for_behind_a_call_that_computes_keeps_no_core() {
    if !can_learn() {
        return;
    }
    let calls = Calls::new();
    let running = Running::start(server(2 * cores() + 2), calls.application());
    learn(&running);
    let mut busy: Vec<_> = (0..cores()).map(|_| running.client()).collect();
    for client in &mut busy {
        client.send(get("/compute?spin") + &get("/busy")).unwrap();
        assert_eq!(calls.entered.next().unwrap(), "/compute");
    }
    let others: Vec<_> = (0..5).map(|_| asks(&running, "/compute")).collect();
    look_everywhere(&running);
    calls.stop.store(true, SeqCst);
    for _ in &busy {
        assert_eq!(calls.entered.next().unwrap(), "/busy");
    }
    for mut other in others {
        assert_eq!(other.read(&Method::GET).unwrap().text(), "computed");
    }
    for _ in &busy {
        calls.release.note(());
    }
    for mut client in busy {
        assert_eq!(client.read(&Method::GET).unwrap().text(), "computed");
        assert_eq!(client.read(&Method::GET).unwrap().text(), "done");
    }
}

/// Those that compute take turns with all others for the threads that calls which never come back leave them.
#[test]
fn calls_that_compute_do_not_shut_others_out() {
    let calls = Calls::new();
    let running = Running::start(server(cores() + 1), calls.application());
    learn(&running);
    let mut busy = asks(&running, "/busy");
    calls.entered.next().unwrap();
    thread::scope(|scope| {
        for _ in 0..4 * cores() {
            let mut client = running.client();
            let stop = &calls.stop;
            scope.spawn(move || {
                while !stop.load(SeqCst) {
                    assert_eq!(client.get("/compute").unwrap().text(), "computed");
                }
            });
        }
        let mut others: Vec<_> = (0..3).map(|_| asks(&running, "/quick")).collect();
        let answers: Vec<_> = others.iter_mut().map(|it| it.read(&Method::GET)).collect();
        calls.stop.store(true, SeqCst);
        for answer in answers {
            assert_eq!(answer.unwrap().text(), "quick");
        }
    });
    calls.release.note(());
    assert_eq!(busy.read(&Method::GET).unwrap().text(), "done");
}

#[test]
fn who_waits_for_a_core_has_a_deadline_and_is_seen_to_leave() {
    if !can_learn() {
        return;
    }
    let lines = lines();
    let mut timeouts = Timeouts::default();
    timeouts.request = Some(LONG * 150);
    let calls = Calls::new();
    let server = server(2 * cores() + 2).timeouts(timeouts);
    let running = Running::start(server, calls.application());
    learn(&running);
    let spinning: Vec<_> = (0..cores())
        .map(|_| asks(&running, "/compute?spin"))
        .collect();
    for _ in &spinning {
        assert_eq!(calls.entered.next().unwrap(), "/compute");
    }
    let queued = |client: &Client| {
        let remote = format!("remote={} ", client.local_addr().unwrap());
        ["cut off".to_owned(), remote, "stage=queued ".to_owned()]
    };
    let leaves = asks(&running, "/compute?gone");
    look_everywhere(&running);
    let gone = queued(&leaves);
    leaves.reset().unwrap();
    lines.wait_for(&gone.each_ref().map(String::as_str));
    let mut waits = asks(&running, "/compute?late");
    let late = queued(&waits);
    let reply = waits.read(&Method::GET).unwrap();
    assert_eq!((reply.status, reply.says_close()), (503, true));
    lines.wait_for(&late.each_ref().map(String::as_str));
    calls.stop.store(true, SeqCst);
}

#[test]
fn a_call_that_comes_too_late_to_its_turn_to_compute_is_not_made() {
    if !can_learn() {
        return;
    }
    let lines = lines();
    let mut timeouts = Timeouts::default();
    timeouts.request = Some(LONG * 150);
    let calls = Calls::new();
    let running = Running::start(server(1).timeouts(timeouts), calls.application());
    learn(&running);
    let holds = asks(&running, "/compute?hold");
    assert_eq!(calls.entered.next().unwrap(), "/compute");
    let mut late = asks(&running, "/compute?hold");
    let reply = late.read(&Method::GET).unwrap();
    assert_eq!((reply.status, reply.says_close()), (503, true));
    lines.wait_for(&["cut off", "stage=queued ", "the deadline passed"]);
    calls.release.note(());
    calls.release.note(());
    drop(holds);
    running.stop();
    assert!(calls.entered.is_empty());
}

//! More than a host can carry: who is taken is answered, who is not is told so at once, and a budget is
//! kept to the last call.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use gateway_core::{Address, BoxApplication, Environ, blocking, text};
use gateway_test::client::{Client, Reply};
use gateway_test::conformance::{Running, Setup};
use gateway_test::fixtures::{Gate, Style, waits};
use gateway_test::{DidNotHappen, Event, PATIENCE};
use gateway_tests::hosts;
use http::Method;

type Verdict<T = ()> = Result<T, Box<dyn std::error::Error>>;

/// Threads of the hosts here.
const THREADS: usize = 4;

/// Calls that may wait for a thread, where that is bounded.
const QUEUE: usize = 6;

#[test]
fn all_that_wait_for_a_thread_are_answered_in_the_end() -> Verdict {
    for host in hosts() {
        let gate = Gate::new();
        let running = host.start(waits(Style::Blocking, &gate), setup())?;
        let mut clients = crowd(&running, 10 * THREADS)?;
        for _ in 0..THREADS {
            gate.entered.next()?; // every thread is blocked
        }
        gate.release.set();
        for client in &mut clients {
            let reply = client.read(&Method::GET)?;
            assert_eq!(reply.text(), "went on", "{}", host.name());
        }
        is_back_to_normal(&running, host.name())?;
    }
    Ok(())
}

#[test]
fn who_finds_the_queue_full_is_refused_at_once_and_told_when_to_come_again() -> Verdict {
    refuses_the_rest("gateway-hyper", hyper_with_a_queue)?;
    refuses_the_rest("gateway-sync", sync_with_a_queue)
}

fn refuses_the_rest(name: &str, start: fn(BoxApplication) -> io::Result<Running>) -> Verdict {
    let gate = Gate::new();
    let running = start(waits(Style::Blocking, &gate))?;
    let mut taken = crowd(&running, THREADS)?;
    for _ in 0..THREADS {
        gate.entered.next()?; // every thread is blocked
    }
    // As many are refused as there are beyond the queue, whichever they are, while all threads are
    // blocked.
    let waiting = crowd(&running, 10 * (THREADS + QUEUE))?;
    let refused = waiting.len() - QUEUE;
    let replies = replies_of(waiting);
    for _ in 0..refused {
        let reply = replies.next()?;
        assert_eq!(reply.status, 503, "{name}");
        let seconds: u64 = reply.field("retry-after").unwrap_or_default().parse()?;
        assert!(seconds > 0);
    }
    gate.release.set();
    for _ in 0..QUEUE {
        assert_eq!(replies.next()?.text(), "went on", "{name}");
    }
    for client in &mut taken {
        assert_eq!(client.read(&Method::GET)?.text(), "went on", "{name}");
    }
    is_back_to_normal(&running, name)
}

/// As many calls meet as the budget allows, and never more.
#[test]
fn a_budget_is_used_up_and_never_overdrawn() -> Verdict {
    const BUDGET: usize = 3;
    const ROUNDS: usize = 20;
    const ASKING: usize = 30;
    for host in hosts() {
        let room = Room::new(BUDGET);
        let running = host.start(room.application(), setup())?;
        let address = &running.addresses()[0];
        thread::scope(|scope| {
            let clients: Vec<_> = (0..ASKING)
                .map(|_| scope.spawn(|| ask(address, ROUNDS)))
                .collect();
            for client in clients {
                match client.join() {
                    Ok(asked) => asked.map_err(|error| format!("{}: {error}", host.name()))?,
                    Err(panic) => std::panic::resume_unwind(panic),
                }
            }
            Verdict::Ok(())
        })?;
        assert_eq!(room.most.load(Ordering::SeqCst), BUDGET, "{}", host.name());
        assert_eq!(room.calls.load(Ordering::SeqCst), ASKING * ROUNDS);
    }
    Ok(())
}

fn setup() -> Setup {
    let mut setup = Setup::default();
    setup.threads = THREADS;
    setup
}

/// The suite's setup knows no queue.
fn sync_with_a_queue(application: BoxApplication) -> io::Result<Running> {
    let server = gateway_sync::Server::bind("127.0.0.1:0")?
        .threads(THREADS)
        .queue(QUEUE);
    let (addresses, handle) = (server.local_addrs().to_vec(), server.handle());
    let serve = move || server.serve(application);
    Ok(Running::spawn(addresses, move || handle.stop(), serve))
}

fn hyper_with_a_queue(application: BoxApplication) -> io::Result<Running> {
    let server = gateway_hyper::Server::bind("127.0.0.1:0")?
        .threads(THREADS)
        .queue(QUEUE);
    let (addresses, handle) = (server.local_addrs().to_vec(), server.handle());
    let serve = move || server.run(application);
    Ok(Running::spawn(addresses, move || handle.stop(), serve))
}

/// So many clients, which have asked.
fn crowd(running: &Running, clients: usize) -> Verdict<Vec<Client>> {
    let client = |_| {
        let mut client = running.client()?;
        client.send("GET / HTTP/1.1\r\nHost: test.example\r\n\r\n")?;
        Ok(client)
    };
    (0..clients).map(client).collect()
}

/// What the clients are answered, in the order in which it comes.
fn replies_of(clients: Vec<Client>) -> Replies {
    let (tell, told) = std::sync::mpsc::channel();
    for mut client in clients {
        let tell = tell.clone();
        thread::spawn(move || {
            let read = client.read(&Method::GET);
            let _ = tell.send(read.map_err(|error| error.to_string())); // the test may be over
        });
    }
    Replies(told)
}

struct Replies(std::sync::mpsc::Receiver<Result<Reply, String>>);

impl Replies {
    fn next(&self) -> Verdict<Reply> {
        Ok(self.0.recv_timeout(2 * PATIENCE)??)
    }
}

/// Whoever comes now is served as if nothing had been.
fn is_back_to_normal(running: &Running, name: &str) -> Verdict {
    for _ in 0..3 * THREADS {
        let mut client = running.client()?;
        for _ in 0..3 {
            assert_eq!(client.get("/")?.text(), "went on", "{name}");
        }
    }
    Ok(())
}

fn ask(address: &Address, rounds: usize) -> Result<(), String> {
    let mut client = Client::connect(address).map_err(|error| error.to_string())?;
    for _ in 0..rounds {
        let reply = client.get("/").map_err(|error| error.to_string())?;
        if reply.status != 200 {
            return Err(format!("answered {}", reply.status));
        }
    }
    Ok(())
}

/// Where the first calls wait for each other, until there are as many as may be.
struct Room {
    budget: usize,
    inside: AtomicUsize,
    most: AtomicUsize,
    calls: AtomicUsize,
    full: Event,
}

impl Room {
    fn new(budget: usize) -> Arc<Self> {
        Arc::new(Self {
            budget,
            inside: AtomicUsize::new(0),
            most: AtomicUsize::new(0),
            calls: AtomicUsize::new(0),
            full: Event::new(),
        })
    }

    fn application(self: &Arc<Self>) -> BoxApplication {
        let (room, budget) = (Arc::clone(self), self.budget);
        let call = move |_: Environ| {
            room.visit()?;
            Ok(text("inside"))
        };
        BoxApplication::new(blocking(call).limit(budget))
    }

    /// Comes in, stays until the room has been full once, and leaves.
    fn visit(&self) -> Result<(), DidNotHappen> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        let inside = self.inside.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(inside, Ordering::SeqCst);
        if inside >= self.budget {
            self.full.set();
        }
        let waited = self.full.wait();
        thread::yield_now(); // others may come in meanwhile
        self.inside.fetch_sub(1, Ordering::SeqCst);
        waited
    }
}

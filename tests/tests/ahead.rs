//! For clients that have shown that they are fast the kernel keeps more, as long as there is room for that.

use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use gateway_core::server::Ahead;
use gateway_core::{Address, Body, BoxApplication, Delivery, Environ, Error, Response, blocking};
use gateway_test::client::Client;
use gateway_test::conformance::{Listen, Running, Setup};
use gateway_test::{Log, PATIENCE};
use gateway_tests::hosts;

type Verdict<T = (), E = Box<dyn std::error::Error>> = Result<T, E>;

/// In bytes: a body that is more than the kernel keeps at first, and the pieces of one without end.
const BODY: usize = 1024 * 1024;
const PIECE: usize = 16 * 1024;

/// What a client's own kernel keeps, in bytes.
const NARROW: usize = 128 * 1024;

/// So many bodies show that a client is fast.
const READS: usize = 40;

/// What a slow client reads at once, in bytes.
const STEP: usize = 64 * 1024;

/// Without a sign that the client has taken anything; longer for those that were fast.
const STALL: Duration = Duration::from_millis(500);

const ENDLESS: &str = "GET /endless HTTP/1.1\r\nhost: test\r\n\r\n";

#[test]
fn a_fast_client_is_written_to_less_often_if_there_is_room() -> Verdict {
    let more = Ahead::BYTES / 2;
    for host in hosts() {
        let (made, ends) = (Arc::new(AtomicUsize::new(0)), Log::new());
        let running = host.start(application(&made, &ends), setup())?;

        let before = kept(fast(&running, 0)?, &made, &ends)?;
        let mut first = fast(&running, READS)?; // it has all the room there is
        let other = kept(fast(&running, READS)?, &made, &ends)?;
        assert!(other < before + more, "{}: {before} {other}", host.name());
        for _ in 0..2 {
            made.store(0, Ordering::SeqCst);
            first.send(ENDLESS)?;
            has_made(&made, before + more).map_err(|made| format!("{}: {made}", host.name()))?;
            first.reset()?;
            ends.next()?;
            first = fast(&running, READS)?; // there is room again
        }
    }
    Ok(())
}

/// What it has taken is seen less often. It must not be cut for that.
#[test]
fn a_fast_client_may_be_slow_from_now_on() -> Verdict {
    for host in hosts() {
        let running = host.start(application(&Arc::default(), &Log::new()), setup())?;
        let mut client = fast(&running, READS)?;
        client.send(ENDLESS)?;
        for _ in 0..3 * Ahead::BYTES / 2 / STEP {
            thread::sleep(STALL / 4);
            client.read_some(STEP)?;
        }
    }
    Ok(())
}

/// What the kernel keeps is bounded for those as well that have connected before anybody served.
#[test]
fn a_client_that_came_before_the_server_has_no_lead() -> Verdict {
    for host in hosts() {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = Address::Tcp(listener.local_addr()?);
        let early = Client::connect_narrow(&address, NARROW)?;
        let (made, ends) = (Arc::new(AtomicUsize::new(0)), Log::new());
        let mut setup = setup();
        setup.listen = vec![Listen::TcpBound(listener)];
        let running = host.start(application(&made, &ends), setup)?;

        let early = kept(early, &made, &ends)?;
        let later = kept(fast(&running, 0)?, &made, &ends)?;
        let most = later + Ahead::BYTES / 2;
        assert!(early < most, "{}: {early} {later}", host.name());
    }
    Ok(())
}

fn setup() -> Setup {
    let mut setup = Setup::default();
    setup.limits.ahead = Ahead::BYTES as u64;
    setup.timeouts.write_stall = STALL;
    setup
}

/// A client that has read so many bodies as fast as it could.
fn fast(running: &Running, reads: usize) -> Verdict<Client> {
    let mut client = Client::connect_narrow(&running.addresses()[0], NARROW)?;
    for _ in 0..reads {
        assert_eq!(client.get("/body")?.body.len(), BODY);
    }
    Ok(client)
}

/// How many bytes are made for a client that asks for no end of them, and reads none.
fn kept(mut client: Client, made: &AtomicUsize, ends: &Log<()>) -> Verdict<usize> {
    made.store(0, Ordering::SeqCst);
    client.send(ENDLESS)?;
    ends.next()?; // its time is over
    Ok(made.load(Ordering::SeqCst))
}

/// Waits until so many bytes are made.
fn has_made(made: &AtomicUsize, bytes: usize) -> Verdict<(), usize> {
    let start = Instant::now();
    while made.load(Ordering::SeqCst) < bytes {
        if start.elapsed() > PATIENCE {
            return Err(made.load(Ordering::SeqCst));
        }
        thread::sleep(Duration::from_millis(1));
    }
    Ok(())
}

fn application(made: &Arc<AtomicUsize>, ends: &Log<()>) -> BoxApplication {
    let (made, ends) = (Arc::clone(made), ends.clone());
    BoxApplication::new(blocking(move |environ: Environ| {
        if environ.path_info() == "/body" {
            return Ok(Response::new(Body::from(vec![b'x'; BODY])));
        }
        let ends = ends.clone();
        environ.on_finish(move |_| ends.note(()));
        let made = Arc::clone(&made);
        let pieces = std::iter::repeat_with(move || {
            made.fetch_add(PIECE, Ordering::SeqCst);
            Ok::<_, Error>(vec![b'x'; PIECE])
        });
        let mut response = Response::new(Body::iter(pieces));
        response.extensions_mut().insert(Delivery::Live);
        Ok(response)
    }))
}

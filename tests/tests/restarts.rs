//! A server that is stopped while another takes over its listener loses no request.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use gateway_core::Address;
use gateway_core::server::Timeouts;
use gateway_test::PATIENCE;
use gateway_test::conformance::{Listen, Running, Setup, TestHost};
use gateway_tests::{Crowd, Fate, HyperHost, Streams, SyncHost, answers_the_crowd};

type Verdict<T = ()> = Result<T, Box<dyn std::error::Error>>;

/// How often each host is restarted.
const RESTARTS: usize = 60;

/// Clients of each manner.
const OF_EACH: usize = 3;

/// Calls that a server must have had before it is stopped.
const CALLS: u64 = 20;

#[test]
fn restarts_of_gateway_sync_lose_no_request() -> Verdict {
    lose_no_request(&SyncHost)
}

#[test]
fn restarts_of_gateway_hyper_lose_no_request() -> Verdict {
    lose_no_request(&HyperHost)
}

#[test]
fn closes_of_gateway_sync_that_cross_a_request_are_no_resets() -> Verdict {
    cross_without_a_reset(&SyncHost)
}

#[test]
fn closes_of_gateway_hyper_that_cross_a_request_are_no_resets() -> Verdict {
    cross_without_a_reset(&HyperHost)
}

/// Connections are told with GOAWAY what is answered, and what may be asked again (RFC 9113 §6.8): nothing
/// else becomes of a request.
#[test]
fn restarts_of_gateway_hyper_lose_no_request_over_http2() -> Verdict {
    let host = &HyperHost;
    let gather = |address| Ok(Streams::gather(address, 2 * OF_EACH)?);
    let tally = restarts(host, Timeouts::default(), gather, Streams::call_off)?;
    eprintln!("{} over HTTP/2, {RESTARTS} restarts: {tally}", host.name());
    assert!(tally.lost.is_empty(), "{tally}");
    Ok(())
}

/// No client leaves its connection idle for as long as the host, which stops, leaves it open: every
/// request is answered on the connection that it was sent on.
fn lose_no_request(host: &dyn TestHost) -> Verdict {
    let mut timeouts = Timeouts::default();
    timeouts.idle_at_stop = PATIENCE;
    let tally = restarts(host, timeouts, crowd, Crowd::call_off)?;
    eprintln!("{}, {RESTARTS} restarts: {tally}", host.name());
    assert_eq!((tally.lost(), tally.of(Fate::Crossed)), (0, 0), "{tally}");
    Ok(())
}

/// The host closes at once what has asked for nothing, and requests that are on their way find the
/// connection closed: a clean end before any byte, after which they can be sent again (RFC 9112
/// §9.3.1), and never a reset (§9.6).
fn cross_without_a_reset(host: &dyn TestHost) -> Verdict {
    let mut timeouts = Timeouts::default();
    timeouts.idle_at_stop = Duration::ZERO;
    timeouts.linger = PATIENCE;
    let tally = restarts(host, timeouts, crowd, Crowd::call_off)?;
    eprintln!("{}, {RESTARTS} restarts: {tally}", host.name());
    let clean = tally.of(Fate::Unanswered); // closed between connecting and sending
    assert_eq!(tally.lost() - clean, 0, "{tally}");
    Ok(())
}

fn crowd(address: SocketAddr) -> Verdict<Crowd> {
    Ok(Crowd::gather(Address::from(address), OF_EACH))
}

/// Restarts the host again and again under the requests of those who are gathered. In turn the next server begins
/// before the last one stops, and after it has ended: meanwhile nobody accepts.
fn restarts<C, T>(
    host: &dyn TestHost,
    timeouts: Timeouts,
    gather: impl FnOnce(SocketAddr) -> Verdict<C>,
    call_off: impl FnOnce(C) -> T,
) -> Verdict<T> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let start = || Server::start(host, &listener, &timeouts);
    let mut server = start()?;
    let mut ending = Vec::new();
    let crowd = gather(listener.local_addr()?)?;
    for restart in 0..RESTARTS {
        server.has_served()?;
        if restart % 2 == 0 {
            let next = start()?;
            server.running.stop();
            ending.push(std::mem::replace(&mut server, next));
        } else {
            server.running.stop();
            server.running.ended()?;
            server = start()?;
        }
    }
    server.has_served()?;
    let tally = call_off(crowd);
    server.running.stop();
    for server in ending.iter().chain([&server]) {
        server.running.ended()?;
    }
    Ok(tally)
}

/// A server at the listener, and how many calls it has had.
struct Server {
    running: Running,
    calls: Arc<AtomicU64>,
}

impl Server {
    fn start(host: &dyn TestHost, listener: &TcpListener, timeouts: &Timeouts) -> io::Result<Self> {
        let calls = Arc::default();
        let mut setup = Setup::default();
        setup.listen = vec![Listen::TcpBound(listener.try_clone()?)];
        setup.timeouts = timeouts.clone();
        let running = host.start(answers_the_crowd(&calls), setup)?;
        Ok(Self { running, calls })
    }

    /// Waits until it has had its calls.
    fn has_served(&self) -> Verdict {
        let started = Instant::now();
        while self.calls.load(Ordering::Relaxed) < CALLS {
            if started.elapsed() > PATIENCE {
                return Err("a server is asked nothing".into());
            }
            thread::sleep(Duration::from_millis(1));
        }
        Ok(())
    }
}

//! Applications that misbehave, on every host: what the client sees of each fault, that the log names it, and
//! that the host lives on. Tests such as `gateway-sync/panics_in_the_call`.

use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

use gateway_core::{BoxApplication, Environ, Mount, blocking, text};
use gateway_test::client::{Client, ReadError};
use gateway_test::conformance::{Setup, TestHost};
use gateway_test::fixtures::Kind;
use gateway_test::{Event, PATIENCE};
use gateway_tests::{
    FAULTS, Fault, Log, ON_PURPOSE, Shows, endless, hide_panics_on_purpose, hosts,
};
use http::Method;
use libtest_mimic::{Arguments, Failed, Trial};

/// More than the host has threads: none of them may be lost to a fault.
const TIMES: usize = 6;

type Verdict = Result<(), Failed>;

fn main() -> ExitCode {
    hide_panics_on_purpose();
    let log = Log::begin();
    let mut trials = Vec::new();
    for host in hosts() {
        for fault in FAULTS {
            let log = log.clone();
            let run = move || is_survived(host, fault, &log);
            trials.push(Trial::test(format!("{}/{}", host.name(), fault.name), run));
        }
        let endless = move || is_left_with_an_endless_body(host);
        trials.push(Trial::test(format!("{}/never_ends", host.name()), endless));
        let log = log.clone();
        let stuck = move || leaves_behind_what_never_returns(host, &log);
        trials.push(Trial::test(format!("{}/never_returns", host.name()), stuck));
    }
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

/// The client sees what it should, the log names the request and the fault, and the host serves on.
fn is_survived(host: &dyn TestHost, fault: &Fault, log: &Log) -> Verdict {
    let app = Mount::new()
        .at("/fine", |_: Environ| async { Ok(text("fine")) })
        .at("", (fault.app)());
    let running = host.start(BoxApplication::new(app), Setup::default())?;
    let path = format!("/{}/{}", host.name(), fault.name);
    for number in 0..TIMES {
        let seen = ask(&mut running.client()?, &format!("{path}/{number}"))?;
        if fault.shows != Shows::Anything && seen != fault.shows {
            return Err(format!("not {:?}, but {seen:?}", fault.shows).into());
        }
        let reply = running.client()?.get("/fine")?;
        assert_eq!((reply.status, reply.text()), (200, "fine"));
    }
    for number in 0..TIMES {
        log.names(&["ERROR", &format!("{path}/{number}"), fault.says])?;
    }
    running.stop();
    Ok(running.ended()?)
}

/// What a client sees of the answer to `path`.
fn ask(client: &mut Client, path: &str) -> Result<Shows, Failed> {
    match client.get(path) {
        Ok(reply) if reply.status == 500 => {
            assert!(!reply.text().contains(ON_PURPOSE), "{reply:?}");
            Ok(Shows::Refusal)
        }
        Ok(reply) if reply.status == 200 => Ok(Shows::Anything),
        Ok(reply) => Err(format!("{reply:?}").into()),
        Err(error) if error.is_cut() || matches!(error, ReadError::Reset { .. }) => Ok(Shows::Cut),
        Err(error) => Err(error.into()),
    }
}

/// A client reads some of it and leaves; then nothing more is made of it.
fn is_left_with_an_endless_body(host: &dyn TestHost) -> Verdict {
    for kind in [Kind::Iter, Kind::Stream] {
        let dropped = Event::new();
        let app = endless(kind, dropped.clone());
        let running = host.start(app, Setup::default())?;
        let mut client = running.client()?;
        client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")?;
        client.read_some(1 << 20)?;
        drop(client);
        dropped.wait()?;
        running.stop();
        running.ended()?;
    }
    Ok(())
}

/// All threads but one never come back: the host serves on, and a stop ends without them, and says so.
fn leaves_behind_what_never_returns(host: &dyn TestHost, log: &Log) -> Verdict {
    let (stuck, let_go) = (Event::new(), Event::new());
    let app = {
        let (stuck, let_go) = (stuck.clone(), let_go.clone());
        Mount::new()
            .at("/fine", |_: Environ| async { Ok(text("fine")) })
            .at(
                "",
                blocking(move |_: Environ| {
                    stuck.set();
                    let until = Instant::now() + 2 * PATIENCE;
                    while !let_go.is_set() && Instant::now() < until {
                        thread::sleep(Duration::from_millis(5));
                    }
                    Ok(text("too late"))
                }),
            )
    };
    let mut setup = Setup::default();
    setup.timeouts.drain = Duration::from_millis(100);
    let running = host.start(BoxApplication::new(app), setup)?;
    let mut client = running.client()?;
    client.send("GET /stuck HTTP/1.1\r\nHost: a\r\n\r\n")?;
    stuck.wait()?;
    assert_eq!(running.client()?.get("/fine")?.text(), "fine");
    running.stop();
    let ended = running.ended();
    let_go.set();
    ended?;
    log.names(&["ERROR", "threads=1", "left behind"])?;
    match client.read(&Method::GET) {
        Ok(reply) => Err(format!("answered although it was cut off: {reply:?}").into()),
        Err(_) => Ok(()),
    }
}

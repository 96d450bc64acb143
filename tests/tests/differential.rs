//! Every request of `requests/`, valid or not, to every host directly and through nginx and HAProxy: tests
//! such as `nginx-buffered/gateway-sync/0`, each with a part of the requests and a host and a front of its own.
//!
//! A front may refuse what the host would serve, and the other way round. But what the host saw must be what
//! the client was answered, request by request and body by body: else one of the two has found a request
//! where the other found none. After each case two more requests ask whether anything was left over, one on the
//! client's own connection, one on another, which meets the same connection between front and host.

use std::process::ExitCode;

use gateway_core::Address;
use gateway_test::client::Client;
use gateway_test::conformance::{Setup, TestHost};
use gateway_test::corpus::{Case, Outcome, folder, load};
use gateway_tests::{Answer, Front, Proxy, Recorder, Seen, agree, answers_in, hosts, installed};
use libtest_mimic::{Arguments, Failed, Trial};

/// Asked after each case on its connection, which it ends.
const LAST: &str = "GET /last HTTP/1.1\r\nHost: last.example\r\nConnection: close\r\n\r\n";

/// What every front passes on: were it refused, the others would show nothing.
const PLAIN: [&str; 5] = [
    "valid/2.1-smallest",
    "valid/6.2-content-length",
    "valid/6.2-body-like-a-request",
    "valid/7.1-chunks",
    "valid/9.3.2-pipelined",
];

/// In how many parts the cases are tried at once.
const PARTS: usize = 4;

/// How often a front is asked that gave no answer. It may find that the host has just closed the
/// connection that it wanted to use; or time us out, if we were not given a turn for two seconds.
const ATTEMPTS: usize = 5;

type Verdict = Result<(), String>;

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    let trials = Front::ALL.len() * hosts().len() * PARTS;
    arguments.test_threads.get_or_insert(trials); // they mostly wait for a proxy
    let cases = match load(&folder()) {
        Ok(cases) => cases,
        Err(error) => panic!("{error}"),
    };
    let left_out = std::env::var_os("GATEWAY_NO_PROXIES").is_some_and(|set| set == "1");
    let mut trials = Vec::new();
    for front in Front::ALL {
        for host in hosts() {
            for part in 0..PARTS {
                let cases: Vec<Case> = cases.iter().skip(part).step_by(PARTS).cloned().collect();
                let run = move || Pair::start(front, host)?.all(&cases).map_err(Failed::from);
                let trial = Trial::test(format!("{front}/{}/{part}", host.name()), run);
                trials.push(trial.with_ignored_flag(left_out && front != Front::None));
            }
        }
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// A host that writes down what it sees, and what stands in front of it.
struct Pair {
    name: String,
    front: Front,
    recorder: Recorder,
    address: Address,
    // The host is asked to stop when the proxy is gone.
    _proxy: Option<Proxy>,
    _host: gateway_test::conformance::Running,
}

/// What became of the cases.
#[derive(Debug, Default)]
struct Tally {
    /// Valid, and served.
    served: usize,
    /// Valid, and refused all the same.
    refused: usize,
    /// Invalid, and mended by the front: what follows was served.
    passed_on: usize,
    /// Invalid, and nothing was served after it.
    stopped: usize,
}

impl Tally {
    fn add(&mut self, valid: bool, served: bool, more: bool) {
        *match (valid, served) {
            (true, true) => &mut self.served,
            (true, false) => &mut self.refused,
            (false, _) if more => &mut self.passed_on,
            (false, _) => &mut self.stopped,
        } += 1;
    }
}

impl Pair {
    fn start(front: Front, host: &dyn TestHost) -> Result<Self, Failed> {
        let recorder = Recorder::default();
        let name = format!("{front}/{}", host.name());
        let host = host.start(recorder.application(), Setup::default())?;
        let address = host.addresses()[0].clone();
        let socket = address.socket().ok_or("the host listens at no port")?;
        let proxy = match front.program() {
            None => None,
            Some(program) if installed(program).is_none() => {
                return Err(format!(
                    "{program} is not installed; GATEWAY_NO_PROXIES=1 leaves this test out"
                )
                .into());
            }
            Some(_) => Some(Proxy::start(front, socket)?),
        };
        Ok(Self {
            name,
            front,
            recorder,
            address: proxy.as_ref().map_or(address, Proxy::address),
            _proxy: proxy,
            _host: host,
        })
    }

    fn all(&self, cases: &[Case]) -> Verdict {
        let mut tally = Tally::default();
        let mut wrong = Vec::new();
        for case in cases {
            if case.bytes.starts_with(b"PRI * HTTP/2.0") {
                continue; // where it is understood, the answer is not HTTP/1.1
            }
            let sent = self.send(case, &mut tally).and_then(|()| self.is_in_step());
            if let Err(what) = sent {
                wrong.push(format!("{}: {what}", case.name));
            }
        }
        eprintln!("{}: {tally:?}", self.name);
        if wrong.is_empty() {
            return Ok(());
        }
        Err(wrong.join("\n"))
    }

    /// Sends the case, and holds what the host saw against what the client was answered.
    fn send(&self, case: &Case, tally: &mut Tally) -> Verdict {
        let valid = matches!(case.outcome, Outcome::Open | Outcome::Closed);
        let must_serve = match self.front {
            Front::None => valid,
            _ => PLAIN.contains(&&*case.name),
        };
        let mut unserved = Vec::new();
        for _ in 0..ATTEMPTS {
            let before = self.recorder.count();
            let answers = self.exchange(case)?;
            let seen = self.recorder.since(before);
            agree(&answers, &seen, before)?;
            let served = as_expected(case, &seen)?;
            if served || !must_serve {
                tally.add(valid, served, seen.len() > case.requests.len());
                return Ok(());
            }
            unserved = answers;
        }
        Err(format!("is not served: {unserved:?}"))
    }

    /// All that is answered until the connection is closed.
    fn exchange(&self, case: &Case) -> Result<Vec<Answer>, String> {
        let mut client = Client::connect(&self.address).map_err(in_words)?;
        let mut answers = Vec::new();
        if let Outcome::Truncated { .. } = case.outcome {
            let _ = client.send(&case.bytes);
            // Those that are whole are answered first: some fronts forget them when the client ends.
            for request in &case.requests {
                let method = request.method.parse().map_err(in_words)?;
                match client.read_final(&method) {
                    Ok(reply) => answers.push(reply.into()),
                    Err(error) if error.is_end() => return Ok(answers),
                    Err(error) => return Err(in_words(error)),
                }
            }
            let _ = client.stop_sending();
        } else {
            // Whoever refuses may close before it has read all.
            let _ = client.send([&case.bytes, LAST.as_bytes()].concat());
        }
        answers.extend(answers_in(&client.read_to_end().map_err(in_words)?)?);
        Ok(answers)
    }

    /// Whether a request of another client is answered as it should be.
    fn is_in_step(&self) -> Verdict {
        let mut what = String::new();
        for attempt in 0..ATTEMPTS {
            let before = self.recorder.count();
            let target = format!("/step-{before}-{attempt}");
            let mut client = Client::connect(&self.address).map_err(in_words)?;
            let request = format!(
                "POST {target} HTTP/1.1\r\nHost: step.example\r\nConnection: close\r\nContent-Length: 4\r\n\r\nstep"
            );
            let _ = client.send(request); // it is timed out where we were not given a turn
            let bytes = client.read_to_end().map_err(in_words)?;
            let (answers, seen) = (answers_in(&bytes)?, self.recorder.since(before));
            agree(&answers, &seen, before).map_err(|what| format!("out of step: {what}"))?;
            match &*seen {
                [one] if one.target == target && one.body == "step" => return Ok(()),
                [] if answers
                    .iter()
                    .all(|answer| [408, 502, 503].contains(&answer.status)) => {}
                _ => return Err(format!("out of step: {answers:?}, the host saw {seen:?}")),
            }
            what = format!("{answers:?}");
        }
        Err(format!("no request is served any more: {what}"))
    }
}

/// Whether the host saw all that it should. An error if it saw something else.
fn as_expected(case: &Case, seen: &[Seen]) -> Result<bool, String> {
    let requests = case.requests.iter();
    let requests: Vec<_> = requests.filter(|it| !is_refused_by_hosts(it)).collect();
    for (expected, seen) in requests.iter().zip(seen) {
        let target = path_of(&expected.target);
        let same = (&*seen.method, &*seen.target, &*seen.body)
            == (&*expected.method, &*target, &*expected.body);
        if !same {
            return Err(format!("the host saw {seen:?}, and not {expected:?}"));
        }
    }
    let more = seen.get(requests.len()..).unwrap_or_default();
    let is_last =
        |seen: &Seen| (&*seen.method, &*seen.target, &*seen.body) == ("GET", "/last", b"");
    match (&case.outcome, more) {
        (Outcome::Open, []) => Ok(false),
        (Outcome::Open, [last]) if is_last(last) => Ok(true),
        // A tunnel that was refused is none, and a front may read on behind it.
        (Outcome::Closed, [last]) if is_last(last) && requests.len() < case.requests.len() => {
            Ok(true)
        }
        (Outcome::Closed, []) => Ok(seen.len() == requests.len()),
        (Outcome::Open | Outcome::Closed, more) => Err(format!("the host saw more: {more:?}")),
        _ => Ok(true),
    }
}

/// Path and query of a target, as an origin server is sent them.
fn path_of(target: &str) -> String {
    let Some((_, rest)) = target
        .split_once("://")
        .filter(|_| !target.starts_with('/'))
    else {
        return target.to_owned();
    };
    match rest.find(['/', '?']) {
        None => "/".to_owned(),
        Some(at) if rest[at..].starts_with('?') => format!("/{}", &rest[at..]),
        Some(at) => rest[at..].to_owned(),
    }
}

/// What is sound HTTP, and yet no host's to serve: tunnels, and paths that are no text.
fn is_refused_by_hosts(request: &gateway_test::corpus::ExpectedRequest) -> bool {
    let made = http::Request::get(&*request.target).body(gateway_core::Input::empty());
    let environ = made.map(gateway_core::Environ::from_request);
    request.method == "CONNECT" || environ.is_ok_and(|environ| environ.is_err())
}

fn in_words(error: impl std::fmt::Display) -> String {
    error.to_string()
}

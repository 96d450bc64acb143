//! Every request of `requests/`, over a socket to every host: the same number of requests is read, with
//! the same bodies, and the connection stands afterwards as the case says.

use std::process::ExitCode;
use std::sync::Arc;

use gateway_core::{Environ, Input};
use gateway_test::client::{Client, ReadError, Reply};
use gateway_test::conformance::{Running, Setup, TestHost};
use gateway_test::corpus::{Case, ExpectedRequest, Outcome, folder, load};
use gateway_test::fixtures::{Dump, Style, dump};
use gateway_tests::hosts;
use http::{Method, Uri};
use libtest_mimic::{Arguments, Failed, Trial};

/// How many cases run at once: what they do most is wait for their turn on the processor.
const AT_ONCE: usize = 8;

type Verdict = Result<(), Failed>;

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads.get_or_insert(AT_ONCE);
    let cases = match load(&folder()) {
        Ok(cases) => cases,
        Err(error) => panic!("{error}"),
    };
    let mut trials = Vec::new();
    for host in hosts() {
        let running = match host.start(dump(Style::Async), Setup::default()) {
            Ok(running) => Arc::new(running),
            Err(error) => panic!("{}: {error}", host.name()),
        };
        for case in &cases {
            trials.push(trial(host, &running, case));
        }
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn trial(host: &dyn TestHost, running: &Arc<Running>, case: &Case) -> Trial {
    let name = format!("{}/{}", host.name(), case.name);
    let (running, case) = (Arc::clone(running), case.clone());
    Trial::test(name, move || {
        sends(&running, &case, usize::MAX)?;
        sends(&running, &case, 7).map_err(|failed| in_pieces(&failed))
    })
}

fn in_pieces(failed: &Failed) -> Failed {
    let message = failed.message().unwrap_or("failed");
    format!("sent in pieces: {message}").into()
}

/// Sends the case in pieces of `size` bytes, and compares what comes back.
fn sends(host: &Running, case: &Case, size: usize) -> Verdict {
    let mut client = host.client()?;
    let _ = client.send_in_pieces(&case.bytes, size); // the host may refuse before it has read all
    if case.bytes.starts_with(HTTP2_PREFACE) && speaks_http2(&mut client)? {
        return Ok(());
    }
    for expected in &case.requests {
        let method = Method::from_bytes(expected.method.as_bytes())?;
        let reply = client.read_final(&method)?;
        if let Some(status) = refused_by_hosts(expected) {
            return check(reply.status == status, || {
                format!("not {status}: {reply:?}")
            });
        }
        check(reply.status == 200, || format!("not 200: {reply:?}"))?;
        if method != Method::HEAD {
            compare(expected, &reply)?;
        }
    }
    match case.outcome {
        Outcome::Open => serves_another(&mut client),
        Outcome::Closed => Ok(client.closes()?),
        Outcome::Refused { status, .. } => refuses(&mut client, &method_refused(case), status),
        Outcome::Truncated { .. } => answers_nothing(&mut client),
    }
}

/// How a client begins to speak HTTP/2 (RFC 9113 §3.4). HTTP/1.1 hosts refuse it.
const HTTP2_PREFACE: &[u8] = b"PRI * HTTP/2.0";

/// Whether the host answers with a SETTINGS frame, as a host does that knows HTTP/2.
fn speaks_http2(client: &mut Client) -> Result<bool, Failed> {
    let start = client.peek(9)?; // the head of a frame (RFC 9113 §4.1)
    Ok(start.get(3) == Some(&4))
}

/// What is sound HTTP, and yet no host's to serve: tunnels, and paths that are no text.
fn refused_by_hosts(expected: &ExpectedRequest) -> Option<u16> {
    if expected.method == "CONNECT" {
        return Some(501);
    }
    let request = http::Request::get(&*expected.target).body(Input::empty());
    let environ = Environ::from_request(request.ok()?);
    environ.err().map(|error| error.status().as_u16())
}

fn compare(expected: &ExpectedRequest, reply: &Reply) -> Verdict {
    let seen = Dump::parse(&reply.body)?;
    let same = |name: &str, value: &[u8]| {
        let actual = seen.bytes(name);
        check(actual == Some(value), || {
            let actual = actual.map(<[u8]>::escape_ascii);
            format!("{name} is {actual:?}, not {}", value.escape_ascii())
        })
    };
    let uri: Uri = expected.target.parse()?;
    let target = uri.path_and_query().map_or("/", |target| target.as_str());
    // An absolute target may leave the path out before its query.
    let target = match target.strip_prefix('?') {
        Some(query) => &format!("/?{query}"),
        None => target,
    };
    same("REQUEST_METHOD", expected.method.as_bytes())?;
    same("REQUEST_URI", target.as_bytes())?;
    let version = format!("HTTP/{}", expected.version);
    same("SERVER_PROTOCOL", version.as_bytes())?;
    if let Some(host) = &expected.host {
        let path = if target == "*" { "" } else { target };
        same("url", format!("http://{host}{path}").as_bytes())?;
    }
    for (name, _) in &expected.headers {
        same(&var_of(name), &joined(&expected.headers, name))?;
    }
    for name in &expected.absent {
        let actual = seen.bytes(&var_of(name));
        check(actual.is_none(), || format!("{name} is there: {actual:?}"))?;
    }
    for (name, _) in &expected.trailers {
        let mut values = expected.trailers.iter().filter(|(known, _)| known == name);
        if let (Some((_, value)), None) = (values.next(), values.next()) {
            same(&format!("trailer {name}"), value)?;
        }
    }
    check(seen.body == expected.body, || {
        let (actual, body) = (seen.body.escape_ascii(), expected.body.escape_ascii());
        format!("the body is \"{actual}\", not \"{body}\"")
    })
}

/// `x-name` → `HTTP_X_NAME`.
fn var_of(name: &str) -> String {
    let upper = name.to_ascii_uppercase().replace('-', "_");
    match name {
        "content-type" | "content-length" => upper,
        _ => format!("HTTP_{upper}"),
    }
}

/// All values of a field as the CGI view joins them.
fn joined(fields: &[(String, Vec<u8>)], name: &str) -> Vec<u8> {
    let separator: &[u8] = if name == "cookie" { b"; " } else { b", " };
    let named = fields.iter().filter(|(known, _)| known == name);
    let values: Vec<&[u8]> = named.map(|(_, value)| value.as_slice()).collect();
    values.join(separator)
}

fn serves_another(client: &mut Client) -> Verdict {
    let reply = client.get("/another-one")?;
    let seen = Dump::parse(&reply.body)?;
    let path = seen.var("PATH_INFO");
    check(path == Some("/another-one"), || {
        format!("not the next request: {path:?}")
    })
}

fn refuses(client: &mut Client, method: &Method, status: u16) -> Verdict {
    let reply = client.read_final(method)?;
    check(reply.status == status, || {
        format!("not {status}: {reply:?}")
    })?;
    Ok(client.closes()?)
}

/// A refused HEAD has no body in its answer either. Only cases of one request have it refused.
fn method_refused(case: &Case) -> Method {
    match case.bytes.starts_with(b"HEAD ") && case.requests.is_empty() {
        true => Method::HEAD,
        false => Method::GET,
    }
}

/// The client leaves in the middle: a refusal at most.
fn answers_nothing(client: &mut Client) -> Verdict {
    client.stop_sending()?;
    match client.read_final(&Method::GET) {
        Ok(reply) => check(matches!(reply.status, 400 | 408), || {
            format!("answered although cut off: {reply:?}")
        }),
        Err(error) if error.is_end() => Ok(()),
        Err(error) => Err(ReadError::into(error)),
    }
}

fn check(holds: bool, otherwise: impl FnOnce() -> String) -> Verdict {
    if holds {
        Ok(())
    } else {
        Err(otherwise().into())
    }
}

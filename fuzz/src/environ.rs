//! The environ: percent-decoding, and the CGI view there and back.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use gateway_core::server::{Call, RawHead};
use gateway_core::{Endpoint, Environ, Input, Scheme};
use gateway_http1::{Event, Limits, Receiver, RequestHead, Underscores};
use http::{Method, Request, StatusCode, Version};
use percent_encoding::percent_decode_str;

type Vars = Vec<(String, Vec<u8>)>;

/// A request head becomes an environ whose path is what the percent-encoding crate makes of it, and which
/// the CGI view gives and takes unchanged; it is the same made of bytes and made of a map. Bytes that are no head
/// are variables, a line each: what is taken of them is given again. They are a head of no host's too, which
/// harms nobody.
pub fn environ(bytes: &[u8]) {
    let mut limits = Limits::default();
    limits.underscores = Underscores::Allow;
    let received = Receiver::new(limits).receive(bytes);
    match received.map(|received| received.event) {
        Ok(Some(Event::Head(head))) => {
            of_bytes(&head, bytes.len());
            of_request(head.into_parts(), bytes.len());
        }
        _ => {
            of_lines(bytes);
            of_anything(bytes);
        }
    }
}

/// What a host gives that keeps heads as bytes, and one that does not.
fn of_bytes(head: &RequestHead, turn: usize) {
    let raw = RawHead {
        method: head.method.clone(),
        version: head.version,
        bytes: Arc::clone(head.bytes()),
        target: head.target(),
        fields: head.fields(),
    };
    let raw = Environ::from_raw(raw, Input::empty(), endpoint(turn), &Call::new());
    let parts = head.clone().into_parts();
    let made = Environ::new(parts, Input::empty(), endpoint(turn), &Call::new());
    let (raw, made) = match (raw, made) {
        (Ok(raw), Ok(made)) => (raw, made),
        (raw, made) => return assert_eq!(raw.is_ok(), made.is_ok()),
    };
    assert_eq!(raw.path_info(), made.path_info());
    assert_eq!(raw.raw_path(), made.raw_path());
    assert_eq!(raw.query_string(), made.query_string());
    assert_eq!(raw.url(), made.url());
    assert_eq!(raw.server_name(), made.server_name());
    assert_eq!(raw.server_port(), made.server_port());
    for name in made.headers().keys() {
        assert_eq!(raw.header(name.as_str()), made.header(name.as_str()));
    }
    assert_eq!(vars(&raw), vars(&made));
    // The map is made now.
    assert_eq!(raw.headers(), made.headers());
    assert_eq!(raw.uri(), made.uri());
    assert_eq!(vars(&raw), vars(&made));
}

/// A head with the bytes in four parts, whatever they are.
fn of_anything(bytes: &[u8]) {
    let [first, second, third, bytes @ ..] = bytes else {
        return;
    };
    let mut ends = [first, second, third].map(|end| usize::from(*end).min(bytes.len()));
    ends.sort_unstable();
    let raw = RawHead {
        method: Method::GET,
        version: Version::HTTP_11,
        bytes: bytes.into(),
        target: ends[0]..ends[1],
        fields: ends[2]..bytes.len(),
    };
    if let Ok(environ) = Environ::from_raw(raw, Input::empty(), endpoint(0), &Call::new()) {
        let (script_name, path_info) = (environ.script_name(), environ.path_info());
        assert!(script_name.is_empty() && !path_info.contains('\0'));
        let lines = environ.vars().flat_map(|(_, value)| value.into_owned());
        assert!(!lines.into_iter().any(|byte| matches!(byte, b'\r' | b'\n')));
        assert!(!environ.url().contains(['\r', '\n']));
    }
}

fn of_request(parts: http::request::Parts, turn: usize) {
    let raw_path = parts.uri.path().to_owned();
    let connect = parts.method == Method::CONNECT;
    let made = Environ::from_request(Request::from_parts(parts, Input::empty()));
    let mut environ = match made {
        Ok(environ) => environ.with_endpoint(endpoint(turn)),
        Err(error) => {
            assert_eq!(error.status(), StatusCode::BAD_REQUEST);
            return assert!(!decodes(&raw_path), "{raw_path}");
        }
    };
    assert!(connect || decodes(&raw_path), "{raw_path}");
    let decoded = percent_decode_str(&raw_path).decode_utf8().unwrap();
    if !connect {
        assert_eq!(environ.path_info(), decoded);
    }
    let shifted = shift(&mut environ, turn);
    assert_eq!(environ.script_name(), shifted);
    if !connect {
        let whole = [environ.script_name(), environ.path_info()].concat();
        assert_eq!(whole, decoded);
    }
    if !connect {
        check_view(&environ); // CONNECT names no path, and no host serves it
    }
}

/// Whether every escape is whole, and all of it text without NUL.
fn decodes(path: &str) -> bool {
    let whole = path.split('%').skip(1).all(|escape| {
        let digits = escape.as_bytes().get(..2);
        digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    });
    let decoded = percent_decode_str(path).decode_utf8();
    whole && decoded.is_ok_and(|decoded| !decoded.contains('\0'))
}

/// Moves the first segments to SCRIPT_NAME, as mounts do; what was moved.
fn shift(environ: &mut Environ, turn: usize) -> String {
    let path = environ.path_info().to_owned();
    let ends: Vec<usize> = path
        .match_indices('/')
        .map(|(at, _)| at)
        .skip(1)
        .chain([path.len()])
        .collect();
    let prefix = &path[..ends[turn % ends.len()]];
    match path.starts_with('/') && !prefix.ends_with('/') && environ.shift_path(prefix) {
        true => prefix.to_owned(),
        false => String::new(),
    }
}

fn endpoint(turn: usize) -> Arc<Endpoint> {
    let mut endpoint = Endpoint::detached();
    if turn & 1 == 1 {
        endpoint.scheme = Scheme::Https;
    }
    if turn & 2 == 2 {
        endpoint.local = SocketAddr::from(([0, 0, 0, 0, 0, 0, 0, 1], 8443)).into();
        endpoint.remote = SocketAddr::from(([10, 0, 0, 9], 55)).into();
    }
    Arc::new(endpoint)
}

fn of_lines(bytes: &[u8]) {
    let lines = bytes.split(|byte| *byte == b'\n').filter_map(|line| {
        let at = line.iter().position(|byte| *byte == b'=')?;
        let name = std::str::from_utf8(&line[..at]).ok()?;
        Some((name.to_owned(), line[at + 1..].to_vec()))
    });
    let vars: BTreeMap<_, _> = lines.collect(); // an environment has a name once
    match Environ::from_vars(vars, Input::empty()) {
        Ok(environ) => check_view(&environ),
        Err(error) => assert_eq!(error.status(), StatusCode::BAD_REQUEST),
    }
}

/// What an application may rely on, and that the view there and back changes nothing.
fn check_view(environ: &Environ) {
    let (script_name, path_info) = (environ.script_name(), environ.path_info());
    assert!(!script_name.contains('\0') && !path_info.contains('\0'));
    assert!(!script_name.ends_with('/'));
    if environ.method() != Method::CONNECT {
        assert!(script_name.is_empty() || script_name.starts_with('/'));
        assert!(
            path_info.starts_with('/')
                || (path_info.is_empty() && !script_name.is_empty())
                || path_info == "*"
        );
    }
    let vars = vars(environ);
    let again = Environ::from_vars(vars.clone(), Input::empty())
        .unwrap_or_else(|error| panic!("{error}: {vars:?}"));
    assert_eq!(self::vars(&again), vars);
    assert_eq!(again.method(), environ.method());
    assert_eq!(again.script_name(), script_name);
    assert_eq!(again.path_info(), path_info);
    assert_eq!(again.raw_path(), environ.raw_path());
    assert_eq!(again.query_string(), environ.query_string());
    assert_eq!(again.url(), environ.url());
    for (name, value) in &vars {
        let text = environ.var(name).expect("it is there by its name too");
        if let Ok(value) = std::str::from_utf8(value) {
            assert_eq!(text, value, "{name}");
        }
    }
}

fn vars(environ: &Environ) -> Vars {
    let mut vars: Vars = environ
        .vars()
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect();
    vars.sort();
    vars
}

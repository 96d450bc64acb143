//! The requests of `tests/requests` that can be said in HTTP/2: what HTTP/1 serves is served, and what it refuses
//! is refused, with the same status or by a reset of the stream.

#![allow(clippy::unwrap_used)] // a failure here is a failure of the test

mod common;

use common::frames::*;
use common::start;
use gateway_core::{Environ, Result, text};
use gateway_test::corpus::{Case, Outcome, folder, load};

/// Fields of a connection, which no request of HTTP/2 has (RFC 9113 §8.2.2).
const OF_A_CONNECTION: [&str; 7] = [
    "connection",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// What HTTP/2 serves all the same.
const OTHERWISE: [&str; 4] = [
    // What h2 takes away before a host can see it, as SECURITY.md says.
    "invalid/3.2.1-fragment",
    "invalid/3.2.1-fragment-in-query",
    "invalid/3.2.2-absolute-fragment",
    // An `:authority` needs no Host beside it (RFC 9113 §8.3.1).
    "invalid/3.2-host-missing-absolute",
];

/// What a stream may send before it is given a larger window (RFC 9113 §6.9.2).
const WINDOW: usize = 65_535;

type Field = (Vec<u8>, Vec<u8>);

/// A request as HTTP/2 has it.
#[derive(Default)]
struct Translated {
    fields: Vec<Field>,
    body: Vec<u8>,
    trailers: Vec<Field>,
    /// Whether all of the body is there.
    is_whole: bool,
}

#[test]
fn what_http1_serves_is_served_and_what_it_refuses_is_refused() {
    let server = start(|mut environ: Environ| async move {
        let body = environ.input().read_all(1 << 20).await?;
        Result::Ok(text(body.len().to_string()))
    });
    let (mut served, mut refused) = (0, 0);
    let mut different = Vec::new();
    for case in load(&folder()).unwrap() {
        let Some(request) = translate(&case.bytes) else {
            continue;
        };
        let Some(expected) = expected(&case) else {
            continue;
        };
        match expected {
            200 => served += 1,
            _ => refused += 1,
        }
        let mut wire = Wire::open(&server);
        wire.send(&frames(&request));
        let answered = loop {
            match wire.next() {
                Some(frame) if frame.kind == HEADERS => break Some(frame.status()),
                // h2 says so of what is malformed.
                Some(frame) if frame.kind == RST_STREAM || frame.kind == GOAWAY => break None,
                Some(_) => {}
                // hyper ends the connection at a CONNECT with a body.
                None => break None,
            }
        };
        let is_same = answered.map_or(expected != 200, |answered| answered == expected);
        if !is_same {
            different.push((case.name, answered, expected));
        }
    }
    assert!(different.is_empty(), "{different:#?}");
    assert!(
        served > 50 && refused > 100,
        "{served} served, {refused} refused"
    );
}

/// What HTTP/1 answers the first request with, where the same is due over HTTP/2.
fn expected(case: &Case) -> Option<u16> {
    if OTHERWISE.contains(&case.name.as_str()) {
        return None;
    }
    match (case.requests.first(), &case.outcome) {
        (Some(first), _) if first.method == "CONNECT" => Some(501),
        (Some(first), _) => {
            let request = http::Request::get(&*first.target).body(gateway_core::Input::empty());
            let environ = Environ::from_request(request.ok()?);
            Some(environ.map_or_else(|error| error.status().as_u16(), |_| 200))
        }
        (None, Outcome::Refused { status, .. }) => Some(*status),
        (None, _) => None,
    }
}

/// The first request of `bytes`, if it is HTTP/1.1 and has a form in HTTP/2.
fn translate(bytes: &[u8]) -> Option<Translated> {
    let bytes = bytes.strip_prefix(b"\r\n").unwrap_or(bytes);
    let (lines, rest) = section(bytes)?;
    let (line, lines) = lines.split_first()?;
    let mut parts = line.split(|byte| *byte == b' ');
    let (method, target) = (parts.next()?, parts.next()?);
    if parts.next()? != b"HTTP/1.1" || parts.next().is_some() || method.is_empty() {
        return None;
    }
    let mut request = Translated {
        fields: pseudo(method, target)?,
        ..Translated::default()
    };
    let fields: Vec<Field> = lines
        .iter()
        .map(|line| split(line))
        .collect::<Option<_>>()?;
    let is_chunked = |(name, value): &Field| name == b"transfer-encoding" && value == b"chunked";
    let codings = fields.iter().filter(|field| is_chunked(field)).count();
    if codings > 0 {
        if codings > 1 || method == b"CONNECT" {
            return None;
        }
        (request.body, request.trailers) = chunks(rest)?;
        request.is_whole = true;
    } else {
        let length = fields.iter().find(|(name, _)| name == b"content-length");
        let length = length.and_then(|(_, value)| std::str::from_utf8(value).ok()?.parse().ok());
        let length = length.unwrap_or(0);
        request.body = rest[..rest.len().min(length)].to_vec();
        request.is_whole = request.body.len() == length;
    }
    let fields = fields.into_iter().filter(|field| !is_chunked(field));
    request.fields.extend(fields);
    let is_foreign = |(name, _): &Field| OF_A_CONNECTION.iter().any(|it| it.as_bytes() == name);
    let is_sayable = !request.fields.iter().any(is_foreign) && request.body.len() <= WINDOW;
    is_sayable.then_some(request)
}

fn pseudo(method: &[u8], target: &[u8]) -> Option<Vec<Field>> {
    let field = |name: &str, value: &[u8]| (name.as_bytes().to_vec(), value.to_vec());
    let mut fields = vec![field(":method", method)];
    if method == b"CONNECT" {
        fields.push(field(":authority", target));
        return Some(fields);
    }
    let (authority, path) = match target.strip_prefix(b"http://") {
        Some(rest) => {
            let end = rest.iter().position(|byte| b"/?".contains(byte));
            let (authority, path) = rest.split_at(end.unwrap_or(rest.len()));
            let path = match path {
                [] => b"/".to_vec(),
                [b'?', ..] => [b"/", path].concat(),
                path => path.to_vec(),
            };
            (Some(authority), path)
        }
        // Neither are other schemes a matter of `:path`.
        None if target.windows(3).any(|it| it == b"://") && target[0] != b'/' => return None,
        None => (None, target.to_vec()),
    };
    fields.push(field(":scheme", b"http"));
    fields.push(field(":path", &path));
    fields.extend(authority.map(|authority| field(":authority", authority)));
    Some(fields)
}

/// The lines up to an empty one, and what follows; `None` where a line is not one, or not whole.
fn section(mut bytes: &[u8]) -> Option<(Vec<&[u8]>, &[u8])> {
    let mut lines = Vec::new();
    loop {
        let end = bytes.windows(2).position(|it| it == b"\r\n")?;
        let line = &bytes[..end];
        bytes = &bytes[end + 2..];
        if line.is_empty() {
            return Some((lines, bytes));
        }
        if line.iter().any(|byte| b"\r\n".contains(byte)) {
            return None;
        }
        lines.push(line);
    }
}

/// Name, in small letters as HTTP/2 has it, and value, without the spaces that HTTP/1 may have around it.
fn split(line: &[u8]) -> Option<Field> {
    let colon = line.iter().position(|byte| *byte == b':')?;
    let name = line[..colon].to_ascii_lowercase();
    let is_named = !name.is_empty() && !name.contains(&b' ') && !name.contains(&b'\t');
    is_named.then(|| (name, line[colon + 1..].trim_ascii().to_vec()))
}

/// The data and the trailers of a chunked body without extensions.
fn chunks(mut bytes: &[u8]) -> Option<(Vec<u8>, Vec<Field>)> {
    let mut body = Vec::new();
    loop {
        let end = bytes.windows(2).position(|it| it == b"\r\n")?;
        let size = std::str::from_utf8(&bytes[..end]).ok()?;
        let is_plain =
            matches!(size.len(), 1..=16) && size.bytes().all(|byte| byte.is_ascii_hexdigit());
        let size = is_plain.then(|| usize::from_str_radix(size, 16).ok())??;
        bytes = &bytes[end + 2..];
        if size == 0 {
            let (lines, _) = section(bytes)?;
            let trailers = lines
                .iter()
                .map(|line| split(line))
                .collect::<Option<_>>()?;
            return Some((body, trailers));
        }
        body.extend(bytes.get(..size)?);
        bytes = bytes.get(size..)?.strip_prefix(b"\r\n")?;
    }
}

fn frames(request: &Translated) -> Vec<Frame> {
    let Translated {
        fields,
        body,
        trailers,
        is_whole,
    } = request;
    let mut parts = headers(fields);
    if !body.is_empty() {
        let data = body
            .chunks(16 * 1024)
            .map(|data| Frame::new(DATA, 0, 1, data));
        parts.extend(data);
    }
    if !trailers.is_empty() {
        parts.extend(headers(trailers));
    }
    let last_section = parts.iter().rposition(|frame| frame.kind != CONTINUATION);
    if *is_whole {
        parts[last_section.unwrap()].flags |= END_STREAM;
    }
    parts
}

/// A HEADERS, and as many CONTINUATIONs as it takes.
fn headers(fields: &[Field]) -> Vec<Frame> {
    let field = |(name, value): &Field| field_of(name, value);
    let block: Vec<u8> = fields.iter().flat_map(field).collect();
    let mut parts: Vec<Frame> = block
        .chunks(16 * 1024)
        .map(|part| Frame::new(CONTINUATION, 0, 1, part))
        .collect();
    parts[0].kind = HEADERS;
    if let Some(last) = parts.last_mut() {
        last.flags |= END_HEADERS;
    }
    parts
}

//! The behaviours that every host has, each a case that runs over real sockets.
//!
//! A host's author describes the host once ([`TestHost`]) and runs [`cases_for`] it; see the front
//! page of the crate. Each case shows a [clause](Case::clause) of the specification (`docs/SPEC.md`). Each case starts the host with an application of
//! [`fixtures`](crate::fixtures), talks to it with the raw [`client`](crate::client), and stops it.

/// Lists the cases of a room, under the clause of `docs/SPEC.md` that they show and the part of the suite
/// that they belong to: `both` where the style of the application matters, else `once`; in brackets what the
/// host must be able to do, after `breaks` what the application does wrong on purpose. The text of a clause
/// stands above its cases, and the specification is made of it; a clause that is checked elsewhere too has its
/// text there.
macro_rules! cases {
    ($(
        $(#[$clause_text:meta])*
        $clause:ident $part:ident {
            $($styles:ident $name:ident $([$needs:ident])? $(breaks $($breaks:ident)+)?;)*
        }
    )*) => {
        pub(super) const CASES: &[$crate::conformance::Case] = &[$($(
            $crate::conformance::Case {
                name: stringify!($name),
                clause: stringify!($clause),
                part: $crate::conformance::Part::$part,
                styles: cases!(@$styles),
                needs: cases!(@needs $($needs)?),
                breaks: &[$($(stringify!($breaks)),+)?],
                run: $name,
            }
        ),*),*];
    };
    (@both) => { &$crate::fixtures::Style::BOTH };
    (@once) => { &[$crate::fixtures::Style::Async] };
    (@needs) => { gateway_core::Capabilities::NONE };
    (@needs $needs:ident) => { gateway_core::Capabilities::$needs };
}

mod bodiless;
mod cancel;
mod chunks;
mod deadlines;
mod drops;
mod environ;
mod expect;
mod failures;
mod framing;
mod heads;
mod host;
mod limits;
mod linted;
mod listen;
mod load;
mod outcomes;
mod part;
mod persistence;
mod pipelining;
mod refusals;
mod response_heads;
mod responses;
mod smuggling;
mod stage;
mod stop;
mod targets;
mod unread;

use gateway_core::Capabilities;

use crate::Log;
use crate::fixtures::{Style, answering};
pub use host::{HostError, Listen, Running, Setup, TestHost};
pub use part::Part;
pub use stage::{Case, Flaw, Verdict};
use stage::{Stage, noted};

/// All cases, room by room.
pub fn cases() -> impl Iterator<Item = &'static Case> {
    [
        heads::CASES,
        targets::CASES,
        environ::CASES,
        limits::CASES,
        framing::CASES,
        chunks::CASES,
        smuggling::CASES,
        expect::CASES,
        unread::CASES,
        persistence::CASES,
        pipelining::CASES,
        responses::CASES,
        bodiless::CASES,
        response_heads::CASES,
        refusals::CASES,
        failures::CASES,
        outcomes::CASES,
        drops::CASES,
        cancel::CASES,
        deadlines::CASES,
        load::CASES,
        stop::CASES,
        listen::CASES,
    ]
    .into_iter()
    .flatten()
}

/// The cases that `host` is to pass: those of the [parts](TestHost::parts) that it has, and that need no
/// more than it can do.
///
/// # Errors
///
/// As [`capabilities_of`].
pub fn cases_for(host: &dyn TestHost) -> Result<Vec<&'static Case>, Flaw> {
    let can = capabilities_of(host)?;
    let wanted = |case: &&Case| {
        let has = case.part == Part::Interface || host.parts().contains(&case.part);
        has && can.contains(case.needs)
    };
    Ok(cases().filter(wanted).collect())
}

/// What a host can do, as it tells its applications; a case that [needs](Case::needs) more says
/// nothing about it.
///
/// # Errors
///
/// If the host does not even answer a plain request.
pub fn capabilities_of(host: &dyn TestHost) -> Result<Capabilities, Flaw> {
    let told = Log::new();
    let tells = told.clone();
    let app = answering(Style::Async, move |environ| {
        tells.note(environ.gateway().capabilities());
        Ok(gateway_core::status(http::StatusCode::OK))
    });
    let running = host.start(app, Setup::default())?;
    running.client()?.get("/")?;
    Ok(told.next()?)
}

/// A request of these lines, Host added.
fn request(line: &str, fields: &[&str], body: impl AsRef<[u8]>) -> Vec<u8> {
    let mut bytes = format!("{line} HTTP/1.1\r\nHost: test.example\r\n").into_bytes();
    for field in fields {
        bytes.extend_from_slice(field.as_bytes());
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(b"\r\n");
    bytes.extend_from_slice(body.as_ref());
    bytes
}

/// A `POST` with a body of known length.
fn post(target: &str, body: impl AsRef<[u8]>) -> Vec<u8> {
    let body = body.as_ref();
    let length = format!("Content-Length: {}", body.len());
    request(&format!("POST {target}"), &[&length], body)
}

/// A `POST` with a chunked body of these chunks.
fn post_chunked<T: AsRef<[u8]>>(target: &str, chunks: &[T]) -> Vec<u8> {
    let mut body = Vec::new();
    for chunk in chunks {
        let chunk = chunk.as_ref();
        body.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
        body.extend_from_slice(chunk);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(b"0\r\n\r\n");
    request(
        &format!("POST {target}"),
        &["Transfer-Encoding: chunked"],
        body,
    )
}

/// Bytes in which every place looks different from its neighbours, so that a lost or doubled piece
/// shows.
fn pattern(length: usize) -> Vec<u8> {
    (0..length)
        .map(|at| (at ^ (at >> 8) ^ (at >> 16)) as u8)
        .collect() // the low byte is meant
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_case_has_a_name_of_its_own() {
        let mut names = HashSet::new();
        for case in cases() {
            assert!(names.insert(case.name), "{} is there twice", case.name);
        }
        assert!(names.len() >= 70, "{}", names.len());
    }
}

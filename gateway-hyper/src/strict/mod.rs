//! What hyper leaves to its host to refuse, in a parsed head. Pure.
//!
//! What can no longer be seen there is refused before hyper reads it, by [`wire`](crate::wire). Over HTTP/2
//! there is no such reader: what h2 lets by is refused here.

mod authority;
mod extent;
mod fields;
mod options;
mod target;

use gateway_core::server::Limits;
use http::Version;
use http::header::{CONNECTION, COOKIE, EXPECT, HOST};
use http::request::Parts;
use http::{HeaderMap, HeaderValue};

use crate::refusal::Refusal;
use authority::HostPort;
pub(crate) use fields::check_trailers;

/// Checks a request's head, and joins the crumbs of an HTTP/2 client's cookies.
pub(crate) fn check(parts: &mut Parts, limits: &Limits) -> Result<(), Refusal> {
    let found = look_through(&parts.headers);
    if parts.version >= Version::HTTP_2 {
        // HTTP/1 was looked at as it came.
        fields::check(&parts.headers)?;
        extent::check(parts, found.cookies, limits)?;
    }
    target::check(&parts.method, &parts.uri, parts.version)?;
    host(parts, &found)?;
    if let Some(refusal) = found.options {
        return Err(refusal);
    }
    if found.cookies > 1 && parts.version >= Version::HTTP_2 {
        join_cookies(&mut parts.headers);
    }
    if parts.method == http::Method::CONNECT {
        return Err(Refusal::Connect);
    }
    Ok(())
}

/// What matters of the fields.
#[derive(Default)]
struct Found<'a> {
    hosts: usize,
    host: Option<&'a HeaderValue>,
    cookies: usize,
    /// What is wrong with Expect or Connection; judged after Host.
    options: Option<Refusal>,
}

/// Looks through the fields, once.
fn look_through(headers: &HeaderMap) -> Found<'_> {
    let mut found = Found::default();
    for (name, value) in headers {
        if *name == HOST {
            found.hosts += 1;
            found.host.get_or_insert(value);
        } else if *name == CONNECTION && !options::is_connection(value.as_bytes()) {
            found.options.get_or_insert(Refusal::InvalidConnection);
        } else if *name == EXPECT && !options::is_expectation(value.as_bytes()) {
            found.options.get_or_insert(Refusal::UnknownExpectation);
        } else if *name == COOKIE {
            found.cookies += 1;
        }
    }
    found
}

/// Host is there, once, sound, and no other than the target's (RFC 9112 §3.2, RFC 9113 §8.3.1).
///
/// RFC 9112 §3.2.2 has the target win over a differing Host. Some front ends route by the one and
/// some by the other, so a request with two opinions is refused, as HAProxy does.
fn host(parts: &Parts, found: &Found<'_>) -> Result<(), Refusal> {
    let Some(host) = found.host else {
        let named = parts.version == Version::HTTP_2 && parts.uri.authority().is_some();
        return match parts.version == Version::HTTP_10 || named {
            true => Ok(()),
            false => Err(Refusal::MissingHost),
        };
    };
    if found.hosts > 1 {
        return Err(Refusal::RepeatedHost);
    }
    // Empty where there is no authority to name; an http URI always has one (RFC 9110 §4.2.1).
    if host.is_empty() && parts.uri == "*" {
        return Ok(());
    }
    let host = HostPort::read(host.as_bytes()).ok_or(Refusal::InvalidHost)?;
    let default_port = match parts.uri.scheme_str() {
        Some("https") => 443,
        _ => 80,
    };
    let of_target = parts
        .uri
        .authority()
        .map(|it| HostPort::read(it.as_str().as_bytes()));
    match of_target.flatten() {
        Some(target) if !host.is_same(&target, default_port) => Err(Refusal::HostMismatch),
        _ => Ok(()),
    }
}

/// HTTP/2 clients may send a cookie in crumbs, which make one field again (RFC 9113 §8.2.3).
fn join_cookies(headers: &mut HeaderMap) {
    let crumbs: Vec<&[u8]> = headers
        .get_all(COOKIE)
        .iter()
        .map(HeaderValue::as_bytes)
        .collect();
    // Values joined by visible characters are a value.
    if let Ok(joined) = HeaderValue::from_bytes(&crumbs.join(b"; ".as_slice())) {
        headers.insert(COOKIE, joined);
    }
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn judge(version: Version, method: &str, target: &str, headers: &[(&str, &str)]) -> u16 {
        let mut request = Request::builder()
            .version(version)
            .method(method)
            .uri(target);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (mut parts, ()) = request.body(()).unwrap().into_parts();
        check(&mut parts, &Limits::default())
            .map_or_else(|refusal| refusal.status().as_u16(), |()| 200)
    }

    #[test]
    fn http1_heads() {
        let host = ("host", "a:80");
        for (status, method, target, headers) in [
            (200, "GET", "/", vec![host]),
            (200, "OPTIONS", "*", vec![("host", "")]),
            (200, "GET", "http://a/", vec![host]),
            (200, "GET", "//double", vec![host]),
            (400, "GET", "/", vec![]),
            (400, "GET", "/", vec![("host", "")]),
            (400, "GET", "/", vec![host, host]),
            (400, "GET", "/", vec![("host", "a b")]),
            (400, "GET", "http://b/", vec![host]),
            (400, "GET", "http://a:81/", vec![host]),
            (400, "GET", "https://a/", vec![host]),
            (400, "GET", "ftp://a/", vec![host]),
            (400, "GET", "http://u@a/", vec![host]),
            (400, "GET", "*", vec![host]),
            (400, "GET", "a:80", vec![host]),
            (501, "CONNECT", "a:80", vec![host]),
            (400, "CONNECT", "a", vec![("host", "a")]),
            (417, "GET", "/", vec![host, ("expect", "tea")]),
            (200, "GET", "/", vec![host, ("expect", "100-Continue")]),
            (400, "GET", "/", vec![host, ("connection", "a b")]),
            (200, "GET", "/", vec![host, ("connection", "close, x")]),
        ] {
            let judged = judge(Version::HTTP_11, method, target, &headers);
            assert_eq!(judged, status, "{method} {target} {headers:?}");
        }
        assert_eq!(judge(Version::HTTP_10, "GET", "/", &[]), 200);
    }

    #[test]
    fn http2_heads() {
        for (status, method, target, headers) in [
            (200, "GET", "http://a/", vec![]),
            (200, "GET", "http://a/", vec![("host", "a")]),
            (400, "GET", "http://a/", vec![("host", "b")]),
            (400, "GET", "http://u@a/", vec![]),
            (400, "GET", "/", vec![]),
            (400, "GET", "http://a/", vec![("x_y", "1")]),
            (200, "GET", "/", vec![("host", "a")]),
            (400, "GET", "*", vec![("host", "a")]),
            (501, "CONNECT", "a:80", vec![]),
        ] {
            let judged = judge(Version::HTTP_2, method, target, &headers);
            assert_eq!(judged, status, "{method} {target} {headers:?}");
        }
    }

    #[test]
    fn crumbs_make_one_cookie() {
        let request = Request::get("http://a/").version(Version::HTTP_2);
        let request = request.header("cookie", "a=1").header("cookie", "b=2");
        let (mut parts, ()) = request.body(()).unwrap().into_parts();
        check(&mut parts, &Limits::default()).unwrap();
        let cookies: Vec<_> = parts.headers.get_all(COOKIE).iter().collect();
        assert_eq!(cookies, ["a=1; b=2"]);
    }
}

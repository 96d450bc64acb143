//! How long an HTTP/2 request may be: by the limits that HTTP/1 has, where hyper keeps only the one on
//! the whole head.

use gateway_core::server::Limits;
use http::request::Parts;

use crate::refusal::Refusal;
use crate::wire::LONGEST_METHOD;

/// What a request line has beside method and target: two spaces and a version.
const REST_OF_LINE: usize = "  HTTP/1.1".len();

/// Measures a head as HTTP/1 would write it. `cookies` crumbs are one field (RFC 9113 §8.2.3).
pub(super) fn check(parts: &Parts, cookies: usize, limits: &Limits) -> Result<(), Refusal> {
    if parts.method.as_str().len() > LONGEST_METHOD {
        return Err(Refusal::MethodTooLong);
    }
    let target = parts.uri.path_and_query().map_or("", |it| it.as_str());
    if parts.method.as_str().len() + target.len() + REST_OF_LINE > limits.request_line {
        return Err(Refusal::RequestLineTooLong);
    }
    if parts.headers.len() - cookies.saturating_sub(1) > limits.headers {
        return Err(Refusal::TooManyHeaders);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use http::{Request, Version};

    use super::*;

    fn measure(path: usize, fields: usize, crumbs: usize) -> Result<(), Refusal> {
        let mut limits = Limits::default();
        limits.request_line = "GET / HTTP/1.1".len() + 9;
        limits.headers = 3;
        let target = format!("http://a/{}", "x".repeat(path));
        let mut request = Request::get(target).version(Version::HTTP_2);
        for _ in 0..fields {
            request = request.header("x", "1");
        }
        for _ in 0..crumbs {
            request = request.header("cookie", "a=1");
        }
        let (parts, ()) = request.body(()).unwrap().into_parts();
        check(&parts, crumbs, &limits)
    }

    #[test]
    fn what_is_over_a_limit_is_refused_and_what_is_at_it_is_not() {
        let (long, many) = (Refusal::RequestLineTooLong, Refusal::TooManyHeaders);
        for (path, fields, crumbs, expected) in [
            (0, 0, 0, Ok(())),
            (9, 3, 0, Ok(())),
            (10, 0, 0, Err(long)),
            (0, 4, 0, Err(many)),
            (0, 2, 9, Ok(())),
            (0, 3, 1, Err(many)),
        ] {
            let measured = measure(path, fields, crumbs);
            assert_eq!(measured, expected, "{path} {fields} {crumbs}");
        }
    }
}

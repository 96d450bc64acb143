//! The pages: `/` and `/about`. In memory, from the files of `page/`.

use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use gateway_core::{Body, Environ, Response};
use http::{HeaderValue, StatusCode, header};
use sha2::{Digest, Sha256};

const STYLE: &str = include_str!("../../page/style.css");
const SCRIPT: &str = include_str!("../../page/app.js");
const LAND: &str = include_str!("../../data/land.path");
const FRONT: &str = include_str!("../../page/index.html");
const ABOUT: &str = include_str!("../../page/about.html");

/// What style and script are put in the place of; their hashes cover nothing else.
const STYLE_HERE: &str = "/*{style}*/";
const SCRIPT_HERE: &str = "/*{script}*/";
const LAND_HERE: &str = "<!--{land}-->";

/// Both pages.
pub(super) struct Site {
    front: Page,
    about: Page,
    policy: HeaderValue,
}

/// A page and what it is known by.
struct Page {
    html: Bytes,
    etag: HeaderValue,
}

impl Site {
    /// Puts the pages together.
    pub(super) fn new() -> Self {
        let land = LAND.trim_end();
        Self {
            front: page(&FRONT.replace(LAND_HERE, land)),
            about: page(ABOUT),
            policy: policy(),
        }
    }

    /// The page at the path, or 304 if the client has it.
    pub(super) fn answer(&self, environ: &Environ) -> Response {
        let page = if environ.path_info() == "/about" {
            &self.about
        } else {
            &self.front
        };
        let mut response = match page.is_known_to(environ) {
            true => not_modified(),
            false => page.response(),
        };
        let headers = response.headers_mut();
        headers.insert(header::ETAG, page.etag.clone());
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        headers.insert(header::CONTENT_SECURITY_POLICY, self.policy.clone());
        headers.insert(
            header::X_CONTENT_TYPE_OPTIONS,
            HeaderValue::from_static("nosniff"),
        );
        headers.insert(
            header::REFERRER_POLICY,
            HeaderValue::from_static("no-referrer"),
        );
        response
    }
}

impl Page {
    /// Compares weakly, as `If-None-Match` does (RFC 9110 §13.1.2).
    fn is_known_to(&self, environ: &Environ) -> bool {
        let known = environ.headers().get_all(header::IF_NONE_MATCH);
        known
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .any(|tag| {
                let tag = tag.trim();
                tag == "*"
                    || tag.strip_prefix("W/").unwrap_or(tag).as_bytes() == self.etag.as_bytes()
            })
    }

    fn response(&self) -> Response {
        let mut response = Response::new(Body::from(self.html.clone()));
        let html = HeaderValue::from_static("text/html; charset=utf-8");
        response.headers_mut().insert(header::CONTENT_TYPE, html);
        response
    }
}

fn page(template: &str) -> Page {
    let html = template
        .replace(STYLE_HERE, STYLE)
        .replace(SCRIPT_HERE, SCRIPT);
    let etag = header_value(&format!("\"{}\"", &hash(&html)[..22]));
    Page {
        html: html.into(),
        etag,
    }
}

/// Nothing but the page's own style and script, and requests to where it came from.
fn policy() -> HeaderValue {
    header_value(&format!(
        "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; connect-src 'self'; \
         img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
        hash(STYLE),
        hash(SCRIPT)
    ))
}

fn not_modified() -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NOT_MODIFIED;
    response
}

fn hash(text: &str) -> String {
    BASE64_STANDARD.encode(Sha256::digest(text))
}

/// Base64 and our own words, all of them visible ASCII.
fn header_value(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static(""))
}

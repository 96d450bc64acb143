//! The CGI view of an environ: RFC 3875's meta-variables and PEP 3333's `wsgi.url_scheme`.
//!
//! | here | there |
//! |---|---|
//! | method, script_name, path_info, query_string | `REQUEST_METHOD`, `SCRIPT_NAME`, `PATH_INFO`, `QUERY_STRING` |
//! | protocol, server_name, server_port, software | `SERVER_PROTOCOL`, `SERVER_NAME`, `SERVER_PORT`, `SERVER_SOFTWARE` |
//! | remote and local address | `REMOTE_ADDR`, `REMOTE_PORT`, `SERVER_ADDR` |
//! | target as sent, scheme | `REQUEST_URI`, `REQUEST_SCHEME`, `wsgi.url_scheme`, `HTTPS` |
//! | `Content-Type`, `Content-Length` | `CONTENT_TYPE`, `CONTENT_LENGTH` |
//! | authority of the target, else `Host` (RFC 9112 §3.2.2) | `HTTP_HOST` |
//! | any other header `X-Name` | `HTTP_X_NAME` |
//!
//! Variables that a front end gives and that stand for nothing here (`REMOTE_USER`, `SSL_CIPHER`, one's
//! own) are kept, and asked for by their names.
//!
//! The view is lossless but for these. Fields of the same name are joined, which means the same
//! (RFC 9110 §5.3). A header whose name holds `_` is left out: it would shadow the one with `-`. So is
//! `Proxy`, whose `HTTP_PROXY` is taken for a setting by many programs (CVE-2016-5385), and what
//! concerned the way here and was acted upon (RFC 3875 §4.1.18): `Transfer-Encoding`, in whose place
//! `CONTENT_LENGTH` gives the length of the decoded body, `Expect`, `Keep-Alive` and `Proxy-Connection`.

mod given;

use std::borrow::Cow;

use http::header::{CONTENT_LENGTH, CONTENT_TYPE, COOKIE, HOST};
use http::{HeaderName, HeaderValue, Version};

pub(crate) use given::Told;

use self::given::Given;
use crate::{Environ, Input, Scheme, StatusError};

/// The variables that come from no header, in the order in which [`Environ::vars`] gives them.
const NAMES: [&str; 17] = [
    "GATEWAY_INTERFACE",
    "REQUEST_METHOD",
    "SCRIPT_NAME",
    "PATH_INFO",
    "QUERY_STRING",
    "REQUEST_URI",
    "REQUEST_SCHEME",
    "wsgi.url_scheme",
    "HTTPS",
    "SERVER_NAME",
    "SERVER_PORT",
    "SERVER_PROTOCOL",
    "SERVER_SOFTWARE",
    "SERVER_ADDR",
    "REMOTE_ADDR",
    "REMOTE_PORT",
    "CONTENT_LENGTH",
];

impl Environ {
    /// A variable by its CGI name (RFC 3875 §4.1, PEP 3333), such as `HTTP_ACCEPT`.
    ///
    /// A header value that is not UTF-8 is read as ISO-8859-1, as it used to be; [`vars`](Self::vars)
    /// has the bytes.
    ///
    /// ```
    /// # use gateway_core::{Environ, Input};
    /// let request = http::Request::get("/a%20b?c=d").header("accept", "text/html");
    /// let environ = Environ::from_request(request.body(Input::empty())?)?;
    /// assert_eq!(environ.var("PATH_INFO").as_deref(), Some("/a b"));
    /// assert_eq!(environ.var("HTTP_ACCEPT").as_deref(), Some("text/html"));
    /// assert_eq!(environ.var("HTTP_REFERER"), None);
    /// # Ok::<(), gateway_core::Error>(())
    /// ```
    pub fn var(&self, name: &str) -> Option<Cow<'_, str>> {
        match self.bytes_of(name)? {
            Cow::Borrowed(bytes) => Some(text(bytes)),
            Cow::Owned(bytes) => Some(Cow::Owned(text(&bytes).into_owned())),
        }
    }

    /// All variables, values as bytes.
    pub fn vars(&self) -> impl Iterator<Item = (Cow<'static, str>, Cow<'_, [u8]>)> {
        let own = NAMES.into_iter().map(Cow::Borrowed);
        let headers = self
            .headers()
            .keys()
            .filter_map(var_of_header)
            .map(Cow::Owned);
        let content_type = ["CONTENT_TYPE"].into_iter().map(Cow::Borrowed);
        // Where only the target names the authority, no header does.
        let host = (!self.headers().contains_key(HOST)).then_some(Cow::Borrowed("HTTP_HOST"));
        let own = own.chain(content_type).chain(host).chain(headers);
        let own = own.filter_map(|name| {
            let value = self.bytes_of(&name)?;
            Some((name, value))
        });
        let told = self.0.told.iter().flat_map(|told| &told.others);
        own.chain(told.map(|(name, value)| (Cow::Owned(name.clone()), Cow::Borrowed(&value[..]))))
    }

    /// An environ from CGI variables, as a gateway behind nginx or Apache is given them: the
    /// reverse of [`vars`](Self::vars). Variables that stand for nothing here are kept as they are.
    ///
    /// # Errors
    ///
    /// 400 if a variable is not what its name says: a method that is no token, a path that does not
    /// start with `/`, a header value with control characters, an address that is none.
    pub fn from_vars<N, V>(
        vars: impl IntoIterator<Item = (N, V)>,
        input: Input,
    ) -> Result<Self, StatusError>
    where
        N: AsRef<str>,
        V: AsRef<[u8]>,
    {
        let mut given = Given::default();
        for (name, value) in vars {
            given.take(name.as_ref(), value.as_ref())?;
        }
        given.into_environ(input)
    }

    fn bytes_of(&self, name: &str) -> Option<Cow<'_, [u8]>> {
        let own = |text: &'_ str| Some(Cow::Owned(text.as_bytes().to_vec()));
        match name {
            "GATEWAY_INTERFACE" => Some(Cow::Borrowed(b"CGI/1.1")),
            "REQUEST_METHOD" => borrowed(self.method().as_str()),
            "SCRIPT_NAME" => borrowed(self.script_name()),
            "PATH_INFO" => borrowed(self.path_info()),
            "QUERY_STRING" => borrowed(self.query_string()),
            "REQUEST_URI" => Some(match self.target() {
                Cow::Borrowed(target) => Cow::Borrowed(target.as_bytes()),
                Cow::Owned(target) => Cow::Owned(target.into_bytes()),
            }),
            "REQUEST_SCHEME" | "wsgi.url_scheme" => borrowed(self.url_scheme().as_str()),
            "HTTPS" if self.url_scheme() == Scheme::Https => borrowed("on"),
            "SERVER_NAME" => match self.server_name() {
                Cow::Borrowed(name) => borrowed(name),
                Cow::Owned(name) => own(&name),
            },
            "SERVER_PORT" => own(&self.server_port().to_string()),
            "SERVER_PROTOCOL" => borrowed(protocol_name(self.protocol())),
            "SERVER_SOFTWARE" => borrowed(self.gateway().software()),
            "SERVER_ADDR" => own(&self.local_addr().ip()?.to_string()),
            "REMOTE_ADDR" => own(&self.remote_addr().ip()?.to_string()),
            "REMOTE_PORT" => own(&self.remote_addr().socket()?.port().to_string()),
            "CONTENT_TYPE" => self.joined(&CONTENT_TYPE),
            "CONTENT_LENGTH" => match self.0.decoded_length {
                Some(length) => own(&length.to_string()),
                None => self.joined(&CONTENT_LENGTH),
            },
            "HTTP_HOST" => match self.uri().authority() {
                Some(authority) => borrowed(authority.as_str()),
                None => self.joined(&HOST),
            },
            _ if name.starts_with("HTTP_") => self.joined(&header_of_var(name)?),
            _ => {
                let told = &self.0.told.as_ref()?.others;
                let (_, value) = told.iter().find(|(known, _)| known == name)?;
                Some(Cow::Borrowed(value))
            }
        }
    }

    /// All values of a field in one (RFC 9110 §5.3), cookies as RFC 6265 §5.4 has them.
    fn joined(&self, name: &HeaderName) -> Option<Cow<'_, [u8]>> {
        let mut values = self
            .headers()
            .get_all(name)
            .iter()
            .map(HeaderValue::as_bytes);
        let first = values.next()?;
        let separator: &[u8] = if name == COOKIE { b"; " } else { b", " };
        Some(values.fold(Cow::Borrowed(first), |joined, value| {
            Cow::Owned([&joined, separator, value].concat())
        }))
    }
}

fn borrowed(text: &str) -> Option<Cow<'_, [u8]>> {
    Some(Cow::Borrowed(text.as_bytes()))
}

fn text(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => Cow::Owned(bytes.iter().copied().map(char::from).collect()),
    }
}

/// `x-name` → `HTTP_X_NAME`, unless the view leaves the header out or has another name for it.
fn var_of_header(name: &HeaderName) -> Option<String> {
    let left_out = [
        "content-type",
        "content-length",
        "proxy",
        "transfer-encoding",
        "expect",
        "keep-alive",
        "proxy-connection",
    ];
    if left_out.contains(&name.as_str()) || name.as_str().contains('_') {
        return None;
    }
    Some(format!(
        "HTTP_{}",
        name.as_str().to_ascii_uppercase().replace('-', "_")
    ))
}

/// `HTTP_X_NAME` → `x-name`, for the names that [`var_of_header`] gives.
fn header_of_var(name: &str) -> Option<HeaderName> {
    let rest = name.strip_prefix("HTTP_")?;
    if rest.contains('-') || rest.bytes().any(|byte| byte.is_ascii_lowercase()) {
        return None;
    }
    let header = HeaderName::try_from(rest.replace('_', "-")).ok()?;
    var_of_header(&header).map(|_| header)
}

/// `SERVER_PROTOCOL` for a version.
pub(crate) fn protocol_name(version: Version) -> &'static str {
    match version {
        Version::HTTP_09 => "HTTP/0.9",
        Version::HTTP_10 => "HTTP/1.0",
        Version::HTTP_2 => "HTTP/2.0",
        Version::HTTP_3 => "HTTP/3.0",
        _ => "HTTP/1.1",
    }
}

fn protocol_of(name: &str) -> Option<Version> {
    match name {
        "HTTP/0.9" => Some(Version::HTTP_09),
        "HTTP/1.0" => Some(Version::HTTP_10),
        "HTTP/1.1" => Some(Version::HTTP_11),
        "HTTP/2.0" | "HTTP/2" => Some(Version::HTTP_2),
        "HTTP/3.0" | "HTTP/3" => Some(Version::HTTP_3),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;
    use std::sync::Arc;

    use http::Request;

    use super::*;
    use crate::Endpoint;

    fn environ(request: http::request::Builder) -> Environ {
        Environ::from_request(request.body(Input::empty()).unwrap()).unwrap()
    }

    fn round(environ: &Environ) -> Environ {
        Environ::from_vars(environ.vars(), Input::empty()).unwrap()
    }

    #[test]
    fn the_view_can_be_undone() {
        let mut endpoint = Endpoint::detached();
        endpoint.remote = "10.0.0.9:55".parse::<SocketAddr>().unwrap().into();
        endpoint.local = "[::1]:8443".parse::<SocketAddr>().unwrap().into();
        endpoint.scheme = Scheme::Https;
        let mut first = environ(
            Request::put("/a%2Fb/%EC%84%9C?q=%20")
                .version(Version::HTTP_10)
                .header("host", "example.com:8443")
                .header("content-type", "text/plain")
                .header("content-length", "3")
                .header("x-one", "1")
                .header("x-one", "2")
                .header("x-raw", HeaderValue::from_bytes(b"caf\xe9").unwrap()),
        )
        .with_endpoint(Arc::new(endpoint));
        assert!(first.shift_path("/a/b"));
        let second = round(&first);
        assert_eq!(
            first.vars().collect::<Vec<_>>(),
            second.vars().collect::<Vec<_>>()
        );
        assert_eq!(second.script_name(), "/a/b");
        assert_eq!(second.path_info(), "/서");
        assert_eq!(second.raw_path(), first.raw_path());
        assert_eq!(second.url(), first.url());
        assert_eq!(second.remote_addr(), first.remote_addr());
        assert_eq!(second.var("HTTP_X_ONE").unwrap(), "1, 2");
        assert_eq!(second.var("HTTP_X_RAW").unwrap(), "café");
    }

    #[test]
    fn a_header_never_passes_for_another_or_for_a_setting() {
        let view = environ(
            Request::get("/")
                .header("x_real", "forged")
                .header("x-real", "true")
                .header("proxy", "http://evil")
                .header("content_length", "9"),
        );
        assert_eq!(view.var("HTTP_X_REAL").unwrap(), "true");
        assert_eq!(view.var("HTTP_PROXY"), None);
        assert_eq!(view.var("HTTP_CONTENT_LENGTH"), None);
        assert_eq!(view.var("CONTENT_LENGTH"), None);
        let forged = Environ::from_vars(
            [
                ("HTTP_PROXY", "x"),
                ("HTTP_CONTENT_TYPE", "x"),
                ("HTTP_X-Y", "x"),
                ("HTTP_x", "x"),
            ],
            Input::empty(),
        );
        assert!(forged.unwrap().headers().is_empty());
    }

    #[test]
    fn cookies_are_joined_as_cookies() {
        let request = Request::get("/")
            .header("cookie", "a=1")
            .header("cookie", "b=2");
        assert_eq!(environ(request).var("HTTP_COOKIE").unwrap(), "a=1; b=2");
    }

    #[test]
    fn a_front_end_that_tells_little_is_enough() {
        let vars = [
            ("REQUEST_METHOD", "GET"),
            ("SCRIPT_NAME", "/"),
            ("PATH_INFO", ""),
            ("SERVER_NAME", "front"),
            ("SERVER_PORT", "8080"),
            ("CONTENT_LENGTH", ""),
            ("REMOTE_ADDR", "unix:"),
        ];
        let environ = Environ::from_vars(vars, Input::empty()).unwrap();
        assert_eq!((environ.script_name(), environ.path_info()), ("", "/"));
        assert_eq!(environ.url(), "http://front:8080/");
    }

    #[test]
    fn an_authority_that_only_the_target_names_is_kept() {
        let request = Request::get("http://example.com:8443/x").body(Input::empty());
        let environ = Environ::from_request(request.unwrap()).unwrap();
        assert_eq!(environ.var("HTTP_HOST").unwrap(), "example.com:8443");
        let again = round(&environ);
        assert_eq!(again.url(), environ.url());
        assert_eq!(again.vars().count(), environ.vars().count());
    }

    #[test]
    fn the_way_back_keeps_the_authority_and_the_target_as_sent() {
        let mut endpoint = Endpoint::detached();
        endpoint.local = "127.0.0.1:8000".parse::<SocketAddr>().unwrap().into();
        let endpoint = Arc::new(endpoint);
        for (target, host, url) in [
            ("http://a:8443/x", None, "http://a:8443/x"),
            ("http://A/x", Some("a:80"), "http://A/x"),
            ("http://a?b", Some("a"), "http://a/?b"),
            ("/x?", Some("a"), "http://a/x?"),
        ] {
            let request = Request::get(target);
            let request = match host {
                Some(host) => request.header("host", host),
                None => request,
            };
            let first = environ(request).with_endpoint(Arc::clone(&endpoint));
            let second = round(&first);
            assert_eq!(first.url(), url);
            assert_eq!(second.url(), url);
            assert_eq!(first.var("REQUEST_URI"), second.var("REQUEST_URI"));
        }
    }

    #[test]
    fn what_a_front_end_tells_beyond_http_is_kept() {
        let vars = [
            ("REMOTE_USER", "alice"),
            ("SERVER_NAME", "inside"),
            ("SERVER_PORT", "8443"),
            ("HTTPS", "ON"),
            ("HTTP_HOST", "outside"),
        ];
        let environ = Environ::from_vars(vars, Input::empty()).unwrap();
        let again = round(&environ);
        for environ in [environ, again] {
            assert_eq!(environ.var("REMOTE_USER").unwrap(), "alice");
            assert_eq!(environ.server_name(), "inside");
            assert_eq!(environ.server_port(), 8443);
            assert_eq!(environ.url(), "https://outside/");
        }
    }

    #[test]
    fn of_a_variable_that_is_told_twice_the_last_value_counts() {
        let vars = [("AUTH_TYPE", "a"), ("REMOTE_USER", "x"), ("AUTH_TYPE", "b")];
        let environ = Environ::from_vars(vars, Input::empty()).unwrap();
        assert_eq!(environ.var("AUTH_TYPE").unwrap(), "b");
        let told = environ.vars().filter(|(name, _)| name == "AUTH_TYPE");
        assert_eq!(told.count(), 1);
    }

    #[test]
    fn a_decoded_body_has_a_length_and_no_coding() {
        let request = Request::post("/").header("transfer-encoding", "chunked");
        let request = request.body(Input::from("12345")).unwrap();
        let environ = Environ::from_request(request).unwrap();
        assert_eq!(environ.var("CONTENT_LENGTH").unwrap(), "5");
        assert_eq!(environ.var("HTTP_TRANSFER_ENCODING"), None);
    }

    #[test]
    fn refuses_variables_that_are_not_what_they_say() {
        for (name, value) in [
            ("REQUEST_METHOD", "G T"),
            ("SCRIPT_NAME", "x"),
            ("SCRIPT_NAME", "/x/"),
            ("PATH_INFO", "x"),
            ("SERVER_PORT", "+5"),
            ("SERVER_PORT", "65536"),
            ("REMOTE_ADDR", "nobody"),
            ("SERVER_PROTOCOL", "INCLUDED"),
            ("HTTP_X", "a\nb"),
            ("QUERY_STRING", "a b"),
        ] {
            let error = Environ::from_vars([(name, value)], Input::empty()).unwrap_err();
            assert_eq!(error.status(), 400, "{name}={value}");
        }
    }

    #[test]
    fn a_target_that_disagrees_with_the_path_is_not_believed() {
        let vars = [("REQUEST_URI", "/admin"), ("PATH_INFO", "/a b")];
        let environ = Environ::from_vars(vars, Input::empty()).unwrap();
        assert_eq!(environ.raw_path(), "/a%20b");
    }
}

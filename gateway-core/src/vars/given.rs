//! From CGI variables to an environ.

use std::borrow::Cow;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, Uri, Version};

use super::{header_of_var, protocol_of};
use crate::path;
use crate::{Address, Endpoint, Environ, Input, Scheme, StatusError};

/// What a front end told and nothing else in an environ can hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) server_name: Option<String>,
    pub(crate) server_port: Option<u16>,
    pub(crate) others: Vec<(String, Vec<u8>)>,
}

/// Variables on their way to an environ.
#[derive(Default)]
pub(super) struct Given {
    method: Method,
    script_name: String,
    path_info: String,
    query: String,
    request_uri: Option<String>,
    https: bool,
    version: Option<Version>,
    server_addr: Option<IpAddr>,
    told: Told,
    remote_addr: Option<IpAddr>,
    remote_port: u16,
    headers: HeaderMap,
}

impl Given {
    pub(super) fn take(&mut self, name: &str, value: &[u8]) -> Result<(), StatusError> {
        match name {
            "REQUEST_METHOD" => self.method = Method::from_bytes(value).map_err(|_| bad(name))?,
            "SCRIPT_NAME" => self.script_name = utf8(name, value)?,
            "PATH_INFO" => self.path_info = utf8(name, value)?,
            "QUERY_STRING" => self.query = utf8(name, value)?,
            "REQUEST_URI" => self.request_uri = Some(utf8(name, value)?),
            "REQUEST_SCHEME" | "wsgi.url_scheme" => self.https |= value == b"https",
            "HTTPS" => self.https |= value.eq_ignore_ascii_case(b"on") || value == b"1",
            "SERVER_PROTOCOL" => {
                let version = protocol_of(&utf8(name, value)?).ok_or_else(|| bad(name))?;
                self.version = Some(version);
            }
            "SERVER_NAME" if value.is_empty() => {}
            "SERVER_NAME" => self.told.server_name = Some(utf8(name, value)?),
            "SERVER_ADDR" => self.server_addr = address(name, value)?,
            "SERVER_PORT" if value.is_empty() => {}
            "SERVER_PORT" => self.told.server_port = Some(port(name, value)?),
            "GATEWAY_INTERFACE" | "SERVER_SOFTWARE" => {} // those of the host here
            "REMOTE_ADDR" => self.remote_addr = address(name, value)?,
            "REMOTE_PORT" => self.remote_port = port(name, value)?,
            "CONTENT_TYPE" | "CONTENT_LENGTH" if value.is_empty() => {} // RFC 3875 §4.1.2: as unset
            "CONTENT_TYPE" => self.header(CONTENT_TYPE, value)?,
            "CONTENT_LENGTH" => self.header(CONTENT_LENGTH, value)?,
            _ if name.starts_with("HTTP_") => {
                if let Some(header) = header_of_var(name) {
                    self.header(header, value)?;
                }
            }
            _ => self.tell(name, value),
        }
        Ok(())
    }

    /// What is told twice is what was told last, as with the other variables.
    fn tell(&mut self, name: &str, value: &[u8]) {
        let others = &mut self.told.others;
        match others.iter_mut().find(|(known, _)| known == name) {
            Some((_, earlier)) => *earlier = value.to_vec(),
            None => others.push((name.to_owned(), value.to_vec())),
        }
    }

    fn header(&mut self, name: HeaderName, value: &[u8]) -> Result<(), StatusError> {
        let value = HeaderValue::from_bytes(value).map_err(|_| bad(name.as_str()))?;
        self.headers.append(name, value);
        Ok(())
    }

    pub(super) fn into_environ(mut self, input: Input) -> Result<Environ, StatusError> {
        self.check_path()?;
        let (uri, script_len) = self.target()?;
        let mut request = Request::new(());
        *request.method_mut() = self.method;
        *request.uri_mut() = uri;
        *request.version_mut() = self.version.unwrap_or_default();
        *request.headers_mut() = self.headers;
        let endpoint = Endpoint {
            remote: socket(self.remote_addr, self.remote_port),
            local: socket(self.server_addr, self.told.server_port.unwrap_or(0)),
            scheme: if self.https {
                Scheme::Https
            } else {
                Scheme::Http
            },
            ..Endpoint::detached()
        };
        let mut environ = Environ::from_request(request.map(|()| input))?;
        environ.0.path = environ.0.path.with_script_len(script_len);
        environ.0.told = Some(Box::new(self.told));
        Ok(environ.with_endpoint(Arc::new(endpoint)))
    }

    /// SCRIPT_NAME and PATH_INFO as Rack has them: the first never ends with `/`, the second starts
    /// with one, not both are empty.
    fn check_path(&mut self) -> Result<(), StatusError> {
        if self.script_name == "/" {
            self.script_name.clear();
        }
        let asterisk = self.path_info == "*" && self.method == Method::OPTIONS;
        if self.script_name.is_empty()
            && self.path_info.is_empty()
            && self.method != Method::CONNECT
        {
            self.path_info.push('/');
        }
        let starts = |path: &str| path.is_empty() || path.starts_with('/');
        if !starts(&self.script_name) || self.script_name.ends_with('/') {
            return Err(bad("SCRIPT_NAME"));
        }
        if !starts(&self.path_info) && !asterisk {
            return Err(bad("PATH_INFO"));
        }
        Ok(())
    }

    /// The target as sent where the front end tells it and it says the same; else made from the
    /// decoded path.
    fn target(&self) -> Result<(Uri, usize), StatusError> {
        let path = format!("{}{}", self.script_name, self.path_info);
        let as_sent = self.request_uri.as_deref().and_then(|uri| {
            let (sent, query) = match uri.split_once('?') {
                Some((sent, query)) => (sent, Some(query)),
                None => (uri, None),
            };
            let same = path::decode(sent).is_ok_and(|decoded| decoded == path);
            same.then_some((sent, query))
        });
        let encoded = as_sent.map_or_else(|| path::encode(&path), |(sent, _)| Cow::Borrowed(sent));
        // QUERY_STRING does not say whether there is a `?` before nothing.
        let is_bare = self.query.is_empty() && !matches!(as_sent, Some((_, Some(""))));
        let target = if is_bare {
            encoded.into_owned()
        } else {
            format!("{encoded}?{}", self.query)
        };
        let uri = if target.is_empty() {
            Ok(Uri::default())
        } else {
            Uri::try_from(target)
        };
        Ok((
            uri.map_err(|_| bad("QUERY_STRING"))?,
            self.script_name.len(),
        ))
    }
}

fn socket(ip: Option<IpAddr>, port: u16) -> Address {
    ip.map_or(Address::Unknown, |ip| SocketAddr::new(ip, port).into())
}

fn utf8(name: &str, value: &[u8]) -> Result<String, StatusError> {
    String::from_utf8(value.to_vec()).map_err(|_| bad(name))
}

/// An address; empty, or nginx's `unix:`, where there is none.
fn address(name: &str, value: &[u8]) -> Result<Option<IpAddr>, StatusError> {
    if value.is_empty() || value.starts_with(b"unix:") {
        return Ok(None);
    }
    utf8(name, value)?.parse().map(Some).map_err(|_| bad(name))
}

fn port(name: &str, value: &[u8]) -> Result<u16, StatusError> {
    let digits = value.iter().all(u8::is_ascii_digit);
    match utf8(name, value)?.parse() {
        Ok(port) if digits => Ok(port),
        _ if value.is_empty() => Ok(0), // as REMOTE_PORT behind a Unix socket
        _ => Err(bad(name)),
    }
}

fn bad(name: &str) -> StatusError {
    StatusError::new(StatusCode::BAD_REQUEST, format!("{name} is not valid"))
}

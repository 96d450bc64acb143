//! The request target and its four forms (RFC 9112 §3.2).

use bytes::Bytes;
use http::uri::{Authority, PathAndQuery};
use http::{Method, Uri};

use crate::authority::HostPort;
use crate::error::Error;

/// What the request is for. Which form is right depends on the method.
///
/// Percent-encoding is left as it was sent, valid or not: what it decodes to is the host's business.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// `/where?q=now`: the usual form.
    Origin(PathAndQuery),
    /// `http://www.example.org/pub`: the form sent to proxies; every server must accept it.
    /// The scheme is http or https, and there is no userinfo.
    Absolute(Uri),
    /// `www.example.com:80`, host and port: the form of CONNECT and of nothing else.
    Authority(Authority),
    /// `*`, the server itself: a form of OPTIONS and of nothing else.
    Asterisk,
}

impl Target {
    /// Reads the target of a request with `method`.
    pub(crate) fn read(method: &Method, raw: Bytes) -> Result<Self, Error> {
        if !raw.iter().copied().all(is_target_byte) {
            return Err(Error::InvalidTarget);
        }
        if *method == Method::CONNECT {
            return authority_form(raw);
        }
        match raw.first() {
            Some(b'/') => origin_form(raw),
            Some(b'*') if raw.len() == 1 && *method == Method::OPTIONS => Ok(Self::Asterisk),
            Some(b'*') if raw.len() == 1 => Err(Error::TargetFormMismatch),
            _ => absolute_form(raw),
        }
    }

    /// The path as sent: `*` for the asterisk form, empty for the authority form.
    pub fn path(&self) -> &str {
        match self {
            Self::Origin(origin) => origin.path(),
            Self::Absolute(uri) => uri.path(),
            Self::Authority(_) => "",
            Self::Asterisk => "*",
        }
    }

    /// The query as sent, without its `?`.
    pub fn query(&self) -> Option<&str> {
        match self {
            Self::Origin(origin) => origin.query(),
            Self::Absolute(uri) => uri.query(),
            Self::Authority(_) | Self::Asterisk => None,
        }
    }

    /// Host and port, where the target itself names them.
    pub fn authority(&self) -> Option<&str> {
        match self {
            Self::Absolute(uri) => uri.authority().map(Authority::as_str),
            Self::Authority(authority) => Some(authority.as_str()),
            Self::Origin(_) | Self::Asterisk => None,
        }
    }

    /// The port that an authority without one means.
    pub(crate) fn default_port(&self) -> u16 {
        match self {
            Self::Absolute(uri) if uri.scheme_str() == Some("https") => 443,
            _ => 80,
        }
    }
}

impl From<Target> for Uri {
    /// The target as a [`Uri`] of the same form.
    fn from(target: Target) -> Self {
        match target {
            Target::Origin(origin) => origin.into(),
            Target::Absolute(uri) => uri,
            Target::Authority(authority) => authority.into(),
            Target::Asterisk => PathAndQuery::from_static("*").into(),
        }
    }
}

/// What may stand in a target: visible ASCII but for `#`, which begins a fragment, and `"`, `<`, `>`,
/// which no URI holds and no browser sends (RFC 3986 §2).
fn is_target_byte(byte: u8) -> bool {
    matches!(byte, b'!' | b'$'..=b';' | b'=' | b'?'..=b'~')
}

fn origin_form(raw: Bytes) -> Result<Target, Error> {
    let origin = PathAndQuery::from_maybe_shared(raw).map_err(|_| Error::InvalidTarget)?;
    // Some fronts take `\` in a path for `/`. In a query browsers send it.
    if origin.path().contains('\\') {
        return Err(Error::InvalidTarget);
    }
    Ok(Target::Origin(origin))
}

fn absolute_form(raw: Bytes) -> Result<Target, Error> {
    let scheme_end = raw.windows(3).position(|window| window == b"://");
    let Some(scheme_end) = scheme_end else {
        // `host:port` without CONNECT, or something relative.
        return Err(match HostPort::read(&raw) {
            Some(_) => Error::TargetFormMismatch,
            None => Error::InvalidTarget,
        });
    };
    let scheme = &raw[..scheme_end];
    if !scheme.eq_ignore_ascii_case(b"http") && !scheme.eq_ignore_ascii_case(b"https") {
        return Err(Error::UnsupportedScheme);
    }
    let uri = Uri::from_maybe_shared(raw).map_err(|_| Error::InvalidTarget)?;
    let authority = uri.authority().map_or("", Authority::as_str);
    if HostPort::read(authority.as_bytes()).is_none() || uri.path().contains('\\') {
        return Err(Error::InvalidTarget);
    }
    Ok(Target::Absolute(uri))
}

/// `uri-host ":" port`, the port required (RFC 9112 §3.2.3).
fn authority_form(raw: Bytes) -> Result<Target, Error> {
    if matches!(raw.first(), Some(b'/' | b'*')) {
        return Err(Error::TargetFormMismatch);
    }
    if !HostPort::read(&raw).is_some_and(|authority| authority.has_port()) {
        return Err(Error::InvalidTarget);
    }
    let authority = Authority::from_maybe_shared(raw).map_err(|_| Error::InvalidTarget)?;
    Ok(Target::Authority(authority))
}

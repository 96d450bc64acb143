//! The request target and its four forms (RFC 9112 §3.2).

use std::ops::Range;

use bytes::Bytes;
use http::uri::Authority;
use http::{Method, Uri};

use crate::authority::HostPort;
use crate::error::Error;
use crate::lines::Span;
use crate::token::Set;

/// The longest target that a [`Uri`] holds.
const LONGEST: usize = u16::MAX as usize - 1;

/// What may stand in a target: visible ASCII but for `#`, which begins a fragment, and `"`, `<`, `>`,
/// which no URI holds and no browser sends (RFC 3986 §2).
static TARGET: Set = Set::of(
    b"!$%&'()*+,-./0123456789:;=?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~",
);

/// What may stand in a path: of the same, not `?`, which ends it, nor `\`, which some fronts take for `/`
/// (in a query browsers send it), nor the backtick, which the http crate does not take.
static PATH: Set = Set::of(
    b"!$%&'()*+,-./0123456789:;=@ABCDEFGHIJKLMNOPQRSTUVWXYZ[]^_abcdefghijklmnopqrstuvwxyz{|}~",
);

/// Where in a head the target stands, and what it is made of. Which form is right depends on the method.
///
/// Percent-encoding is left as it was sent, valid or not: what it decodes to is the host's business.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub(crate) whole: Span,
    /// What follows it, up to the end of the target, is `?` and the query.
    pub(crate) path: Span,
    form: Form,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Form {
    /// `/where?q=now`: the usual form.
    Origin,
    /// `http://www.example.org/pub`: the form sent to proxies; every server must accept it.
    /// The scheme is http or https, and there is no userinfo.
    Absolute { default_port: u16, authority: Span },
    /// `www.example.com:80`, host and port: the form of CONNECT and of nothing else.
    Authority,
    /// `*`, the server itself: a form of OPTIONS and of nothing else.
    Asterisk,
}

impl Target {
    /// Reads the target of a request with `method`, which stands in `head` at `whole`.
    pub(crate) fn read(method: &Method, head: &[u8], whole: Range<usize>) -> Result<Self, Error> {
        let raw = &head[whole.clone()];
        if raw.first() == Some(&b'/') && *method != Method::CONNECT {
            let path = whole.start..whole.start + path_of_origin(raw)?;
            return Ok(Self::new(whole, path, Form::Origin));
        }
        if !raw.iter().all(|byte| TARGET.has(*byte)) {
            return Err(Error::InvalidTarget);
        }
        if *method == Method::CONNECT {
            return authority_form(raw, whole);
        }
        match raw {
            b"*" if *method == Method::OPTIONS => {
                Ok(Self::new(whole.clone(), whole, Form::Asterisk))
            }
            b"*" => Err(Error::TargetFormMismatch),
            _ => absolute_form(raw, whole),
        }
    }

    fn new(whole: Range<usize>, path: Range<usize>, form: Form) -> Self {
        Self {
            whole: whole.into(),
            path: path.into(),
            form,
        }
    }

    /// The path as sent: `*` for the asterisk form, empty for the authority form.
    pub(crate) fn path<'a>(&self, head: &'a [u8]) -> &'a str {
        match self.form {
            Form::Absolute { .. } if self.path.is_empty() => "/",
            _ => self.path.text(head),
        }
    }

    /// The query as sent, without its `?`.
    pub(crate) fn query<'a>(&self, head: &'a [u8]) -> Option<&'a str> {
        let (path, whole) = (self.path.range(), self.whole.range());
        let is_there = path.end < whole.end;
        is_there.then(|| Span::from(path.end + 1..whole.end).text(head))
    }

    /// Host and port, where the target itself names them.
    pub(crate) fn authority<'a>(&self, head: &'a [u8]) -> Option<&'a str> {
        match &self.form {
            Form::Absolute { authority, .. } => Some(authority.text(head)),
            Form::Authority => Some(self.whole.text(head)),
            Form::Origin | Form::Asterisk => None,
        }
    }

    /// Whether it is a path.
    pub(crate) fn is_origin(&self) -> bool {
        self.form == Form::Origin
    }

    /// Whether it is `*`.
    pub(crate) fn is_asterisk(&self) -> bool {
        self.form == Form::Asterisk
    }

    /// The port that an authority without one means.
    pub(crate) fn default_port(&self) -> u16 {
        match self.form {
            Form::Absolute { default_port, .. } => default_port,
            _ => 80,
        }
    }

    /// The target as a [`Uri`] of the same form.
    pub(crate) fn uri(&self, head: &[u8]) -> Uri {
        let uri = Uri::from_maybe_shared(Bytes::copy_from_slice(&head[self.whole.range()]));
        // Never the default: each form was read so that it is a URI.
        uri.unwrap_or_default()
    }
}

/// How long the path is. What is accepted here the http crate accepts too, as the tests below show.
fn path_of_origin(raw: &[u8]) -> Result<usize, Error> {
    let end = raw.iter().position(|byte| !PATH.has(*byte));
    let end = end.unwrap_or(raw.len());
    let query = &raw[end..];
    let is_query = matches!(query, [] | [b'?', ..]) && query.iter().all(|byte| TARGET.has(*byte));
    if is_query && raw.len() <= LONGEST {
        Ok(end)
    } else {
        Err(Error::InvalidTarget)
    }
}

fn absolute_form(raw: &[u8], whole: Range<usize>) -> Result<Target, Error> {
    let scheme_end = raw.windows(3).position(|window| window == b"://");
    let Some(scheme_end) = scheme_end else {
        // `host:port` without CONNECT, or something relative.
        return Err(match HostPort::read(raw) {
            Some(_) => Error::TargetFormMismatch,
            None => Error::InvalidTarget,
        });
    };
    let default_port = match &raw[..scheme_end] {
        scheme if scheme.eq_ignore_ascii_case(b"http") => 80,
        scheme if scheme.eq_ignore_ascii_case(b"https") => 443,
        _ => return Err(Error::UnsupportedScheme),
    };
    let uri = Uri::try_from(raw).map_err(|_| Error::InvalidTarget)?;
    let authority = uri.authority().map_or("", Authority::as_str);
    if HostPort::read(authority.as_bytes()).is_none() || uri.path().contains('\\') {
        return Err(Error::InvalidTarget);
    }
    let start = whole.start + scheme_end + 3;
    let authority = start..start + authority.len();
    let rest = &raw[authority.end - whole.start..];
    let path = rest.iter().position(|byte| *byte == b'?');
    let path = authority.end..authority.end + path.unwrap_or(rest.len());
    let authority = authority.into();
    let form = Form::Absolute {
        default_port,
        authority,
    };
    Ok(Target::new(whole, path, form))
}

/// `uri-host ":" port`, the port required (RFC 9112 §3.2.3).
fn authority_form(raw: &[u8], whole: Range<usize>) -> Result<Target, Error> {
    if matches!(raw.first(), Some(b'/' | b'*')) {
        return Err(Error::TargetFormMismatch);
    }
    if !HostPort::read(raw).is_some_and(|authority| authority.has_port()) {
        return Err(Error::InvalidTarget);
    }
    Uri::try_from(raw).map_err(|_| Error::InvalidTarget)?;
    let path = whole.end..whole.end;
    Ok(Target::new(whole, path, Form::Authority))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_that_is_accepted_is_a_uri() {
        for byte in 0..=255u8 {
            for target in [
                [b"/a", &[byte][..], b"b"].concat(),
                [b"/a?", &[byte][..], b"b"].concat(),
            ] {
                let read = Target::read(&Method::GET, &target, 0..target.len());
                let Ok(read) = read else { continue };
                let uri = Uri::try_from(&target[..]).unwrap();
                assert_eq!(read.path(&target), uri.path(), "{byte:#x}");
                assert_eq!(read.query(&target), uri.query(), "{byte:#x}");
                assert_eq!(read.uri(&target), uri, "{byte:#x}");
            }
        }
    }

    #[test]
    fn a_path_is_the_part_of_a_target_that_it_may_be() {
        for byte in 0..=255u8 {
            let is_path = TARGET.has(byte) && !matches!(byte, b'?' | b'\\' | b'`');
            assert_eq!(PATH.has(byte), is_path, "{byte:#x}");
        }
    }
}

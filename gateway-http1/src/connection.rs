//! What a request asks of its connection: Host, Connection, Upgrade, Expect.

use http::Version;
use http::header::{CONNECTION, EXPECT, HOST, HeaderMap, UPGRADE};

use crate::authority::HostPort;
use crate::error::Error;
use crate::target::Target;
use crate::token;

/// Checks that Host is there, once, sound, and no other than the target's (RFC 9112 §3.2).
///
/// RFC 9112 §3.2.2 has the target win over a differing Host. Some fronts route by the one and some by the
/// other, so a request with two opinions is refused, as HAProxy does; a client must not send it (§3.2).
pub(crate) fn check_host(
    version: Version,
    target: &Target,
    headers: &HeaderMap,
) -> Result<(), Error> {
    let mut lines = headers.get_all(HOST).iter();
    let Some(host) = lines.next() else {
        return match version {
            Version::HTTP_10 => Ok(()),
            _ => Err(Error::MissingHost),
        };
    };
    if lines.next().is_some() {
        return Err(Error::RepeatedHost);
    }
    // Empty where there is no authority to name (§3.2); an http URI always has one (RFC 9110 §4.2.1).
    if host.is_empty() && *target == Target::Asterisk {
        return Ok(());
    }
    let host = HostPort::read(host.as_bytes()).ok_or(Error::InvalidHost)?;
    let same = target
        .authority()
        .and_then(|authority| HostPort::read(authority.as_bytes()))
        .is_none_or(|authority| host.is_same(&authority, target.default_port()));
    if same {
        Ok(())
    } else {
        Err(Error::HostMismatch)
    }
}

/// What Connection says.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ConnectionOptions {
    /// Whether the client wants the connection kept (RFC 9112 §9.3).
    pub(crate) keep_alive: bool,
    /// Whether the client offers to change protocols, and Upgrade says which (RFC 9110 §7.8).
    pub(crate) upgrade: bool,
}

impl ConnectionOptions {
    /// What the version says where there is no Connection (RFC 9112 §9.3).
    pub(crate) fn of_version(version: Version) -> Self {
        Self {
            keep_alive: version == Version::HTTP_11,
            upgrade: false,
        }
    }

    pub(crate) fn of_request(version: Version, headers: &HeaderMap) -> Result<Self, Error> {
        let (mut close, mut keep_alive, mut upgrade) = (false, false, false);
        for line in headers.get_all(CONNECTION) {
            for option in token::list(line.as_bytes()) {
                if !token::is_token(option) {
                    return Err(Error::InvalidConnection);
                }
                close |= option.eq_ignore_ascii_case(b"close");
                keep_alive |= option.eq_ignore_ascii_case(b"keep-alive");
                upgrade |= option.eq_ignore_ascii_case(b"upgrade");
            }
        }
        let http11 = version == Version::HTTP_11;
        Ok(Self {
            keep_alive: !close && (http11 || keep_alive),
            upgrade: http11 && upgrade && headers.contains_key(UPGRADE),
        })
    }
}

/// Whether the client waits for `100 Continue` before it sends the body (RFC 9110 §10.1.1).
///
/// HTTP/1.0 has no interim responses, so the expectation is ignored there, as the RFC demands.
pub(crate) fn expects_continue(version: Version, headers: &HeaderMap) -> Result<bool, Error> {
    let mut expects = false;
    for line in headers.get_all(EXPECT) {
        for expectation in token::list(line.as_bytes()) {
            if !expectation.eq_ignore_ascii_case(b"100-continue") {
                return Err(Error::UnknownExpectation);
            }
            expects = true;
        }
    }
    Ok(expects && version == Version::HTTP_11)
}

//! What a request asks of its connection: Host, Connection, Upgrade, Expect.

use http::Version;

use crate::authority::HostPort;
use crate::draft::{Decisive, Hosts, Name};
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
    head: &[u8],
    hosts: &Hosts,
) -> Result<(), Error> {
    let Some(host) = hosts.first else {
        return match version {
            Version::HTTP_10 => Ok(()),
            _ => Err(Error::MissingHost),
        };
    };
    if hosts.repeated {
        return Err(Error::RepeatedHost);
    }
    let host = &head[host.range()];
    // Empty where there is no authority to name (§3.2); an http URI always has one (RFC 9110 §4.2.1).
    if host.is_empty() && target.is_asterisk() {
        return Ok(());
    }
    let host = HostPort::read(host).ok_or(Error::InvalidHost)?;
    let same = target
        .authority(head)
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
    pub(crate) fn of_request(version: Version, fields: Decisive<'_>) -> Result<Self, Error> {
        let (mut close, mut keep_alive, mut upgrade) = (false, false, false);
        for line in fields.all(Name::Connection) {
            for option in token::list(line) {
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
            upgrade: http11 && upgrade && fields.has(Name::Upgrade),
        })
    }
}

/// Whether the client waits for `100 Continue` before it sends the body (RFC 9110 §10.1.1). It is said once in a line:
/// nobody has a reason to say it twice, and readers differ in whether they take it then.
///
/// HTTP/1.0 has no interim responses, so the expectation is ignored there, as the RFC demands.
pub(crate) fn expects_continue(version: Version, fields: Decisive<'_>) -> Result<bool, Error> {
    let mut expects = false;
    for line in fields.all(Name::Expect) {
        if !line.eq_ignore_ascii_case(b"100-continue") {
            return Err(Error::UnknownExpectation);
        }
        expects = true;
    }
    Ok(expects && version == Version::HTTP_11)
}

//! `uri-host [ ":" port ]`, as Host and targets have it (RFC 9110 §7.2, RFC 3986 §3.2).

use std::net::Ipv6Addr;

use crate::declared::decimal;
use crate::octets::is_unreserved;

/// A host and a port, checked. Userinfo is never part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct HostPort<'a> {
    host: &'a [u8],
    pub(super) port: Option<u16>,
}

impl<'a> HostPort<'a> {
    /// Reads a name, an IPv4 address or an IPv6 address in brackets, and a port, which may be empty.
    ///
    /// Names are of unreserved characters only: no host on any network has the others that RFC 3986
    /// allows, and who decodes or prints `a%2fb` or `a,b` may take it for something else.
    pub(super) fn read(bytes: &'a [u8]) -> Option<Self> {
        let end = match bytes {
            [b'[', ..] => bytes.iter().position(|byte| *byte == b']')? + 1,
            _ => bytes
                .iter()
                .take_while(|byte| is_unreserved(**byte))
                .count(),
        };
        let (host, rest) = bytes.split_at(end);
        let is_host = match host {
            [b'[', address @ .., b']'] => is_ipv6(address),
            name => !name.is_empty(),
        };
        let port = match rest {
            [] | [b':'] => None,
            [b':', digits @ ..] => Some(read_port(digits)?),
            _ => return None,
        };
        is_host.then_some(Self { host, port })
    }

    /// Whether both name the same host and port, `default` being the port of one that names none.
    pub(super) fn is_same(&self, other: &HostPort<'_>, default: u16) -> bool {
        self.host.eq_ignore_ascii_case(other.host)
            && self.port.unwrap_or(default) == other.port.unwrap_or(default)
    }
}

fn is_ipv6(address: &[u8]) -> bool {
    std::str::from_utf8(address).is_ok_and(|text| text.parse::<Ipv6Addr>().is_ok())
}

/// Up to five digits that fit 16 bits.
fn read_port(digits: &[u8]) -> Option<u16> {
    match digits.len() {
        1..=5 => decimal(digits)?.try_into().ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_is_a_host() {
        for good in [
            "example.com",
            "A-b.c_d~1",
            "127.0.0.1:80",
            "[::1]",
            "[2001:db8::7]:8080",
            "a:",
            "a:65535",
        ] {
            assert!(HostPort::read(good.as_bytes()).is_some(), "{good}");
        }
        for bad in [
            "",
            ":80",
            "a b",
            "a,b",
            "u@a",
            "a/b",
            "a?b",
            "a:65536",
            "a:+80",
            "a:80:80",
            "a:8x",
            "::1",
            "[::1",
            "[::1]x",
            "[]",
            "[v1.a]",
            "[::1%25e]",
            "a%41",
            "*.a",
            "b\u{fc}cher",
        ] {
            assert!(HostPort::read(bad.as_bytes()).is_none(), "{bad}");
        }
    }

    #[test]
    fn compares_without_case_and_with_the_default_port() {
        let same = |left: &str, right: &str| {
            let right = HostPort::read(right.as_bytes()).unwrap();
            HostPort::read(left.as_bytes()).unwrap().is_same(&right, 80)
        };
        assert!(same("A.b", "a.B:80"));
        assert!(same("a:", "a"));
        assert!(!same("a:81", "a"));
    }
}

//! `uri-host [ ":" port ]`, as Host and request targets have it (RFC 9110 §7.2, RFC 3986 §3.2).

use std::net::Ipv6Addr;

use crate::token::Set;

/// `unreserved` (RFC 3986 §2.3).
static NAME: Set = Set::of(b"-.0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz~");

/// A host and a port, checked. Userinfo is never part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct HostPort<'a> {
    host: &'a [u8],
    port: Option<u16>,
}

impl<'a> HostPort<'a> {
    /// Reads `host [":" port]`. The host is a name, an IPv4 address, or an IPv6 address in brackets, and
    /// is not empty; the port may be (RFC 3986 §3.2.3).
    ///
    /// Stricter than RFC 3986 (§3.2.2): names of unreserved characters only. No host on any network has
    /// percent-encoding or sub-delims in its name, and whoever decodes or prints `a%2fb`, `a'b` or `a,b`
    /// (two Host fields, joined) may take it for something else. Addresses of the form `[v1.x]` do not exist.
    pub(crate) fn read(bytes: &'a [u8]) -> Option<Self> {
        let end = match bytes {
            [b'[', ..] => end_of_ipv6(bytes)?,
            _ => bytes.iter().take_while(|byte| NAME.has(**byte)).count(),
        };
        let (host, port) = bytes.split_at(end);
        let port = match port {
            [] | [b':'] => None,
            [b':', digits @ ..] => Some(read_port(digits)?),
            _ => return None,
        };
        (end > 0).then_some(Self { host, port })
    }

    pub(crate) fn has_port(&self) -> bool {
        self.port.is_some()
    }

    /// Whether both name the same host and port, where `default` is the port of one that names none.
    pub(crate) fn is_same(&self, other: &HostPort<'_>, default: u16) -> bool {
        self.host.eq_ignore_ascii_case(other.host)
            && self.port.unwrap_or(default) == other.port.unwrap_or(default)
    }
}

/// How long the address is, brackets included, if it is one.
fn end_of_ipv6(bytes: &[u8]) -> Option<usize> {
    let end = bytes.iter().position(|byte| *byte == b']')?;
    let address = std::str::from_utf8(&bytes[1..end]).ok()?;
    address.parse::<Ipv6Addr>().is_ok().then_some(end + 1)
}

/// Up to five digits that fit 16 bits.
fn read_port(digits: &[u8]) -> Option<u16> {
    if digits.len() > 5 {
        return None;
    }
    let port = digits.iter().try_fold(0, |port: u32, digit| {
        let value = digit.is_ascii_digit().then(|| u32::from(digit - b'0'))?;
        Some(port * 10 + value) // five digits are far from 32 bits
    })?;
    port.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_hosts_with_and_without_port() {
        for good in [
            "example.com",
            "a",
            "A-b.c_d~1",
            "127.0.0.1:80",
            "[::1]",
            "[2001:db8::7]:8080",
            "a:",
            "a:0",
            "a:65535",
            "xn--bcher-kva.example",
        ] {
            assert!(HostPort::read(good.as_bytes()).is_some(), "{good}");
        }
    }

    #[test]
    fn refuses_what_is_no_host() {
        for bad in [
            "",
            ":80",
            "a b",
            "a,b",
            "user@a",
            "a/b",
            "a?b",
            "a#b",
            "a:65536",
            "a:+80",
            "a:80:80",
            "a:8x",
            "a:000080",
            "::1",
            "[::1",
            "[::1]x",
            "[]",
            "[v1.a]",
            "[::1%25eth0]",
            "[1.2.3.4]",
            "a\\b",
            "a%4",
            "%41.example",
            "*.example",
            "a'b",
            "a;b",
            "a=b",
            "a&b",
            "a!b",
            "a$b",
            "a+b",
            "a(b)",
            "a%zz",
            "bücher",
            "a\"b",
            "a<b",
            "a]b",
        ] {
            assert!(HostPort::read(bad.as_bytes()).is_none(), "{bad}");
        }
    }

    #[test]
    fn compares_without_case_and_with_default_port() {
        let same = |left: &str, right: &str| {
            let left = HostPort::read(left.as_bytes()).unwrap();
            left.is_same(&HostPort::read(right.as_bytes()).unwrap(), 80)
        };
        assert!(same("Example.COM", "example.com:80"));
        assert!(same("a:", "a"));
        assert!(!same("a", "a:81"));
        assert!(!same("a", "b"));
    }
}

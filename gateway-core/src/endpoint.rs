//! [`Endpoint`]: who the two ends of a connection are.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::Arc;

use crate::Gateway;
use crate::server::Detached;

/// Who the two ends of a connection are, and what serves it. Made once a connection, shared by its
/// requests.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Endpoint {
    /// The client's end.
    pub remote: Address,
    /// The host's end.
    pub local: Address,
    /// How the client reached the host.
    pub scheme: Scheme,
    /// The host.
    pub gateway: Gateway,
}

impl Endpoint {
    /// The ends of a connection; for hosts.
    pub fn new(remote: Address, local: Address, scheme: Scheme, gateway: Gateway) -> Self {
        Self {
            remote,
            local,
            scheme,
            gateway,
        }
    }

    /// The ends of no connection: addresses unknown, scheme `http`, no host.
    pub fn detached() -> Self {
        Self::new(
            Address::Unknown,
            Address::Unknown,
            Scheme::Http,
            Gateway::new(Detached),
        )
    }
}

/// The address of one end of a connection.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Address {
    /// IP address and port.
    Tcp(SocketAddr),
    /// A Unix socket; clients mostly have no name.
    Unix(Option<Arc<Path>>),
    /// Not known, or there is no connection.
    Unknown,
}

impl Address {
    /// IP address and port, where the connection has them.
    pub fn socket(&self) -> Option<SocketAddr> {
        match self {
            Self::Tcp(address) => Some(*address),
            _ => None,
        }
    }

    /// The IP address, where the connection has one.
    pub fn ip(&self) -> Option<IpAddr> {
        self.socket().map(|address| address.ip())
    }
}

impl From<SocketAddr> for Address {
    fn from(address: SocketAddr) -> Self {
        Self::Tcp(address)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => write!(f, "{address}"),
            Self::Unix(Some(path)) => write!(f, "unix:{}", path.display()),
            Self::Unix(None) => f.write_str("unix:"),
            Self::Unknown => f.write_str("unknown"),
        }
    }
}

/// How the client reached the host (PEP 3333 `wsgi.url_scheme`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Scheme {
    /// Cleartext.
    Http,
    /// TLS.
    Https,
}

impl Scheme {
    /// `http` or `https`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }

    /// The port that the scheme stands for: 80 or 443.
    pub fn default_port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

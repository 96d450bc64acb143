//! The request target and its four forms (RFC 9112 §3.2).

use http::{Method, Uri, Version};

use super::authority::HostPort;
use crate::octets::is_target;
use crate::refusal::Refusal;

/// Checks that the form of the target is one that the method has, and what is in it.
pub(super) fn check(method: &Method, uri: &Uri, version: Version) -> Result<(), Refusal> {
    let authority = uri
        .authority()
        .map(|authority| HostPort::read(authority.as_str().as_bytes()));
    if method == Method::CONNECT {
        return authority_form(uri, authority.flatten());
    }
    match (uri.scheme_str(), authority) {
        (None, None) => path(method, uri, version),
        (Some("http" | "https"), Some(Some(_))) => path(method, uri, version),
        (Some("http" | "https"), Some(None)) => Err(Refusal::InvalidTarget),
        // HTTP/2 may name the authority and leave the scheme to the connection.
        (None, Some(Some(_))) if version >= Version::HTTP_2 => path(method, uri, version),
        (None, Some(_)) => Err(Refusal::TargetFormMismatch),
        (Some(_), _) => Err(Refusal::UnsupportedScheme),
    }
}

/// `uri-host ":" port`, the port required (RFC 9112 §3.2.3).
fn authority_form(uri: &Uri, authority: Option<HostPort<'_>>) -> Result<(), Refusal> {
    if uri.scheme().is_some() || uri.path_and_query().is_some_and(|it| it.as_str() != "") {
        return Err(Refusal::TargetFormMismatch);
    }
    match authority {
        Some(HostPort { port: Some(_), .. }) => Ok(()),
        _ => Err(Refusal::InvalidTarget),
    }
}

fn path(method: &Method, uri: &Uri, version: Version) -> Result<(), Refusal> {
    match uri.path() {
        "*" if method == Method::OPTIONS => Ok(()),
        "*" => Err(Refusal::TargetFormMismatch),
        // Some front ends take `\` for `/`.
        path if !path.starts_with('/') || path.contains('\\') => Err(Refusal::InvalidTarget),
        // HTTP/1 has been looked at before hyper read it.
        _ if version < Version::HTTP_2 => Ok(()),
        _ => as_sent(uri),
    }
}

/// No URI holds `"`, `<` or `>` (RFC 3986 §2), though the parser lets some of them by; and `:path` begins with
/// `/`, before a query too (RFC 9113 §8.3.1).
fn as_sent(uri: &Uri) -> Result<(), Refusal> {
    let target = uri.path_and_query().map_or("", |target| target.as_str());
    match target.starts_with('/') && target.bytes().all(is_target) {
        true => Ok(()),
        false => Err(Refusal::InvalidTarget),
    }
}

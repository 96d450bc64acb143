//! E: what an environ is, as the host makes it.

use http::header::{CONTENT_LENGTH, HOST, TRANSFER_ENCODING};
use http::{Method, Version};

use super::violation::{Check, must, should};
use crate::{Address, Environ};

pub(super) const CHECKS: &[fn(&Environ) -> Check] = &[
    script_name,
    path_info,
    path,
    field_names,
    one_host,
    content_length,
    one_framing,
    version,
    ends,
    times,
];

/// **E1.** SCRIPT_NAME MUST be empty, or start with `/` and not end with one.
///
/// *Why*: An application puts links together from it; with two spellings of one place each would need a test in
/// every application.
///
/// *Source*: RFC 3875 §4.1.13; Rack SPEC, "The Environment".
fn script_name(environ: &Environ) -> Check {
    let name = environ.script_name();
    let kept = name.is_empty() || (name.starts_with('/') && !name.ends_with('/'));
    must("E1", kept, || format!("SCRIPT_NAME is {name:?}"))
}

/// **E2.** PATH_INFO MUST be empty or start with `/`; it MUST be `*` for `OPTIONS *`, and for nothing else.
///
/// *Why*: Routers compare whole segments. The asterisk names the server and no place on it.
///
/// *Source*: RFC 3875 §4.1.5; RFC 9112 §3.2.4.
fn path_info(environ: &Environ) -> Check {
    let path = environ.path_info();
    let kept = match path {
        "" => true,
        "*" => environ.method() == Method::OPTIONS,
        _ => path.starts_with('/'),
    };
    must("E2", kept, || {
        format!("PATH_INFO of {} is {path:?}", environ.method())
    })
}

/// **E3.** SCRIPT_NAME and PATH_INFO MUST NOT both be empty, but for CONNECT.
///
/// *Why*: Every other target has a path, and be it `/`; an application that is mounted nowhere sees that.
///
/// *Source*: Rack SPEC, "The Environment"; RFC 9112 §3.2.
fn path(environ: &Environ) -> Check {
    let empty = environ.script_name().is_empty() && environ.path_info().is_empty();
    let kept = !empty || environ.method() == Method::CONNECT;
    must("E3", kept, || format!("{} has no path", environ.method()))
}

/// **E4.** A field whose name holds `_` SHOULD NOT reach the application.
///
/// *Why*: By its CGI name it would pass for the field with `-` that a front end sets. Hosts refuse such names; who lets
/// them through knows its front end.
///
/// *Source*: RFC 3875 §4.1.18; nginx `underscores_in_headers`.
fn field_names(environ: &Environ) -> Check {
    let found = environ
        .headers()
        .keys()
        .find(|name| name.as_str().contains('_'));
    should("E4", found.is_none(), || {
        format!("a field is called {found:?}")
    })
}

/// **E5.** There MUST be at most one Host, and SERVER_NAME MUST NOT be empty.
///
/// *Why*: With two hosts a proxy may have looked at the other one; without a name no URL can be put together.
///
/// *Source*: RFC 9112 §3.2; RFC 3875 §4.1.14; PEP 3333, "environ Variables".
fn one_host(environ: &Environ) -> Check {
    let hosts = environ.headers().get_all(HOST).iter().count();
    let name = environ.server_name();
    must("E5", hosts <= 1 && !name.is_empty(), || {
        format!("{hosts} Host fields, and SERVER_NAME is {name:?}")
    })
}

/// **E6.** There MUST be at most one Content-Length, in decimal digits.
///
/// *Why*: What reads differently in two places is how a request is smuggled past one of them.
///
/// *Source*: RFC 9110 §8.6; RFC 3875 §4.1.2.
fn content_length(environ: &Environ) -> Check {
    let values: Vec<_> = environ.headers().get_all(CONTENT_LENGTH).iter().collect();
    let kept = match values[..] {
        [] => true,
        [value] => !value.is_empty() && value.as_bytes().iter().all(u8::is_ascii_digit),
        _ => false,
    };
    must("E6", kept, || format!("Content-Length is {values:?}"))
}

/// **E7.** Content-Length and Transfer-Encoding MUST NOT both be there.
///
/// *Why*: They say two things about one body. The host has refused such a request, or chosen and removed the other.
///
/// *Source*: RFC 9112 §6.1.
fn one_framing(environ: &Environ) -> Check {
    let fields = environ.headers();
    let both = fields.contains_key(CONTENT_LENGTH) && fields.contains_key(TRANSFER_ENCODING);
    must("E7", !both, || {
        "Content-Length and Transfer-Encoding".to_owned()
    })
}

/// **E8.** The protocol MUST be HTTP/1.0 or later.
///
/// *Why*: HTTP/0.9 has no head, and so nothing of what an environ is made of.
///
/// *Source*: RFC 9112 §2.3.
fn version(environ: &Environ) -> Check {
    must("E8", environ.protocol() >= Version::HTTP_10, || {
        format!("the protocol is {:?}", environ.protocol())
    })
}

/// **E9.** The two ends of a connection MUST be of one kind, but where a front end tells of the client: then the client may be
/// at a TCP address, and the local end unknown.
///
/// *Why*: A host that knows where it listens knows who has come; who is let in depends on it.
///
/// *Source*: RFC 3875 §4.1.8.
fn ends(environ: &Environ) -> Check {
    let (remote, local) = (environ.remote_addr(), environ.local_addr());
    let kept = match (remote, local) {
        (_, Address::Unknown) => true, // a front end told of the client
        (Address::Tcp(_), Address::Tcp(_)) | (Address::Unix(_), Address::Unix(_)) => true,
        // What an application in front knows better than the socket.
        (Address::Tcp(_), Address::Unix(_)) => true,
        _ => false,
    };
    must("E9", kept, || format!("from {remote} to {local}"))
}

/// **E10.** The deadline MUST NOT be before the request was received.
///
/// *Why*: What is left of the time is what an application gives its own upstream calls.
fn times(environ: &Environ) -> Check {
    let kept = match (environ.received_at(), environ.deadline()) {
        (Some(received), Some(deadline)) => received <= deadline,
        _ => true,
    };
    must("E10", kept, || {
        "the deadline was over before the request came".to_owned()
    })
}

//! The target of a request: an environ has the whole and SCRIPT_NAME, a service has the rest of the path
//! as its URI.
//!
//! ```text
//!   environ   /app/api/x   SCRIPT_NAME /app      ─ shown ─▶   service   /api/x
//!   environ   /app/api/x   SCRIPT_NAME /app/api  ◀─ whole ─   service   /x      (a router took /api)
//! ```

use http::Uri;
use http::uri::PathAndQuery;

/// The target without the first `script_len` bytes of its decoded path.
pub(crate) fn shown(uri: &Uri, script_len: usize) -> Uri {
    if script_len == 0 {
        return uri.clone();
    }
    let rest = &uri.path()[encoded_len(uri.path(), script_len)..];
    with_path(uri, &rooted(rest))
}

/// A target and how many bytes of its decoded path are SCRIPT_NAME.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Whole {
    pub(crate) uri: Uri,
    pub(crate) script_len: usize,
}

/// The whole target of a request that was shown as `shown` and is `now` something else: what is missing at
/// its front was taken by a router on the way, and is SCRIPT_NAME too.
pub(crate) fn whole(original: &Uri, script_len: usize, shown: &Uri, now: &Uri) -> Whole {
    if now.path() == shown.path() {
        return Whole {
            uri: with_path(now, original.path()),
            script_len,
        };
    }
    let script = &original.path()[..encoded_len(original.path(), script_len)];
    match taken(shown.path(), now.path()) {
        Taken::All => Whole {
            uri: with_path(now, &format!("{script}{}", shown.path())),
            script_len: script_len + decoded_len(shown.path()),
        },
        Taken::Front(front) => Whole {
            uri: with_path(now, &format!("{script}{front}{}", now.path())),
            script_len: script_len + decoded_len(front),
        },
    }
}

/// The whole target of a request whose router took `prefix`, which is decoded.
pub(crate) fn under(prefix: &str, now: &Uri) -> Whole {
    Whole {
        uri: with_path(now, &format!("{}{}", encode(prefix), now.path())),
        script_len: prefix.len(),
    }
}

enum Taken<'a> {
    /// All of the path; routers leave `/` then.
    All,
    /// These segments at the front, or none.
    Front(&'a str),
}

fn taken<'a>(before: &'a str, after: &str) -> Taken<'a> {
    if after == "/" && !before.ends_with('/') && before.starts_with('/') {
        return Taken::All;
    }
    match before.strip_suffix(after) {
        Some(front) if after.starts_with('/') => Taken::Front(front),
        _ => Taken::Front(""), // rewritten
    }
}

fn with_path(uri: &Uri, path: &str) -> Uri {
    if uri.path() == path {
        return uri.clone();
    }
    let target = match uri.query() {
        Some(query) => PathAndQuery::try_from(format!("{path}?{query}")),
        None => PathAndQuery::try_from(path),
    };
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = target.ok();
    // Pieces of targets that were read before; if they are none together, the one that is there stays.
    Uri::from_parts(parts).unwrap_or_else(|_| uri.clone())
}

/// How many bytes of an encoded path make `decoded` bytes.
fn encoded_len(path: &str, decoded: usize) -> usize {
    let mut at = 0;
    for _ in 0..decoded {
        at += if path[at..].starts_with('%') { 3 } else { 1 };
        if at >= path.len() {
            return path.len();
        }
        // A letter that was sent as it is has more bytes than one.
        while !path.is_char_boundary(at) {
            at += 1;
        }
    }
    at
}

/// Bytes of a path when it is decoded. Its escapes are whole: the host has seen to that.
fn decoded_len(path: &str) -> usize {
    path.len() - 2 * path.matches('%').count()
}

/// A path starts with `/`; one that was sent as `%2F` counts, as it does where prefixes are compared.
fn rooted(rest: &str) -> String {
    match rest.get(..3) {
        Some(escape) if escape.eq_ignore_ascii_case("%2f") => format!("/{}", &rest[3..]),
        _ if rest.is_empty() => "/".to_owned(),
        _ => rest.to_owned(),
    }
}

/// Percent-encoding (RFC 3986 §3.3: `pchar` and `/` stay).
fn encode(path: &str) -> String {
    let mut encoded = String::with_capacity(path.len());
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uri(text: &str) -> Uri {
        text.parse().unwrap()
    }

    #[test]
    fn a_service_sees_the_path_below_its_mount() {
        for (target, script_name, expected) in [
            ("/x?q", "", "/x?q"),
            ("/app/x?q=%20", "/app", "/x?q=%20"),
            ("/app", "/app", "/"),
            ("/app?q", "/app", "/?q"),
            ("/%61pp/%EC%84%9C", "/app", "/%EC%84%9C"),
            ("/a%2Fb/x", "/a/b", "/x"),
            ("/a%2Fb", "/a", "/b"),
            ("/%EC%84%9C/x", "/서", "/x"),
            ("http://host:1/app/x", "/app", "http://host:1/x"),
        ] {
            assert_eq!(shown(&uri(target), script_name.len()), expected, "{target}");
        }
    }

    #[test]
    fn what_is_missing_at_the_front_was_taken_on_the_way() {
        for (target, script_name, now, expected, script) in [
            ("/x", "", "/x", "/x", ""),
            ("/app/x", "/app", "/x", "/app/x", "/app"),
            ("/app", "/app", "/", "/app", "/app"),
            ("/api/x?q", "", "/x?q", "/api/x?q", "/api"),
            ("/app/api/x", "/app", "/x", "/app/api/x", "/app/api"),
            ("/api", "", "/", "/api", "/api"),
            ("/api/", "", "/", "/api/", "/api"),
            ("/%61pi/x", "", "/x", "/%61pi/x", "/api"),
            ("/old/x", "", "/new/x", "/new/x", ""),
            ("/app/old", "/app", "/new", "/app/new", "/app"),
            ("/x?q=1", "", "/x?q=2", "/x?q=2", ""),
        ] {
            let target = uri(target);
            let shown = shown(&target, script_name.len());
            let whole = whole(&target, script_name.len(), &shown, &uri(now));
            assert_eq!(whole.uri, expected, "{target} {now}");
            assert_eq!(whole.script_len, script.len(), "{target} {now}");
        }
    }

    #[test]
    fn a_prefix_that_nobody_saw_is_put_back_in_front() {
        let whole = under("/서 1", &uri("/x?q"));
        assert_eq!(whole.uri, "/%EC%84%9C%201/x?q");
        assert_eq!(whole.script_len, "/서 1".len());
    }

    #[test]
    fn the_asterisk_stays() {
        let all = uri("*");
        assert_eq!(shown(&all, 0), "*");
        assert_eq!(whole(&all, 0, &all, &all).uri, "*");
    }
}

//! Which version of what a server is made of.

use super::machine::locked;

/// The locks that were current when this program was built.
const OURS: &str = include_str!("../../../Cargo.lock");
const PEERS: &str = include_str!("../../peers/Cargo.lock");
const PYTHON: &str = include_str!("../../peers/python/requirements.txt");

/// The package that a server is made of, with its version; empty where it is none.
pub(crate) fn version_of(server: &str) -> String {
    let (kind, _) = server.split_once([':', '/']).unwrap_or((server, ""));
    let found = match kind {
        "bare-hyper" => with(OURS, "hyper"),
        "sync" | "distance-sync" | "hello-sync" => with(OURS, "gateway-sync"),
        "hyper" | "hyper-blocking" | "distance-hyper" | "hello-hyper" => {
            with(OURS, "gateway-hyper")
        }
        "epoll" => with(PEERS, "rustix"),
        "uwsgi" => pinned("uwsgi"),
        "granian" | "waitress" => pinned(kind),
        _ if kind.starts_with("gunicorn") => pinned("gunicorn"),
        _ => with(PEERS, kind),
    };
    let flask = server
        .ends_with("/flask")
        .then(|| pinned("flask"))
        .flatten();
    [found, flask]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join(", ")
}

fn with(lock: &str, package: &str) -> Option<String> {
    Some(format!("{package} {}", locked(lock, package)?))
}

/// A line `name==version`, or `name[extras]==version`.
fn pinned(package: &str) -> Option<String> {
    PYTHON.lines().find_map(|line| {
        let (name, version) = line.split_once("==")?;
        let (name, _extras) = name.split_once('[').unwrap_or((name, ""));
        (name.eq_ignore_ascii_case(package)).then(|| format!("{name} {version}"))
    })
}

#[cfg(test)]
mod tests {
    use super::super::peers::{peers, python};
    use super::super::server::OWN;
    use super::*;

    #[test]
    fn every_server_has_a_version() {
        for name in OWN
            .map(str::to_owned)
            .into_iter()
            .chain(peers())
            .chain(python())
        {
            assert!(
                version_of(&name).contains('.'),
                "{name}: {:?}",
                version_of(&name)
            );
        }
    }

    #[test]
    fn a_server_that_is_not_known_has_none() {
        assert_eq!(version_of("nginx"), "");
    }
}

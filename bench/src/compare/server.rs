//! What is measured: the servers by name, and how each is started.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use super::peers::{peer, python_peer};
use super::scenario::Scenario;

/// Where the programs are.
#[derive(Clone, Debug)]
pub(crate) struct Places {
    /// This program.
    own: PathBuf,
    /// The distance service and the programs of examples/hello, built beside this program.
    distance: PathBuf,
    hello: [PathBuf; 2],
    /// The programs of `bench/peers`.
    pub(super) peers: PathBuf,
    /// The virtual environment of `bench/peers/python`, and its applications.
    pub(super) python: PathBuf,
}

/// One server that can be started.
#[derive(Clone, Debug)]
pub(crate) struct Server {
    /// As the command line has it.
    pub(crate) name: String,
    /// The settings that it is given, for the report.
    pub(crate) settings: String,
    /// The path that it is known by to answer.
    pub(crate) health: &'static str,
    /// Where it runs.
    pub(crate) folder: PathBuf,
    pub(super) answers: Answers,
    pub(super) program: PathBuf,
    pub(super) arguments: Vec<String>,
    /// The command that brings its program.
    pub(super) install: &'static str,
}

/// What a server answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answers {
    Everything,
    /// It cannot stream a response, and keeps a connection that the client asks to close.
    Kept,
    /// `/hello`, whatever it is asked for.
    Hello,
    /// Paths of the distance service.
    Distance,
}

/// How ours come about.
const BUILD_DISTANCE: &str = "cargo build --release -p distance";
const BUILD_HELLO: &str = "cargo build --release -p hello";

/// The programs of examples/hello.
const HELLO: [&str; 2] = ["hello-sync", "hello-hyper"];

/// What `serve` sets besides the threads (a test compares).
const MANY: &str =
    "20 000 connections instead of 10 000, otherwise defaults (TCP_NODELAY, a backlog of 1024)";

/// Names of servers that need nothing but this program.
pub(crate) const OWN: [&str; 4] = ["bare-hyper", "sync:2", "sync:64", "hyper:64"];

impl Places {
    /// The usual places: beside this program, and in `bench/peers` below the current folder.
    pub(crate) fn usual() -> io::Result<Self> {
        let own = std::env::current_exe()?;
        let peers = std::env::current_dir()?.join("bench/peers");
        Ok(Self {
            distance: own.with_file_name("distance"),
            hello: HELLO.map(|name| own.with_file_name(name)),
            peers: peers.join("target/release"),
            python: peers.join("python"),
            own,
        })
    }
}

impl Server {
    /// The server of a name; `None` if there is none. `sync`, `hyper`, `hyper-blocking`,
    /// `distance-sync` and `distance-hyper` take a number of threads after a colon, 64 if there is
    /// none.
    pub(crate) fn named(name: &str, places: &Places) -> Option<Self> {
        own(name, places)
            .or_else(|| hello(name, places))
            .or_else(|| peer(name, places))
            .or_else(|| python_peer(name, places))
    }

    /// Whether it does what a scenario is about.
    pub(crate) fn suits(&self, scenario: &Scenario) -> bool {
        let kept = self.answers == Answers::Kept;
        !(kept && scenario.closes()) && scenario.paths().into_iter().all(|path| self.has(path))
    }

    fn has(&self, path: &str) -> bool {
        match self.answers {
            Answers::Everything => !path.starts_with("/distance"),
            Answers::Kept => path != "/stream" && !path.starts_with("/distance"),
            Answers::Hello => path == "/hello",
            Answers::Distance => {
                matches!(path, "/io" | "/compute" | "/mixed") || path.starts_with("/distance")
            }
        }
    }

    /// The command that starts it.
    pub(crate) fn command(&self, address: SocketAddr) -> Vec<String> {
        let fill = |argument: &String| {
            argument
                .replace("{address}", &address.to_string())
                .replace("{host}", &address.ip().to_string())
                .replace("{port}", &address.port().to_string())
        };
        let program = self.program.display().to_string();
        std::iter::once(program)
            .chain(self.arguments.iter().map(fill))
            .collect()
    }

    /// The command as the report has it: without the place of the program.
    pub(crate) fn shown(&self) -> String {
        let program = self.program.file_name().unwrap_or_default();
        let words = [program.to_string_lossy().into_owned()];
        let words: Vec<_> = words.into_iter().chain(self.arguments.clone()).collect();
        words.join(" ")
    }

    /// The command that brings it, if it is not there.
    pub(crate) fn missing(&self) -> Option<&'static str> {
        (!self.program.exists()).then_some(self.install)
    }
}

fn own(name: &str, places: &Places) -> Option<Server> {
    let (host, threads) = match name.split_once(':') {
        Some((host, threads)) => (host, threads.parse::<u16>().ok().filter(|n| *n > 0)?),
        None => (name, 64),
    };
    let (host, settings) = match host {
        "bare-hyper" if host == name => (
            host,
            "hyper 1 on tokio's default runtime, one worker a core, with its timer; TCP_NODELAY and a backlog of 1024, as \
             ours have them"
                .to_owned(),
        ),
        "sync" => (host, format!("threads({threads}), {MANY}")),
        "hyper" => (host, format!("threads({threads}) for blocking calls, {MANY}")),
        "hyper-blocking" => (host, format!("blocking code on threads({threads}), {MANY}")),
        "distance-sync" => (host, format!("threads({threads}), otherwise defaults")),
        "distance-hyper" => (
            host,
            format!("threads({threads}) for blocking calls, otherwise defaults"),
        ),
        _ => return None,
    };
    let distance = host.strip_prefix("distance-");
    let mut arguments = if distance.is_some() {
        vec![]
    } else {
        vec!["serve"]
    };
    let threads = threads.to_string();
    arguments.extend(["--host", distance.unwrap_or(host), "--bind", "{address}"]);
    arguments.extend(["--threads", &threads]);
    Some(Server {
        name: name.to_owned(),
        settings,
        health: if distance.is_some() {
            "/healthz"
        } else {
            "/hello"
        },
        answers: if distance.is_some() {
            Answers::Distance
        } else {
            Answers::Everything
        },
        folder: ".".into(),
        program: if distance.is_some() {
            &places.distance
        } else {
            &places.own
        }
        .clone(),
        arguments: arguments.into_iter().map(str::to_owned).collect(),
        install: BUILD_DISTANCE,
    })
}

fn hello(name: &str, places: &Places) -> Option<Server> {
    let (_, program) = std::iter::zip(HELLO, &places.hello).find(|(of, _)| *of == name)?;
    Some(Server {
        name: name.to_owned(),
        settings: "examples/hello, with its host's defaults; greets the path that it is asked for"
            .to_owned(),
        health: "/hello",
        answers: Answers::Hello,
        folder: ".".into(),
        program: program.clone(),
        arguments: vec!["{address}".to_owned()],
        install: BUILD_HELLO,
    })
}

#[cfg(test)]
mod tests {
    use super::super::peers::{BUILD_PEERS, BUILD_PYTHON, peers, python};
    use super::*;

    fn places() -> Places {
        Places {
            own: "/bin/own".into(),
            distance: "/bin/distance".into(),
            hello: HELLO.map(|name| format!("/bin/{name}").into()),
            peers: "/peers".into(),
            python: "/python".into(),
        }
    }

    fn command(name: &str) -> Option<String> {
        let address = SocketAddr::from(([127, 0, 0, 1], 81));
        Some(Server::named(name, &places())?.command(address).join(" "))
    }

    #[test]
    fn starts_each_server_in_its_way() {
        let cases = [
            (
                "bare-hyper",
                Some("/bin/own serve --host bare-hyper --bind 127.0.0.1:81 --threads 64"),
            ),
            (
                "sync:2",
                Some("/bin/own serve --host sync --bind 127.0.0.1:81 --threads 2"),
            ),
            (
                "hyper",
                Some("/bin/own serve --host hyper --bind 127.0.0.1:81 --threads 64"),
            ),
            (
                "distance-sync:8",
                Some("/bin/distance --host sync --bind 127.0.0.1:81 --threads 8"),
            ),
            ("epoll", Some("/peers/epoll 127.0.0.1:81")),
            ("hello-sync", Some("/bin/hello-sync 127.0.0.1:81")),
            (
                "waitress/wsgi",
                Some(
                    "/python/.venv/bin/waitress-serve --listen=127.0.0.1:81 --threads=4 bare:application",
                ),
            ),
            (
                "granian/flask",
                Some(
                    "/python/.venv/bin/granian --interface wsgi --host 127.0.0.1 --port 81 --workers 2 flasks:application",
                ),
            ),
            ("bare-hyper:2", None),
            ("sync:0", None),
            ("sync:x", None),
            ("waitress", None),
            ("waitress/django", None),
            ("nginx", None),
        ];
        for (name, expected) in cases {
            assert_eq!(command(name).as_deref(), expected, "{name}");
        }
    }

    #[test]
    fn says_the_limits_that_are_set() {
        let defaults = gateway_core::server::Limits::default();
        assert_eq!((defaults.connections, defaults.backlog), (10_000, 1024));
        assert_eq!(crate::serve::CONNECTIONS, 20_000);
        for name in ["sync:2", "hyper:2", "hyper-blocking:2"] {
            let settings = Server::named(name, &places()).unwrap().settings;
            assert!(settings.ends_with(MANY), "{name}: {settings}");
        }
    }

    #[test]
    fn knows_every_server_that_it_names() {
        for name in OWN
            .map(str::to_owned)
            .into_iter()
            .chain(peers())
            .chain(python())
        {
            assert!(command(&name).is_some(), "{name}");
        }
    }

    #[test]
    fn asks_no_server_for_what_it_does_not_have() {
        let cases = [
            ("sync:2", "stream", true),
            ("sync:2", "/distance?base=1", false),
            ("distance-hyper", "/distance?base=1", true),
            ("distance-hyper", "io", true),
            ("distance-hyper", "hello-1", false),
            ("may_minihttp", "download", true),
            ("may_minihttp", "stream", false),
            ("may_minihttp", "hello-64", true),
            ("may_minihttp", "close-64", false),
            ("epoll", "close-64", true),
            ("epoll", "half", false),
        ];
        for (name, scenario, expected) in cases {
            let server = Server::named(name, &places()).unwrap();
            let scenario =
                Scenario::named(scenario).unwrap_or_else(|| Scenario::of_path("", scenario, 64));
            assert_eq!(server.suits(&scenario), expected, "{name} {scenario:?}");
        }
    }

    #[test]
    fn says_how_to_get_what_is_not_there() {
        for (name, install) in [
            ("axum", BUILD_PEERS),
            ("uwsgi/flask", BUILD_PYTHON),
            ("distance-sync", BUILD_DISTANCE),
            ("hello-hyper", BUILD_HELLO),
        ] {
            let server = Server::named(name, &places()).unwrap();
            assert_eq!(server.missing(), Some(install), "{name}");
        }
    }
}

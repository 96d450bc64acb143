//! What is measured: the scenarios by name.

use crate::load::{Manner, Request};

/// One way of loading a server.
#[derive(Clone, Debug)]
pub(crate) struct Scenario {
    /// As the command line has it.
    pub(crate) name: String,
    /// In words.
    pub(crate) title: String,
    /// What wrk asks; the figures are those of this load.
    pub(crate) request: Request,
    /// What goes on beside it.
    pub(crate) beside: Beside,
}

/// What goes on beside the load that is measured.
#[derive(Clone, Debug)]
pub(crate) enum Beside {
    Nothing,
    /// A second load, of requests that wait.
    Load(Request),
    /// Connections that do little.
    Crowd(Manner, usize),
}

/// Names and titles, in the order of the report.
const TITLES: [(&str, &str); 18] = [
    ("hello-1", "13 bytes, 1 connection"),
    ("hello-64", "13 bytes, 64 connections"),
    ("hello-512", "13 bytes, 512 connections"),
    (
        "close-1",
        "13 bytes, 1 client, a connection for each request",
    ),
    (
        "close-64",
        "13 bytes, 64 clients, a connection for each request",
    ),
    (
        "close-512",
        "13 bytes, 512 clients, a connection for each request",
    ),
    (
        "browser",
        "13 bytes to a browser's head (700 bytes, 12 fields), 64 connections",
    ),
    ("compute", "2 ms of computing, 64 connections"),
    ("io", "waits 100 ms, 256 connections"),
    ("io-2000", "waits 100 ms, 2 000 connections"),
    ("mixed", "waits 100 ms and computes 2 ms, 64 connections"),
    (
        "half",
        "13 bytes, 32 connections, while 32 others wait 100 ms",
    ),
    ("upload", "64 KiB upload, 64 connections"),
    ("download", "1 MiB download, 16 connections"),
    ("stream", "64 KiB in 16 streamed pieces, 64 connections"),
    ("idle", "13 bytes, 16 connections, beside 10 000 idle ones"),
    (
        "slow-senders",
        "13 bytes, 16 connections, beside 1 000 that send a byte every 100 ms",
    ),
    (
        "slow-readers",
        "13 bytes, 16 connections, beside 200 that read 20 KiB/s of 1 MiB",
    ),
];

/// Asks the server to close the connection once it has answered.
const CLOSE: (&str, &str) = ("Connection", "close");

/// Names of all scenarios, but those of the distance service.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    TITLES.iter().map(|(name, _)| *name)
}

impl Scenario {
    /// The scenario of a name; `None` if there is none. `hello`, `close` and `io` take any number of
    /// connections behind the name, as in `hello-128`.
    pub(crate) fn named(name: &str) -> Option<Self> {
        let (request, beside) = load_of(name)?;
        let title = TITLES.iter().find(|(of, _)| *of == name);
        let title = title.map_or_else(
            || format!("{}, {} connections", request.path, request.connections),
            |(_, title)| (*title).to_owned(),
        );
        Some(Self {
            name: name.to_owned(),
            title,
            request,
            beside,
        })
    }

    /// A path of a service that is not ours.
    pub(crate) fn of_path(name: &str, path: &str, connections: usize) -> Self {
        Self {
            name: name.to_owned(),
            title: format!("{path}, {connections} connections"),
            request: get(path, connections),
            beside: Beside::Nothing,
        }
    }

    /// Whether each request is to have a connection of its own.
    pub(crate) fn closes(&self) -> bool {
        let is_close = |(name, value): &(String, String)| (&**name, &**value) == CLOSE;
        self.request.headers.iter().any(is_close)
    }

    /// The paths that a server must have.
    pub(crate) fn paths(&self) -> Vec<&str> {
        let mut paths = vec![self.request.path.as_str()];
        match &self.beside {
            Beside::Load(request) => paths.push(&request.path),
            Beside::Crowd(Manner::SlowReader, _) => paths.push("/big"),
            Beside::Crowd(..) | Beside::Nothing => {}
        }
        paths
    }

    /// Connections, those beside included.
    pub(crate) fn connections(&self) -> usize {
        let beside = match &self.beside {
            Beside::Nothing => 0,
            Beside::Load(request) => request.connections,
            Beside::Crowd(_, count) => *count,
        };
        self.request.connections + beside
    }
}

fn load_of(name: &str) -> Option<(Request, Beside)> {
    let (kind, count) = match name.rsplit_once('-') {
        Some((kind, count)) => (kind, count.parse::<usize>().ok().filter(|count| *count > 0)),
        None => (name, None),
    };
    let beside = |manner, count| (get("/hello", 16), Beside::Crowd(manner, count));
    let alone = |request| (request, Beside::Nothing);
    Some(match (kind, count) {
        ("hello", Some(count)) => alone(get("/hello", count)),
        ("close", Some(count)) => alone(Request {
            headers: vec![(CLOSE.0.into(), CLOSE.1.into())],
            ..get("/hello", count)
        }),
        ("browser", None) => alone(Request {
            headers: browser(),
            ..get("/hello", 64)
        }),
        ("compute", None) => alone(get("/compute", 64)),
        ("io", count) => alone(get("/io", count.unwrap_or(256))),
        ("mixed", None) => alone(get("/mixed", 64)),
        ("half", None) => (get("/hello", 32), Beside::Load(get("/io", 32))),
        ("upload", None) => alone(Request {
            upload: Some(64 * 1024),
            ..get("/upload", 64)
        }),
        ("download", None) => alone(get("/big", 16)),
        ("stream", None) => alone(get("/stream", 64)),
        ("idle", count) => beside(Manner::Idle, count.unwrap_or(10_000)),
        ("slow", None) if name == "slow-senders" => beside(Manner::SlowSender, 1000),
        ("slow", None) if name == "slow-readers" => beside(Manner::SlowReader, 200),
        _ => return None,
    })
}

fn get(path: &str, connections: usize) -> Request {
    Request {
        path: path.to_owned(),
        connections,
        ..Request::default()
    }
}

/// What a browser sends of its own accord, with the cookie of a session: with the request line and
/// Host, which wrk adds, 12 fields in about 700 bytes.
fn browser() -> Vec<(String, String)> {
    [
        ("Connection", "keep-alive"),
        ("Cache-Control", "max-age=0"),
        ("Upgrade-Insecure-Requests", "1"),
        (
            "User-Agent",
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/128.0.0.0 Safari/537.36",
        ),
        (
            "Accept",
            "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8",
        ),
        ("Sec-Fetch-Site", "same-origin"),
        ("Sec-Fetch-Mode", "navigate"),
        ("Sec-Fetch-Dest", "document"),
        ("Referer", "http://localhost:8000/catalogue/places?page=2"),
        ("Accept-Language", "en-GB,en;q=0.9,ko-KR;q=0.8,ko;q=0.7"),
        (
            "Cookie",
            "session=3f9c8a1e5b7d4c20a6e8f1b2d3c4a5e6f7081920; theme=dark; consent=necessary; last=1835848; back=%2Fcatalogue%2Fplaces%3Fpage%3D2%26sort%3Dpopulation",
        ),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scenario_that_has_a_title_can_be_run() {
        for name in names() {
            let scenario = Scenario::named(name).unwrap_or_else(|| panic!("{name}"));
            assert!(scenario.request.connections > 0, "{name}");
            assert_eq!(scenario.name, name);
        }
    }

    #[test]
    fn a_number_says_how_many_connections() {
        let cases = [
            ("hello-7", Some(7)),
            ("close-9", Some(9)),
            ("io-300", Some(300)),
            ("io", Some(256)),
            ("idle-50", Some(66)),
            ("half", Some(64)),
            ("hello-0", None),
            ("hello-x", None),
            ("hello", None),
            ("compute-3", None),
            ("slow-8", None),
            ("", None),
        ];
        for (name, connections) in cases {
            let found = Scenario::named(name).map(|scenario| scenario.connections());
            assert_eq!(found, connections, "{name}");
        }
    }

    #[test]
    fn names_the_paths_that_it_needs() {
        let cases: [(&str, &[&str]); 4] = [
            ("hello-1", &["/hello"]),
            ("half", &["/hello", "/io"]),
            ("slow-readers", &["/hello", "/big"]),
            ("slow-senders", &["/hello"]),
        ];
        for (name, paths) in cases {
            assert_eq!(Scenario::named(name).unwrap().paths(), paths, "{name}");
        }
    }

    #[test]
    fn knows_where_connections_are_closed() {
        for (name, closes) in [
            ("close-1", true),
            ("close-512", true),
            ("hello-1", false),
            ("browser", false),
        ] {
            assert_eq!(Scenario::named(name).unwrap().closes(), closes, "{name}");
        }
    }

    #[test]
    fn the_head_is_as_large_as_a_browsers() {
        let fields = browser();
        let host = "Host: 127.0.0.1:40000\r\n";
        let size: usize = fields
            .iter()
            .map(|(name, value)| name.len() + value.len() + ": \r\n".len())
            .sum();
        let size = size + "GET /hello HTTP/1.1\r\n\r\n".len() + host.len();
        assert_eq!(fields.len() + 1, 12);
        assert!((690..=720).contains(&size), "{size} bytes");
    }
}

//! `compare --hosts-only`: one application on both hosts, the distance service or the user's own.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::str::FromStr;

use super::choice;
use super::decide::{in_words, verdicts};
use super::machine::Machine;
use super::measure::Part;
use super::results::{Results, ScenarioFacts, ServerFacts};
use super::runner::{NOISE, Runner};
use super::sample::{Sample, Series};
use super::scenario::Scenario;
use super::server::Places;

/// The endpoints of the distance service: waiting, computing, both, and what it is for.
const ENDPOINTS: [(&str, &str); 4] = [
    ("distance-io", "/io"),
    ("distance-compute", "/compute"),
    ("distance-mixed", "/mixed"),
    ("distance", "/distance?base=Seoul&target=Tokyo"),
];

/// An application that the user has started: `NAME=URL`, or a URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    name: String,
    authority: String,
}

impl FromStr for Target {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (name, url) = match text.split_once('=') {
            Some((name, url)) if !name.contains('/') => (Some(name), url),
            _ => (None, text),
        };
        let authority = url
            .strip_prefix("http://")
            .ok_or("a URL of this machine begins with http://, and TLS is not measured")?;
        let authority = authority.trim_end_matches('/');
        if authority.contains('/') || authority.is_empty() {
            return Err("a URL here is http://host:port; what is asked for is --path");
        }
        Ok(Self {
            name: name.unwrap_or(authority).to_owned(),
            authority: match authority.contains(':') {
                true => authority.to_owned(),
                false => format!("{authority}:80"),
            },
        })
    }
}

/// The endpoints of the distance service on both hosts.
///
/// # Errors
///
/// If the place of this program is not known.
pub(crate) fn distance(
    threads: u16,
    connections: usize,
    (rounds, seconds): (usize, u64),
    pin: bool,
) -> super::Result<Part> {
    let servers = [
        format!("distance-sync:{threads}"),
        format!("distance-hyper:{threads}"),
    ];
    Ok(Part {
        servers: choice::servers(&servers, &Places::usual()?)?,
        scenarios: ENDPOINTS
            .iter()
            .map(|(name, path)| Scenario::of_path(name, path, connections))
            .collect(),
        rounds,
        seconds,
        pin,
    })
}

/// Whether each has a name of its own, as the tables need it.
///
/// # Errors
///
/// If two have the same.
pub(crate) fn all_differ(targets: &[Target]) -> Result<(), String> {
    for (at, target) in targets.iter().enumerate() {
        let name = &target.name;
        if targets[..at].iter().any(|other| other.name == *name) {
            return Err(format!(
                "--url: {name} comes twice; NAME=URL gives each a name of its own"
            ));
        }
    }
    Ok(())
}

/// Measures applications that the user has started, path by path and round by round. A path that one of them does not
/// answer is left out from there; after an interruption, what was measured is what there is.
///
/// # Errors
///
/// If there is no wrk.
pub(crate) fn users(
    targets: &[Target],
    paths: &[String],
    connections: usize,
    rounds: usize,
    runner: &Runner,
) -> super::Result<Results> {
    crate::load::version()?;
    let mut results = Results {
        machine: Machine::here(),
        command: std::env::args().skip(1).collect::<Vec<_>>().join(" "),
        noise: NOISE,
        servers: targets.iter().map(facts).collect(),
        ..Results::default()
    };
    for (at, path) in paths.iter().enumerate() {
        if paths[..at].contains(path) {
            continue;
        }
        let scenario = Scenario::of_path(path, path, connections);
        let (all, ended) = sample_all(targets, &scenario, rounds, runner);
        let is_interrupted =
            matches!(&ended, Err(error) if error.kind() == io::ErrorKind::Interrupted);
        if let Err(error) = ended {
            results.left_out.push(format!("{path}: {error}"));
        }
        if all.iter().any(|series| !series.samples.is_empty()) {
            results.scenarios.push(ScenarioFacts {
                name: path.clone(),
                title: scenario.title.clone(),
                connections,
                rounds,
                seconds: runner.seconds,
                pinned: false,
            });
        }
        let measured = all.into_iter().filter(|series| !series.samples.is_empty());
        results.series.extend(measured);
        if is_interrupted {
            results.interrupted = true;
            break;
        }
    }
    Ok(results)
}

/// The samples of a path, as far as they could be taken.
fn sample_all(
    targets: &[Target],
    scenario: &Scenario,
    rounds: usize,
    runner: &Runner,
) -> (Vec<Series>, io::Result<()>) {
    let path = &scenario.name;
    let mut all: Vec<Series> = targets.iter().map(|target| empty(target, path)).collect();
    for round in 1..=rounds {
        for (target, series) in targets.iter().zip(&mut all) {
            eprintln!("{path} {round}/{rounds} {}", target.name);
            match sample(target, scenario, &mut series.retries, runner) {
                Ok(sample) => series.samples.push(sample),
                Err(error) => {
                    let text = format!("http://{}{path}: {error}", target.authority);
                    return (all, Err(io::Error::new(error.kind(), text)));
                }
            }
        }
    }
    (all, Ok(()))
}

fn sample(
    target: &Target,
    scenario: &Scenario,
    again: &mut u32,
    runner: &Runner,
) -> io::Result<Sample> {
    let address = resolve(&target.authority)?;
    let process = crate::process::listening(address);
    runner.foreign(address, process, scenario, again)
}

/// What to choose, a line for each endpoint.
pub(crate) fn advice(results: &Results) -> Vec<String> {
    verdicts(results).iter().map(in_words).collect()
}

fn facts(target: &Target) -> ServerFacts {
    ServerFacts {
        name: target.name.clone(),
        settings: "as its user has started it".into(),
        ..ServerFacts::default()
    }
}

fn empty(target: &Target, path: &str) -> Series {
    Series {
        server: target.name.clone(),
        scenario: path.to_owned(),
        ..Series::default()
    }
}

fn resolve(authority: &str) -> io::Result<SocketAddr> {
    let mut addresses = authority.to_socket_addrs()?;
    addresses
        .next()
        .ok_or_else(|| io::Error::other(format!("{authority} has no address")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_has_a_name_of_its_own() {
        let cases = [
            (["a=http://localhost:1", "b=http://localhost:1"], true),
            (["a=http://localhost:1", "a=http://localhost:2"], false),
            (["http://localhost:1", "http://localhost:2"], true),
            (["http://localhost:1", "http://localhost:1/"], false),
        ];
        for (urls, expected) in cases {
            let targets = urls.map(|url| url.parse().unwrap());
            assert_eq!(all_differ(&targets).is_ok(), expected, "{urls:?}");
        }
    }

    #[test]
    fn reads_where_the_users_application_is() {
        let target = |name: &str, authority: &str| {
            Some(Target {
                name: name.into(),
                authority: authority.into(),
            })
        };
        let cases = [
            (
                "sync=http://127.0.0.1:8001",
                target("sync", "127.0.0.1:8001"),
            ),
            (
                "http://127.0.0.1:8001/",
                target("127.0.0.1:8001", "127.0.0.1:8001"),
            ),
            ("http://localhost", target("localhost", "localhost:80")),
            ("http://localhost/a?b=c", None),
            ("https://localhost", None),
            ("localhost:80", None),
            ("http://", None),
        ];
        for (text, expected) in cases {
            assert_eq!(text.parse().ok(), expected, "{text}");
        }
    }
}

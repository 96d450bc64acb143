//! Servers and scenarios, as the command line names them.

use super::peers;
use super::scenario::{self, Scenario};
use super::server::{self, Places, Server};

/// The servers of a group; a name that is no group stands for itself.
pub(crate) fn names(group: &str) -> Vec<String> {
    let own = || server::OWN.map(str::to_owned);
    match group {
        "own" => own().into(),
        "peers" => peers::peers().collect(),
        "python" => peers::python().collect(),
        "all" => own()
            .into_iter()
            .chain(peers::peers())
            .chain(peers::python())
            .collect(),
        name => vec![name.to_owned()],
    }
}

/// The servers of names and groups, each once.
///
/// # Errors
///
/// If there is no such server.
pub(crate) fn servers<N: AsRef<str>>(given: &[N], places: &Places) -> Result<Vec<Server>, String> {
    let mut chosen: Vec<Server> = Vec::new();
    for name in given.iter().flat_map(|given| names(given.as_ref())) {
        if chosen.iter().any(|known| known.name == name) {
            continue;
        }
        let server = Server::named(&name, places);
        chosen.push(server.ok_or_else(|| format!("no server is called {name}; see --list"))?);
    }
    Ok(chosen)
}

/// The scenarios of names, each once; `all` for all.
///
/// # Errors
///
/// If there is no such scenario.
pub(crate) fn scenarios<N: AsRef<str>>(given: &[N]) -> Result<Vec<Scenario>, String> {
    let mut chosen: Vec<Scenario> = Vec::new();
    for name in given {
        let names = match name.as_ref() {
            "all" => scenario::names().collect(),
            name => vec![name],
        };
        for name in names {
            if chosen.iter().any(|known| known.name == name) {
                continue;
            }
            let found = Scenario::named(name);
            chosen.push(found.ok_or_else(|| format!("no scenario is called {name}; see --list"))?);
        }
    }
    Ok(chosen)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_stands_for_its_servers() {
        let places = Places::usual().unwrap();
        let cases: [(&[&str], usize); 4] = [
            (&["own"], 4),
            (&["own", "sync:2", "sync:3"], 5),
            (&["peers", "axum"], 6),
            (&["all"], 22),
        ];
        for (given, count) in cases {
            assert_eq!(servers(given, &places).unwrap().len(), count, "{given:?}");
        }
        assert!(servers(&["nginx"], &places).unwrap_err().contains("nginx"));
    }

    #[test]
    fn all_stands_for_all_scenarios() {
        assert_eq!(
            scenarios(&["all"]).unwrap().len(),
            scenario::names().count()
        );
        assert_eq!(scenarios(&["io", "half", "io"]).unwrap().len(), 2);
        assert!(
            scenarios(&["io", "nothing"])
                .unwrap_err()
                .contains("nothing")
        );
    }
}

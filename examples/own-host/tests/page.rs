//! `docs/own-host.md` shows this host, all of it and nothing else, and it is as small as the page says.

#![allow(clippy::unwrap_used, reason = "tests say by panicking what went wrong")]

use std::fs;
use std::path::Path;

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// The lines of the page's blocks of this language.
fn shown(page: &str) -> Vec<&str> {
    let blocks = page
        .split("\n```")
        .filter_map(|block| block.strip_prefix("rs\n"));
    blocks.flat_map(lines).collect()
}

fn lines(code: &str) -> impl Iterator<Item = &str> {
    code.lines().filter(|line| !line.trim().is_empty())
}

#[test]
fn the_page_shows_the_whole_host_and_its_test() {
    let (page, host) = (read("../../docs/own-host.md"), read("src/lib.rs"));
    let host: Vec<_> = lines(&host)
        .skip_while(|line| !line.starts_with("use "))
        .collect();
    let shown = shown(&page);
    for (at, line) in host.iter().enumerate() {
        assert_eq!(
            shown.get(at),
            Some(line),
            "the page differs from src/lib.rs"
        );
    }
    let rest = shown[host.len()..].join("\n");
    let test = lines(&read("tests/conformance.rs"))
        .collect::<Vec<_>>()
        .join("\n");
    assert!(
        !rest.is_empty() && test.contains(&rest),
        "the page differs from the test"
    );
}

#[test]
fn the_host_is_as_small_as_the_page_says() {
    let host = read("src/lib.rs");
    let code = lines(&host).filter(|line| !line.trim_start().starts_with("//"));
    let code = code.filter(|line| !line.starts_with("use "));
    assert!(code.count() < 150);
}

//! `docs/own-host.md` shows this host, all of it and nothing else, and it is as small as the page says.

#![allow(clippy::unwrap_used, reason = "tests say by panicking what went wrong")]

use std::fs;
use std::path::Path;

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// The lines of each of the page's blocks of this language.
fn shown(page: &str) -> Vec<Vec<&str>> {
    let blocks = page
        .split("\n```")
        .filter_map(|block| block.strip_prefix("rs\n"));
    blocks.map(|block| lines(block).collect()).collect()
}

fn lines(code: &str) -> impl Iterator<Item = &str> {
    code.lines().filter(|line| !line.trim().is_empty())
}

#[test]
fn the_page_shows_the_whole_host_and_its_test() {
    let (page, host) = (read("../../docs/own-host.md"), read("src/lib.rs"));
    let mut host = lines(&host).skip_while(|line| !line.starts_with("use "));
    let tests = [
        read("tests/conformance.rs"),
        read("../../tests/walk/own-host/tests/suite.rs"),
    ];
    let tests = tests.map(|test| lines(&test).collect::<Vec<_>>().join("\n"));
    let mut next = host.next();
    let mut of_tests = 0;
    for block in shown(&page) {
        if next == block.first().copied() {
            for line in block {
                assert_eq!(next, Some(line), "the page differs from src/lib.rs");
                next = host.next();
            }
        } else {
            let block = block.join("\n");
            let is_there = tests.iter().any(|test| test.contains(&block));
            assert!(is_there, "the page differs from the tests: {block}");
            of_tests += 1;
        }
    }
    assert_eq!(next, None, "the page does not show all of the host");
    assert_eq!(of_tests, 3);
}

#[test]
fn the_host_is_as_small_as_the_page_says() {
    let host = read("src/lib.rs");
    let code = lines(&host).filter(|line| !line.trim_start().starts_with("//"));
    let code = code.filter(|line| !line.starts_with("use "));
    assert!(code.count() < 150);
}

//! The documents of the repository: their links, their copies, and that none is forgotten.

use std::path::Path;
use std::{env, fs};

use gateway_site::documents::{all, all_pages, pages, relative};
use gateway_site::{links, regions};

#[test]
fn every_link_leads_to_a_file_and_a_heading_that_are_there() {
    let mut broken = Vec::new();
    for document in all().unwrap() {
        broken.extend(links::broken(&document).unwrap());
    }
    assert!(broken.is_empty(), "\n{}", broken.join("\n"));
}

/// With `GATEWAY_WRITE_DOCS=1` the pages are brought up to date instead.
#[test]
fn what_pages_copy_is_what_stands_there() {
    let write = env::var_os("GATEWAY_WRITE_DOCS").is_some_and(|value| value == "1");
    let mut old = Vec::new();
    for page in all_pages().unwrap() {
        let text = fs::read_to_string(&page).unwrap();
        let renewed = regions::renewed(&page, &text).unwrap();
        if renewed != text && write {
            fs::write(&page, renewed).unwrap();
        } else if renewed != text {
            old.push(page.display().to_string());
        }
    }
    assert!(
        old.is_empty(),
        "out of date: {}; GATEWAY_WRITE_DOCS=1 cargo test -p gateway-site brings them up to date",
        old.join(", ")
    );
}

#[test]
fn every_page_with_rust_code_is_compiled() {
    let modules = include_str!("../../check/src/lib.rs");
    // The front page's code is compiled by examples/hello.
    let elsewhere = ["../README.md"];
    for page in all().unwrap() {
        let name = name(&page);
        let has_code = fs::read_to_string(&page).unwrap().contains("\n```rust");
        if has_code && !elsewhere.contains(&&*name) {
            assert!(
                modules.contains(&format!("\"../../{name}\"")),
                "{name} is missing in docs/check/src/lib.rs"
            );
        }
    }
}

fn name(page: &Path) -> String {
    relative(&pages(), page).to_string_lossy().into_owned()
}

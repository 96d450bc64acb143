//! What is public, and what its growth would break.

#![allow(clippy::unwrap_used, reason = "a test that fails says so")]

use std::path::{Path, PathBuf};
use std::{fs, io};

use gateway_site::documents::root;

/// Public types that are whole as they are, and why: everybody may build or match them.
const CLOSED: [(&str, &str); 16] = [
    (
        "gateway_core::Detached",
        "a host's stand-in, built by its name",
    ),
    (
        "gateway_core::Head",
        "a middleware around an application, built by its name",
    ),
    ("gateway_core::MissingCapabilities", "a set with a name"),
    (
        "gateway_core::RawHead",
        "hosts build it; another field would be another head",
    ),
    (
        "gateway_http1::AfterResponse",
        "a host must know what to do in each case",
    ),
    ("gateway_http1::BodyFraming", "RFC 9112 §6.3 has no more"),
    ("gateway_http1::BodyLength", "RFC 9112 §6.3 has no more"),
    ("gateway_http1::Event", "a host must handle each"),
    ("gateway_http1::Received", "bytes used, and what they said"),
    (
        "gateway_hyper::Looked",
        "of the feature `fuzzing`, which is no part of the interface",
    ),
    (
        "gateway_hyper::Refused",
        "of the feature `fuzzing`, which is no part of the interface",
    ),
    ("gateway_test::Dump", "a fixture, built by its name"),
    ("gateway_test::Gate", "a fixture, built by its parts"),
    (
        "gateway_test::Outcome",
        "a file of this repository's corpus",
    ),
    (
        "gateway_test::Style",
        "blocking code and async code: there is no third",
    ),
    ("gateway_tower::Cause", "an error with a name"),
];

#[test]
fn public_types_may_grow_unless_they_are_closed_on_purpose() {
    let mut hazards = Vec::new();
    let mut closed = Vec::new();
    for krate in fs::read_dir(root())
        .unwrap()
        .map(|entry| entry.unwrap().path())
    {
        let name = krate
            .file_name()
            .unwrap()
            .to_string_lossy()
            .replace('-', "_");
        if !name.starts_with("gateway_") || !krate.join("src/lib.rs").is_file() {
            continue;
        }
        for file in sources(&krate.join("src")).unwrap() {
            for found in fixed_types(&fs::read_to_string(&file).unwrap()) {
                let path = format!("{name}::{found}");
                match CLOSED.iter().any(|(known, _)| *known == path) {
                    true => closed.push(path),
                    false => hazards.push(format!("{path} ({})", file.display())),
                }
            }
        }
    }
    assert!(
        hazards.is_empty(),
        "#[non_exhaustive], or a reason in CLOSED:\n{}",
        hazards.join("\n")
    );
    for (name, _) in CLOSED {
        assert!(
            closed.iter().any(|known| known == name),
            "{name} is not there, or may grow"
        );
    }
}

#[test]
fn sees_what_cannot_grow() {
    let code = "#[derive(Debug)]\n#[non_exhaustive]\npub enum Open {\n    A,\n}\n\n/// Doc.\n\
        pub enum Fixed {\n    A,\n}\n\npub struct Private {\n    a: u8,\n}\n\n\
        pub struct Fields {\n    pub a: u8,\n}\n\npub struct Pair(pub u8, pub u8);\n\npub struct Hidden(u8);\n\n\
        pub struct Unit;\n\n#[non_exhaustive]\npub struct Grows;\n\n\
        #[cfg(test)]\nmod tests {}\npub enum InTests {}\n";
    assert_eq!(fixed_types(code), ["Fixed", "Fields", "Pair", "Unit"]);
}

/// The public enums, and structs with public fields or with none at all, that other crates can match or build without `..`;
/// of code that rustfmt has laid out.
fn fixed_types(code: &str) -> Vec<&str> {
    let code = code.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
    let lines: Vec<&str> = code.lines().collect();
    let mut found = Vec::new();
    for (number, line) in lines.iter().enumerate() {
        let attributes = lines[..number].iter().rev();
        let mut attributes =
            attributes.take_while(|line| line.starts_with("#[") || line.starts_with("///"));
        if attributes.any(|line| *line == "#[non_exhaustive]") {
            continue;
        }
        if let Some(rest) = line.strip_prefix("pub enum ") {
            found.push(first_word(rest));
        } else if let Some(rest) = line.strip_prefix("pub struct ") {
            let mut fields = lines[number + 1..].iter().take_while(|line| **line != "}");
            let open = line.ends_with('{') && fields.any(|field| field.starts_with("    pub "));
            let unit = first_word(rest).len() + 1 == rest.len() && rest.ends_with(';');
            if open || unit || rest.contains("(pub ") {
                found.push(first_word(rest));
            }
        }
    }
    found
}

fn first_word(text: &str) -> &str {
    let end = text.find(|c: char| !c.is_alphanumeric());
    &text[..end.unwrap_or(text.len())]
}

fn sources(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(sources(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    Ok(found)
}

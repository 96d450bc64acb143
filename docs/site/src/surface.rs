//! What a crate's public signatures name of other crates, read from what rustdoc says of it as JSON.
//!
//! A type that a signature names is part of our promise: its next major version is one of ours. So only
//! crates at 1.x are named, and only those that [`ALLOWED`] lists.

use std::collections::{BTreeMap, BTreeSet};
use std::{fs, io, path::Path};

use serde_json::Value;

/// Who may be named by whom, and why: `*` is every crate of ours. Ours and Rust's own need no leave.
pub const ALLOWED: [(&str, &str, &str); 6] = [
    ("*", "http", "1.x: requests and responses"),
    ("*", "bytes", "1.x: pieces of bodies"),
    ("*", "http_body", "1.x: bodies as streams"),
    (
        "gateway_sync",
        "tokio",
        "1.x: the runtime that its feature `tokio` takes",
    ),
    (
        "gateway_tower",
        "tower_service",
        "0.x, and what is bridged: docs/decisions/0011",
    ),
    (
        "gateway_tower",
        "tower_layer",
        "0.x, and what is bridged: docs/decisions/0011",
    ),
];

/// Crates of Rust's, as rustdoc calls them.
const RUST: [&str; 3] = ["std", "core", "alloc"];

/// What of another crate is named where: `(item of ours, path of theirs)`, by crate.
pub type Named = BTreeMap<String, BTreeSet<(String, String)>>;

/// The crate's name, and what its public items name of others.
///
/// # Errors
///
/// The file cannot be read, or is not what rustdoc writes.
pub fn named_in(file: &Path) -> io::Result<(String, Named)> {
    let document: Value = serde_json::from_slice(&fs::read(file)?)?;
    named(&document).ok_or_else(|| io::Error::other("not the JSON of rustdoc"))
}

/// What `krate` names and may not, a line each.
pub fn not_allowed(krate: &str, named: &Named) -> Vec<String> {
    let may = |other: &str| {
        let listed =
            |(who, whom, _): &(&str, &str, _)| (*who == "*" || *who == krate) && *whom == other;
        other.starts_with("gateway_") || RUST.contains(&other) || ALLOWED.iter().any(listed)
    };
    let strangers = named.iter().filter(|(other, _)| !may(other));
    let lines = strangers.flat_map(|(_, uses)| {
        let line = |(item, path): &(String, String)| format!("{krate}: {item} names {path}");
        uses.iter().map(line)
    });
    lines.collect()
}

fn named(document: &Value) -> Option<(String, Named)> {
    let index = document["index"].as_object()?;
    let krate = index.get(&document["root"].to_string())?["name"].as_str()?;
    let mut named = Named::new();
    for item in index.values().filter(|item| item["crate_id"] == 0) {
        let (kind, inner) = item["inner"].as_object()?.iter().next()?;
        // Auto traits, and what std implements for everything.
        if inner["is_synthetic"] == true || !inner["blanket_impl"].is_null() {
            continue;
        }
        let name = item["name"].as_str().or(inner["trait"]["path"].as_str());
        let name = format!("{kind} {}", name.unwrap_or_default());
        collect(inner, &mut |id| {
            let path = &document["paths"][id.to_string()];
            let other = &document["external_crates"][path["crate_id"].to_string()]["name"];
            if let (Some(other), Some(path)) = (other.as_str(), path["path"].as_array()) {
                let path: Vec<_> = path.iter().filter_map(Value::as_str).collect();
                let uses = named.entry(other.to_owned()).or_default();
                uses.insert((name.clone(), path.join("::")));
            }
        });
    }
    Some((krate.to_owned(), named))
}

/// Calls `found` with the id of every path in a signature. What an item contains is in the index itself.
fn collect(signature: &Value, found: &mut impl FnMut(u64)) {
    match signature {
        Value::Object(fields) => {
            if let (Some(id), true) = (signature["id"].as_u64(), fields.contains_key("path")) {
                found(id);
            }
            let parts = ["items", "impls", "variants"];
            let within = fields
                .iter()
                .filter(|(name, _)| !parts.contains(&name.as_str()));
            within.for_each(|(_, value)| collect(value, found));
        }
        Value::Array(values) => values.iter().for_each(|value| collect(value, found)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// A crate with `fn takes(Vec<hyper::Request>)`, and one blanket implementation.
    fn document() -> Value {
        json!({
            "root": 0,
            "index": {
                "0": { "crate_id": 0, "name": "gateway_core", "inner": { "module": { "items": [1, 2] } } },
                "1": { "crate_id": 0, "name": "takes", "inner": { "function": { "sig": { "inputs": [["it",
                    { "resolved_path": { "path": "Vec", "id": 7, "args": { "angle_bracketed": { "args": [
                        { "type": { "resolved_path": { "path": "Request", "id": 8 } } }] } } } }]] } } } },
                "2": { "crate_id": 0, "name": null, "inner": { "impl": {
                    "is_synthetic": false, "blanket_impl": { "generic": "T" },
                    "trait": { "path": "Everywhere", "id": 9 } } } },
            },
            "paths": {
                "7": { "crate_id": 1, "path": ["alloc", "vec", "Vec"] },
                "8": { "crate_id": 2, "path": ["hyper", "Request"] },
                "9": { "crate_id": 3, "path": ["strange", "Everywhere"] },
            },
            "external_crates": { "1": { "name": "alloc" }, "2": { "name": "hyper" }, "3": { "name": "strange" } },
        })
    }

    #[test]
    fn sees_what_a_signature_names_however_deep() {
        let (krate, named) = named(&document()).unwrap();
        assert_eq!(krate, "gateway_core");
        assert_eq!(named.keys().collect::<Vec<_>>(), ["alloc", "hyper"]);
        assert_eq!(
            not_allowed(&krate, &named),
            ["gateway_core: function takes names hyper::Request"]
        );
    }

    #[test]
    fn lets_a_crate_name_what_is_listed_for_it() {
        let uses = BTreeSet::from([("trait X".to_owned(), "tower_service::Service".to_owned())]);
        let named = Named::from([("tower_service".to_owned(), uses)]);
        assert_eq!(not_allowed("gateway_tower", &named), [""; 0]);
        assert_eq!(not_allowed("gateway_core", &named).len(), 1);
    }
}

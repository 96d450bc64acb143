//! What mdBook is given in place of the documents, so that they read the same in the repository and on
//! the site.
//!
//! * Links out of the site's folder lead to the code as rustdoc shows it, or to copies of the files.
//! * A page that says `{{page ../FILE.md}}` and no more is that document.
//! * Each decision is a page beneath the list of them, without being named in SUMMARY.md; another page that is
//!   not named there comes last.

use std::collections::{BTreeSet, HashSet};
use std::path::{Path, PathBuf};
use std::{fs, io};

use serde_json::Value;

use crate::documents::{all_pages, normal, pages, relative, root};
use crate::links::{links, target};

/// The book as mdBook gives it to a preprocessor, with its pages as the site has them.
///
/// # Errors
///
/// The book is not what mdBook gives; a page stands for a document that cannot be read.
pub fn book(given: &Value) -> io::Result<Value> {
    let mut book = given
        .get(1)
        .cloned()
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "not a context and a book"))?;
    chapters(&mut book)?;
    append_unlisted(&mut book)?;
    Ok(book)
}

/// The files of the repository that pages lead to as copies, by their paths from the top.
///
/// # Errors
///
/// A page cannot be read.
pub fn copies() -> io::Result<BTreeSet<PathBuf>> {
    let mut copies = BTreeSet::new();
    for page in &all_pages()? {
        let (source, text) = document(page, fs::read_to_string(page)?)?;
        for link in links(&text).iter().filter(|link| link.is_local()) {
            let file = target(&source, link.parts().0);
            if let Place::Copy(path) = place(&file) {
                copies.insert(path);
            }
        }
    }
    Ok(copies)
}

/// Where on the site a copy stands.
pub fn copy_address(path: &Path) -> PathBuf {
    // Text, for every browser to show it; mdBook takes whatever has `.md` in it for a page.
    let path = Path::new("source").join(path.with_extension(""));
    let mut name = path.into_os_string();
    name.push(".txt");
    name.into()
}

fn chapters(value: &mut Value) -> io::Result<()> {
    match value {
        Value::Array(items) => items.iter_mut().try_for_each(chapters),
        Value::Object(fields) => {
            let path = fields.get("source_path").and_then(Value::as_str);
            if let (Some(path), Some(content)) =
                (path, fields.get("content").and_then(Value::as_str))
            {
                let page = pages().join(path);
                let (source, text) = document(&page, content.to_owned())?;
                let text = with_links(&page, &source, &text);
                if path == "decisions/README.md" {
                    let decisions = decisions(fields.get("number").unwrap_or(&Value::Null))?;
                    fields.insert("sub_items".to_owned(), decisions.into());
                }
                fields.insert("content".to_owned(), Value::String(text));
            }
            fields.values_mut().try_for_each(chapters)
        }
        _ => Ok(()),
    }
}

/// A chapter for each decision, in their order, beneath the chapter that has the number `list`.
fn decisions(list: &Value) -> io::Result<Vec<Value>> {
    let folder = pages().join("decisions");
    let is_decision = |page: &&PathBuf| page.starts_with(&folder) && !page.ends_with("README.md");
    let mut chapters = Vec::new();
    for page in all_pages()?.iter().filter(is_decision) {
        chapters.push(chapter(page, below(list, chapters.len() + 1))?);
    }
    Ok(chapters)
}

/// Adds the pages that the book does not have yet.
fn append_unlisted(book: &mut Value) -> io::Result<()> {
    let mut listed = HashSet::from(["SUMMARY.md".to_owned()]);
    collect_paths(book, &mut listed);
    for page in all_pages()? {
        let path = page.strip_prefix(pages()).unwrap_or(&page);
        if listed.contains(&*path.to_string_lossy()) {
            continue;
        }
        let mut unlisted = chapter(&page, Value::Null)?;
        chapters(&mut unlisted)?;
        if let Some(items) = book.get_mut("items").and_then(Value::as_array_mut) {
            items.push(unlisted);
        }
    }
    Ok(())
}

fn collect_paths(value: &Value, paths: &mut HashSet<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| collect_paths(item, paths)),
        Value::Object(fields) => {
            let path = fields.get("source_path").and_then(Value::as_str);
            paths.extend(path.map(str::to_owned));
            fields
                .values()
                .for_each(|field| collect_paths(field, paths));
        }
        _ => {}
    }
}

/// The chapter of a page, which is named by its first line.
fn chapter(page: &Path, number: Value) -> io::Result<Value> {
    let content = fs::read_to_string(page)?;
    let title = content.lines().next().unwrap_or_default();
    let path = page.strip_prefix(pages()).unwrap_or(page);
    Ok(serde_json::json!({ "Chapter": {
        "name": title.trim_start_matches(['#', ' ']),
        "content": content,
        "number": number,
        "sub_items": [],
        "path": path,
        "source_path": path,
        "parent_names": [],
    }}))
}

/// The number of a section: mdBook takes its depth from it.
fn below(number: &Value, section: usize) -> Value {
    let above = number.as_array().cloned().unwrap_or_default();
    above.into_iter().chain([section.into()]).collect()
}

/// The document that a page stands for, and its text: another's, or the page itself.
fn document(page: &Path, text: String) -> io::Result<(PathBuf, String)> {
    let named = text
        .trim()
        .strip_prefix("{{page ")
        .and_then(|rest| rest.strip_suffix("}}"));
    match named {
        None => Ok((page.to_owned(), text)),
        Some(named) => {
            let source = target(page, named);
            let text = fs::read_to_string(&source)?;
            Ok((source, text))
        }
    }
}

/// The text of `source` with its links as they are right at `page`.
fn with_links(page: &Path, source: &Path, text: &str) -> String {
    let mut result = text.to_owned();
    for link in links(text).iter().rev().filter(|link| link.is_local()) {
        let (path, anchor) = link.parts();
        let (Some(at), false) = (link.place.clone(), path.is_empty()) else {
            continue;
        };
        let there = match place(&target(source, path)) {
            // As mdBook calls it.
            Place::Page(file) if file.ends_with("README.md") => file.with_file_name("index.md"),
            Place::Page(file) => file,
            Place::Code(file) => pages().join("api/src").join(file),
            Place::Copy(file) => pages().join(copy_address(&file)),
        };
        let mut there = relative(page.parent().unwrap_or(page), &there)
            .to_string_lossy()
            .into_owned();
        if let Some(anchor) = anchor {
            there = format!("{there}#{anchor}");
        }
        result.replace_range(at, &there);
    }
    result
}

/// Where on the site a file of the repository is found.
#[derive(Debug, PartialEq, Eq)]
enum Place {
    /// Among the pages: where the file itself is.
    Page(PathBuf),
    /// As rustdoc shows it, beneath `api/src`.
    Code(PathBuf),
    /// As a copy; the path is from the top of the repository.
    Copy(PathBuf),
}

fn place(file: &Path) -> Place {
    if let Some(page) = STAND_INS
        .iter()
        .find(|(named, _)| root().join(named) == file)
    {
        return Place::Page(pages().join(page.1));
    }
    if file.starts_with(pages()) {
        return Place::Page(file.to_owned());
    }
    let path = file.strip_prefix(root()).unwrap_or(file);
    match rustdoc_page(path) {
        Some(page) => Place::Code(page),
        None => Place::Copy(normal(path)),
    }
}

/// Documents of the repository's top that have a page.
const STAND_INS: [(&str, &str); 4] = [
    ("README.md", "README.md"),
    ("SECURITY.md", "security.md"),
    ("CONTRIBUTING.md", "contributing.md"),
    ("CHANGELOG.md", "changelog.md"),
];

/// `gateway-core/src/server/mod.rs` is `gateway_core/server/mod.rs.html`.
fn rustdoc_page(path: &Path) -> Option<PathBuf> {
    let mut parts = path.to_str()?.splitn(3, '/');
    let (member, src, file) = (parts.next()?, parts.next()?, parts.next()?);
    let documented = member.starts_with("gateway-") && src == "src" && file.ends_with(".rs");
    documented.then(|| Path::new(&member.replace('-', "_")).join(format!("{file}.html")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_lead_on_the_site_to_where_they_lead_in_the_repository() {
        let (page, folder) = (pages().join("x.md"), pages().join("decisions/x.md"));
        for (page, source, text, expected) in [
            (&page, &page, "[a](http.md#limits)", "[a](http.md#limits)"),
            (
                &page,
                &page,
                "[a](../gateway-core/src/lib.rs)",
                "[a](api/src/gateway_core/lib.rs.html)",
            ),
            (
                &folder,
                &folder,
                "[a](../../tests/tests/corpus.rs)",
                "[a](../source/tests/tests/corpus.txt)",
            ),
            (
                &folder,
                &folder,
                "[a](../../SECURITY.md#x)",
                "[a](../security.md#x)",
            ),
            (
                &page,
                &root().join("SECURITY.md"),
                "[a](docs/http.md) [b](#b)",
                "[a](http.md) [b](#b)",
            ),
        ] {
            assert_eq!(with_links(page, source, text), expected);
        }
    }

    #[test]
    fn a_page_may_be_a_document_of_the_top() {
        let (source, text) = document(
            &pages().join("x.md"),
            "{{page ../SECURITY.md}}\n".to_owned(),
        )
        .unwrap();
        assert_eq!(source, root().join("SECURITY.md"));
        assert!(text.starts_with("# "));
    }

    #[test]
    fn decisions_are_found_without_being_listed() {
        let list = serde_json::json!({"Chapter": {"content": "", "source_path": "decisions/README.md", "number": [7]}});
        let told = book(&serde_json::json!([{}, {"items": [list]}])).unwrap();
        let found = &told["items"][0]["Chapter"]["sub_items"];
        let first = "decisions/0001-request-bodies-before-the-call.md";
        assert_eq!(found[0]["Chapter"]["path"], first);
        assert_eq!(found[0]["Chapter"]["number"], serde_json::json!([7, 1]));
        assert!(found.as_array().unwrap().len() >= 10);
    }

    #[test]
    fn every_chapter_is_reached_and_nothing_else_is_changed() {
        let text = "[a](../gateway-core/src/lib.rs)";
        let chapter = |inner: Value| serde_json::json!({"Chapter": {"content": text, "source_path": "x.md", "sub_items": [inner]}});
        let given = serde_json::json!([{}, {"items": [chapter(chapter("Separator".into()))]}]);
        let told = book(&given).unwrap();
        let listed = told["items"][0].to_string();
        assert_eq!(
            listed.matches("api/src/gateway_core/lib.rs.html").count(),
            2
        );
        let told = told.to_string();
        assert!(
            told.contains("\"Quick start\""),
            "what is not listed comes last"
        );
        assert!(told.contains("Separator"));
        assert!(book(&serde_json::json!([])).is_err());
    }
}

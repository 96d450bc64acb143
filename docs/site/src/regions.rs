//! Regions of a page that are copies: of a file, or of what the code says.
//!
//! ````text
//! <!-- copy: deploy/nginx.conf -->
//! ```nginx
//! …
//! ```
//! <!-- end -->
//! ````

use std::path::Path;
use std::{fs, io};

use crate::documents::root;
use crate::settings;

const END: &str = "<!-- end -->";

/// The page with all its copies made anew.
///
/// # Errors
///
/// A region names what cannot be read, or does not end.
pub fn renewed(page: &Path, text: &str) -> io::Result<String> {
    let mut renewed = String::new();
    let mut rest = text;
    while let Some(found) = next_region(rest)? {
        renewed.push_str(&rest[..found.content_from]);
        renewed.push_str(&content(page, found.what)?);
        renewed.push_str(END);
        rest = &rest[found.ends_at..];
    }
    renewed.push_str(rest);
    Ok(renewed)
}

struct Region<'a> {
    what: &'a str,
    content_from: usize,
    ends_at: usize,
}

fn next_region(text: &str) -> io::Result<Option<Region<'_>>> {
    const BEGIN: &str = "\n<!-- copy: ";
    let Some(at) = text.find(BEGIN) else {
        return Ok(None);
    };
    let from = at + BEGIN.len();
    let never_ends = || bad(format!("a copy does not end: {}", &text[at..]));
    let line = text[from..].find(" -->\n").ok_or_else(never_ends)?;
    let content_from = from + line + " -->\n".len();
    let length = text[content_from..].find(END).ok_or_else(never_ends)?;
    Ok(Some(Region {
        what: &text[from..from + line],
        content_from,
        ends_at: content_from + length + END.len(),
    }))
}

fn content(page: &Path, what: &str) -> io::Result<String> {
    if let Some(rest) = what.strip_prefix("settings ") {
        let (file, name) = rest.split_once(' ').ok_or_else(|| bad(what.to_owned()))?;
        return settings::reference(&root().join(file), name);
    }
    let path = page.parent().unwrap_or(page).join(what);
    let text = fs::read_to_string(&path)
        .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", path.display())))?;
    Ok(format!("```{}\n{}\n```\n", language(what), text.trim_end()))
}

fn language(file: &str) -> &'static str {
    match file.rsplit('.').next().unwrap_or_default() {
        "conf" => "nginx",
        "rs" => "rust,no_run",
        "service" | "socket" => "ini",
        "toml" => "toml",
        "yaml" => "yaml",
        _ if file.ends_with("Containerfile") => "dockerfile",
        _ => "text",
    }
}

fn bad(message: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn renews_what_stands_between_the_marks_and_nothing_else() {
        let page = root().join("docs/site/page.md");
        let old = "before\n<!-- copy: Cargo.toml -->\nold\n<!-- end -->\nafter\n";
        let new = renewed(&page, old).unwrap();
        assert!(new.starts_with("before\n<!-- copy: Cargo.toml -->\n```toml\n[package]\n"));
        assert!(new.ends_with("\n```\n<!-- end -->\nafter\n"));
        assert_eq!(renewed(&page, &new).unwrap(), new);
    }

    #[test]
    fn refuses_a_region_without_end_or_source() {
        let page = root().join("docs/site/page.md");
        for text in [
            "\n<!-- copy: Cargo.toml -->\n",
            "\n<!-- copy: none -->\n<!-- end -->",
        ] {
            assert!(renewed(&page, text).is_err(), "{text}");
        }
    }
}

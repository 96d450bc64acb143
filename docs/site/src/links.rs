//! Links and headings of a Markdown document.

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::{fs, io};

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

use crate::documents::{self, normal};

/// A link of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// What it leads to, as it is written.
    pub target: String,
    /// Where in the text the target stands, in bytes; the place of a reference link's target is not
    /// known.
    pub place: Option<Range<usize>>,
    /// The line on which the link begins, from 1.
    pub line: usize,
}

impl Link {
    /// Whether it leads to a file of ours, and not into the net.
    pub fn is_local(&self) -> bool {
        !self.target.contains("://") && !self.target.starts_with("mailto:")
    }

    /// The path and the anchor.
    pub fn parts(&self) -> (&str, Option<&str>) {
        match self.target.split_once('#') {
            Some((path, anchor)) => (path, Some(anchor)),
            None => (&self.target, None),
        }
    }
}

/// All links and images of a document, in their order.
pub fn links(text: &str) -> Vec<Link> {
    let mut links = Vec::new();
    for (event, range) in Parser::new_ext(text, options()).into_offset_iter() {
        let (Event::Start(Tag::Link { dest_url, .. }) | Event::Start(Tag::Image { dest_url, .. })) =
            event
        else {
            continue;
        };
        let within = text[range.clone()].rfind(&format!("]({dest_url}"));
        let place = within.map(|at| {
            let start = range.start + at + 2;
            start..start + dest_url.len()
        });
        let line = 1 + text[..range.start].matches('\n').count();
        links.push(Link {
            target: dest_url.into_string(),
            place,
            line,
        });
    }
    links
}

/// The anchors of a document's headings, as mdBook and GitHub name them.
pub fn anchors(text: &str) -> HashSet<String> {
    let mut anchors = HashSet::new();
    let mut seen: HashMap<String, usize> = HashMap::new();
    let mut heading: Option<String> = None;
    for event in Parser::new_ext(text, options()) {
        match (event, &mut heading) {
            (Event::Start(Tag::Heading { .. }), _) => heading = Some(String::new()),
            (Event::Text(part) | Event::Code(part), Some(whole)) => whole.push_str(&part),
            (Event::End(TagEnd::Heading(_)), Some(whole)) => {
                let name = anchor(whole);
                let count = seen.entry(name.clone()).or_default();
                anchors.insert(match *count {
                    0 => name,
                    again => format!("{name}-{again}"),
                });
                *count += 1;
                heading = None;
            }
            _ => {}
        }
    }
    anchors
}

/// What is wrong with the links of the document at `path`, a line each.
///
/// # Errors
///
/// The document, or one that it links to, cannot be read.
pub fn broken(path: &Path) -> io::Result<Vec<String>> {
    let text = fs::read_to_string(path)?;
    let mut broken = Vec::new();
    for link in links(&text).iter().filter(|link| link.is_local()) {
        if let Some(fault) = fault(path, &text, link)? {
            let (path, line, target) = (path.display(), link.line, &link.target);
            broken.push(format!("{path}:{line}: {target}: {fault}"));
        }
    }
    Ok(broken)
}

fn fault(document: &Path, text: &str, link: &Link) -> io::Result<Option<&'static str>> {
    let (path, anchor) = link.parts();
    let target = target(document, path);
    if path.starts_with('/') || !target.exists() {
        return Ok(Some("there is no such file"));
    }
    if target.is_dir() && document.starts_with(documents::pages()) {
        return Ok(Some("the site has no page for a folder"));
    }
    let is_markdown = target
        .extension()
        .is_some_and(|extension| extension == "md");
    let Some(anchor) = anchor.filter(|_| is_markdown) else {
        return Ok(None);
    };
    let known = match path {
        "" => anchors(text),
        _ => anchors(&fs::read_to_string(&target)?),
    };
    Ok((!known.contains(anchor)).then_some("there is no such heading"))
}

/// The file that a link of `document` leads to.
pub fn target(document: &Path, path: &str) -> PathBuf {
    match path {
        "" => document.to_owned(),
        _ => normal(&document.parent().unwrap_or(document).join(path)),
    }
}

fn anchor(heading: &str) -> String {
    let kept = heading.trim().chars().filter_map(|c| match c {
        c if c.is_alphanumeric() || c == '-' || c == '_' => Some(c.to_lowercase().to_string()),
        c if c.is_whitespace() => Some("-".to_owned()),
        _ => None,
    });
    kept.collect()
}

fn options() -> Options {
    Options::ENABLE_TABLES | Options::ENABLE_FOOTNOTES | Options::ENABLE_STRIKETHROUGH
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_links_and_where_their_targets_stand() {
        let text =
            "# A\n\nSee [b](b.md#c), `[not](this)` and ![p](p.svg).\n\n```text\n[nor](that)\n```\n";
        let found = links(text);
        let targets: Vec<_> = found.iter().map(|link| &*link.target).collect();
        assert_eq!(targets, ["b.md#c", "p.svg"]);
        let places = found.iter().map(|link| link.place.clone().unwrap());
        assert!(
            places
                .zip(targets)
                .all(|(place, target)| &text[place] == target)
        );
        assert_eq!(found[0].line, 3);
        assert_eq!(found[0].parts(), ("b.md", Some("c")));
    }

    #[test]
    fn names_headings_as_the_site_does() {
        let text = "# A `request`'s way, in 5 minutes\n## Same\n## Same\n";
        let expected = ["a-requests-way-in-5-minutes", "same", "same-1"];
        assert_eq!(anchors(text), expected.map(str::to_owned).into());
    }

    #[test]
    fn says_which_link_is_broken_and_how() {
        let folder =
            std::env::temp_dir().join(format!("gateway-site-links-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("b.md"), "# There\n").unwrap();
        let document = folder.join("a.md");
        fs::write(
            &document,
            "[](b.md#there) [](b.md#where) [](c.md) [](#no) [](https://x/y)",
        )
        .unwrap();
        let broken = broken(&document).unwrap();
        fs::remove_dir_all(&folder).unwrap();
        assert_eq!(broken.len(), 3, "{broken:?}");
        assert!(broken[0].ends_with("b.md#where: there is no such heading"));
        assert!(broken[1].ends_with("c.md: there is no such file"));
        assert!(broken[2].ends_with("#no: there is no such heading"));
    }
}

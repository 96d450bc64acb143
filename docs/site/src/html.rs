//! The finished site: every link of every page leads to a file that is there, and to an id in it.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::{fs, io};

use crate::links::target;

/// What is wrong with the pages in `site`, a line each. Those of rustdoc, beneath `api`, are led to
/// and not looked at: it checks its own.
///
/// # Errors
///
/// A file cannot be read.
pub fn broken(site: &Path) -> io::Result<Vec<String>> {
    let mut pages = Vec::new();
    collect(site, &mut pages)?;
    let mut ids = HashMap::new();
    let mut broken = Vec::new();
    for page in &pages {
        let text = fs::read_to_string(page)?;
        for link in values(&text, &["href", "src"]) {
            if !leads_somewhere(page, &link, &mut ids)? {
                let page = page.strip_prefix(site).unwrap_or(page);
                broken.push(format!("  {}: {link}", page.display()));
            }
        }
    }
    Ok(broken)
}

fn leads_somewhere(
    page: &Path,
    link: &str,
    ids: &mut HashMap<PathBuf, HashSet<String>>,
) -> io::Result<bool> {
    if link.contains(':') || link == "/" {
        return Ok(true); // into the net, or data; or to wherever the site will be
    }
    let (path, id) = link.split_once('#').unwrap_or((link, ""));
    let mut file = target(page, path);
    if file.is_dir() {
        file.push("index.html");
    }
    if !file.is_file() {
        return Ok(false);
    }
    if id.is_empty() || file.extension().is_none_or(|extension| extension != "html") {
        return Ok(true);
    }
    if !ids.contains_key(&file) {
        let found = values(&fs::read_to_string(&file)?, &["id", "name"]);
        ids.insert(file.clone(), found.into_iter().collect());
    }
    Ok(ids.get(&file).is_some_and(|ids| ids.contains(id)))
}

/// The values of these attributes, in double quotes as mdBook and rustdoc write them.
fn values(html: &str, names: &[&str]) -> Vec<String> {
    let mut values = Vec::new();
    for name in names {
        for part in html.split(&format!(" {name}=\"")).skip(1) {
            values.extend(
                part.split('"')
                    .next()
                    .map(|value| value.replace("&amp;", "&")),
            );
        }
    }
    values
}

fn collect(folder: &Path, found: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() && !path.ends_with("api") {
            collect(&path, found)?;
        } else if path
            .extension()
            .is_some_and(|extension| extension == "html")
        {
            found.push(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_links_to_files_and_ids_that_are_not_there() {
        let site = std::env::temp_dir().join(format!("gateway-site-{}", std::process::id()));
        fs::create_dir_all(site.join("api")).unwrap();
        fs::write(site.join("b.html"), r#"<h1 id="there">"#).unwrap();
        fs::write(site.join("api/index.html"), r#"<a href="never-looked-at">"#).unwrap();
        let links = [
            "b.html#there",
            "b.html#not",
            "c.html",
            "api/",
            "https://x/",
            "#no",
        ];
        let page: String = links
            .iter()
            .map(|link| format!("<a href=\"{link}\">"))
            .collect();
        fs::write(site.join("a.html"), page).unwrap();
        let broken = broken(&site).unwrap();
        fs::remove_dir_all(&site).unwrap();
        assert_eq!(
            broken,
            ["  a.html: b.html#not", "  a.html: c.html", "  a.html: #no"]
        );
    }
}

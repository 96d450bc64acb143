//! Where the documents of this repository are.

use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

/// The top of the repository.
pub fn root() -> PathBuf {
    normal(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../.."))
}

/// The folder of the site's pages.
pub fn pages() -> PathBuf {
    root().join("docs")
}

/// Every Markdown document that people read: of the top, of the site, of each crate.
///
/// # Errors
///
/// A folder cannot be read.
pub fn all() -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for folder in ["", "examples", "tests"] {
        collect(&root().join(folder), &mut found, 1)?;
    }
    collect(&pages(), &mut found, usize::MAX)?;
    found.sort();
    found.dedup();
    Ok(found)
}

/// Every page of the site.
///
/// # Errors
///
/// A folder cannot be read.
pub fn all_pages() -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    collect(&pages(), &mut found, usize::MAX)?;
    found.sort();
    Ok(found)
}

/// Takes `.` and `..` out of a path, without asking the file system.
pub fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                normal.pop();
            }
            other => normal.push(other),
        }
    }
    normal
}

/// The way from the folder `from` to `to`, both beneath the same top.
pub fn relative(from: &Path, to: &Path) -> PathBuf {
    let shared = from
        .components()
        .zip(to.components())
        .take_while(|(left, right)| left == right)
        .count();
    let up = from.components().skip(shared).map(|_| Component::ParentDir);
    up.chain(to.components().skip(shared)).collect()
}

/// Markdown files of a folder, `depth` folders down.
fn collect(folder: &Path, found: &mut Vec<PathBuf>, depth: usize) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        // What is built, and what is hidden, is nobody's writing.
        let skipped = name.starts_with('.') || name.starts_with("target") || name == "book";
        if path.is_dir() && !skipped && depth > 0 {
            collect(&path, found, depth - 1)?;
        } else if path.extension().is_some_and(|extension| extension == "md") {
            found.push(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_the_way_from_one_place_to_another() {
        for (from, to, way) in [
            ("/a", "/a/b.md", "b.md"),
            ("/a/b", "/a/c/d.md", "../c/d.md"),
            ("/a/b/c", "/a/d.md", "../../d.md"),
        ] {
            assert_eq!(relative(Path::new(from), Path::new(to)), Path::new(way));
        }
        assert_eq!(normal(Path::new("/a/./b/../c")), Path::new("/a/c"));
    }
}

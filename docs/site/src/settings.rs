//! The settings reference, from the documentation of the code.

use std::path::Path;
use std::{fs, io};

/// A setting: its name, its type, and what its documentation says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// As it is written in code.
    pub name: String,
    /// Its type, or the method's signature.
    pub kind: String,
    /// Its documentation, in Markdown.
    pub text: String,
}

/// A section for each setting of `name` in `file`: the fields of a struct, or the methods of an
/// `impl` that give `Self`, but for those that bind.
///
/// # Errors
///
/// The file cannot be read, or holds nothing of the kind.
pub fn reference(file: &Path, name: &str) -> io::Result<String> {
    let code = fs::read_to_string(file)?;
    let settings = match code.find(&format!("pub struct {name} {{\n    ///")) {
        Some(at) => fields(&code[at..]),
        None => code
            .find(&format!("impl {name} {{\n"))
            .map(|at| methods(&code[at..]))
            .unwrap_or_default(),
    };
    if settings.is_empty() {
        let message = format!("{}: no settings of {name}", file.display());
        return Err(io::Error::new(io::ErrorKind::InvalidData, message));
    }
    Ok(settings.iter().map(section).collect())
}

/// The public fields of the struct that `code` begins with, which rustfmt has laid out.
fn fields(code: &str) -> Vec<Setting> {
    each(code, |line| {
        let (name, kind) = line
            .strip_prefix("pub ")?
            .strip_suffix(',')?
            .split_once(": ")?;
        Some((name.to_owned(), kind.to_owned()))
    })
}

/// The builder methods of the `impl` that `code` begins with, which rustfmt has laid out.
fn methods(code: &str) -> Vec<Setting> {
    each(&one_line_each(code), |line| {
        let signature = line.strip_prefix("pub fn ")?.strip_suffix(" -> Self {")?;
        let (name, arguments) = signature.split_once("(mut self, ")?;
        let arguments = arguments.strip_suffix(')')?;
        let kind = arguments.split_once(": ")?.1.trim_end_matches([',', ' ']);
        if kind == "Limits" || kind == "Timeouts" {
            return None; // their fields are the settings
        }
        Some((name.to_owned(), kind.to_owned()))
    })
}

/// The code with each method's signature on a line.
fn one_line_each(code: &str) -> String {
    let mut result = String::new();
    let mut open = false;
    for line in code.lines() {
        let ends = line.ends_with('{') || line.ends_with(';');
        match open {
            true => result.push_str(line.trim_start()),
            false => result.push_str(line),
        }
        open = (open || line.starts_with("    pub fn ")) && !ends;
        result.push_str(match open {
            true if line.ends_with(',') => " ",
            true => "",
            false => "\n",
        });
    }
    result
}

fn each(code: &str, item: impl Fn(&str) -> Option<(String, String)>) -> Vec<Setting> {
    let mut settings = Vec::new();
    let mut text = String::new();
    for line in code.lines().skip(1).take_while(|line| *line != "}") {
        let line = line.strip_prefix("    ").unwrap_or(line);
        if let Some(comment) = line.strip_prefix("///") {
            text.push_str(comment.strip_prefix(' ').unwrap_or(comment));
            text.push('\n');
        } else if !line.starts_with("#[") {
            let text = std::mem::take(&mut text);
            settings.extend(item(line).map(|(name, kind)| Setting { name, kind, text }));
        }
    }
    settings
}

fn section(setting: &Setting) -> String {
    let Setting { name, kind, text } = setting;
    let text = unlinked(text).replace("```no_run\n", "```rust,no_run\n");
    format!("### `{name}`\n\n`{kind}`\n\n{}\n\n", text.trim_end())
}

/// Links to code mean nothing on a page: those to other settings lead to their sections, the rest
/// keep their text.
fn unlinked(text: &str) -> String {
    let mut result = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('[') {
        let Some((label, tail)) = after.split_once(']') else {
            break;
        };
        result.push_str(before);
        let target = tail.strip_prefix('(').and_then(|tail| tail.split_once(')'));
        rest = target.map_or(tail, |(_, tail)| tail);
        result.push_str(&match target {
            Some((target, _)) => match target.strip_prefix("Self::") {
                Some(setting) => format!("[{label}](#{setting})"),
                None if target.contains("://") => format!("[{label}]({target})"),
                None => label.to_owned(),
            },
            None if label.starts_with('`') => label.to_owned(),
            None => format!("[{label}]"),
        });
    }
    result.push_str(rest);
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_fields_with_their_documentation() {
        let code = "pub struct Limits {\n    /// How many, by\n    /// [`other`](Self::other).\n    pub many: Option<u64>,\n    /// Else.\n    pub other: usize,\n}\n\npub struct X {\n    pub y: u8,\n}\n";
        let found = fields(code);
        assert_eq!(found.len(), 2);
        assert_eq!(
            section(&found[0]),
            "### `many`\n\n`Option<u64>`\n\nHow many, by\n[`other`](#other).\n\n"
        );
    }

    #[test]
    fn links_to_code_keep_their_text() {
        for (documented, shown) in [
            (
                "See [`a`](Self::a), [`b`](crate::B::b).",
                "See [`a`](#a), `b`.",
            ),
            (
                "As [`Handle::stop`] does, [there](https://x/).",
                "As `Handle::stop` does, [there](https://x/).",
            ),
            (
                "The [front page](crate#threads) [sic].",
                "The front page [sic].",
            ),
        ] {
            assert_eq!(unlinked(documented), shown);
        }
    }

    #[test]
    fn reads_builder_methods_and_no_others() {
        let code = "impl Server {\n    /// Binds.\n    pub fn bind(a: A) -> io::Result<Self> {\n    }\n\n    /// Calls at once.\n    #[must_use]\n    pub fn threads(mut self, threads: usize) -> Self {\n    }\n\n    /// When.\n    pub fn when(\n        mut self,\n        wants: impl Fn(u8) -> bool,\n    ) -> Self {\n    }\n}\n";
        let found = methods(code);
        assert_eq!(found.len(), 2);
        assert_eq!(
            (&*found[1].name, &*found[1].kind),
            ("when", "impl Fn(u8) -> bool")
        );
        assert_eq!(found[0].name, "threads");
        assert_eq!(found[0].text, "Calls at once.\n");
    }
}

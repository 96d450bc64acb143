//! The steps of the site that mdBook does not take, for `scripts/site`, and a look at what is public, for
//! `scripts/surface`.
//!
//! ```text
//! site preprocess [supports RENDERER]   mdBook's preprocessor: a book in, a book out
//! site finish FOLDER                    adds the files that pages link to, and checks all links
//! site surface FILE…                    what public signatures name of other crates, from rustdoc's JSON
//! ```

#![forbid(unsafe_code)]

use std::error::Error;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;
use std::{env, fs};

use gateway_site::{documents, preprocess, surface};

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match arguments[..] {
        ["preprocess", "supports", _] => Ok(()),
        ["preprocess"] => preprocess_book(),
        ["finish", folder] => finish(Path::new(folder)),
        ["surface", ref files @ ..] if !files.is_empty() => surface(files),
        _ => Err("site preprocess | site finish FOLDER | site surface FILE…".into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("site: {error}");
            ExitCode::FAILURE
        }
    }
}

fn preprocess_book() -> Result<(), Box<dyn Error>> {
    let given = serde_json::from_reader(io::stdin().lock())?;
    let book = preprocess::book(&given)?;
    serde_json::to_writer(io::stdout().lock(), &book)?;
    Ok(io::stdout().flush()?)
}

fn finish(site: &Path) -> Result<(), Box<dyn Error>> {
    for path in preprocess::copies()? {
        let to = site.join(preprocess::copy_address(&path));
        fs::create_dir_all(to.parent().unwrap_or(site))?;
        fs::copy(documents::root().join(&path), to)?;
    }
    let broken = gateway_site::html::broken(site)?;
    if broken.is_empty() {
        return Ok(());
    }
    Err(format!("links that lead nowhere:\n{}", broken.join("\n")).into())
}

#[allow(clippy::print_stdout, reason = "for who runs the script")]
fn surface(files: &[&str]) -> Result<(), Box<dyn Error>> {
    let mut faults = Vec::new();
    for file in files {
        let (krate, named) = surface::named_in(Path::new(file))?;
        let others: Vec<_> = named.keys().map(String::as_str).collect();
        println!("{krate} names {}", others.join(", "));
        faults.extend(surface::not_allowed(&krate, &named));
    }
    if faults.is_empty() {
        return Ok(());
    }
    Err(format!(
        "public signatures name what surface.rs does not allow:\n{}",
        faults.join("\n")
    )
    .into())
}

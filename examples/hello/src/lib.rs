//! Ten lines of application, in both styles; `src/bin` has one main for each host. Any of them serves
//! either style: which host suits which is on the repository's front page.

#![forbid(unsafe_code)]

use gateway_core::{Environ, Result, text};

/// Greets whoever the path names, as async code.
///
/// # Errors
///
/// None.
pub async fn hello(environ: Environ) -> Result {
    let name = environ.path_info().trim_matches('/');
    Ok(text(format!(
        "Hello, {}!\n",
        if name.is_empty() { "world" } else { name }
    )))
}

/// The same as blocking code, which may wait for a database or a file as it likes:
/// `blocking(hello_blocking)` is the application.
///
/// # Errors
///
/// None.
pub fn hello_blocking(environ: Environ) -> Result {
    let name = environ.path_info().trim_matches('/');
    Ok(text(format!(
        "Hello, {}!\n",
        if name.is_empty() { "world" } else { name }
    )))
}

/// The examples of the repository's front page, which are compiled with the tests.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
pub struct Readme;

#[cfg(test)]
mod tests {
    use gateway_core::{blocking, lint};
    use gateway_test::{call, environ};

    use super::*;

    #[test]
    fn both_styles_greet_whom_the_path_names() {
        for (request, greeting) in [("GET /", "Hello, world!\n"), ("GET /Ada", "Hello, Ada!\n")] {
            let app = lint(hello);
            assert_eq!(call(&app, environ(request)).text(), greeting);
            assert_eq!(app.findings().list(), []);
            let app = lint(blocking(hello_blocking));
            assert_eq!(call(&app, environ(request)).text(), greeting);
            assert_eq!(app.findings().list(), []);
        }
    }
}

//! [`Mount`]: several applications under one host, by the first segments of the path.

use http::StatusCode;

use crate::{Application, BoxApplication, Capabilities, Environ, Result, StatusError};

/// Several applications under one host, by the first segments of the path (Rack's URLMap).
///
/// The longest prefix that matches whole segments wins; it moves from PATH_INFO to SCRIPT_NAME.
/// What no prefix matches goes to the application at `""`, or is answered 404.
///
/// Prefixes are compared with the *decoded* path, and `.` and `..` are not resolved: `/a%2Fb` is
/// mounted as `/a/b` is. A front end that guards a prefix must decode as this does.
///
/// ```
/// use gateway_core::{Application, Environ, Input, Mount, Result, server::block_on, text};
///
/// async fn show(environ: Environ) -> Result {
///     Ok(text(format!("{} | {}", environ.script_name(), environ.path_info())))
/// }
/// let app = Mount::new().at("/api", show).at("/api/v2", show);
///
/// let request = http::Request::get("/api/v2/cities").body(Input::empty())?;
/// let response = block_on(app.call(Environ::from_request(request)?))?;
/// assert_eq!(response.body().length(), Some("/api/v2 | /cities".len() as u64));
/// # Ok::<(), gateway_core::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Mount {
    /// Longest prefix first.
    table: Vec<(String, BoxApplication)>,
}

impl Mount {
    /// No applications yet: everything is 404.
    pub fn new() -> Self {
        Self::default()
    }

    /// Puts `application` at `prefix`, in place of what was there.
    ///
    /// # Panics
    ///
    /// If `prefix` is neither empty nor starts with `/`, or if it ends with `/`: no SCRIPT_NAME
    /// looks like that.
    #[must_use]
    pub fn at(mut self, prefix: &str, application: impl Application) -> Self {
        let valid = prefix.is_empty() || (prefix.starts_with('/') && !prefix.ends_with('/'));
        assert!(
            valid,
            "a mount prefix is empty, or starts with '/' and does not end with one"
        );
        self.table.retain(|(known, _)| known != prefix);
        self.table
            .push((prefix.to_owned(), BoxApplication::new(application)));
        self.table
            .sort_by_key(|(prefix, _)| std::cmp::Reverse(prefix.len()));
        self
    }
}

impl Application for Mount {
    async fn call(&self, mut environ: Environ) -> Result {
        for (prefix, application) in &self.table {
            if prefix.is_empty() || environ.shift_path(prefix) {
                return application.call(environ).await;
            }
        }
        Err(StatusError::new(StatusCode::NOT_FOUND, "nothing is mounted there").into())
    }

    fn requires(&self) -> Capabilities {
        self.table
            .iter()
            .fold(Capabilities::NONE, |all, (_, app)| all | app.requires())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::{block_on, status_of};
    use crate::{Input, requiring, text};

    fn named(
        name: &'static str,
    ) -> impl Fn(Environ) -> std::future::Ready<Result> + Send + Sync + 'static {
        move |environ: Environ| {
            let mut response = text("");
            let seen = format!("{name}:{}:{}", environ.script_name(), environ.path_info());
            response
                .headers_mut()
                .insert("x-seen", seen.parse().unwrap());
            std::future::ready(Ok(response))
        }
    }

    fn seen(app: &Mount, path: &str) -> Result<String> {
        let request = http::Request::get(path).body(Input::empty()).unwrap();
        let response = block_on(app.call(Environ::from_request(request).unwrap()))?;
        Ok(response.headers()["x-seen"].to_str().unwrap().to_owned())
    }

    #[test]
    fn the_longest_whole_prefix_wins() {
        let app = Mount::new().at("/a", named("a")).at("/a/b", named("ab"));
        for (path, expected) in [
            ("/a", "a:/a:"),
            ("/a/", "a:/a:/"),
            ("/a/b", "ab:/a/b:"),
            ("/a/bc", "a:/a:/bc"),
            ("/a/b/c", "ab:/a/b:/c"),
        ] {
            assert_eq!(seen(&app, path).unwrap(), expected);
        }
        assert_eq!(status_of(seen(&app, "/ab").unwrap_err().as_ref()), 404);
        assert_eq!(
            seen(&app.at("", named("root")), "/ab").unwrap(),
            "root::/ab"
        );
    }

    #[test]
    fn mounts_nest() {
        let app = Mount::new().at("/out", Mount::new().at("/in", named("in")));
        assert_eq!(seen(&app, "/out/in/x").unwrap(), "in:/out/in:/x");
    }

    #[test]
    fn needs_what_any_of_its_applications_needs() {
        let app = Mount::new()
            .at("/a", requiring(Capabilities::UPGRADE, named("a")))
            .at("/b", requiring(Capabilities::TRAILERS, named("b")));
        assert_eq!(
            app.requires(),
            Capabilities::UPGRADE | Capabilities::TRAILERS
        );
    }
}

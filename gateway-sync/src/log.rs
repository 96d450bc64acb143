//! What is kept of a request for log lines.

use std::fmt;

use http::{Method, Uri};

/// Method and path of a request.
#[derive(Clone, Debug)]
pub(crate) struct RequestName {
    pub(crate) method: Method,
    pub(crate) uri: Uri,
}

impl fmt::Display for RequestName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.uri.path())
    }
}

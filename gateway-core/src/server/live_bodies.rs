//! [`LiveBodies`]: which request bodies are handed over as they come.

use std::fmt;
use std::sync::Arc;

use http::request::Parts;

use super::{Panic, catch};

/// Which request bodies are handed over as they come, and not gathered first: none, unless somebody says.
#[derive(Clone, Default)]
pub struct LiveBodies(Option<Arc<Wants>>);

type Wants = dyn Fn(&Parts) -> bool + Send + Sync;

impl LiveBodies {
    /// Those of whose head `wants` says so.
    pub fn new(wants: impl Fn(&Parts) -> bool + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(wants)))
    }

    /// Whether nobody says, so that there is nothing to ask.
    pub fn is_none(&self) -> bool {
        self.0.is_none()
    }

    /// Whether that of this request is.
    ///
    /// # Errors
    ///
    /// The [`Panic`] of who says; the host logs it.
    pub fn wants(&self, head: &Parts) -> Result<bool, Panic> {
        match &self.0 {
            Some(wants) => catch(|| wants(head)),
            None => Ok(false),
        }
    }
}

impl fmt::Debug for LiveBodies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_none() { "none" } else { "some" })
    }
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn head(target: &str) -> Parts {
        let (head, ()) = Request::post(target).body(()).unwrap().into_parts();
        head
    }

    #[test]
    fn says_what_it_was_told_to_and_none_otherwise() {
        let none = LiveBodies::default();
        assert!(none.is_none());
        assert!(!none.wants(&head("/upload")).unwrap());
        let some = LiveBodies::new(|head| head.uri.path().starts_with("/upload"));
        assert!(!some.is_none());
        assert!(some.wants(&head("/upload")).unwrap());
        assert!(!some.wants(&head("/")).unwrap());
    }

    #[test]
    fn a_panic_of_who_says_is_an_error() {
        let panics = LiveBodies::new(|_| panic!("of who says"));
        assert!(panics.wants(&head("/")).is_err());
    }
}

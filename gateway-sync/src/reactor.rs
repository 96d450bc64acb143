//! What async applications find around them: nothing, or a tokio runtime that the program brings.

use gateway_core::Capabilities;

/// Nothing, or a tokio runtime.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reactor {
    #[cfg(feature = "tokio")]
    handle: Option<tokio::runtime::Handle>,
}

impl Reactor {
    #[cfg(feature = "tokio")]
    pub(crate) fn tokio(handle: tokio::runtime::Handle) -> Self {
        Self {
            handle: Some(handle),
        }
    }

    /// What the host can do by it.
    #[cfg(feature = "tokio")]
    pub(crate) fn capabilities(&self) -> Capabilities {
        if self.handle.is_some() {
            Capabilities::TOKIO
        } else {
            Capabilities::NONE
        }
    }

    /// What the host can do by it.
    #[cfg(not(feature = "tokio"))]
    pub(crate) fn capabilities(&self) -> Capabilities {
        Capabilities::NONE
    }

    /// Runs a thread's code inside it.
    pub(crate) fn within<T>(&self, code: impl FnOnce() -> T) -> T {
        #[cfg(feature = "tokio")]
        let _entered = self.handle.as_ref().map(tokio::runtime::Handle::enter);
        code()
    }
}

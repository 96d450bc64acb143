//! Errors of applications, and the statuses they name.

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

/// What an application may fail with: anything.
pub type Error = Box<dyn std::error::Error + Send + Sync>;

/// An error that names the status to answer with.
///
/// Let through with `?`, it ends the call; the host answers `status` with its usual short text. The
/// message is for the log, and is never shown to the client.
///
/// ```
/// use gateway_core::{Environ, Result, StatusError, text};
/// use http::StatusCode;
///
/// async fn app(environ: Environ) -> Result {
///     if environ.path_info() != "/" {
///         return Err(StatusError::new(StatusCode::NOT_FOUND, "no such page").into());
///     }
///     Ok(text("front page"))
/// }
/// # use gateway_core::Application;
/// # let environ = Environ::from_request(http::Request::get("/x").body(gateway_core::Input::empty())?)?;
/// # let error = gateway_core::server::block_on(app.call(environ)).unwrap_err();
/// # assert_eq!(gateway_core::server::status_of(error.as_ref()), 404);
/// # Ok::<(), gateway_core::Error>(())
/// ```
#[derive(Clone, Debug, thiserror::Error)]
#[error("{status}: {message}")]
pub struct StatusError {
    status: StatusCode,
    message: String,
    headers: Box<HeaderMap>, // boxed: results carry the error by value
}

impl StatusError {
    /// An error that is answered with `status`; `message` goes to the log.
    pub fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self {
            status,
            message: message.into(),
            headers: Box::default(),
        }
    }

    /// Adds a header to the answer, such as `Allow` to a 405 or `Retry-After` to a 503.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.append(name, value);
        self
    }

    /// The status to answer with.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The headers to answer with.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }
}

/// Why the request body could not be read to its end.
///
/// Let through with `?` — as itself, or inside the [`std::io::Error`] that `Read` gives — the host
/// answers the status it names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InputError {
    /// The body is larger than the host, or the limit given by the caller, takes: 413.
    #[error("the request body is larger than {limit} bytes")]
    TooLarge {
        /// The limit that was exceeded, in bytes.
        limit: u64,
    },
    /// The client sent too slowly, or nothing for too long: 408.
    #[error("the client took too long to send the request body")]
    TimedOut,
    /// The client left before the body was whole: 400, which nobody will read.
    #[error("the client left before the request body was whole")]
    Disconnected,
    /// The framing of the body is broken (RFC 9112 §7): 400.
    #[error("the request body is malformed")]
    Malformed,
    /// The host cannot read where it has kept the body: 500.
    #[error("the host has lost the request body")]
    Lost,
}

impl InputError {
    /// The status to answer with.
    pub fn status(self) -> StatusCode {
        match self {
            Self::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TimedOut => StatusCode::REQUEST_TIMEOUT,
            Self::Disconnected | Self::Malformed => StatusCode::BAD_REQUEST,
            Self::Lost => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

impl From<InputError> for std::io::Error {
    fn from(error: InputError) -> Self {
        use std::io::ErrorKind;
        let kind = match error {
            InputError::TooLarge { .. } | InputError::Malformed => ErrorKind::InvalidData,
            InputError::TimedOut => ErrorKind::TimedOut,
            InputError::Disconnected => ErrorKind::UnexpectedEof,
            InputError::Lost => ErrorKind::Other,
        };
        Self::new(kind, error)
    }
}

/// Why [`Gateway::unblock`](crate::Gateway::unblock) did not run the work to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UnblockError {
    /// The host's threads are busy and its queue is full: 503 with `Retry-After`.
    #[error("the host has no thread free and its queue is full")]
    Overloaded,
    /// The client had left before the work began, or its deadline had passed, or the host is stopping: 503.
    #[error("the work was given up before it began")]
    Cancelled,
}

impl UnblockError {
    /// The status to answer with.
    pub fn status(self) -> StatusCode {
        match self {
            Self::Overloaded | Self::Cancelled => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

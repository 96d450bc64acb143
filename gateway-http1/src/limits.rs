//! How much a client may ask this crate to hold or to look at.

/// Bounds on what is read from one connection.
///
/// Each limit counts bytes unless it says otherwise, and what is exactly at the limit is accepted.
/// [`Default`] is safe on the open internet; beside each default stands what nginx and gunicorn do.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Limits {
    /// The request line without its CRLF; beyond it 414. Default 8 KiB.
    ///
    /// RFC 9112 §3 recommends at least 8000. nginx 8 KiB (`large_client_header_buffers`),
    /// gunicorn 4094 (`limit_request_line`).
    pub request_line: usize,
    /// The whole head with its blank line; beyond it 431. Default 64 KiB.
    ///
    /// nginx 32 KiB (4 buffers of 8 KiB), gunicorn 100 fields of 8190 bytes each.
    pub head: usize,
    /// How many field lines a head, or a trailer section, may have; beyond it 431. Default 100.
    ///
    /// gunicorn 100 (`limit_request_fields`), Apache 100 (`LimitRequestFields`).
    pub headers: usize,
    /// The body without its chunked framing; beyond it 413. Default 16 MiB.
    ///
    /// nginx 1 MiB (`client_max_body_size`), gunicorn has none.
    pub body: u64,
    /// A line that holds a chunk size and its extensions, without its CRLF; beyond it 400.
    /// Default 1 KiB.
    ///
    /// hyper bounds only the sum (see [`chunk_extensions`](Self::chunk_extensions)), Go 4 KiB.
    pub chunk_line: usize,
    /// All chunk extensions of one body together; beyond it 400. Default 16 KiB.
    ///
    /// Without it a client sends a body of one-byte chunks, each with an extension that fills the
    /// line. hyper 16 KiB, Go 16 KiB.
    pub chunk_extensions: usize,
    /// The trailer section of a chunked body with its blank line; beyond it 431. Default 8 KiB.
    ///
    /// hyper 16 KiB, HAProxy 16 KiB (its buffer).
    pub trailers: usize,
    /// What becomes of a field whose name holds `_`. Default [`Underscores::Refuse`].
    pub underscores: Underscores,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            request_line: 8 * 1024,
            head: 64 * 1024,
            headers: 100,
            body: 16 * 1024 * 1024,
            chunk_line: 1024,
            chunk_extensions: 16 * 1024,
            trailers: 8 * 1024,
            underscores: Underscores::Refuse,
        }
    }
}

/// What becomes of a field whose name holds `_`.
///
/// `X_Forwarded_For` is a legal field name, but CGI, WSGI and Rack fold it and `X-Forwarded-For` into
/// the same `HTTP_X_FORWARDED_FOR`, so that a client can pass for the proxy in front.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Underscores {
    /// The request is answered 400, so that its sender learns of it. gunicorn with
    /// `header_map = "refuse"`.
    #[default]
    Refuse,
    /// The field is checked, then left out. nginx (`underscores_in_headers off`), gunicorn since 22.0.
    Drop,
    /// The field is handed on. Only for a host whose applications never see folded names.
    Allow,
}

//! [`Limits`] and [`Timeouts`]: plain values, the same on every host.

use std::time::Duration;

use crate::{Application, Capabilities};

/// How much of anything a host takes. All limits are on by default.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// The request line, in bytes; beyond it 414. Default 8 KiB, as everybody should take 8000 (RFC 9112
    /// §3; nginx: 8 KiB; gunicorn: 4094).
    pub request_line: usize,
    /// The request head with all its fields, in bytes; beyond it 431. It is all kept in memory. Default
    /// 64 KiB, room for many cookies and long tokens (nginx: 4 × 8 KiB; gunicorn: 100 × 8190).
    pub head: usize,
    /// Number of header fields; beyond it 431. Many small ones cost more to read and to keep than their
    /// bytes. Default 100, several times what browsers send (gunicorn and httpd: 100).
    pub headers: usize,
    /// The request body, in bytes; beyond it 413. Default 16 MiB, enough for forms and pictures: who takes
    /// larger uploads knows it (nginx: 1 MiB; gunicorn: none).
    pub body: u64,
    /// How much of a request body, or of a response that its client takes slowly, is kept in memory,
    /// in bytes; the rest goes to a temporary file. Default 64 KiB, so that most bodies come to no file
    /// (nginx: `client_body_buffer_size` 16 KiB, `proxy_buffers` 64 KiB; gunicorn: all of it). The kernel
    /// keeps as much unsent for a connection, where it can be told so (`TCP_NOTSENT_LOWAT`; but see
    /// [`ahead`](Self::ahead)), and says that the client has taken something when half of that is gone.
    /// gateway-hyper keeps request bodies for blocking code so; it hands other bodies over as they come.
    pub buffer: usize,
    /// What the kernel keeps unsent for clients that have shown that they are fast, of all of them together, in bytes: 1 MiB for
    /// each, in place of [`buffer`](Self::buffer), as long as its connection lasts. Each write costs, and who reads fast is written to
    /// less often so; but anybody may stop to read, so that there is a bound, and may be slow from now on, so that
    /// [`write_stall`](Timeouts::write_stall) is 16 times as long for them. Over HTTP/2 there are none. Default 64 MiB, room for 64 connections that
    /// carry large responses at once; 0 is none (nginx and gunicorn: what the kernel allows, by default 4 MiB for each
    /// connection, of any client).
    pub ahead: u64,
    /// Temporary files of all requests and responses together, in bytes, so that clients cannot fill
    /// the disk. Beyond it a request is refused with 503, and a response is made only as fast as its client
    /// takes it. Default 1 GiB (nginx: `proxy_max_temp_file_size` 1 GiB a response, and no bound on all;
    /// gunicorn: keeps nothing in files).
    pub spool: u64,
    /// The temporary file of one response, in bytes; beyond it the response is made only as fast as
    /// its client takes it. Default 64 MiB, so that one without end leaves room in [`spool`](Self::spool)
    /// to others (nginx: 1 GiB; gunicorn: none). That of a request is bounded by [`body`](Self::body).
    /// gateway-hyper keeps none of a response in a file.
    pub response_spool: u64,
    /// Connections at once; more wait in the backlog. Each takes a descriptor (`ulimit -n`), and memory even
    /// when it is idle: up to 4 KiB on gateway-sync, 16 KiB on gateway-hyper (HTTP/1.1). Default 10 000
    /// (nginx: 512 a worker; gunicorn: 1000).
    pub connections: usize,
    /// Requests on one connection before it is closed; `None` is unlimited. A bound makes clients connect
    /// anew, so that a balancer can spread them anew. Default unlimited, as requests that are over leave
    /// little that a close would free (nginx: 1000; gunicorn: unlimited).
    pub requests_per_connection: Option<u64>,
    /// Connections that the kernel holds for the host. Default 1024 (nginx: 511; gunicorn: 2048;
    /// uWSGI: 100).
    /// The usual 128 drops connections when 256 clients come at once, and those wait a second.
    pub backlog: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            request_line: 8 * 1024,
            head: 64 * 1024,
            headers: 100,
            body: 16 * 1024 * 1024,
            buffer: 64 * 1024,
            ahead: 64 * 1024 * 1024,
            spool: 1024 * 1024 * 1024,
            response_spool: 64 * 1024 * 1024,
            connections: 10_000,
            requests_per_connection: None,
            backlog: 1024,
        }
    }
}

/// How long a host waits for anything. All of them are on by default, but for `request`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Timeouts {
    /// From the first byte of a request head, or the start of a connection, to the end of the
    /// head; then 408, or a close without a word where not a byte has come. Default 30 s: most heads come in
    /// one packet, and who takes longer mostly means to (nginx: 60 s; gunicorn: none).
    pub head: Duration,
    /// Without a byte of a request body that is due; then 408. Default 30 s: a packet that was lost is sent
    /// again several times meanwhile (nginx: 60 s; gunicorn: none).
    pub body_stall: Duration,
    /// Without the client taking a byte of the response; then the connection is cut, as what is not taken
    /// is kept for it. For clients that have shown that they are fast it is longer ([`Limits::ahead`]). Default 30 s, for the same reason as [`body_stall`](Self::body_stall) (nginx: 60 s;
    /// gunicorn: none).
    pub write_stall: Duration,
    /// The least rate at which a client must send a request body and take a response, in bytes a
    /// second, on average since it began; below it the request is answered 408, or the connection is
    /// cut. Without it a byte every 29 s would be no stall. 0 is none. Default 240, what a modem of
    /// 2400 bit/s carries (nginx and gunicorn: none; Kestrel: 240; httpd's `RequestReadTimeout`: 500).
    pub min_rate: u64,
    /// How long a client may be slower than [`min_rate`](Self::min_rate) at first, as an average over a
    /// moment says nothing: a packet that is lost can take a second. Default 5 s (nginx and gunicorn: no such
    /// rate; Kestrel: 5 s; httpd: 20 s).
    pub rate_grace: Duration,
    /// Between two requests on a connection; then it is closed. Default 75 s, longer than the 60 s of
    /// many proxies and balancers, so that they close first and no request meets a close (nginx: 75 s;
    /// gunicorn: 2 s).
    pub idle: Duration,
    /// The same while the host stops: a connection that has been idle for so long, or has said nothing
    /// since it began, is closed. Until then a request that is on its way is still answered. Default
    /// 1 s (nginx `keepalive_min_timeout`: 0; gunicorn: 0).
    pub idle_at_stop: Duration,
    /// How long a client may take to close its side after the host has closed its own. Closed wholly
    /// and at once, what the client still sends would be answered by a reset, which may destroy the
    /// last answer on its way. On gateway-sync it begins anew with what the client still sends, up to 30 s in
    /// all (nginx `lingering_time`: 30 s). Default 2 s (nginx `lingering_timeout`: 5 s; httpd: 2 s).
    pub linger: Duration,
    /// From the end of the request head to the response; then
    /// [`cancelled`](crate::Environ::cancelled) is set. On gateway-sync a request that has waited to be called for
    /// so long is answered 503, and not called. Default none, as only the application knows how
    /// long its calls may take (nginx `proxy_read_timeout`: 60 s between two reads;
    /// gunicorn: 30 s, sync workers only).
    pub request: Option<Duration>,
    /// How long a stop waits for what runs, as a call that never returns would hold it up for ever. Default
    /// 30 s (gunicorn: 30 s).
    pub drain: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            head: Duration::from_secs(30),
            body_stall: Duration::from_secs(30),
            write_stall: Duration::from_secs(30),
            min_rate: 240,
            rate_grace: Duration::from_secs(5),
            idle: Duration::from_secs(75),
            idle_at_stop: Duration::from_secs(1),
            linger: Duration::from_secs(2),
            request: None,
            drain: Duration::from_secs(30),
        }
    }
}

/// Checks what an application needs against what the host can do, before anything is served.
///
/// # Errors
///
/// [`MissingCapabilities`], by name.
pub fn check_requirements(
    application: &impl Application,
    host: Capabilities,
) -> Result<(), MissingCapabilities> {
    let missing = application.requires().without(host);
    if missing.is_empty() {
        Ok(())
    } else {
        Err(MissingCapabilities(missing))
    }
}

/// The application needs what this host cannot do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the application needs what this host cannot do: {0}")]
pub struct MissingCapabilities(pub Capabilities);

impl From<MissingCapabilities> for std::io::Error {
    fn from(missing: MissingCapabilities) -> Self {
        Self::new(std::io::ErrorKind::Unsupported, missing)
    }
}

//! The interface between Rust web applications and the servers that host them.
//!
//! What WSGI (PEP 3333) is to Python: an application is written once, as blocking code or as async
//! code, and any host serves it.
//!
//! ```text
//!   socket → host → Environ → Application → Response → host → socket
//!                      │                        │
//!                    Input                    Body
//!          (the request body: pulled   (the response body: the host
//!           by the application)         looks into it and pulls)
//! ```
//!
//! **In scope**: the application's call, its environ, bodies in both directions, errors and the
//! statuses they name, cancellation and deadlines, what a host can do and what an application
//! needs; `mount`, `head` and `lint`. **Out of scope**: sockets, threads, runtimes, HTTP on the wire (a
//! host's business), routing, templates, sessions (an application's).
//!
//! # A whole application
//!
//! ```
//! use gateway_core::{Environ, Result, text};
//!
//! async fn hello(environ: Environ) -> Result {
//!     Ok(text(format!("Hello from {}\n", environ.path_info())))
//! }
//! ```
//!
//! The same as blocking code, which a threaded host runs where it stands and an async host on its
//! pool of threads:
//!
//! ```
//! use gateway_core::{Environ, Result, blocking, text};
//!
//! fn hello(environ: Environ) -> Result {
//!     Ok(text(format!("Hello from {}\n", environ.path_info())))
//! }
//! let app = blocking(hello);
//!
//! // A host is not needed to call it:
//! use gateway_core::{Application, Input, server::block_on};
//! let request = http::Request::get("/example").body(Input::empty())?;
//! let response = block_on(app.call(Environ::from_request(request)?))?;
//! assert_eq!(response.status(), 200);
//! assert_eq!(response.body().length(), Some("Hello from /example\n".len() as u64));
//! # Ok::<(), gateway_core::Error>(())
//! ```
//!
//! # Where to look
//!
//! | you want | look at |
//! |---|---|
//! | what came in | [`Environ`], [`Input`] |
//! | to answer | [`Response`], [`text`], [`status`], [`Body`] |
//! | to fail with a status | [`StatusError`], [`Error`] |
//! | blocking code inside async code | [`Gateway::unblock`] |
//! | to bound how much runs at once | [`Blocking::limit`] |
//! | to stop when nobody waits | [`Environ::cancelled`], [`Environ::deadline`] |
//! | to know how it ended | [`Environ::on_finish`] |
//! | middleware | an [`Application`] that holds an application: [`Head`], [`Mount`] |
//! | to know that both sides keep to the specification | [`lint()`] |
//! | to write a host | [`server`] |
//!
//! The [site](https://gateway.example/) has guides, the specification, and all settings.

#![forbid(unsafe_code)]

mod application;
mod blocking;
mod body;
mod budget;
mod cancel;
mod capabilities;
mod endpoint;
mod environ;
mod error;
mod finish;
mod gateway;
mod head;
mod input;
mod lint;
mod mount;
mod path;
mod request_head;
mod response;
pub mod server;
mod vars;

pub use application::{Application, BoxApplication, Requiring, requiring};
pub use blocking::{Blocking, BlockingApplication, blocking};
pub use body::{Body, BodyKind, Channel, Closed, Delivery, FileBody, Iter, Sender, Stream};
pub use cancel::{CancelReason, Cancelled};
pub use capabilities::Capabilities;
pub use endpoint::{Address, Endpoint, Scheme};
pub use environ::Environ;
pub use error::{Error, InputError, StatusError, UnblockError};
pub use finish::{Ending, Outcome};
pub use gateway::Gateway;
pub use head::Head;
pub use input::Input;
pub use lint::{Findings, Lint, Violation, lint};
pub use mount::Mount;
pub use response::{status, text};

/// What an application answers: status, headers and body.
pub type Response = http::Response<Body>;

/// What a call gives.
pub type Result<T = Response, E = Error> = std::result::Result<T, E>;

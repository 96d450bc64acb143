//! tower services as [gateway](gateway_core) applications, and applications as tower services.
//!
//! ```text
//!   gateway host ─ Environ ─▶ from_service ─ Request<Input> + Context ─▶ tower service
//!                                                                         │  (axum's Router,
//!   gateway host ◀ Response ─     "        ◀── Response<any body> ────────┘   tower-http's layers)
//!
//!   tower service ─ Request<any body> ─▶ into_service ─ Environ ─▶ application
//!   (axum's Router,                                                   │
//!    a hyper server) ◀─ Response<ServiceBody> ─    "    ◀─ Response ──┘
//! ```
//!
//! **In scope**: the crossing, both ways and one inside the other, with nothing lost. **Out of scope**:
//! services of anything but HTTP; upgrades; axum itself, of which this crate knows nothing.
//!
//! | you have | and want | take |
//! |---|---|---|
//! | an axum `Router`, any service | a gateway host | [`from_service`] |
//! | an application | to mount it in an axum `Router`, or to serve it with hyper | [`into_service`] |
//! | an application | tower-http's layers around it | [`layered`] |
//! | a service | gateway's middleware around it | [`middleware`] |
//! | a service that is not `Sync` | any of these | [`Locked`] |
//!
//! # A service on a gateway host
//!
//! ```
//! use gateway_core::{Body, Capabilities, Error, Input, requiring};
//! use gateway_test::{call, environ};
//! use gateway_tower::{Context, from_service};
//! use http::{Request, Response};
//! use tower::ServiceBuilder;
//!
//! let service = ServiceBuilder::new()
//!     .concurrency_limit(100) // not always ready: the call waits for its turn
//!     .service_fn(|request: Request<Input>| async move {
//!         let context = Context::of(request.extensions()).ok_or("no gateway host")?;
//!         let seen = format!("{} at {}", request.uri(), context.script_name());
//!         Ok::<_, Error>(Response::new(Body::from(seen)))
//!     });
//! let app = gateway_core::Mount::new().at("/tower", from_service(service));
//!
//! assert_eq!(call(&app, environ("GET /tower/x?y=z")).text(), "/x?y=z at /tower");
//! ```
//!
//! What needs tokio says so: `requiring(Capabilities::TOKIO, from_service(router))`. gateway-hyper has
//! it; gateway-sync is given a runtime's handle (feature `tokio`).
//!
//! # What crosses, and how
//!
//! | of an environ | in a service's request |
//! |---|---|
//! | method, headers, version | the same |
//! | PATH_INFO, as sent | the URI's path |
//! | SCRIPT_NAME | [`Context::script_name`]; a router that takes more off the path adds to it on the way back |
//! | remote and local address, scheme, host | [`Context`] |
//! | cancellation, deadline, `on_finish` | [`Context`]; a call that the host drops drops the service's future |
//! | extensions | the same |
//! | input | the body, an [`Input`](gateway_core::Input): streamed, with trailers |
//!
//! | of a response | on the other side |
//! |---|---|
//! | status, headers, extensions | the same; a service's hop-by-hop fields stay behind |
//! | body | streamed, with trailers and its length; in memory and in files as it was, if no layer wrapped it |
//! | error | the same; the status that a [`StatusError`](gateway_core::StatusError) or [`InputError`](gateway_core::InputError) in it names |
//! | panic | the same |
//!
//! A service is cloned for each call, and the clone called when it is ready: one that is full makes its
//! callers wait, whom the host may cancel.
//!
//! # An application where there is no gateway host
//!
//! [`into_service`] is then the host: it tells the application how the response ended, and sets
//! [`cancelled`](gateway_core::Environ::cancelled) when its future or body is dropped early. What it
//! cannot know it is told: where a router mounts it ([`IntoService::at`]), where blocking code runs
//! ([`IntoService::gateway`]), who the client is (an `Arc<Endpoint>` among the request's extensions).
//!
//! The [site](https://gateway.example/) has guides, the specification, and all settings.

#![forbid(unsafe_code)]

mod context;
mod exchange;
mod from_service;
mod input;
mod into_service;
mod layers;
mod locked;
mod outgoing;
mod same;
mod service_body;
mod target;
#[cfg(feature = "tokio")]
mod tokio;

pub use context::Context;
pub use from_service::{FromService, from_service};
pub use into_service::{Answering, Cause, IntoService, ServiceFuture, into_service};
pub use layers::{Middleware, layered, middleware};
pub use locked::Locked;
pub use service_body::ServiceBody;
#[cfg(feature = "tokio")]
pub use tokio::tokio_gateway;

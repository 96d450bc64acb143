//! Tests for gateway applications, and a conformance suite for gateway hosts.
//!
//! **In scope**: an [`environ`] in one line and the [`call`] of an application without a socket; a raw
//! [`client`] that sends exact bytes and reads strictly; [`fixtures`], applications with one
//! behaviour each; the [`conformance`] suite, which is given a way to start a host and runs the same
//! cases on every host. **Out of scope**: the hosts themselves, none of which this crate knows;
//! HTTP/2; load.
//!
//! ```text
//!   your application ◀── call ◀── environ("GET /…")           no socket, no host
//!
//!   fixture application ◀── your host ◀── raw client          one case of the suite
//! ```
//!
//! # Testing an application
//!
//! One line asks, another looks at the answer. Errors and panics are answered as a host would.
//!
//! ```
//! use gateway_core::{Environ, Result, StatusError, text};
//! use gateway_test::{call, environ};
//! use http::StatusCode;
//!
//! async fn shout(mut environ: Environ) -> Result {
//!     if environ.method() != http::Method::POST {
//!         return Err(StatusError::new(StatusCode::METHOD_NOT_ALLOWED, "POST it").into());
//!     }
//!     let body = environ.input().read_all(1024).await?;
//!     Ok(text(String::from_utf8_lossy(&body).to_uppercase()))
//! }
//!
//! assert_eq!(call(&shout, environ("POST / HTTP/1.1\nAccept: */*\n\nhello")).text(), "HELLO");
//! assert_eq!(call(&shout, environ("GET /")).status, 405);
//! assert_eq!(call(&shout, environ("POST /").body(vec![b'x'; 2000])).status, 413);
//! ```
//!
//! What only shows elsewhere can be said too: a body that arrives in pieces or breaks
//! ([`EnvironBuilder::chunks`], [`broken_body`](EnvironBuilder::broken_body)), a client that has left
//! ([`cancelled`](EnvironBuilder::cancelled)), an async host
//! ([`on_async_host`](EnvironBuilder::on_async_host)).
//!
//! # Testing a host
//!
//! A host's author says how the host is started and what it offers ([`TestHost::parts`](conformance::TestHost::parts)),
//! and runs [every case](conformance::cases_for) for such a host in the styles it has; each shows a clause of
//! `docs/SPEC.md`, and one that fails [names it](conformance::Flaw::clause). With
//! [libtest-mimic](https://docs.rs/libtest-mimic) each becomes a test with a [name](conformance::Case::test_name) of
//! its own; and each can be run [inside `lint`](conformance::Case::run_linted) too. `docs/own-host.md` builds a
//! host and does so. Here a host of thirty lines, which knows next to nothing of HTTP, passes one of them and
//! fails another:
//!
//! ```
//! use std::io;
//!
//! use gateway_core::BoxApplication;
//! use gateway_test::conformance::{Running, Setup, TestHost, cases};
//!
//! struct ToyHost;
//!
//! impl TestHost for ToyHost {
//!     fn name(&self) -> &str {
//!         "toy"
//!     }
//!
//!     fn start(&self, application: BoxApplication, _setup: Setup) -> io::Result<Running> {
//!         let server = toy::Server::bind("127.0.0.1:0")?;
//!         let (address, handle) = (server.local_addr()?, server.handle());
//!         let serve = move || server.serve(application);
//!         Ok(Running::spawn([address.into()], move || handle.stop(), serve))
//!     }
//! }
//!
//! let passes = |name| {
//!     let case = cases().find(|case| case.name == name).expect("there is such a case");
//!     case.styles.iter().all(|style| case.run(&ToyHost, *style).is_ok())
//! };
//! assert!(passes("needs_no_host_in_http10"));
//! assert!(!passes("sends_continue_when_the_body_is_wanted"));
//! # mod toy {
//! #     use std::io::{self, BufRead, BufReader, Write};
//! #     use std::net::{SocketAddr, TcpListener, TcpStream};
//! #     use std::sync::Arc;
//! #     use std::sync::atomic::{AtomicBool, Ordering};
//! #
//! #     use gateway_core::{BoxApplication, Endpoint, Environ, Gateway, Scheme, server::Detached};
//! #     use gateway_test::{call, environ};
//! #
//! #     pub struct Server { listener: TcpListener, stopping: Arc<AtomicBool> }
//! #     pub struct Handle { address: SocketAddr, stopping: Arc<AtomicBool> }
//! #
//! #     impl Server {
//! #         pub fn bind(address: &str) -> io::Result<Self> {
//! #             Ok(Self { listener: TcpListener::bind(address)?, stopping: Arc::default() })
//! #         }
//! #         pub fn local_addr(&self) -> io::Result<SocketAddr> { self.listener.local_addr() }
//! #         pub fn handle(&self) -> Handle {
//! #             let address = self.local_addr().expect("the listener is bound");
//! #             Handle { address, stopping: Arc::clone(&self.stopping) }
//! #         }
//! #         pub fn serve(self, application: BoxApplication) -> io::Result<()> {
//! #             while !self.stopping.load(Ordering::SeqCst) {
//! #                 let (mut stream, remote) = self.listener.accept()?;
//! #                 let mut head = String::new();
//! #                 let mut lines = BufReader::new(stream.try_clone()?).lines();
//! #                 while let Some(line) = lines.next().transpose()?.filter(|line| !line.is_empty()) {
//! #                     head += &line;
//! #                     head += "\n";
//! #                 }
//! #                 if head.is_empty() { continue; }
//! #                 let local = self.local_addr()?;
//! #                 let gateway = Gateway::new(Detached);
//! #                 let ends = Endpoint::new(remote.into(), local.into(), Scheme::Http, gateway);
//! #                 let environ: Environ = environ(&head).build().with_endpoint(Arc::new(ends));
//! #                 let answer = call(&application, environ);
//! #                 write!(stream, "HTTP/1.1 {} \r\n\r\n", answer.status.as_u16())?;
//! #                 stream.write_all(&answer.body)?;
//! #             }
//! #             Ok(())
//! #         }
//! #     }
//! #     impl Handle {
//! #         pub fn stop(&self) {
//! #             self.stopping.store(true, Ordering::SeqCst);
//! #             let _ = TcpStream::connect(self.address);
//! #         }
//! #     }
//! # }
//! # Ok::<(), gateway_core::Error>(())
//! ```
//!
//! # Where to look
//!
//! | you want | look at |
//! |---|---|
//! | to call an application | [`environ`], [`call`], [`Answer`]; [`stream`] for its body in pieces |
//! | to wait without sleeping | [`Event`], [`Log`] |
//! | to send bytes that no HTTP client sends | [`client::Client`] |
//! | an application that misbehaves | [`fixtures`] |
//! | to test a host | [`conformance`] |
//! | the requests of `tests/requests`, and how they are read | [`corpus`] |
//!
//! The [site](https://gateway.example/) has guides, the specification, and all settings.

#![forbid(unsafe_code)]

mod answer;
pub mod client;
pub mod conformance;
pub mod corpus;
mod environ;
mod event;
pub mod fixtures;

pub use answer::{Answer, Failure, Streaming, call, stream};
pub use environ::{EnvironBuilder, environ};
pub use event::{DidNotHappen, Event, Log, PATIENCE};

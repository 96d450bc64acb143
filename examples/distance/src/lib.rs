//! The distance service: how far is it from one place to another?
//!
//! gateway's reference application. It is made of blocking code that waits (a database, or another
//! service) and of code that computes, and runs unchanged on every host.
//!
//! ```text
//! GET /distance?base=Seoul&target=Tokyo
//!   │
//!  app ─────── routes, reads parameters, answers JSON or a problem document
//!   │
//!  query ───── what was asked for: coordinates, an id, or a name with qualifiers
//!   │
//!  geocoder ── where that is: the database in the binary, or an upstream over HTTP   (waits)
//!   │
//!  geodesy ─── how far it is: WGS84 geodesic, or haversine                           (computes)
//! ```
//!
//! ```
//! use std::sync::Arc;
//!
//! use distance::{application, geocoder::Embedded};
//! use gateway_core::{Application, Environ, Input, server::block_on};
//!
//! let cities = Arc::new(Embedded::open()?);
//! let app = application(cities.clone(), cities);
//! let request = http::Request::get("/distance?base=Seoul&target=Tokyo").body(Input::empty())?;
//! let response = block_on(app.call(Environ::from_request(request)?))?;
//! assert_eq!(response.status(), 200);
//! # Ok::<(), gateway_core::Error>(())
//! ```

#![forbid(unsafe_code)]

mod answer;
mod app;
mod key;
mod letters;
mod params;
mod stand_in;
mod wait;

pub mod geocoder;
pub mod geodesy;
pub mod place;
pub mod query;

pub use app::application;
pub use stand_in::stand_in;

//! Where places are: the part of the service that waits.
//!
//! [`Embedded`] asks the database in the binary, [`Upstream`] another service over HTTP. Both are
//! blocking: SQLite has no other way, and an upstream that is waited for on a thread is the case
//! that the hosts are compared with.

mod embedded;
mod nearest;
mod upstream;

use std::time::Instant;

use crate::{
    place::{Located, Place},
    query::Query,
};

pub use embedded::{Embedded, complete::Completion};
pub use upstream::{BadUpstream, Upstream};

/// Finds places.
pub trait Geocoder: Send + Sync + 'static {
    /// Where `query` leads. Waits no longer than until `deadline`, if there is one.
    ///
    /// # Errors
    ///
    /// See [`GeocodeError`].
    fn locate(&self, query: &Query, deadline: Option<Instant>) -> Result<Located, GeocodeError>;
}

/// Why a place was not found.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GeocodeError {
    /// There is no such place. Holds those whose names are nearest, the nearest first.
    #[error("no such place")]
    NotFound(Vec<Place>),
    /// The upstream did not answer in time.
    #[error("the geocoder took longer than allowed")]
    TimedOut,
    /// The upstream cannot be reached, or what it answers makes no sense.
    #[error("the geocoder failed: {0}")]
    Upstream(String),
    /// The database in the binary cannot be read.
    #[error("the city database failed: {0}")]
    Database(#[from] rusqlite::Error),
}

//! The database in the binary.

pub(super) mod complete;
mod lookup;

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use rusqlite::{Connection, OpenFlags, Row, config::DbConfig};

use crate::{
    geocoder::{Completion, GeocodeError, Geocoder},
    place::{Located, Place},
    query::Query,
};

/// The SQLite file that `build.rs` makes; its tables are described there.
static DATABASE: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/cities.db"));

/// What [`place`] reads, and where from.
const COLUMNS: &str =
    "city.id, city.name, city.country, country.name, city.region, city.latitude, city.longitude,
    city.population, city.query";
const CITY: &str = "city LEFT JOIN country ON country.code = city.country";

/// The cities of GeoNames with 15 000 inhabitants or more, in SQLite.
///
/// The database is a part of the binary, and SQLite reads it from there: no file is looked for,
/// written or locked, and opening takes microseconds. It cannot be written to.
///
/// A connection serves one thread at a time; those not in use wait in a pool, which grows to as
/// many as are ever used at once.
pub struct Embedded {
    idle: Mutex<Vec<Connection>>,
}

impl Embedded {
    /// Opens the database.
    ///
    /// # Errors
    ///
    /// [`GeocodeError::Database`] if SQLite does not accept it, which is not to be expected.
    pub fn open() -> Result<Self, GeocodeError> {
        Ok(Self {
            idle: Mutex::new(vec![connect()?]),
        })
    }

    /// Cities of which a name begins with `prefix`, at most `limit`, the likelier first: who is
    /// called just so, then by population, of which a tenth counts where the name is not the
    /// city's own.
    ///
    /// # Errors
    ///
    /// [`GeocodeError::Database`].
    pub fn complete(&self, prefix: &str, limit: u32) -> Result<Vec<Completion>, GeocodeError> {
        self.with(|database| complete::complete(database, prefix, limit))
    }

    /// Runs `work` with a connection of its own.
    fn with<T>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, GeocodeError>,
    ) -> Result<T, GeocodeError> {
        let idle = self.idle().pop();
        let connection = idle.map_or_else(connect, Ok)?;
        let result = work(&connection);
        self.idle().push(connection);
        result
    }

    /// The pool, which is as good after a panic as before it.
    fn idle(&self) -> MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Geocoder for Embedded {
    /// Takes microseconds, or some milliseconds for a name that is not there, and so heeds no
    /// deadline.
    fn locate(&self, query: &Query, _deadline: Option<Instant>) -> Result<Located, GeocodeError> {
        match query {
            Query::Point(point) => Ok(Place::point(*point).into()),
            Query::Id(id) => self.with(|database| lookup::by_id(database, *id)),
            Query::Name(name) => self.with(|database| lookup::by_name(database, name)),
        }
    }
}

fn connect() -> Result<Connection, GeocodeError> {
    // One thread at a time uses a connection, so SQLite need not lock it.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_in_memory_with_flags(flags)?;
    connection.deserialize_bytes("main", DATABASE)?;
    // KiB of pages that a connection keeps: inner nodes stay, and a hundred connections take 50 MB.
    // Reading in place instead (mmap_size) needs locks that two threads already feel.
    connection.pragma_update(None, "cache_size", -512)?;
    // Plans do not depend on the values bound; otherwise SQLite, which is built with STAT4,
    // compiles a statement anew for each of them.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    Ok(connection)
}

/// The place in a row that begins with [`COLUMNS`].
fn place(row: &Row<'_>) -> rusqlite::Result<Place> {
    let region: String = row.get(4)?;
    Ok(Place {
        id: row.get(0)?,
        name: row.get(1)?,
        country: row.get(2)?,
        country_name: row.get(3)?,
        region: (!region.is_empty()).then_some(region),
        latitude: row.get(5)?,
        longitude: row.get(6)?,
        population: row.get(7)?,
        query: row.get(8)?,
    })
}

/// Columns before those that a query adds to [`COLUMNS`].
const OWN_COLUMNS: usize = 9;

#[cfg(test)]
mod tests {
    use std::thread;

    use rusqlite::StatementStatus;

    use super::*;

    #[test]
    fn cannot_be_written_to() {
        let embedded = Embedded::open().unwrap();
        let refused = embedded
            .with(|database| Ok(database.execute("DELETE FROM city", [])?))
            .unwrap_err();
        assert!(refused.to_string().contains("readonly"), "{refused}");
    }

    #[test]
    fn compiles_a_statement_once_whatever_is_bound() {
        let embedded = Embedded::open().unwrap();
        let sql = "SELECT rank FROM name WHERE key = ?";
        let compiled_anew = embedded
            .with(|database| {
                for key in ["seoul", "tokyo", "busan"] {
                    database
                        .prepare_cached(sql)?
                        .query_row([key], |row| row.get::<_, u32>(0))?;
                }
                Ok(database
                    .prepare_cached(sql)?
                    .get_status(StatementStatus::RePrepare))
            })
            .unwrap();
        assert_eq!(compiled_anew, 0);
    }

    #[test]
    fn serves_many_threads_and_keeps_as_many_connections_as_were_needed() {
        let embedded = Embedded::open().unwrap();
        let together = std::sync::Barrier::new(8);
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    embedded
                        .with(|database| {
                            together.wait(); // all eight hold a connection here
                            lookup::by_id(database, 1_835_848)
                        })
                        .unwrap()
                });
            }
        });
        assert_eq!(embedded.idle.lock().unwrap().len(), 8);
    }

    #[test]
    fn passes_points_through() {
        let query = "37.5,-126.25".parse().unwrap();
        let located = Embedded::open().unwrap().locate(&query, None).unwrap();
        assert_eq!(
            (located.place.latitude, located.place.longitude),
            (37.5, -126.25)
        );
        assert_eq!(
            (located.place.id, located.place.name.as_str()),
            (None, "37.5,-126.25")
        );
    }
}

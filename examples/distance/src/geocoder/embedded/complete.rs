//! From the beginning of a name to the cities that may be meant.

use rusqlite::Connection;

use super::{CITY, COLUMNS, OWN_COLUMNS, place};
use crate::{geocoder::GeocodeError, key::key, place::Place};

/// A city whose name completes what was typed.
#[derive(Clone, Debug, PartialEq)]
pub struct Completion {
    /// The city.
    pub place: Place,
    /// The name that begins so, where it is not the city's own.
    pub alias: Option<String>,
}

/// See [`super::Embedded::complete`].
pub(super) fn complete(
    database: &Connection,
    typed: &str,
    limit: u32,
) -> Result<Vec<Completion>, GeocodeError> {
    let whole = key(typed);
    if whole.is_empty() {
        return Ok(Vec::new());
    }
    // A blank ends the word: "san " is not the beginning of Santiago.
    let blank = if typed.ends_with(char::is_whitespace) {
        " "
    } else {
        ""
    };
    let (from, to) = (
        format!("{whole}{blank}"),
        format!("{whole}{blank}{}", char::MAX),
    );
    // A city shows up once, under the weightiest of its names: beside max(), SQLite takes the bare
    // columns from the row that holds the maximum. No population comes near 10^12.
    let mut select = database.prepare_cached(&format!(
        "SELECT {COLUMNS}, found.alias FROM (
             SELECT rank, alias,
                 max(weight + iif(key = ?1 AND alias IS NULL, 1000000000000, 0)) AS weight
             FROM name WHERE key >= ?2 AND key < ?3
             GROUP BY rank ORDER BY weight DESC, rank LIMIT ?4
         ) AS found CROSS JOIN {CITY}
         WHERE city.rank = found.rank ORDER BY found.weight DESC, found.rank"
    ))?;
    let rows = select.query_map((whole, from, to, limit), |row| {
        Ok(Completion {
            place: place(row)?,
            alias: row.get(OWN_COLUMNS)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

#[cfg(test)]
mod tests {
    use crate::geocoder::Embedded;

    fn complete(typed: &str, limit: u32) -> Vec<String> {
        let found = Embedded::open().unwrap().complete(typed, limit).unwrap();
        found
            .into_iter()
            .map(|completion| completion.alias.unwrap_or(completion.place.query))
            .collect()
    }

    #[test]
    fn the_likelier_come_first() {
        assert_eq!(complete("seo", 3)[0], "Seoul");
        assert_eq!(complete("par", 1), ["Paris"]);
        assert_eq!(complete("new y", 1), ["New York City"]);
        assert_eq!(complete("lon", 1), ["London"]);
    }

    #[test]
    fn who_is_called_just_so_comes_before_the_bigger_that_begin_so() {
        assert_eq!(complete("san", 1), ["San"]);
        assert_eq!(complete("bern", 1), ["Bern"]);
    }

    #[test]
    fn completes_in_any_script_and_within_a_syllable() {
        for (typed, city) in [
            ("서우", "서울"),
            ("ㅅㅓㅇㅜ", "서울"),
            ("東", "東京"),
            ("Моск", "Москва"),
        ] {
            let found = complete(typed, 10);
            assert!(
                found.iter().any(|name| name.starts_with(city)),
                "{typed} gave {found:?}"
            );
        }
    }

    #[test]
    fn a_blank_ends_the_word() {
        assert!(
            complete("san ", 20)
                .iter()
                .all(|name| !name.starts_with("Santiago"))
        );
        assert!(
            complete("san", 20)
                .iter()
                .any(|name| name.starts_with("Santiago"))
        );
    }

    #[test]
    fn a_city_shows_up_once() {
        let mut found = complete("s", 50);
        assert_eq!(found.len(), 50);
        found.sort();
        found.dedup();
        assert_eq!(found.len(), 50);
    }

    #[test]
    fn nothing_completes_nothing() {
        assert!(complete(" ", 10).is_empty());
        assert!(complete("zzzzqq", 10).is_empty());
    }
}

//! From a name to the city that is meant.
//!
//! Cities that are called so come before those that are also called so, and the bigger before the
//! smaller. The database holds that order (`place`); here it is narrowed by what follows a comma.

use rusqlite::Connection;

use super::{CITY, COLUMNS, OWN_COLUMNS, complete::complete, place};
use crate::{
    geocoder::{GeocodeError, nearest::nearest},
    place::{Located, Place},
    query::Name,
};

/// Most namesakes that are shown beside the city preferred.
const RUNNERS_UP: usize = 8;
/// Most names that are offered in place of one that is not there.
const OFFERED: usize = 5;

/// The city with GeoNames' number `id`.
pub(super) fn by_id(database: &Connection, id: u32) -> Result<Located, GeocodeError> {
    let mut select =
        database.prepare_cached(&format!("SELECT {COLUMNS} FROM {CITY} WHERE city.id = ?"))?;
    match select.query_row([id], place) {
        Err(rusqlite::Error::QueryReturnedNoRows) => Err(GeocodeError::NotFound(Vec::new())),
        found => Ok(found?.into()),
    }
}

/// The city that `name` leads to.
pub(super) fn by_name(database: &Connection, name: &Name) -> Result<Located, GeocodeError> {
    let mut namesakes = Vec::new();
    let mut asked = String::new();
    for (key, qualifiers) in name.readings() {
        namesakes = bearers(database, &key)?;
        let narrowed = narrow(database, &namesakes, qualifiers)?;
        if let Some((first, others)) = narrowed.split_first() {
            return Ok(preferred(first, others));
        }
        asked = key;
    }
    // The last reading is the name alone. If someone bears it, it is what follows the comma that
    // does not fit.
    let offered = match namesakes.is_empty() {
        true => resembling(database, &asked)?,
        false => namesakes
            .into_iter()
            .take(OFFERED)
            .map(|bearer| bearer.place)
            .collect(),
    };
    Err(GeocodeError::NotFound(offered))
}

/// A city that bears the name asked for.
struct Bearer {
    place: Place,
    /// It is not the city's own name.
    is_alias: bool,
}

/// All who bear a name, in the order they are preferred.
fn bearers(database: &Connection, key: &str) -> Result<Vec<Bearer>, GeocodeError> {
    let mut select = database.prepare_cached(&format!(
        "SELECT {COLUMNS}, name.alias IS NOT NULL FROM name CROSS JOIN {CITY}
         WHERE name.key = ? AND city.rank = name.rank ORDER BY name.place"
    ))?;
    let rows = select.query_map([key], |row| {
        Ok(Bearer {
            place: place(row)?,
            is_alias: row.get(OWN_COLUMNS)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Those that every qualifier fits, as a country or else as a region: `London,CA` is in Canada, and
/// `Springfield,IL` in Illinois, there being no Springfield in Israel.
fn narrow<'a>(
    database: &Connection,
    bearers: &'a [Bearer],
    qualifiers: &[String],
) -> Result<Vec<&'a Bearer>, GeocodeError> {
    let mut left: Vec<&Bearer> = bearers.iter().collect();
    for qualifier in qualifiers {
        let country = country(database, qualifier)?;
        let within = |bearer: &&&Bearer| country.is_some() && bearer.place.country == country;
        let region = |bearer: &&&Bearer| {
            bearer
                .place
                .region
                .as_deref()
                .is_some_and(|region| region.eq_ignore_ascii_case(qualifier))
        };
        let fitting: Vec<&Bearer> = left.iter().filter(within).copied().collect();
        left = if fitting.is_empty() {
            left.iter().filter(region).copied().collect()
        } else {
            fitting
        };
    }
    Ok(left)
}

/// The code of a country that is named by a code of two or three letters, or in English.
fn country(database: &Connection, key: &str) -> Result<Option<String>, GeocodeError> {
    // Reserved for it in ISO 3166-1, and what people write.
    let key = if key == "uk" { "gb" } else { key };
    let mut select = database.prepare_cached(
        "SELECT code FROM country WHERE code = upper(?1) OR code3 = upper(?1) OR key = ?1
         ORDER BY code LIMIT 1",
    )?;
    let mut rows = select.query([key])?;
    Ok(rows.next()?.map(|row| row.get(0)).transpose()?)
}

/// The first, with those of the others that are likely to be meant: cities called so, and cities
/// also called so if they are bigger. Who asks for Pekin may mean Beijing; who asks for Berlin does
/// not mean North Canton.
fn preferred(first: &Bearer, others: &[&Bearer]) -> Located {
    let runners_up = others
        .iter()
        .filter(|other| {
            first.is_alias || !other.is_alias || other.place.population > first.place.population
        })
        .take(RUNNERS_UP)
        .map(|other| other.place.clone())
        .collect();
    Located {
        place: first.place.clone(),
        runners_up,
    }
}

/// Cities whose names resemble one that is not there: in spelling, or else in how they begin.
fn resembling(database: &Connection, asked: &str) -> Result<Vec<Place>, GeocodeError> {
    let mut select =
        database.prepare_cached(&format!("SELECT {COLUMNS} FROM {CITY} WHERE city.rank = ?"))?;
    let mut places = Vec::with_capacity(OFFERED);
    for rank in nearest(asked, OFFERED) {
        places.push(select.query_row([rank], place)?);
    }
    for completion in complete(database, asked, 2)? {
        if places.len() < OFFERED && !places.contains(&completion.place) {
            places.push(completion.place);
        }
    }
    Ok(places)
}

#[cfg(test)]
mod tests {
    use crate::{geocoder::*, place::Located};

    fn locate(text: &str) -> Result<Located, GeocodeError> {
        Embedded::open()
            .unwrap()
            .locate(&text.parse().unwrap(), None)
    }

    fn offered(text: &str) -> Vec<String> {
        match locate(text) {
            Err(GeocodeError::NotFound(places)) => {
                places.into_iter().map(|place| place.query).collect()
            }
            other => panic!("{text} gave {other:?}"),
        }
    }

    #[test]
    fn finds_a_city_however_it_is_written() {
        for (text, id) in [
            ("Seoul", 1_835_848),
            ("seoul", 1_835_848),
            ("서울", 1_835_848),
            ("서울특별시", 1_835_848),
            ("Séoul", 1_835_848),
            ("ソウル", 1_835_848),
            ("首尔", 1_835_848),
            ("Сеул", 1_835_848),
            ("سيول", 1_835_848),
            ("id:1835848", 1_835_848),
            ("Tokyo", 1_850_147),
            ("東京", 1_850_147),
            ("도쿄", 1_850_147),
            ("부산", 1_838_524),
            ("São Paulo", 3_448_439),
            ("são paulo", 3_448_439),
            ("Sao Paulo", 3_448_439),
            ("Ｐａｒｉｓ", 2_988_507),
            ("Washington, D.C.", 4_140_963),
            ("New York", 5_128_581),
            ("NYC", 5_128_581),
            ("Köln", 2_886_242),
            ("Koeln", 2_886_242),
            ("Cologne", 2_886_242),
        ] {
            assert_eq!(locate(text).unwrap().place.id, Some(id), "{text}");
        }
    }

    #[test]
    fn fills_every_field() {
        let seoul = locate("서울").unwrap().place;
        assert_eq!(seoul.name, "Seoul");
        assert_eq!(seoul.country.as_deref(), Some("KR"));
        assert_eq!(seoul.country_name.as_deref(), Some("South Korea"));
        assert_eq!(seoul.region.as_deref(), Some("11"));
        assert_eq!((seoul.latitude, seoul.longitude), (37.566, 126.9784));
        assert_eq!(seoul.population, Some(10_349_312));
        assert_eq!(seoul.query, "Seoul");
    }

    #[test]
    fn prefers_the_bigger_namesake_and_shows_the_others() {
        let paris = locate("Paris").unwrap();
        assert_eq!(paris.place.country.as_deref(), Some("FR"));
        let queries: Vec<_> = paris
            .runners_up
            .iter()
            .map(|place| place.query.as_str())
            .collect();
        assert_eq!(queries, ["Paris,US"]);
    }

    #[test]
    fn prefers_a_citys_own_name_to_a_bigger_ones_alias() {
        let pekin = locate("Pekin").unwrap();
        assert_eq!(pekin.place.country.as_deref(), Some("US"));
        assert_eq!(pekin.runners_up[0].name, "Beijing");
        assert_eq!(
            locate("Sidney").unwrap().place.country.as_deref(),
            Some("US")
        );
        assert_eq!(
            locate("Sydney").unwrap().place.country.as_deref(),
            Some("AU")
        );
    }

    #[test]
    fn leaves_out_smaller_cities_also_called_so() {
        assert_eq!(locate("Berlin").unwrap().runners_up, []);
    }

    #[test]
    fn narrows_by_country_and_region() {
        for (text, id) in [
            ("Paris,US", 4_717_560),
            ("Paris,USA", 4_717_560),
            ("paris, united states", 4_717_560),
            ("Paris,TX", 4_717_560),
            ("Springfield,US,IL", 4_250_542),
            ("Springfield,IL", 4_250_542),
            ("Springfield,IL,US", 4_250_542),
            ("Springfield,us,ma", 4_951_788),
            ("London,CA", 6_058_560),
            ("London,UK", 2_643_743),
            ("런던,GB", 2_643_743),
            ("東京，JP", 1_850_147),
        ] {
            assert_eq!(locate(text).unwrap().place.id, Some(id), "{text}");
        }
    }

    #[test]
    fn every_city_is_found_under_its_own_query() {
        let embedded = Embedded::open().unwrap();
        let cities: Vec<(u32, String)> = embedded
            .with(|database| {
                let mut select = database.prepare("SELECT id, query FROM city")?;
                let rows = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
                Ok(rows.collect::<Result<_, _>>()?)
            })
            .unwrap();
        assert_eq!(cities.len(), 34_006);
        for (id, query) in cities {
            let found = embedded.locate(&query.parse().unwrap(), None).unwrap();
            assert_eq!(found.place.id, Some(id), "{query}");
        }
    }

    #[test]
    fn offers_the_nearest_names_for_one_that_is_not_there() {
        for (text, first) in [
            ("Seuol", "Seoul"),
            ("Londno", "London"),
            ("Berlni", "Berlin"),
            ("Tokkyo", "Tokyo"),
            ("Sann Francisco", "San Francisco"),
            ("세울", "Seoul"),
            ("Москваа", "Moscow"),
        ] {
            assert_eq!(offered(text)[0], first, "{text}");
        }
    }

    #[test]
    fn offers_namesakes_where_the_country_does_not_fit() {
        assert_eq!(offered("Paris,JP"), ["Paris", "Paris,US", "Parys"]);
    }

    #[test]
    fn offers_what_begins_so() {
        assert!(offered("San Francis").contains(&"San Francisco".to_owned()));
    }

    #[test]
    fn offers_nothing_for_an_unknown_id() {
        assert_eq!(offered("id:1"), Vec::<String>::new());
    }
}

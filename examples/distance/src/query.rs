//! What was asked for: a place as a person writes it.

use std::str::FromStr;

use crate::{geodesy::Point, key::key};

/// Longest query that is looked at, in bytes. The longest name in the data has 112.
pub const LONGEST: usize = 200;

/// A place as asked for.
#[derive(Clone, Debug, PartialEq)]
pub enum Query {
    /// `37.566,126.9784`: degrees north, degrees east.
    Point(Point),
    /// `id:1835848`, a number of GeoNames.
    Id(u32),
    /// `Seoul`, `Paris,US`, `Springfield,US,IL`.
    Name(Name),
}

/// A name, perhaps narrowed by what follows a comma.
#[derive(Clone, Debug, PartialEq)]
pub struct Name {
    /// As written, trimmed.
    pub written: String,
    parts: Vec<String>,
}

/// Why a text is no query.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum QueryError {
    /// Nothing, or nothing but punctuation.
    #[error("it is empty")]
    Empty,
    /// Longer than [`LONGEST`].
    #[error("it is longer than {LONGEST} bytes")]
    TooLong,
    /// Two numbers that are no point of the earth.
    #[error("latitudes go from -90 to 90 and longitudes from -180 to 180")]
    OffTheEarth,
    /// `id:` without a number.
    #[error("an id is a whole number, as in id:1835848")]
    BadId,
}

impl Name {
    /// Readings of the name: key of the name and the qualifiers that narrow it. The whole comes
    /// first, for names that hold a comma themselves.
    pub(crate) fn readings(&self) -> impl Iterator<Item = (String, &[String])> {
        (1..=self.parts.len()).rev().map(|at| {
            let (name, qualifiers) = self.parts.split_at(at);
            (name.join(" "), qualifiers)
        })
    }
}

impl FromStr for Query {
    type Err = QueryError;

    fn from_str(text: &str) -> Result<Self, QueryError> {
        if text.len() > LONGEST {
            return Err(QueryError::TooLong);
        }
        let text = text.trim();
        if let Some(point) = point(text) {
            return point.map(Self::Point);
        }
        if let Some(id) = id(text) {
            return id.map(Self::Id);
        }
        // An Arabic or an East Asian comma is a comma.
        let parts: Vec<String> = text
            .split([',', '،', '，', '、'])
            .map(key)
            .filter(|part| !part.is_empty())
            .collect();
        if parts.is_empty() {
            return Err(QueryError::Empty);
        }
        Ok(Self::Name(Name {
            written: text.to_owned(),
            parts,
        }))
    }
}

/// Two decimal numbers, or none of our business.
fn point(text: &str) -> Option<Result<Point, QueryError>> {
    let (latitude, longitude) = text.split_once(',')?;
    let (latitude, longitude) = (decimal(latitude)?, decimal(longitude)?);
    let point = Point {
        latitude,
        longitude,
    };
    Some(if point.is_on_earth() {
        Ok(point)
    } else {
        Err(QueryError::OffTheEarth)
    })
}

/// `f64::from_str` would also take `nan`, `inf` and `1e3`.
fn decimal(text: &str) -> Option<f64> {
    let text = text.trim().replace('−', "-");
    let plain = text
        .chars()
        .all(|c| c.is_ascii_digit() || matches!(c, '+' | '-' | '.'));
    let number: f64 = text.parse().ok().filter(|_| plain)?;
    Some(number + 0.0) // -0 becomes 0
}

fn id(text: &str) -> Option<Result<u32, QueryError>> {
    let (prefix, number) = text.split_at_checked(3)?;
    prefix
        .eq_ignore_ascii_case("id:")
        .then(|| number.trim().parse().map_err(|_| QueryError::BadId))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_points() {
        for (text, latitude, longitude) in [
            ("37.566,126.9784", 37.566, 126.9784),
            (" -18.13683 , +178.42531 ", -18.13683, 178.42531),
            ("−33.9,18.4", -33.9, 18.4),
            ("90,180", 90.0, 180.0),
            ("-90,-180", -90.0, -180.0),
            (".5,5.", 0.5, 5.0),
        ] {
            assert_eq!(
                text.parse(),
                Ok(Query::Point(Point {
                    latitude,
                    longitude
                })),
                "{text}"
            );
        }
    }

    #[test]
    fn refuses_points_off_the_earth() {
        for text in ["90.001,0", "0,180.5", "-91,0", "126.9784,37.566"] {
            assert_eq!(
                text.parse::<Query>(),
                Err(QueryError::OffTheEarth),
                "{text}"
            );
        }
    }

    #[test]
    fn reads_ids() {
        assert_eq!("id:1835848".parse(), Ok(Query::Id(1_835_848)));
        assert_eq!("ID: 7".parse(), Ok(Query::Id(7)));
        for text in ["id:", "id:Seoul", "id:-1", "id:99999999999", "id:1,5"] {
            assert_eq!(text.parse::<Query>(), Err(QueryError::BadId), "{text}");
        }
    }

    #[test]
    fn reads_names_whole_first_then_narrowed() {
        let name = |text: &str| match text.parse() {
            Ok(Query::Name(name)) => name
                .readings()
                .map(|(key, qualifiers)| [&[key], qualifiers].concat().join("|"))
                .collect::<Vec<_>>(),
            other => panic!("{text} is {other:?}"),
        };
        assert_eq!(name("Seoul"), ["seoul"]);
        assert_eq!(name(" São Paulo "), ["sao paulo"]);
        assert_eq!(name("Paris,US"), ["paris us", "paris|us"]);
        assert_eq!(
            name("Springfield, US, IL"),
            [
                "springfield us il",
                "springfield us|il",
                "springfield|us|il"
            ]
        );
        assert_eq!(name("東京，JP"), ["東京 jp", "東京|jp"]);
        // Numbers only in part, or not decimal, are names.
        assert_eq!(name("37.566,"), ["37 566"]);
        assert_eq!(name("nan,inf"), ["nan inf", "nan|inf"]);
        assert_eq!(name("1e1,2"), ["1e1 2", "1e1|2"]);
        assert_eq!(name("idaho"), ["idaho"]);
    }

    #[test]
    fn refuses_what_holds_no_name() {
        for text in ["", "  ", ",", " - ’ . "] {
            assert_eq!(text.parse::<Query>(), Err(QueryError::Empty), "{text:?}");
        }
    }

    #[test]
    fn refuses_what_is_too_long() {
        assert!("a".repeat(LONGEST).parse::<Query>().is_ok());
        assert_eq!(
            "a".repeat(LONGEST + 1).parse::<Query>(),
            Err(QueryError::TooLong)
        );
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_a_query_or_refused(text in ".*") {
            if let Ok(Query::Name(name)) = text.parse() {
                let readings: Vec<_> = name.readings().collect();
                proptest::prop_assert!(!readings.is_empty());
                proptest::prop_assert!(readings.iter().all(|(key, _)| !key.is_empty()));
            }
        }

        #[test]
        fn any_point_is_read_as_it_is_written(latitude in -90.0..=90.0, longitude in -180.0..=180.0) {
            let point = Point { latitude, longitude };
            let written = crate::place::Place::point(point).query;
            proptest::prop_assert_eq!(written.parse(), Ok(Query::Point(point)));
        }
    }
}

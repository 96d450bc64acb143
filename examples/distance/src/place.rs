//! Places: what a query resolves to, and how an answer shows it.

use serde::{Deserialize, Serialize};

use crate::geodesy::Point;

/// A city of the database, or a bare point.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Place {
    /// GeoNames' number; none for a bare point.
    pub id: Option<u32>,
    /// GeoNames' main name, or the coordinates of a bare point.
    pub name: String,
    /// ISO 3166-1 alpha-2, as in `KR`; none for a bare point.
    pub country: Option<String>,
    /// The country in English.
    pub country_name: Option<String>,
    /// First-order division: a postal code as in `IL` for the United States, GeoNames' own code
    /// elsewhere.
    pub region: Option<String>,
    /// Degrees north.
    pub latitude: f64,
    /// Degrees east.
    pub longitude: f64,
    /// Inhabitants.
    pub population: Option<u32>,
    /// What to ask for to get this very place and no namesake: `Paris`, `Paris,US`,
    /// `Springfield,US,IL`, `id:4250542`.
    pub query: String,
}

impl Place {
    /// A bare point.
    pub fn point(point: Point) -> Self {
        let written = format!("{},{}", point.latitude, point.longitude);
        Self {
            id: None,
            name: written.clone(),
            country: None,
            country_name: None,
            region: None,
            latitude: point.latitude,
            longitude: point.longitude,
            population: None,
            query: written,
        }
    }

    /// Where it is.
    pub fn position(&self) -> Point {
        Point {
            latitude: self.latitude,
            longitude: self.longitude,
        }
    }
}

/// What a query led to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Located {
    /// The place preferred.
    #[serde(flatten)]
    pub place: Place,
    /// Others that the query may have meant, the likelier first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub runners_up: Vec<Place>,
}

impl From<Place> for Located {
    fn from(place: Place) -> Self {
        Self {
            place,
            runners_up: Vec::new(),
        }
    }
}

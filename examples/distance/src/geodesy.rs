//! Distance and bearing between two points of the earth.

use std::{f64::consts::TAU, str::FromStr, sync::LazyLock};

use geographiclib_rs::{Geodesic, InverseGeodesic};
use serde::Serialize;

/// Mean radius of the earth, (2a + b) / 3 of WGS84, in metres.
pub const MEAN_RADIUS: f64 = 6_371_008.8;

static WGS84: LazyLock<Geodesic> = LazyLock::new(Geodesic::wgs84);

/// How the distance is computed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Method {
    /// The shortest line on the WGS84 ellipsoid (Karney 2013), good to nanometres.
    #[default]
    Geodesic,
    /// The great circle on a sphere of [`MEAN_RADIUS`]: quicker, and off by up to 0.5 %.
    Haversine,
}

/// Neither `geodesic` nor `haversine`.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the method is either geodesic or haversine")]
pub struct UnknownMethod;

impl FromStr for Method {
    type Err = UnknownMethod;

    fn from_str(name: &str) -> Result<Self, UnknownMethod> {
        match name {
            "geodesic" => Ok(Self::Geodesic),
            "haversine" => Ok(Self::Haversine),
            _ => Err(UnknownMethod),
        }
    }
}

/// A point of the earth, in degrees.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// Degrees north, -90 to 90.
    pub latitude: f64,
    /// Degrees east, -180 to 180.
    pub longitude: f64,
}

impl Point {
    /// Whether both are numbers in their range.
    pub fn is_on_earth(self) -> bool {
        self.latitude.abs() <= 90.0 && self.longitude.abs() <= 180.0
    }
}

/// The shortest line from one point to another.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Line {
    /// Length in metres.
    pub distance: f64,
    /// Bearing on leaving, degrees clockwise from north, 0 up to 360. None between coinciding
    /// points.
    pub initial_bearing: Option<f64>,
    /// Bearing on arriving, likewise.
    pub final_bearing: Option<f64>,
}

/// The shortest line from `from` to `to`.
pub fn line(from: Point, to: Point, method: Method) -> Line {
    let (distance, initial, arriving) = match method {
        Method::Geodesic => geodesic(from, to),
        Method::Haversine => great_circle(from, to),
    };
    let bearing = |degrees: f64| (distance > 0.0).then(|| clockwise(degrees));
    Line {
        distance,
        initial_bearing: bearing(initial),
        final_bearing: bearing(arriving),
    }
}

fn geodesic(from: Point, to: Point) -> (f64, f64, f64) {
    let (distance, initial, arriving, _arc) =
        WGS84.inverse(from.latitude, from.longitude, to.latitude, to.longitude);
    (distance, initial, arriving)
}

/// R. W. Sinnott, "Virtues of the Haversine", Sky and Telescope 68 (1984): exact for near points,
/// where the cosine rule is not.
fn great_circle(from: Point, to: Point) -> (f64, f64, f64) {
    let (lat1, lat2) = (from.latitude.to_radians(), to.latitude.to_radians());
    let east = (to.longitude - from.longitude).to_radians();
    let h =
        ((lat2 - lat1) / 2.0).sin().powi(2) + lat1.cos() * lat2.cos() * (east / 2.0).sin().powi(2);
    let distance = 2.0 * MEAN_RADIUS * h.min(1.0).sqrt().asin();

    let leaving = |lat1: f64, lat2: f64, east: f64| {
        (east.sin() * lat2.cos())
            .atan2(lat1.cos() * lat2.sin() - lat1.sin() * lat2.cos() * east.cos())
    };
    let arriving = leaving(lat2, lat1, -east).to_degrees() + 180.0;
    (distance, leaving(lat1, lat2, east).to_degrees(), arriving)
}

/// Degrees from north, 0 up to 360.
fn clockwise(degrees: f64) -> f64 {
    // Where -1e-20 comes in, 360 would come out.
    let turned = degrees.to_radians().rem_euclid(TAU).to_degrees();
    if turned >= 360.0 { 0.0 } else { turned }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEOUL: Point = at(37.566, 126.9784);
    const TOKYO: Point = at(35.6895, 139.69171);

    const fn at(latitude: f64, longitude: f64) -> Point {
        Point {
            latitude,
            longitude,
        }
    }

    /// Computed with GeographicLib 2.1 (Python), rows 1 to 6 confirmed by Vincenty's formula:
    /// metres and bearings of the geodesic, metres of the haversine.
    const REFERENCE: [(&str, Point, Point, f64, f64, f64, f64); 7] = [
        (
            "Seoul-Tokyo",
            SEOUL,
            TOKYO,
            1_155_082.676,
            96.532016,
            104.138146,
            1_152_579.334,
        ),
        (
            "Seoul-Busan",
            SEOUL,
            at(35.10168, 129.03004),
            329_684.546,
            145.422680,
            146.638621,
            329_919.230,
        ),
        (
            "New York City-London",
            at(40.71427, -74.00597),
            at(51.50853, -0.12574),
            5_585_225.518,
            51.240268,
            108.370848,
            5_570_221.325,
        ),
        (
            "Sydney-Santiago",
            at(-33.86785, 151.20732),
            at(-33.45694, -70.64827),
            11_369_546.606,
            145.355184,
            34.457256,
            11_347_290.623,
        ),
        (
            "Quito-Singapore",
            at(-0.22985, -78.52495),
            at(1.28967, 103.85007),
            19_741_564.944,
            360.0 - 60.354684,
            360.0 - 119.620773,
            19_725_947.673,
        ),
        (
            "Suva-Apia, over the date line",
            at(-18.13683, 178.42531),
            at(-13.83333, -171.76666),
            1_152_464.295,
            67.013575,
            64.304504,
            1_152_109.323,
        ),
        (
            "Madrid-Wellington, nearly antipodal",
            at(40.4165, -3.70256),
            at(-41.28664, 174.77557),
            19_854_462.764,
            134.248884,
            46.531149,
            19_854_662.604,
        ),
    ];

    #[test]
    fn agrees_with_the_reference() {
        for (name, from, to, metres, initial, arriving, sphere) in REFERENCE {
            let geodesic = line(from, to, Method::Geodesic);
            assert_near(geodesic.distance, metres, 0.0005, name);
            assert_near(geodesic.initial_bearing.unwrap(), initial, 5e-7, name);
            assert_near(geodesic.final_bearing.unwrap(), arriving, 5e-7, name);
            assert_near(
                line(from, to, Method::Haversine).distance,
                sphere,
                0.0005,
                name,
            );
        }
    }

    #[test]
    fn agrees_in_the_hard_cases() {
        for (name, from, to, metres) in [
            (
                "where Vincenty does not converge",
                at(0.0, 0.0),
                at(0.5, 179.7),
                19_944_127.420_750,
            ),
            (
                "pole to pole",
                at(90.0, 0.0),
                at(-90.0, 0.0),
                20_003_931.458_625,
            ),
            (
                "a degree of the equator, over the date line",
                at(0.0, 179.5),
                at(0.0, -179.5),
                111_319.490_793,
            ),
        ] {
            assert_near(
                line(from, to, Method::Geodesic).distance,
                metres,
                1e-6,
                name,
            );
        }
    }

    #[test]
    fn coinciding_points_have_no_bearing() {
        for method in [Method::Geodesic, Method::Haversine] {
            let nowhere = line(SEOUL, SEOUL, method);
            assert_eq!(
                nowhere,
                Line {
                    distance: 0.0,
                    initial_bearing: None,
                    final_bearing: None
                }
            );
        }
    }

    #[test]
    fn bearings_run_clockwise_from_north() {
        for method in [Method::Geodesic, Method::Haversine] {
            for (to, bearing) in [
                (at(1.0, 0.0), 0.0),
                (at(0.0, 1.0), 90.0),
                (at(-1.0, 0.0), 180.0),
                (at(0.0, -1.0), 270.0),
            ] {
                let line = line(at(0.0, 0.0), to, method);
                assert_near(line.initial_bearing.unwrap(), bearing, 1e-9, "leaving");
                assert_near(line.final_bearing.unwrap(), bearing, 1e-9, "arriving");
            }
        }
        assert_eq!(clockwise(-1e-20), 0.0);
    }

    #[test]
    fn the_sphere_bears_about_as_the_ellipsoid() {
        let (sphere, ellipsoid) = (
            line(SEOUL, TOKYO, Method::Haversine),
            line(SEOUL, TOKYO, Method::Geodesic),
        );
        assert_near(
            sphere.initial_bearing.unwrap(),
            ellipsoid.initial_bearing.unwrap(),
            0.2,
            "leaving",
        );
        assert_near(
            sphere.final_bearing.unwrap(),
            ellipsoid.final_bearing.unwrap(),
            0.2,
            "arriving",
        );
    }

    #[test]
    fn antipodes_are_half_the_circumference_apart() {
        let line = line(at(30.0, 40.0), at(-30.0, -140.0), Method::Haversine);
        assert_near(
            line.distance,
            MEAN_RADIUS * std::f64::consts::PI,
            0.001,
            "antipodes",
        );
    }

    #[test]
    fn knows_its_methods_by_name() {
        assert_eq!("geodesic".parse(), Ok(Method::Geodesic));
        assert_eq!("haversine".parse(), Ok(Method::Haversine));
        assert_eq!("Vincenty".parse::<Method>(), Err(UnknownMethod));
    }

    fn assert_near(found: f64, expected: f64, tolerance: f64, what: &str) {
        assert!(
            (found - expected).abs() <= tolerance,
            "{what}: {found} is not {expected}"
        );
    }
}

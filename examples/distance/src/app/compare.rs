//! `/delay`, `/io`, `/compute`, `/mixed`: waiting, computing and both, for comparing hosts.

use std::time::Duration;

use gateway_core::{BlockingApplication, Environ, Result};
use serde::Serialize;

use crate::{
    answer::{Problem, json},
    geodesy::{Method, Point, line},
    params::Params,
    wait::wait,
};

/// What an upstream typically takes.
const IO: Duration = Duration::from_millis(100);
/// About 2 ms of one core, in a release build.
const GEODESICS: u32 = 2_000;
/// Longest wait that may be asked for.
const LONGEST: Duration = Duration::from_secs(30);

/// Which of both was done.
#[derive(Serialize)]
struct Report {
    #[serde(skip_serializing_if = "Option::is_none")]
    waited_s: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    geodesics: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    total_m: Option<f64>,
}

/// Answers the four paths.
pub(super) struct Compare;

impl BlockingApplication for Compare {
    fn call(&self, environ: Environ) -> Result {
        let delay = match delay(&environ) {
            Ok(delay) => delay,
            Err(problem) => return Ok(problem.into()),
        };
        if let Some(delay) = delay {
            wait(delay, environ.cancelled())?;
        }
        let computes = matches!(environ.path_info(), "/compute" | "/mixed");
        let report = Report {
            waited_s: delay.map(|delay| delay.as_secs_f64()),
            geodesics: computes.then_some(GEODESICS),
            total_m: computes.then(|| tour(GEODESICS).round()),
        };
        Ok(json(&report, "no-store"))
    }
}

fn delay(environ: &Environ) -> Result<Option<Duration>, Problem> {
    let query = environ.query_string();
    match environ.path_info() {
        "/delay" => seconds(Params::parse(query, &["s"])?.required("s")?).map(Some),
        path => {
            Params::parse(query, &[])?;
            Ok((path != "/compute").then_some(IO))
        }
    }
}

fn seconds(text: &str) -> Result<Duration, Problem> {
    let plain = text
        .bytes()
        .all(|byte| byte.is_ascii_digit() || byte == b'.');
    let seconds: Option<f64> = text.parse().ok().filter(|_| plain);
    seconds
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .filter(|delay| *delay <= LONGEST)
        .ok_or_else(|| {
            let most = LONGEST.as_secs();
            Problem::bad_value(
                "s",
                format!("it is a number of seconds from 0 to {most}, as in 1.5"),
            )
        })
}

/// The length in metres of a tour over `legs` geodesics that scatter over the globe, always the
/// same: steps of the golden angle along a spiral.
fn tour(legs: u32) -> f64 {
    let stop = |leg: u32| Point {
        latitude: (1.0 - 2.0 * (f64::from(leg) + 0.5) / f64::from(legs + 1))
            .asin()
            .to_degrees(),
        longitude: (f64::from(leg) * 137.507_764) % 360.0 - 180.0,
    };
    (0..legs)
        .map(|leg| line(stop(leg), stop(leg + 1), Method::Geodesic).distance)
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tour_is_as_long_as_geographiclib_says() {
        // GeographicLib 2.1 (Python), the same stops.
        assert!((tour(1) - 15_952_784.637).abs() < 1e-3, "{}", tour(1));
        assert!(
            (tour(GEODESICS) - 22_132_735_652.0).abs() < 1.0,
            "{}",
            tour(GEODESICS)
        );
    }

    #[test]
    fn reads_seconds() {
        for (text, seconds) in [("0", 0.0), ("1.5", 1.5), (".25", 0.25), ("30", 30.0)] {
            assert_eq!(seconds_of(text), Some(seconds), "{text}");
        }
        for text in [
            "", ".", "-1", "30.001", "1e1", "inf", "nan", "1,5", "1 ", "١",
        ] {
            assert_eq!(seconds_of(text), None, "{text:?}");
        }
    }

    fn seconds_of(text: &str) -> Option<f64> {
        seconds(text).ok().map(|delay| delay.as_secs_f64())
    }
}

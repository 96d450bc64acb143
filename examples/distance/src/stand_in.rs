//! A stand-in for a geocoding service: the embedded database, slowed down at will.

use std::{sync::Arc, time::Duration};

use gateway_core::{Application, Environ, Head, Result, blocking};

use crate::{
    answer::{Problem, json},
    geocoder::{Embedded, Geocoder},
    params::Params,
    query::Query,
    wait::wait,
};

/// An application that answers `GET /locate?place=…` after `delay`, as
/// [`Upstream`](crate::geocoder::Upstream) wants it.
pub fn stand_in(cities: Arc<Embedded>, delay: Duration) -> impl Application {
    Head(blocking(move |environ: Environ| {
        if environ.path_info() != "/locate" {
            return Ok(Problem::no_such_resource().into());
        }
        if environ.method() != http::Method::GET {
            return Ok(Problem::read_only().into());
        }
        wait(delay, environ.cancelled())?;
        locate(&cities, &environ).or_else(|problem| Ok(problem.into()))
    }))
}

fn locate(cities: &Embedded, environ: &Environ) -> Result<gateway_core::Response, Problem> {
    let params = Params::parse(environ.query_string(), &["place"])?;
    let asked = params.required("place")?;
    let query: Query = asked
        .parse()
        .map_err(|error| Problem::bad_value("place", error))?;
    let located = cities.locate(&query, environ.deadline());
    let located = located.map_err(|error| Problem::geocoding("place", asked, error))?;
    Ok(json(&located, "no-cache"))
}

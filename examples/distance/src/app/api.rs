//! `/distance` and `/cities`.

use std::sync::Arc;

use gateway_core::{BlockingApplication, Environ, Response, Result};
use serde::Serialize;

use crate::{
    answer::{Problem, json},
    geocoder::{Completion, Embedded, Geocoder},
    geodesy::{Line, Method, line},
    params::Params,
    place::{Located, Place},
    query::Query,
};

/// Completions that are given where nothing is said, and that are given at most.
const COMPLETIONS: (u32, u32) = (10, 50);

pub(super) struct Api {
    pub(super) geocoder: Arc<dyn Geocoder>,
    pub(super) cities: Arc<Embedded>,
}

impl BlockingApplication for Api {
    fn call(&self, environ: Environ) -> Result {
        let answer = match environ.path_info() {
            "/cities" => self.cities(&environ),
            _ => self.distance(&environ),
        };
        answer.or_else(|problem| Ok(problem.into()))
    }
}

/// What `/distance` answers.
#[derive(Serialize)]
struct Distance {
    base: Located,
    target: Located,
    method: Method,
    distance_m: f64,
    distance_km: f64,
    initial_bearing: Option<f64>,
    final_bearing: Option<f64>,
}

/// What `/cities` answers.
#[derive(Serialize)]
struct Cities {
    cities: Vec<City>,
}

#[derive(Serialize)]
struct City {
    #[serde(flatten)]
    place: Place,
    /// The name that begins as typed, where it is not the city's own.
    alias: Option<String>,
}

impl Api {
    fn distance(&self, environ: &Environ) -> Result<Response, Problem> {
        let params = Params::parse(environ.query_string(), &["base", "target", "method"])?;
        let (base, target) = (params.required("base")?, params.required("target")?);
        // Both are read before either is looked up: nobody waits for half a question.
        let queries = (query("base", base)?, query("target", target)?);
        let method = match params.optional("method") {
            None => Method::default(),
            Some(name) => name
                .parse()
                .map_err(|error| Problem::bad_value("method", error))?,
        };
        let locate = |parameter, asked: &str, query: &Query| {
            let located = self.geocoder.locate(query, environ.deadline());
            located.map_err(|error| Problem::geocoding(parameter, asked, error))
        };
        let base = locate("base", base, &queries.0)?;
        let target = locate("target", target, &queries.1)?;
        let line = line(base.place.position(), target.place.position(), method);
        Ok(json(&distance(base, target, method, line), "no-cache"))
    }

    fn cities(&self, environ: &Environ) -> Result<Response, Problem> {
        let params = Params::parse(environ.query_string(), &["q", "limit"])?;
        let typed = params.required("q")?;
        if typed.len() > crate::query::LONGEST {
            return Err(Problem::bad_value("q", crate::query::QueryError::TooLong));
        }
        let limit = params.optional("limit").map_or(Ok(COMPLETIONS.0), limit)?;
        let found = self.cities.complete(typed, limit);
        let found = found.map_err(|error| Problem::geocoding("q", typed, error))?;
        let cities = found
            .into_iter()
            .map(|Completion { place, alias }| City { place, alias });
        // The data changes with the binary only.
        Ok(json(
            &Cities {
                cities: cities.collect(),
            },
            "public, max-age=3600",
        ))
    }
}

fn query(parameter: &'static str, asked: &str) -> Result<Query, Problem> {
    asked
        .parse()
        .map_err(|error| Problem::bad_value(parameter, error))
}

fn limit(text: &str) -> Result<u32, Problem> {
    let most = COMPLETIONS.1;
    let limit = text.parse().ok().filter(|limit| (1..=most).contains(limit));
    limit.ok_or_else(|| {
        Problem::bad_value("limit", format!("it is a whole number from 1 to {most}"))
    })
}

fn distance(base: Located, target: Located, method: Method, line: Line) -> Distance {
    // Millimetres and millionths of a degree: finer than the data is.
    let millimetres = (line.distance * 1e3).round();
    let bearing = |degrees: f64| (degrees * 1e6).round() / 1e6 % 360.0;
    Distance {
        base,
        target,
        method,
        distance_m: millimetres / 1e3,
        distance_km: millimetres / 1e6,
        initial_bearing: line.initial_bearing.map(bearing),
        final_bearing: line.final_bearing.map(bearing),
    }
}

//! The application: routes requests, and says which of them may block.
//!
//! Pages are in memory and are answered at once, wherever the host polls the application; what asks
//! the geocoder, waits or computes is blocking code, for which a threaded host gives the thread it
//! is on and an async host one of its pool. So there the health of the service can be asked while
//! every thread of the pool waits.

mod api;
mod compare;
mod site;

use std::sync::Arc;

use gateway_core::{Application, Blocking, Environ, Head, Response, Result, blocking, text};
use http::{HeaderValue, Method, header};

use crate::{
    answer::Problem,
    geocoder::{Embedded, Geocoder},
};

/// The distance service. `geocoder` finds the places of `/distance`; `cities` completes names,
/// which no upstream should be asked for with every letter that is typed.
pub fn application(geocoder: Arc<dyn Geocoder>, cities: Arc<Embedded>) -> impl Application {
    Head(Distance {
        api: blocking(api::Api { geocoder, cities }),
        compare: blocking(compare::Compare),
        site: site::Site::new(),
    })
}

struct Distance {
    api: Blocking<api::Api>,
    compare: Blocking<compare::Compare>,
    site: site::Site,
}

impl Application for Distance {
    async fn call(&self, environ: Environ) -> Result {
        let path = environ.path_info();
        let Some(room) = Room::of(path) else {
            return Ok(Problem::no_such_resource().into());
        };
        if environ.method() != Method::GET {
            return Ok(Problem::read_only().into());
        }
        match room {
            Room::Site => Ok(self.site.answer(&environ)),
            Room::Health => Ok(healthy()),
            Room::Api => self.api.call(environ).await,
            Room::Compare => self.compare.call(environ).await,
        }
    }
}

/// Says that the service runs, now.
fn healthy() -> Response {
    let mut response = text("ok\n");
    let now = HeaderValue::from_static("no-store");
    response.headers_mut().insert(header::CACHE_CONTROL, now);
    response
}

/// Who answers.
#[derive(Clone, Copy)]
enum Room {
    Site,
    Health,
    Api,
    Compare,
}

impl Room {
    fn of(path: &str) -> Option<Self> {
        match path {
            "/" | "/about" => Some(Self::Site),
            "/healthz" => Some(Self::Health),
            "/distance" | "/cities" => Some(Self::Api),
            "/delay" | "/io" | "/compute" | "/mixed" => Some(Self::Compare),
            _ => None,
        }
    }
}

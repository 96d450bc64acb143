//! The application, called without a socket.

#![allow(clippy::unwrap_used)] // a test that fails by it says where

use std::{
    future::Future,
    pin::pin,
    sync::{Arc, Mutex},
    task::{Context, Waker},
    time::{Duration, Instant},
};

use distance::{
    application,
    geocoder::{Embedded, GeocodeError, Geocoder},
    place::Located,
    query::Query,
    stand_in,
};
use gateway_core::{Application, Environ, Lint, lint};
use gateway_test::{Answer, call, environ};
use serde_json::{Value, json};

/// The application, in front of whoever checks that it keeps to the specification.
fn service() -> Lint<impl Application> {
    let cities = Arc::new(Embedded::open().unwrap());
    lint(application(cities.clone(), cities))
}

/// The answer to a request as text, as in `GET /about`.
#[track_caller]
fn answer(request: &str) -> Answer {
    checked(&service(), environ(request))
}

/// The answer of an application that keeps to the specification.
#[track_caller]
fn checked<A: Application>(app: &Lint<A>, environ: impl Into<Environ>) -> Answer {
    let answer = call(app, environ);
    assert_eq!(app.findings().list(), [], "{answer:?}");
    answer
}

/// The JSON at a target, which is answered with `status`.
#[track_caller]
fn json_at(target: &str, status: u16) -> Value {
    let answer = answer(&format!("GET {target}"));
    assert_eq!(answer.status, status, "{target}: {}", answer.text());
    let kind = if status < 400 {
        "application/json"
    } else {
        "application/problem+json"
    };
    assert_eq!(answer.header("content-type"), Some(kind), "{target}");
    serde_json::from_slice(&answer.body).unwrap()
}

/// The problem at a target, whose members are checked against each other.
#[track_caller]
fn problem_at(target: &str, status: u16) -> Value {
    let problem = json_at(target, status);
    assert_eq!(problem["status"], status, "{target}");
    for member in ["type", "title", "detail"] {
        assert!(
            problem[member]
                .as_str()
                .is_some_and(|text| !text.is_empty()),
            "{target}: {member}"
        );
    }
    problem
}

mod distance_ {
    use super::*;

    #[test]
    fn tells_both_places_and_the_way_between() {
        assert_eq!(
            json_at("/distance?base=Seoul&target=Tokyo", 200),
            json!({
                "base": {
                    "id": 1_835_848, "name": "Seoul", "country": "KR", "country_name": "South Korea", "region": "11",
                    "latitude": 37.566, "longitude": 126.9784, "population": 10_349_312, "query": "Seoul",
                },
                "target": {
                    "id": 1_850_147, "name": "Tokyo", "country": "JP", "country_name": "Japan", "region": "40",
                    "latitude": 35.6895, "longitude": 139.69171, "population": 9_733_276, "query": "Tokyo",
                },
                "method": "geodesic",
                "distance_m": 1_155_082.676,
                "distance_km": 1155.082676,
                "initial_bearing": 96.532016,
                "final_bearing": 104.138146,
            })
        );
    }

    #[test]
    fn agrees_with_published_distances() {
        for (base, target, method, kilometres) in [
            ("New+York+City", "London", "geodesic", 5585.225518),
            ("New+York+City", "London", "haversine", 5570.221325),
            ("Suva", "Apia", "geodesic", 1152.464295),
            ("Madrid", "Wellington", "geodesic", 19854.462764),
            ("Quito", "Singapore", "geodesic", 19741.564944),
            ("90,0", "-90,0", "geodesic", 20003.931459),
            ("Seoul", "id:1835848", "geodesic", 0.0),
        ] {
            let answer = json_at(
                &format!("/distance?base={base}&target={target}&method={method}"),
                200,
            );
            assert_eq!(answer["distance_km"], kilometres, "{base} to {target}");
            assert_eq!(answer["method"], method);
        }
    }

    #[test]
    fn takes_places_in_every_form() {
        for (base, id) in [
            ("%EC%84%9C%EC%9A%B8", 1_835_848),
            ("%E6%9D%B1%E4%BA%AC", 1_850_147),
            ("s%C3%A3o+paulo", 3_448_439),
            ("Sao%20Paulo", 3_448_439),
            ("Paris,US", 4_717_560),
            ("Springfield,US,IL", 4_250_542),
            ("id:1835848", 1_835_848),
        ] {
            let answer = json_at(&format!("/distance?base={base}&target=Tokyo"), 200);
            assert_eq!(answer["base"]["id"], id, "{base}");
        }
        let point = &json_at("/distance?base=37.566,126.9784&target=Tokyo", 200)["base"];
        assert_eq!(point["name"], "37.566,126.9784");
        assert_eq!(
            (&point["id"], &point["country"]),
            (&Value::Null, &Value::Null)
        );
    }

    #[test]
    fn coinciding_places_have_no_bearing() {
        let answer = json_at("/distance?base=Seoul&target=Seoul", 200);
        assert_eq!(
            (&answer["initial_bearing"], &answer["final_bearing"]),
            (&Value::Null, &Value::Null)
        );
    }

    #[test]
    fn shows_who_else_may_be_meant() {
        let answer = json_at("/distance?base=Paris&target=Springfield", 200);
        assert_eq!(answer["base"]["runners_up"][0]["query"], "Paris,US");
        assert_eq!(answer["target"]["runners_up"].as_array().unwrap().len(), 7);
    }

    #[test]
    fn offers_the_nearest_names_for_one_that_is_unknown() {
        let problem = problem_at("/distance?base=Seoul&target=Tokyyo", 404);
        assert_eq!(problem["type"], "/about#unknown-place");
        assert_eq!(problem["parameter"], "target");
        assert_eq!(problem["nearest"][0]["query"], "Tokyo");
        assert_eq!(
            problem_at("/distance?base=id:1&target=Tokyo", 404)["nearest"],
            json!([])
        );
    }

    #[test]
    fn says_what_is_wrong_with_parameters() {
        for (query, parameter) in [
            ("", json!("base")),
            ("base=Seoul", json!("target")),
            ("base=&target=Tokyo", json!("base")),
            ("base=+,&target=Tokyo", json!("base")),
            ("base=Seoul&target=95,0", json!("target")),
            ("base=id:x&target=Tokyo", json!("base")),
            (
                &format!("base={}&target=Tokyo", "a".repeat(201)),
                json!("base"),
            ),
            ("base=Seoul&target=Tokyo&method=vincenty", json!("method")),
            ("base=Seoul&target=Tokyo&methd=haversine", Value::Null),
            ("base=Seoul&base=Busan&target=Tokyo", Value::Null),
            ("base=%zz&target=Tokyo", Value::Null),
            ("base=%ff&target=Tokyo", Value::Null),
        ] {
            let problem = problem_at(&format!("/distance?{query}"), 400);
            assert_eq!(problem["type"], "/about#bad-parameter", "{query}");
            assert_eq!(problem["parameter"], parameter, "{query}");
        }
        problem_at(
            &format!("/distance?base={}&target=Tokyo", "a".repeat(2048)),
            414,
        );
    }
}

mod cities {
    use super::*;

    fn names(target: &str) -> Vec<String> {
        let found = json_at(target, 200)["cities"].take();
        let name = |city: &Value| {
            city["alias"]
                .as_str()
                .or(city["name"].as_str())
                .unwrap()
                .to_owned()
        };
        found.as_array().unwrap().iter().map(name).collect()
    }

    #[test]
    fn completes_names() {
        assert_eq!(names("/cities?q=seo")[0], "Seoul");
        assert_eq!(names("/cities?q=%EC%84%9C%EC%9A%B8")[0], "서울");
        assert_eq!(names("/cities?q="), Vec::<String>::new());
    }

    #[test]
    fn gives_as_many_as_are_asked_for() {
        assert_eq!(names("/cities?q=a").len(), 10);
        assert_eq!(names("/cities?q=a&limit=50").len(), 50);
        for limit in ["0", "51", "-1", "x", ""] {
            assert_eq!(
                problem_at(&format!("/cities?q=a&limit={limit}"), 400)["parameter"],
                "limit"
            );
        }
    }

    #[test]
    fn says_what_is_wrong_with_parameters() {
        assert_eq!(problem_at("/cities", 400)["parameter"], "q");
        assert_eq!(
            problem_at(&format!("/cities?q={}", "a".repeat(201)), 400)["parameter"],
            "q"
        );
    }

    #[test]
    fn may_be_kept() {
        assert_eq!(
            answer("GET /cities?q=a").header("cache-control"),
            Some("public, max-age=3600")
        );
    }
}

mod upstream {
    use super::*;

    /// Gives what it is told to, and notes by when it is due.
    struct Told(fn() -> GeocodeError, Arc<Mutex<Option<Instant>>>);

    impl Geocoder for Told {
        fn locate(&self, _: &Query, deadline: Option<Instant>) -> Result<Located, GeocodeError> {
            *self.1.lock().unwrap() = deadline;
            Err((self.0)())
        }
    }

    fn failing(error: fn() -> GeocodeError) -> (u16, Value) {
        let app = lint(application(
            Arc::new(Told(error, Arc::default())),
            Arc::new(Embedded::open().unwrap()),
        ));
        let answer = checked(&app, environ("GET /distance?base=Seoul&target=Tokyo"));
        (
            answer.status.as_u16(),
            serde_json::from_slice(&answer.body).unwrap(),
        )
    }

    #[test]
    fn failures_are_502_and_time_outs_504() {
        let (status, problem) = failing(|| GeocodeError::Upstream("SECRET".to_owned()));
        assert_eq!(
            (status, &problem["type"]),
            (502, &json!("/about#geocoder-failed"))
        );
        assert!(
            !problem.to_string().contains("SECRET"),
            "what went wrong inside is for the log"
        );
        let (status, problem) = failing(|| GeocodeError::TimedOut);
        assert_eq!(
            (status, &problem["type"]),
            (504, &json!("/about#geocoder-timed-out"))
        );
    }

    #[test]
    fn the_deadline_of_the_request_is_handed_on() {
        let due = Arc::new(Mutex::new(None));
        let told = Told(|| GeocodeError::TimedOut, Arc::clone(&due));
        let app = lint(application(
            Arc::new(told),
            Arc::new(Embedded::open().unwrap()),
        ));
        let now = Instant::now();
        let deadline = now + Duration::from_secs(7);
        let environ = environ("GET /distance?base=a&target=b")
            .build()
            .with_times(now, Some(deadline));
        checked(&app, environ);
        assert_eq!(*due.lock().unwrap(), Some(deadline));
    }

    #[test]
    fn the_stand_in_answers_as_the_upstream_wants_it() {
        let cities = Arc::new(Embedded::open().unwrap());
        let app = lint(stand_in(cities, Duration::ZERO));
        let found = checked(&app, environ("GET /locate?place=Paris"));
        let located: Located = serde_json::from_slice(&found.body).unwrap();
        assert_eq!(
            (located.place.id, located.runners_up.len()),
            (Some(2_988_507), 1)
        );
        let unknown = checked(&app, environ("GET /locate?place=Pariss"));
        assert_eq!(unknown.status, 404);
        let problem: Value = serde_json::from_slice(&unknown.body).unwrap();
        assert_eq!(problem["nearest"][0]["name"], "Paris");
        for (request, status) in [
            ("GET /", 404),
            ("GET /locate", 400),
            ("POST /locate?place=Paris", 405),
        ] {
            assert_eq!(checked(&app, environ(request)).status, status, "{request}");
        }
    }
}

mod comparing {
    use super::*;

    #[test]
    fn each_path_does_what_it_says() {
        let compute = json_at("/compute", 200);
        assert_eq!(
            compute,
            json!({"geodesics": 2000, "total_m": 22_132_735_652.0})
        );
        assert_eq!(json_at("/delay?s=0.01", 200), json!({"waited_s": 0.01}));
        assert_eq!(json_at("/io", 200), json!({"waited_s": 0.1}));
        let mixed = json_at("/mixed", 200);
        assert_eq!(
            (&mixed["waited_s"], &mixed["total_m"]),
            (&json!(0.1), &compute["total_m"])
        );
    }

    #[test]
    fn waits_at_least_as_long_as_it_says() {
        let begin = Instant::now();
        json_at("/io", 200);
        assert!(begin.elapsed() >= Duration::from_millis(100));
    }

    #[test]
    fn refuses_delays_that_are_none() {
        for query in ["", "s=", "s=31", "s=-1", "s=abc", "s=inf", "s=1&s=2"] {
            problem_at(&format!("/delay?{query}"), 400);
        }
        problem_at("/io?s=1", 400);
    }
}

mod site {
    use super::*;

    #[test]
    fn both_pages_are_whole() {
        let front = answer("GET /");
        assert_eq!(front.status, 200);
        assert_eq!(
            front.header("content-type"),
            Some("text/html; charset=utf-8")
        );
        for place in ["/*{style}*/", "/*{script}*/", "<!--{land}-->"] {
            assert!(!front.text().contains(place), "{place} is not filled");
        }
        let about = answer("GET /about");
        for owed in [
            "GeoNames",
            "https://creativecommons.org/licenses/by/4.0/",
            "Natural Earth",
        ] {
            assert!(about.text().contains(owed), "{owed}");
        }
    }

    #[test]
    fn nothing_is_asked_of_others() {
        for page in ["/", "/about"] {
            let answer = answer(&format!("GET {page}"));
            for outside in [
                "src=\"http",
                "url(http",
                "@import",
                "<link rel=\"stylesheet\"",
                "fetch(\"http",
            ] {
                assert!(!answer.text().contains(outside), "{page}: {outside}");
            }
            let policy = answer.header("content-security-policy").unwrap();
            assert!(
                policy.starts_with("default-src 'none'; style-src 'sha256-"),
                "{policy}"
            );
            assert!(!policy.contains("unsafe"), "{policy}");
        }
    }

    #[test]
    fn every_problem_is_explained() {
        let about = answer("GET /about");
        for kind in [
            "bad-parameter",
            "unknown-place",
            "geocoder-failed",
            "geocoder-timed-out",
        ] {
            assert!(about.text().contains(&format!("id=\"{kind}\"")), "{kind}");
        }
    }

    #[test]
    fn a_page_that_is_known_is_not_sent_again() {
        let first = answer("GET /");
        let etag = first.header("etag").unwrap();
        for known in [etag.to_owned(), format!("\"x\", W/{etag}"), "*".to_owned()] {
            let again = answer(&format!("GET /\nIf-None-Match: {known}"));
            assert_eq!(
                (again.status.as_u16(), again.body.len()),
                (304, 0),
                "{known}"
            );
            assert_eq!(again.header("etag"), Some(etag));
        }
        assert_eq!(answer("GET /\nIf-None-Match: \"x\"").status, 200);
        assert_ne!(answer("GET /about").header("etag"), Some(etag));
    }
}

#[test]
fn health_is_told() {
    assert_eq!(answer("GET /healthz").text(), "ok\n");
}

#[test]
fn everything_answers_the_same_on_an_async_host() {
    for target in [
        "/",
        "/about",
        "/distance?base=Seoul&target=Tokyo",
        "/cities?q=seo",
        "/compute",
        "/x",
    ] {
        let request = environ(&format!("GET {target}")).on_async_host();
        let (threaded, polled) = (
            answer(&format!("GET {target}")),
            checked(&service(), request),
        );
        assert_eq!(
            (threaded.status, threaded.body),
            (polled.status, polled.body),
            "{target}"
        );
    }
}

#[test]
fn what_does_not_block_asks_an_async_host_for_no_thread() {
    let app = service();
    let ready_at_once = |target: &str| {
        let environ = environ(&format!("GET {target}")).on_async_host().build();
        let call = pin!(app.call(environ));
        call.poll(&mut Context::from_waker(Waker::noop()))
            .is_ready()
    };
    for target in ["/", "/about", "/healthz", "/nowhere"] {
        assert!(ready_at_once(target), "{target}");
    }
    assert!(!ready_at_once("/io"));
}

#[test]
fn head_has_the_head_of_get() {
    for target in [
        "/",
        "/distance?base=Seoul&target=Tokyo",
        "/healthz",
        "/nowhere",
    ] {
        let (get, head) = (
            answer(&format!("GET {target}")),
            answer(&format!("HEAD {target}")),
        );
        assert_eq!((head.status, head.body.len()), (get.status, 0), "{target}");
        assert_eq!(
            head.header("content-type"),
            get.header("content-type"),
            "{target}"
        );
        assert_eq!(
            head.header("content-length"),
            Some(get.body.len().to_string().as_str()),
            "{target}"
        );
    }
}

#[test]
fn other_methods_are_refused_and_other_paths_unknown() {
    for method in ["POST", "PUT", "DELETE", "OPTIONS"] {
        let refused = answer(&format!("{method} /distance?base=Seoul&target=Tokyo"));
        assert_eq!(refused.status, 405, "{method}");
        assert_eq!(refused.header("allow"), Some("GET, HEAD"));
        assert_eq!(
            answer(&format!("{method} /nowhere")).status,
            404,
            "{method}"
        );
    }
    for path in ["/nowhere", "/distance/", "/Distance", "//", "/about/x"] {
        problem_at(path, 404);
    }
}

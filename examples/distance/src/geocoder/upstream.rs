//! Another service, asked over HTTP.
//!
//! `GET {base}/locate?place=Seoul` is answered 200 with a [`Located`] in JSON, or 404 with a
//! problem document whose `nearest` holds places. [`stand_in`](crate::stand_in) is such a service.

use std::time::{Duration, Instant};

use serde::Deserialize;
use ureq::{Agent, http::Response};

use crate::{
    geocoder::{GeocodeError, Geocoder},
    place::{Located, Place},
    query::Query,
};

/// Longest that connecting may take. The upstream is near, so longer means that it is not there.
const CONNECT: Duration = Duration::from_secs(2);
/// Longest answer that is read, in bytes: some twenty places are 5 KiB.
const LONGEST: u64 = 64 * 1024;
/// Connections kept open: as many as threads may ask at once.
const KEPT: usize = 256;

/// A geocoder that asks another service.
///
/// A call returns after the time-out at the latest, or at the deadline of the request if that is
/// sooner, however slowly the upstream connects, answers or drips.
pub struct Upstream {
    agent: Agent,
    locate: String,
    timeout: Duration,
}

/// The URL of the upstream cannot be used.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the geocoder must be an http:// URL with a host and without a query, and {0:?} is none")]
pub struct BadUpstream(String);

impl Upstream {
    /// An upstream at `base`, as in `http://127.0.0.1:8001`, which may take up to `timeout` for an
    /// answer.
    ///
    /// # Errors
    ///
    /// If `base` is not such a URL. Whether anyone listens there shows with the first query.
    pub fn new(base: &str, timeout: Duration) -> Result<Self, BadUpstream> {
        let bad = || BadUpstream(base.to_owned());
        let uri: ureq::http::Uri = base.parse().map_err(|_| bad())?;
        if uri.scheme_str() != Some("http") || uri.host().is_none() || uri.query().is_some() {
            return Err(bad());
        }
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_idle_connections(KEPT)
            .max_idle_connections_per_host(KEPT)
            .proxy(None) // what HTTP_PROXY says is not meant for a neighbour
            .timeout_connect(Some(CONNECT))
            .user_agent(concat!("distance/", env!("CARGO_PKG_VERSION")))
            .build();
        Ok(Self {
            agent: config.into(),
            locate: format!("{}/locate", base.trim_end_matches('/')),
            timeout,
        })
    }

    fn ask(&self, place: &str, timeout: Duration) -> Result<Located, GeocodeError> {
        let request = self.agent.get(&self.locate).query("place", place);
        let request = request.config().timeout_global(Some(timeout)).build();
        let mut response = request.call()?;
        match response.status().as_u16() {
            200 => checked(read(&mut response)?),
            404 => Err(GeocodeError::NotFound(
                read::<Unknown>(&mut response)?.nearest,
            )),
            504 => Err(GeocodeError::TimedOut),
            status => Err(GeocodeError::Upstream(format!(
                "it answered with status {status}"
            ))),
        }
    }
}

impl Geocoder for Upstream {
    fn locate(&self, query: &Query, deadline: Option<Instant>) -> Result<Located, GeocodeError> {
        let place = match query {
            Query::Point(point) => return Ok(Place::point(*point).into()),
            Query::Id(id) => format!("id:{id}"),
            Query::Name(name) => name.written.clone(),
        };
        let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        match left.map_or(self.timeout, |left| left.min(self.timeout)) {
            Duration::ZERO => Err(GeocodeError::TimedOut),
            timeout => self.ask(&place, timeout),
        }
    }
}

/// What matters of a problem document.
#[derive(Deserialize)]
struct Unknown {
    nearest: Vec<Place>,
}

fn read<T: for<'de> Deserialize<'de>>(
    response: &mut Response<ureq::Body>,
) -> Result<T, GeocodeError> {
    let text = response
        .body_mut()
        .with_config()
        .limit(LONGEST)
        .read_to_vec()?;
    serde_json::from_slice(&text)
        .map_err(|error| GeocodeError::Upstream(format!("its answer makes no sense: {error}")))
}

/// A place that is not on the earth would make nonsense of all that follows.
fn checked(located: Located) -> Result<Located, GeocodeError> {
    let places = || std::iter::once(&located.place).chain(&located.runners_up);
    if places().all(|place| place.position().is_on_earth()) {
        return Ok(located);
    }
    Err(GeocodeError::Upstream(
        "its answer is not on the earth".to_owned(),
    ))
}

impl From<ureq::Error> for GeocodeError {
    fn from(error: ureq::Error) -> Self {
        match error {
            ureq::Error::Timeout(_) => Self::TimedOut,
            ureq::Error::Io(error) if error.kind() == std::io::ErrorKind::TimedOut => {
                Self::TimedOut
            }
            error => Self::Upstream(error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io::{BufRead, BufReader, Read, Write},
        net::{TcpListener, TcpStream},
        thread::{self, JoinHandle},
    };

    use super::*;

    const SEOUL: &str = r#"{"id":1835848,"name":"Seoul","country":"KR","country_name":"South Korea",
        "region":"11","latitude":37.566,"longitude":126.9784,"population":10349312,"query":"Seoul"}"#;

    /// Long enough for a loaded machine, where an answer is expected.
    const AMPLE: Duration = Duration::from_secs(30);
    /// Short, where none is.
    const SHORT: Duration = Duration::from_millis(100);

    /// An upstream for one connection: reads a request head and hands it, and the connection, on. `None`
    /// if the client has gone before its head was whole, as one does whose time is short.
    fn serve<T: Send + 'static>(
        answer: impl FnOnce(String, TcpStream) -> T + Send + 'static,
    ) -> (String, JoinHandle<Option<T>>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let server = thread::spawn(move || {
            let (stream, _) = listener.accept().unwrap();
            stream.set_read_timeout(Some(AMPLE)).unwrap();
            let mut lines = BufReader::new(&stream).lines().map_while(Result::ok);
            let request = lines.next()?;
            lines.find(String::is_empty)?;
            drop(lines);
            Some(answer(request, stream))
        });
        (base, server)
    }

    /// Waits for the upstream's end, also if the client's time was over before it had connected.
    fn end<T>(base: &str, server: JoinHandle<T>) -> T {
        let address = base.strip_prefix("http://").unwrap();
        drop(TcpStream::connect(address)); // a client that has gone; of no use if there was one before
        server.join().unwrap()
    }

    fn answer(status: &'static str, body: &str) -> Result<Located, GeocodeError> {
        let length = body.len();
        let text = format!(
            "HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
        );
        let (base, server) = serve(move |_, mut stream| {
            // The client need not read all of it.
            let _ = stream.write_all(text.as_bytes());
        });
        let result = locate(&base, "Seoul", AMPLE);
        server.join().unwrap();
        result
    }

    fn locate(base: &str, place: &str, timeout: Duration) -> Result<Located, GeocodeError> {
        Upstream::new(base, timeout)
            .unwrap()
            .locate(&place.parse().unwrap(), None)
    }

    fn complaint(result: Result<Located, GeocodeError>) -> String {
        match result {
            Err(GeocodeError::Upstream(complaint)) => complaint,
            other => panic!("not an upstream's fault: {other:?}"),
        }
    }

    #[test]
    fn asks_for_the_place_as_written() {
        for (place, target) in [
            (
                "서울,KR",
                "GET /locate?place=%EC%84%9C%EC%9A%B8%2CKR HTTP/1.1",
            ),
            ("a&b=c d", "GET /locate?place=a%26b%3Dc%20d HTTP/1.1"),
            ("ID:7", "GET /locate?place=id%3A7 HTTP/1.1"),
        ] {
            let (base, server) = serve(|request, _| request);
            locate(&base, place, AMPLE).unwrap_err();
            assert_eq!(server.join().unwrap().as_deref(), Some(target));
        }
    }

    #[test]
    fn understands_a_place_with_and_without_runners_up() {
        let alone = answer("200 OK", SEOUL).unwrap();
        assert_eq!(
            (alone.place.id, alone.runners_up.len()),
            (Some(1_835_848), 0)
        );
        let crowd = SEOUL.replacen('{', &format!(r#"{{"runners_up":[{SEOUL},{SEOUL}],"#), 1);
        assert_eq!(answer("200 OK", &crowd).unwrap().runners_up.len(), 2);
    }

    #[test]
    fn points_need_no_upstream() {
        let nobody = Upstream::new("http://127.0.0.1:1", SHORT).unwrap();
        assert!(nobody.locate(&"1,2".parse().unwrap(), None).is_ok());
    }

    #[test]
    fn passes_on_what_is_nearest() {
        let problem = format!(r#"{{"status":404,"nearest":[{SEOUL}]}}"#);
        match answer("404 Not Found", &problem) {
            Err(GeocodeError::NotFound(nearest)) => assert_eq!(nearest[0].name, "Seoul"),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn other_statuses_are_failures() {
        assert!(complaint(answer("503 Service Unavailable", "")).contains("503"));
        assert!(complaint(answer("302 Found", "")).contains("302"));
        assert!(matches!(
            answer("504 Gateway Timeout", ""),
            Err(GeocodeError::TimedOut)
        ));
    }

    #[test]
    fn nonsense_is_a_failure() {
        complaint(answer("200 OK", "<html>"));
        complaint(answer("200 OK", "{}"));
        complaint(answer("404 Not Found", "no such page"));
        complaint(answer("200 OK", &SEOUL.replace("37.566", "97.566")));
        complaint(answer("200 OK", &format!("{}{SEOUL}", " ".repeat(70_000))));
    }

    #[test]
    fn a_connection_cut_short_is_a_failure() {
        let (base, server) = serve(|_, mut stream| {
            stream
                .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{")
                .unwrap();
        });
        complaint(locate(&base, "Seoul", AMPLE));
        server.join().unwrap();
    }

    #[test]
    fn nobody_there_is_a_failure() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        drop(listener);
        complaint(locate(&base, "Seoul", AMPLE));
    }

    #[test]
    fn silence_is_a_time_out() {
        let (base, server) = serve(|_, mut stream| stream.read(&mut [0]));
        let result = locate(&base, "Seoul", SHORT);
        assert!(matches!(result, Err(GeocodeError::TimedOut)), "{result:?}");
        let read = end(&base, server);
        assert!(
            matches!(read, None | Some(Ok(0))),
            "the connection is given up: {read:?}"
        );
    }

    #[test]
    fn dripping_is_a_time_out() {
        let (base, server) = serve(|_, mut stream| {
            let head = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n";
            let mut dripped = stream.write_all(head);
            // Ends when the client has gone.
            while dripped.is_ok() {
                thread::sleep(SHORT / 10);
                dripped = stream.write_all(b" ");
            }
        });
        let result = locate(&base, "Seoul", SHORT);
        assert!(matches!(result, Err(GeocodeError::TimedOut)), "{result:?}");
        end(&base, server);
    }

    #[test]
    fn a_deadline_that_has_passed_is_a_time_out() {
        let upstream = Upstream::new("http://127.0.0.1:1", AMPLE).unwrap();
        let result = upstream.locate(&"Seoul".parse().unwrap(), Some(Instant::now()));
        assert!(matches!(result, Err(GeocodeError::TimedOut)));
    }

    #[test]
    fn refuses_urls_that_cannot_be_an_upstream() {
        for base in [
            "",
            "127.0.0.1:8001",
            "https://geo.example",
            "ftp://a",
            "http://",
            "http://a?b",
        ] {
            assert_eq!(
                Upstream::new(base, AMPLE).err(),
                Some(BadUpstream(base.to_owned())),
                "{base}"
            );
        }
        assert_eq!(
            Upstream::new("http://a/b/", AMPLE).unwrap().locate,
            "http://a/b/locate"
        );
    }
}

//! Pieces of work by name.

use std::hint::black_box;
use std::sync::Arc;

use gateway_core::server::{Call, RawHead};
use gateway_core::{Endpoint, Environ, Input};
use gateway_http1::{BodyLength, Event, Limits, Receiver, RequestHead, encode_head};
use gateway_sync::measuring::{Forecasts, OneSeat};
use http::{HeaderMap, HeaderValue, StatusCode, header};

/// A head as a load generator sends it.
const SMALL: &[u8] = b"GET /hello HTTP/1.1\r\nHost: 127.0.0.1:8000\r\n\r\n";

/// A head as a browser sends it: 12 fields, 700 bytes.
const BROWSER: &[u8] = b"GET /hello HTTP/1.1\r\n\
    Host: 127.0.0.1:40000\r\n\
    Connection: keep-alive\r\n\
    Cache-Control: max-age=0\r\n\
    Upgrade-Insecure-Requests: 1\r\n\
    User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/128.0.0.0 Safari/537.36\r\n\
    Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8\r\n\
    Sec-Fetch-Site: same-origin\r\n\
    Sec-Fetch-Mode: navigate\r\n\
    Sec-Fetch-Dest: document\r\n\
    Referer: http://localhost:8000/catalogue/places?page=2\r\n\
    Accept-Language: en-GB,en;q=0.9,ko-KR;q=0.8,ko;q=0.7\r\n\
    Cookie: session=3f9c8a1e5b7d4c20a6e8f1b2d3c4a5e6f7081920; theme=dark; consent=necessary; last=1835848; back=%2Fcatalogue%2Fplaces%3Fpage%3D2%26sort%3Dpopulation\r\n\r\n";

const DATE: &[u8; 29] = b"Sun, 06 Nov 1994 08:49:37 GMT";

/// Pieces of a chunked body, and their size.
const CHUNKS: usize = 16;
const CHUNK: usize = 4096;

/// A piece of work, made ready: each call does it once.
pub type Work = Box<dyn FnMut()>;

/// Makes a piece of work ready.
pub type Ready = fn() -> Work;

/// Every piece: its name, and what makes it ready.
pub const PIECES: [(&str, Ready); 15] = [
    ("head, small", || parsing(SMALL.to_vec())),
    ("head, browser", || parsing(BROWSER.to_vec())),
    ("body, 64 KiB of known length", || parsing(known_body())),
    ("body, 64 KiB in 16 chunks", || parsing(chunked_body())),
    ("environ, small", || environ(SMALL)),
    ("environ, browser", || environ(BROWSER)),
    ("environ and its map of fields, browser", fields),
    ("CGI: one variable, browser", one_variable),
    ("CGI: all variables, browser", all_variables),
    ("CGI: environ from variables, browser", from_variables),
    ("response head and 13 bytes", response),
    ("predictor: a quick call", || {
        forecast(Forecasts::quick_call)
    }),
    ("predictor: a call that waits", || {
        forecast(Forecasts::slow_call)
    }),
    ("seat: kept through a call", seat_kept),
    ("seat: left and taken again", seat_left),
];

/// Reads a whole request from a connection that has just been made.
fn parsing(request: Vec<u8>) -> Work {
    let limits = Arc::new(Limits::default());
    Box::new(move || {
        let mut receiver = Receiver::new(Arc::clone(&limits));
        let mut rest = &request[..];
        loop {
            // The requests are sound and whole: nothing else comes of them than their events.
            let Ok(received) = receiver.receive(black_box(rest)) else {
                return;
            };
            rest = &rest[received.used..];
            match received.event {
                Some(Event::End) | None => return,
                Some(event) => drop(black_box(event)),
            }
        }
    })
}

/// Makes an environ of a head that was read. Copying that head is a part of it.
fn environ(request: &[u8]) -> Work {
    let (head, endpoint, call) = (head(request), Arc::new(Endpoint::detached()), Call::new());
    Box::new(move || drop(black_box(environ_of(&head, &endpoint, &call))))
}

fn fields() -> Work {
    let (head, endpoint, call) = (head(BROWSER), Arc::new(Endpoint::detached()), Call::new());
    Box::new(move || {
        if let Some(environ) = environ_of(&head, &endpoint, &call) {
            black_box(environ.headers().len());
        }
    })
}

fn one_variable() -> Work {
    let environ = browsers();
    Box::new(move || {
        let environ = environ.as_ref();
        drop(black_box(
            environ.and_then(|e| e.var("HTTP_ACCEPT_LANGUAGE")),
        ));
    })
}

fn all_variables() -> Work {
    let environ = browsers();
    Box::new(move || {
        if let Some(environ) = &environ {
            black_box(environ.vars().count());
        }
    })
}

fn from_variables() -> Work {
    let environ = browsers();
    let variables: Vec<(String, Vec<u8>)> = environ
        .iter()
        .flat_map(Environ::vars)
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect();
    Box::new(move || {
        let variables = variables.iter().map(|(name, value)| (name, value));
        drop(black_box(Environ::from_vars(variables, Input::empty())));
    })
}

fn response() -> Work {
    let exchange = head(SMALL).map(|head| head.exchange());
    let plain = HeaderValue::from_static("text/plain; charset=utf-8");
    let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, plain)]);
    let mut out = Vec::with_capacity(1024);
    Box::new(move || {
        out.clear();
        let Some(exchange) = &exchange else { return };
        let length = BodyLength::Known(13);
        let encoder = encode_head(&mut out, exchange, StatusCode::OK, &headers, length, DATE);
        if let Ok(mut encoder) = encoder {
            // Its length is the one that was declared.
            let _ = encoder.data(b"Hello, world\n", &mut out);
            let _ = encoder.end(None, &mut out);
        }
        black_box(&out);
    })
}

/// Forecasts a call, and learns from it.
fn forecast(call: fn(&Forecasts, &str, &[u8]) -> bool) -> Work {
    let forecasts = Forecasts::new();
    Box::new(move || {
        black_box(call(&forecasts, black_box("GET"), black_box(b"/hello")));
    })
}

/// Says that a call begins, so that the monitor sees it last, and that it is over.
fn seat_kept() -> Work {
    let seat = OneSeat::new().ok();
    Box::new(move || {
        black_box(seat.as_ref().map(|seat| seat.keep_through_a_call()));
    })
}

/// Leaves a seat and comes for it again, as before and after a call that waits; nobody else is there.
fn seat_left() -> Work {
    let guest = OneSeat::new().ok().map(|seat| seat.guest());
    Box::new(move || {
        let Some(guest) = &guest else { return };
        black_box(guest.take());
        guest.leave_free();
    })
}

fn head(request: &[u8]) -> Option<RequestHead> {
    match Receiver::new(Limits::default())
        .receive(request)
        .ok()?
        .event?
    {
        Event::Head(head) => Some(head),
        _ => None,
    }
}

fn environ_of(
    head: &Option<RequestHead>,
    endpoint: &Arc<Endpoint>,
    call: &Call,
) -> Option<Environ> {
    let head = head.as_ref()?;
    let raw = RawHead {
        bytes: Arc::clone(head.bytes()),
        target: head.target(),
        fields: head.fields(),
        method: head.method.clone(),
        version: head.version,
    };
    Environ::from_raw(raw, Input::empty(), Arc::clone(endpoint), call).ok()
}

fn browsers() -> Option<Environ> {
    environ_of(
        &head(BROWSER),
        &Arc::new(Endpoint::detached()),
        &Call::new(),
    )
}

fn known_body() -> Vec<u8> {
    let length = CHUNKS * CHUNK;
    let head = format!("POST /upload HTTP/1.1\r\nHost: h\r\nContent-Length: {length}\r\n\r\n");
    [head.into_bytes(), vec![b'x'; length]].concat()
}

fn chunked_body() -> Vec<u8> {
    let head = b"POST /upload HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
    let chunk = [
        format!("{CHUNK:x}\r\n").into_bytes(),
        vec![b'x'; CHUNK],
        b"\r\n".into(),
    ]
    .concat();
    [&head[..], &chunk.repeat(CHUNKS), b"0\r\n\r\n"].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_request_is_read_to_its_end() {
        for request in [
            SMALL.to_vec(),
            BROWSER.to_vec(),
            known_body(),
            chunked_body(),
        ] {
            let mut receiver = Receiver::new(Limits::default());
            let (mut rest, mut body, mut ended) = (&request[..], 0, false);
            while !ended {
                let received = receiver.receive(rest).unwrap();
                rest = &rest[received.used..];
                match received.event.expect("the request is whole") {
                    Event::Data(range) => body += range.len(),
                    event => ended = matches!(event, Event::End),
                }
            }
            assert!(rest.is_empty());
            assert!(body == 0 || body == CHUNKS * CHUNK, "{body}");
        }
    }

    #[test]
    fn the_environ_of_the_browser_is_whole() {
        let environ = browsers().unwrap();
        assert_eq!(environ.headers().len(), 12);
        assert_eq!(environ.path_info(), "/hello");
        assert!(environ.var("HTTP_ACCEPT_LANGUAGE").is_some());
        let variables = environ.vars().collect::<Vec<_>>();
        assert!(variables.len() > 20);
        assert!(Environ::from_vars(variables, Input::empty()).is_ok());
    }

    #[test]
    fn there_are_seats_to_measure() {
        assert!(OneSeat::new().is_ok());
    }

    #[test]
    fn every_piece_can_be_done_again_and_again() {
        for (_, ready) in PIECES {
            let mut work = ready();
            work();
            work();
        }
    }
}

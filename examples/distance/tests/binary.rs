//! The binary: command line, signals, and both geocoders, on both hosts.

#![allow(clippy::unwrap_used)] // a test that fails by it says where

mod process;

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
};

use process::{HOSTS, Service, command};
use rustix::process::Signal;
use serde_json::Value;

/// Status and JSON of a GET.
fn get(url: &str) -> (u16, Value) {
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .proxy(None)
        .build()
        .into();
    let mut response = agent.get(url).call().unwrap();
    (
        response.status().as_u16(),
        response.body_mut().read_json().unwrap(),
    )
}

#[test]
fn answers_on_both_hosts() {
    for host in HOSTS {
        let service = Service::start(&["--host", host, "--threads", "4"]);
        let (status, answer) = get(&format!(
            "{}/distance?base=Seoul&target=Tokyo",
            service.base
        ));
        assert_eq!(
            (status, answer["distance_km"].as_f64()),
            (200, Some(1155.082676)),
            "{host}"
        );
        let (status, problem) = get(&format!(
            "{}/distance?base=Seoul&target=Tokyyo",
            service.base
        ));
        assert_eq!(
            (status, problem["nearest"][0]["name"].as_str()),
            (404, Some("Tokyo")),
            "{host}"
        );
        service.stop();
    }
}

#[test]
fn what_never_reaches_the_service_is_refused_in_plain_text() {
    let long = format!("/{}", "x".repeat(9000));
    for host in HOSTS {
        let service = Service::start(&["--host", host]);
        let address = service.base.strip_prefix("http://").unwrap();
        for (target, status) in [
            ("/distance?base=서울&target=Tokyo", "400"),
            ("/a b", "400"),
            ("/%ff", "400"),
            (&long, "414"),
        ] {
            let mut stream = TcpStream::connect(address).unwrap();
            let head = format!("GET {target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
            stream.write_all(head.as_bytes()).unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).unwrap();
            let (head, text) = answer.split_once("\r\n\r\n").unwrap();
            assert!(
                head.starts_with(&format!("HTTP/1.1 {status} ")),
                "{host} {target}: {head}"
            );
            assert!(
                head.contains("\r\ncontent-type: text/plain; charset=utf-8"),
                "{host} {target}: {head}"
            );
            assert!(text.starts_with(status), "{host} {target}: {text}");
        }
        service.stop();
    }
}

#[test]
fn what_runs_is_finished_after_term_and_ctrl_c() {
    for (host, signal) in HOSTS.into_iter().zip([Signal::TERM, Signal::INT]) {
        finishes_after(host, signal);
    }
    for (host, signal) in HOSTS.into_iter().zip([Signal::INT, Signal::TERM]) {
        finishes_after(host, signal);
    }
}

fn finishes_after(host: &str, signal: Signal) {
    let service = Service::start(&["--host", host]);
    let address = service.base.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    let head = format!("GET /delay?s=0.5 HTTP/1.1\r\nHost: {address}\r\n\r\n");
    stream.write_all(head.as_bytes()).unwrap();
    // An answer to a later request tells that the service is at work.
    get(&format!("{}/compute", service.base));

    service.signal(signal);

    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(
        answer.starts_with("HTTP/1.1 200 OK\r\n"),
        "{host}: {answer}"
    );
    assert!(answer.ends_with("{\"waited_s\":0.5}\n"), "{host}: {answer}");
    let (status, log) = service.end();
    assert!(status.success(), "{host}: {log}");
    assert!(log.ends_with("Stopped.\n"), "{host}: {log}");
}

#[test]
fn asks_an_upstream_and_says_when_it_fails() {
    for host in HOSTS {
        let upstream = Service::start(&["stand-in", "--host", host, "--delay", "0.01"]);
        let service = Service::start(&["--host", host, "--geocoder", &upstream.base]);
        let url = format!(
            "{}/distance?base=%EC%84%9C%EC%9A%B8&target=Paris",
            service.base
        );

        let (status, answer) = get(&url);
        assert_eq!(
            (status, answer["base"]["name"].as_str()),
            (200, Some("Seoul")),
            "{host}"
        );
        assert_eq!(
            answer["target"]["runners_up"][0]["query"], "Paris,US",
            "{host}"
        );
        let (status, problem) = get(&format!(
            "{}/distance?base=Tokyyo&target=Paris",
            service.base
        ));
        assert_eq!(
            (status, problem["nearest"][0]["name"].as_str()),
            (404, Some("Tokyo")),
            "{host}"
        );

        upstream.stop();
        assert_eq!(get(&url).0, 502, "{host}");
        service.stop();
    }
}

#[test]
fn does_not_wait_for_an_upstream_beyond_the_time_out() {
    for host in HOSTS {
        let silent = TcpListener::bind("127.0.0.1:0").unwrap(); // accepts, and never answers
        let upstream = format!("http://{}", silent.local_addr().unwrap());
        let arguments = [
            "--host",
            host,
            "--geocoder",
            &upstream,
            "--geocoder-timeout",
            "0.1",
        ];
        let service = Service::start(&arguments);
        let (status, problem) = get(&format!(
            "{}/distance?base=Seoul&target=Tokyo",
            service.base
        ));
        assert_eq!(status, 504, "{host}: {problem}");
        service.stop();
    }
}

/// The same, where the upstream would answer, and is slow.
#[test]
fn does_not_wait_for_an_answer_that_comes_after_the_time_out() {
    for host in HOSTS {
        let upstream = Service::start(&["stand-in", "--host", host, "--delay", "3600"]);
        let arguments = [
            "--host",
            host,
            "--geocoder",
            &upstream.base,
            "--geocoder-timeout",
            "0.1",
        ];
        let service = Service::start(&arguments);
        let (status, problem) = get(&format!(
            "{}/distance?base=Seoul&target=Tokyo",
            service.base
        ));
        assert_eq!(
            (status, problem["type"].as_str()),
            (504, Some("/about#geocoder-timed-out")),
            "{host}"
        );
        service.stop();
        upstream.stop(); // its call ended when its client had gone
    }
}

#[test]
fn listens_where_port_says() {
    for host in HOSTS {
        let (service, port) = Service::start_on_a_port(&["--host", host]);
        assert_eq!(service.base, format!("http://0.0.0.0:{port}"), "{host}");
        let (status, answer) = get(&format!(
            "http://127.0.0.1:{port}/distance?base=Seoul&target=Tokyo"
        ));
        assert_eq!(
            (status, answer["base"]["name"].as_str()),
            (200, Some("Seoul")),
            "{host}"
        );
        service.stop();
    }
}

#[test]
fn says_that_the_port_is_taken() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    for host in HOSTS {
        let mut command = command(&["--host", host]);
        let output = command.env("PORT", port.to_string()).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{host}");
        let complaint = String::from_utf8(output.stderr).unwrap();
        assert!(
            complaint.contains(&format!("0.0.0.0:{port}")),
            "{complaint}"
        );
    }
}

#[test]
fn says_why_it_cannot_start() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    for host in HOSTS {
        for (arguments, code, complaint) in [
            (
                &["--host", host, "--bind", &address][..],
                1,
                address.as_str(),
            ),
            (&["--host", host, "--bind", "nowhere"], 1, "nowhere"),
            (&["--host", host, "--geocoder", "https://x"], 1, "https://x"),
            (&["--host", host, "--threads", "0"], 2, "--threads"),
            (&["--host", "tomcat"], 2, "tomcat"),
        ] {
            let output = command(arguments).output().unwrap();
            let stderr = String::from_utf8(output.stderr).unwrap();
            assert_eq!(output.status.code(), Some(code), "{arguments:?}: {stderr}");
            assert!(stderr.contains(complaint), "{arguments:?}: {stderr}");
        }
    }
}

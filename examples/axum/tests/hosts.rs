//! The axum application over sockets, on both hosts: every test runs on each.

#![allow(clippy::unwrap_used, reason = "tests say by panicking what went wrong")]

use std::io::Read;
use std::net::SocketAddr;

use axum_on_gateway::{Host, LARGEST_BODY, Notes, Server, application};
use gateway_core::{Findings, Mount, lint};
use gateway_test::client::{BodyEnd, Client, Reply};
use gateway_test::conformance::Running;
use http::Method;

/// The application on a host, until it is dropped.
struct Served {
    host: Running,
    notes: Notes,
    findings: Findings,
}

impl Served {
    fn on(host: Host) -> Self {
        let anywhere = SocketAddr::from(([127, 0, 0, 1], 0));
        let server = Server::bind(host, anywhere).unwrap();
        let (address, stop) = (server.local_addr().unwrap(), server.stopper());
        let notes = Notes::new();
        // As it is, and mounted by gateway below a prefix.
        let app = Mount::new()
            .at("/below", application(notes.clone()))
            .at("", application(notes.clone()));
        let app = lint(app);
        let findings = app.findings();
        let host = Running::spawn([address.into()], stop, move || server.serve(app));
        Self {
            host,
            notes,
            findings,
        }
    }

    /// Runs a test; what host and application have done keeps to the specification.
    fn keeps_the_clauses_while(test: fn(&Self), host: Host) {
        let served = Self::on(host);
        test(&served);
        assert_eq!(served.findings.list(), []);
    }

    fn client(&self) -> Client {
        self.host.client().unwrap()
    }

    fn get(&self, target: &str) -> Reply {
        self.client().get(target).unwrap()
    }

    fn ends(&self) {
        self.host.stop();
        self.host.ended().unwrap();
    }
}

fn request(line: &str, fields: &str, body: &str) -> String {
    let length = body.len();
    format!("{line} HTTP/1.1\r\nHost: notes\r\nContent-Length: {length}\r\n{fields}\r\n{body}")
}

fn write_note(client: &mut Client, text: &str) -> Reply {
    let json = "Content-Type: application/json\r\n";
    let body = serde_json::json!({ "text": text }).to_string();
    let request = request("POST /notes", json, &body);
    client.exchange(request).unwrap()
}

/// Makes a test of each function for each host.
macro_rules! on_each_host {
    ($($name:ident)*) => {
        mod on_sync {
            $(#[test] fn $name() { super::Served::keeps_the_clauses_while(super::$name, super::Host::Sync); })*
        }
        mod on_hyper {
            $(#[test] fn $name() { super::Served::keeps_the_clauses_while(super::$name, super::Host::Hyper); })*
        }
    };
}

on_each_host! {
    notes_are_written_listed_and_removed
    extractors_refuse_what_they_cannot_read
    answers_are_compressed_for_those_who_take_it
    events_come_when_they_happen
    closing_the_notes_ends_the_events
    an_upload_is_counted_in_pieces
    an_upload_beyond_the_limit_is_refused
    the_client_is_told_who_it_is
    a_gateway_application_answers_inside_the_router
    a_mount_in_front_changes_nothing_for_the_router
    head_and_unknown_paths_are_axums_business
    a_stop_ends_the_host
}

fn notes_are_written_listed_and_removed(served: &Served) {
    let mut client = served.client();
    for text in ["buy milk", "읽다", "buy more milk"] {
        assert_eq!(write_note(&mut client, text).status, 201);
    }
    let created = write_note(&mut client, "one more");
    assert_eq!(created.field("location"), Some("/notes/4"));

    let list = client.get("/notes?containing=milk&limit=1").unwrap();
    let list: serde_json::Value = serde_json::from_slice(&list.body).unwrap();
    assert_eq!(
        list,
        serde_json::json!([{ "id": 3, "text": "buy more milk" }])
    );

    let shown = client.get("/notes/2").unwrap();
    assert_eq!(shown.field("content-type"), Some("application/json"));
    assert!(shown.text().contains("읽다"));
    for status in [204, 404] {
        let reply = client.exchange(request("DELETE /notes/2", "", "")).unwrap();
        assert_eq!(reply.status, status);
    }
    assert_eq!(client.get("/notes/2").unwrap().status, 404);
}

fn extractors_refuse_what_they_cannot_read(served: &Served) {
    let mut client = served.client();
    for (line, fields, body, status) in [
        (
            "POST /notes",
            "Content-Type: application/json\r\n",
            "{",
            400,
        ),
        (
            "POST /notes",
            "Content-Type: application/json\r\n",
            "{}",
            422,
        ),
        ("POST /notes", "Content-Type: text/plain\r\n", "x", 415),
        ("GET /notes?limit=many", "", "", 400),
        ("GET /notes/first", "", "", 400),
        ("PUT /notes", "", "", 405),
    ] {
        let reply = client.exchange(request(line, fields, body)).unwrap();
        assert_eq!(reply.status, status, "{line}");
    }
}

fn answers_are_compressed_for_those_who_take_it(served: &Served) {
    let mut client = served.client();
    let text = "the same again, ".repeat(1000);
    write_note(&mut client, &text);
    let plain = client.get("/notes/1").unwrap();
    assert_eq!(plain.field("content-encoding"), None);
    assert_eq!(plain.end, BodyEnd::Length(plain.body.len() as u64));

    let packed = request("GET /notes/1", "Accept-Encoding: gzip\r\n", "");
    let packed = client.exchange(packed).unwrap();
    assert_eq!(packed.field("content-encoding"), Some("gzip"));
    assert_eq!(packed.end, BodyEnd::Chunked);
    assert!(packed.body.len() < plain.body.len() / 10);
    let mut unpacked = Vec::new();
    flate2::read::GzDecoder::new(&packed.body[..])
        .read_to_end(&mut unpacked)
        .unwrap();
    assert_eq!(unpacked, plain.body);
}

/// Reads what comes until it ends with `end`.
fn read_until(client: &mut Client, end: &str) -> String {
    let mut text = String::new();
    while !text.ends_with(end) {
        text.push(char::from(client.read_some(1).unwrap()[0]));
    }
    text
}

/// A client that watches, and has been told so.
fn watching(served: &Served) -> Client {
    let mut watcher = served.client();
    watcher.send(request("GET /notes/events", "", "")).unwrap();
    let begun = read_until(&mut watcher, ": watching\n\n");
    assert!(begun.contains("content-type: text/event-stream"), "{begun}");
    watcher
}

fn events_come_when_they_happen(served: &Served) {
    let mut watcher = watching(served);
    let mut writer = served.client();
    for text in ["first", "second"] {
        write_note(&mut writer, text);
        // The answer goes on; this much of it is here.
        let event = read_until(&mut watcher, &format!("data: {text}\n\n"));
        assert!(event.contains("event: note\n"), "{event}");
    }
    watcher.reset().unwrap();
    served.ends();
}

fn closing_the_notes_ends_the_events(served: &Served) {
    let mut watcher = watching(served);
    served.notes.close();
    read_until(&mut watcher, "\r\n0\r\n\r\n");
    served.ends();
}

fn an_upload_is_counted_in_pieces(served: &Served) {
    let mut client = served.client();
    let head = "POST /upload HTTP/1.1\r\nHost: notes\r\nTransfer-Encoding: chunked\r\n\r\n";
    client.send(head).unwrap();
    for _ in 0..10 {
        let piece = "x".repeat(1000);
        client.send(format!("3e8\r\n{piece}\r\n")).unwrap();
    }
    client.send("0\r\n\r\n").unwrap();
    let reply = client.read_final(&Method::POST).unwrap();
    assert_eq!(reply.text(), "10000 bytes\n");
}

fn an_upload_beyond_the_limit_is_refused(served: &Served) {
    let mut client = served.client();
    let head = "POST /upload HTTP/1.1\r\nHost: notes\r\nTransfer-Encoding: chunked\r\n\r\n";
    let length = LARGEST_BODY + 1;
    let body = format!("{length:x}\r\n{}\r\n0\r\n\r\n", "x".repeat(length));
    client
        .send_meanwhile([head.as_bytes(), body.as_bytes()].concat())
        .unwrap();
    assert_eq!(client.read_final(&Method::POST).unwrap().status, 413);
}

fn the_client_is_told_who_it_is(served: &Served) {
    let mut client = served.client();
    let address = client.local_addr().unwrap();
    let reply = client.get("/client").unwrap();
    assert!(
        reply
            .text()
            .starts_with(&format!("address: {address}\nmounted at: \"\"\n"))
    );
}

fn a_gateway_application_answers_inside_the_router(served: &Served) {
    for target in ["/hello/Ada", "/hello/blocking/Ada", "/below/hello/Ada"] {
        assert_eq!(served.get(target).text(), "Hello, Ada!\n", "{target}");
    }
    assert_eq!(served.get("/hello").text(), "Hello, world!\n");
    assert_eq!(served.get("/hello/%EC%84%9C").text(), "Hello, 서!\n");
}

fn a_mount_in_front_changes_nothing_for_the_router(served: &Served) {
    write_note(&mut served.client(), "seen from below");
    assert!(
        served
            .get("/below/notes/1")
            .text()
            .contains("seen from below")
    );
    assert!(
        served
            .get("/below/client")
            .text()
            .contains("mounted at: \"/below\"")
    );
    assert_eq!(served.get("/below").text(), "Notes are at /notes\n");
    assert_eq!(served.get("/below/nothing").status, 404);
}

fn head_and_unknown_paths_are_axums_business(served: &Served) {
    let mut client = served.client();
    let head = client.exchange(request("HEAD /notes", "", "")).unwrap();
    assert_eq!(
        (head.status, head.field("content-length")),
        (200, Some("2"))
    );
    assert_eq!(client.get("/nothing").unwrap().status, 404);
}

fn a_stop_ends_the_host(served: &Served) {
    assert_eq!(served.get("/").status, 200);
    served.ends();
}

//! Requests are answered, whichever way the application is written.

mod common;

use common::{start, status};
use gateway_core::{Body, Environ, Response, Result, blocking, text};

async fn echo(mut environ: Environ) -> Result {
    let body = environ.input().read_all(1 << 20).await?;
    Ok(text(
        format!("{} {} ", environ.method(), environ.path_info()) + &String::from_utf8_lossy(&body),
    ))
}

fn blocking_echo(mut environ: Environ) -> Result {
    let body = environ.input().blocking_read_all(1 << 20)?;
    Ok(text(
        format!("{} {} ", environ.method(), environ.path_info()) + &String::from_utf8_lossy(&body),
    ))
}

const POST: &str =
    "POST /a%20b HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello";

#[test]
fn answers_async_and_blocking_applications() {
    for server in [start(echo), start(blocking(blocking_echo))] {
        let response = server.whole(POST);
        assert_eq!(status(&response), 200);
        assert!(
            response.contains("\r\ncontent-length: 15\r\n"),
            "{response}"
        );
        assert!(response.ends_with("\r\n\r\nPOST /a b hello"), "{response}");
    }
}

#[test]
fn sends_every_kind_of_body() {
    let file = {
        use std::io::Write;
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(&vec![b'f'; 200_000]).unwrap();
        file
    };
    let path = file.path().to_owned();
    let server = start(move |environ: Environ| {
        let path = path.clone();
        async move {
            let body = match environ.path_info() {
                "/empty" => Body::empty(),
                "/bytes" => Body::from("bytes"),
                "/file" => Body::file(std::fs::File::open(path)?, 1, 199_999),
                "/iter" => Body::iter(["it", "er"].map(Ok::<_, gateway_core::Error>)),
                "/stream" => Body::stream(Body::from("stream")),
                _ => {
                    let (mut sender, body) = Body::channel(1);
                    tokio::spawn(async move {
                        sender.send("chan").await?;
                        sender.send("nel").await?;
                        sender.finish();
                        Ok::<_, gateway_core::Closed>(())
                    });
                    body
                }
            };
            Ok(Response::new(body))
        }
    });
    for (path, length, end) in [
        ("empty", Some(0), "\r\n\r\n"),
        ("bytes", Some(5), "\r\n\r\nbytes"),
        ("file", Some(199_999), "ffff"),
        ("iter", None, "\r\n\r\n2\r\nit\r\n2\r\ner\r\n0\r\n\r\n"),
        ("stream", Some(6), "\r\n\r\nstream"),
        (
            "channel",
            None,
            "\r\n\r\n4\r\nchan\r\n3\r\nnel\r\n0\r\n\r\n",
        ),
    ] {
        let request = format!("GET /{path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        let response = server.whole(request);
        assert!(response.ends_with(end), "{path}: {response}");
        let declared = length.map_or("transfer-encoding: chunked".to_owned(), |length| {
            format!("content-length: {length}")
        });
        assert!(response.contains(&declared), "{path}: {response}");
    }
}

#[test]
fn an_answer_that_requires_an_upgrade_says_which() {
    let server = start(|environ: Environ| async move {
        let mut answer = text("upgrade first");
        *answer.status_mut() = http::StatusCode::UPGRADE_REQUIRED;
        let headers = answer.headers_mut();
        headers.insert("upgrade", http::HeaderValue::from_static("example/1"));
        if environ.path_info() == "/close" {
            headers.insert("connection", http::HeaderValue::from_static("close"));
        }
        Ok(answer)
    });
    let mut client = server.connect();
    client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    let answer = client.until("upgrade first");
    assert!(answer.starts_with("HTTP/1.1 426 "), "{answer}");
    assert!(answer.contains("\r\nupgrade: example/1\r\n"), "{answer}");
    assert!(answer.contains("\r\nconnection: upgrade\r\n"), "{answer}");
    client.send("GET /close HTTP/1.1\r\nHost: x\r\n\r\n");
    let last = client.rest();
    assert!(
        last.contains("\r\nconnection: upgrade, close\r\n"),
        "{last}"
    );
}

#[test]
fn not_modified_keeps_the_length_that_get_has() {
    let server = start(|_environ: Environ| async {
        let mut answer = Response::new(Body::default());
        *answer.status_mut() = http::StatusCode::NOT_MODIFIED;
        let headers = answer.headers_mut();
        headers.insert("content-length", http::HeaderValue::from_static("12345"));
        Ok(answer)
    });
    let get = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
    let last = "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    let answers = server.whole([get, last].concat());
    let heads: Vec<_> = answers.split_terminator("\r\n\r\n").collect();
    assert_eq!(heads.len(), 2, "{answers}");
    for head in heads {
        assert!(head.starts_with("HTTP/1.1 304 "), "{answers}");
        assert_eq!(head.matches("content-length: 12345").count(), 1);
    }
}

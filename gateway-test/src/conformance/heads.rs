//! Request heads: what is read, and what is refused (RFC 9112 §2, §3, §5).

use super::{Stage, Verdict, request};
use crate::fixtures::{Dump, dump, hello};

cases! {
    /// **H7.** A host MUST call the application once for each request, and send what it answers.
    ///
    /// *Why*: This is what a host is for.
    ///
    /// *Source*: PEP 3333, "The Server/Gateway Side"; RFC 9112 §2, §3.
    H7 Interface {
        both answers_a_request;
        both reads_a_head_that_comes_byte_by_byte;
        once ignores_an_empty_line_before_the_request;
        once passes_methods_on_that_it_does_not_know;
    }

    /// **H8.** A host that reads HTTP itself MUST refuse a request head that is not as the grammar has it,
    /// before the application is called, and read nothing after it.
    ///
    /// *Why*: What one reader forgives and another does not is how a request is smuggled past one of them.
    ///
    /// *Source*: RFC 9112 §2.2, §3, §5; RFC 9110 §5.
    H8 Http {
        once refuses_bare_line_feeds;
        once refuses_bare_carriage_returns;
        once refuses_folded_lines;
        once refuses_space_before_the_colon;
        once refuses_lines_without_a_name;
        once refuses_control_characters_in_values;
        once refuses_malformed_request_lines;
        once refuses_other_versions;
        once refuses_names_with_an_underscore;
        once refuses_malformed_methods;
    }
}

fn answers_a_request(stage: &Stage<'_>) -> Verdict {
    let host = stage.serve(hello(stage.style()))?;
    let reply = host.client()?.get("/")?;
    assert_eq!((reply.status, reply.text()), (200, "Hello, world!"));
    assert_eq!(reply.minor_version, 1);
    assert_eq!(reply.reason, "OK");
    assert_eq!(reply.all("content-type"), ["text/plain; charset=utf-8"]);
    assert_eq!(reply.all("content-length"), ["13"]);
    assert!(!reply.says_close(), "{reply:?}");
    Ok(())
}

fn reads_a_head_that_comes_byte_by_byte(stage: &Stage<'_>) -> Verdict {
    let host = stage.serve(dump(stage.style()))?;
    let mut client = host.client()?;
    let bytes = request("POST /a?b=c", &["Content-Length: 4", "X-A: 1"], "body");
    client.send_in_pieces(bytes, 1)?;
    let dump = Dump::parse(&client.read(&http::Method::POST)?.body)?;
    assert_eq!(dump.var("QUERY_STRING"), Some("b=c"));
    assert_eq!(dump.var("HTTP_X_A"), Some("1"));
    assert_eq!(dump.body, b"body");
    Ok(())
}

fn ignores_an_empty_line_before_the_request(stage: &Stage<'_>) -> Verdict {
    let host = stage.serve(hello(stage.style()))?;
    let mut client = host.client()?;
    for _ in 0..2 {
        client.send("\r\n")?; // RFC 9112 §2.2: old clients send one after a POST
        assert_eq!(client.get("/")?.status, 200);
    }
    Ok(())
}

fn refuses_bare_line_feeds(stage: &Stage<'_>) -> Verdict {
    let requests = [
        "GET / HTTP/1.1\nHost: x\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\n\n",
        "GET / HTTP/1.1\r\nHost: x\r\nA: b\nC: d\r\n\r\n",
        "GET / HTTP/1.1\nHost: x\n\n",
    ];
    stage.refuses(&requests, &[400])
}

fn refuses_bare_carriage_returns(stage: &Stage<'_>) -> Verdict {
    let requests = [
        "GET / HTTP/1.1\rHost: x\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\rA: b\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\r\n\r\n",
    ];
    stage.refuses(&requests, &[400])
}

fn refuses_folded_lines(stage: &Stage<'_>) -> Verdict {
    let requests = [
        "GET / HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\nA: b\r\n\tc\r\n\r\n",
        "GET / HTTP/1.1\r\n Host: x\r\n\r\n",
    ];
    stage.refuses(&requests, &[400])
}

fn refuses_space_before_the_colon(stage: &Stage<'_>) -> Verdict {
    let requests = [
        request("GET /", &["Content-Length : 5"], "hello"),
        request("GET /", &["Transfer-Encoding\t: chunked"], "0\r\n\r\n"),
        request("GET /", &["A : b"], ""),
    ];
    stage.refuses(&requests, &[400])
}

fn refuses_lines_without_a_name(stage: &Stage<'_>) -> Verdict {
    let requests = [
        request("GET /", &["no colon"], ""),
        request("GET /", &[": no name"], ""),
        request("GET /", &["two words: x"], ""),
        request("GET /", &["näme: x"], ""),
    ];
    stage.refuses(&requests, &[400])
}

fn refuses_control_characters_in_values(stage: &Stage<'_>) -> Verdict {
    let requests = [
        request("GET /", &["A: b\0c"], ""),
        request("GET /", &["A: \u{1b}[2J"], ""),
        request("GET /", &["A: \u{7f}"], ""),
    ];
    stage.refuses(&requests, &[400])
}

fn refuses_malformed_request_lines(stage: &Stage<'_>) -> Verdict {
    let requests = [
        "GET  / HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /  HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET / HTTP/1.1 \r\nHost: x\r\n\r\n",
        " GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /a b HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /\r\nHost: x\r\n\r\n",
        "GET\r\nHost: x\r\n\r\n",
        "GET / http/1.1\r\nHost: x\r\n\r\n",
        "GET / HTTP/1.1.1\r\nHost: x\r\n\r\n",
        "GET / HTTP/11\r\nHost: x\r\n\r\n",
        "\0\r\n\r\n",
    ];
    stage.refuses(&requests, &[400])
}

fn refuses_other_versions(stage: &Stage<'_>) -> Verdict {
    let requests = [
        "GET / HTTP/1.2\r\nHost: x\r\n\r\n",
        "GET / HTTP/0.9\r\nHost: x\r\n\r\n",
        "GET / HTTP/3.0\r\nHost: x\r\n\r\n",
    ];
    stage.refuses(&requests, &[400, 505])
}

fn refuses_names_with_an_underscore(stage: &Stage<'_>) -> Verdict {
    // In the CGI view they look like the name with a dash, which a proxy may have checked.
    let requests = [
        request("GET /", &["X_Forwarded_For: 10.0.0.1"], ""),
        request("GET /", &["Content_Length: 5"], ""),
    ];
    stage.refuses(&requests, &[400])
}

fn refuses_malformed_methods(stage: &Stage<'_>) -> Verdict {
    let requests = [
        "G(T / HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET: / HTTP/1.1\r\nHost: x\r\n\r\n",
        "G\u{e9}T / HTTP/1.1\r\nHost: x\r\n\r\n",
    ];
    stage.refuses(&requests, &[400])
}

fn passes_methods_on_that_it_does_not_know(stage: &Stage<'_>) -> Verdict {
    let host = stage.serve(dump(stage.style()))?;
    let mut client = host.client()?;
    for method in ["PURGE", "get", "M-SEARCH", "PROPFIND"] {
        let reply = client.exchange(request(&format!("{method} /"), &[], ""))?;
        assert_eq!(
            Dump::parse(&reply.body)?.var("REQUEST_METHOD"),
            Some(method)
        );
    }
    Ok(())
}

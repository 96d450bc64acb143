//! Request targets and Host (RFC 9112 §3.2), and the paths that come of them.

use super::{Stage, Verdict, request};
use crate::fixtures::{Dump, dump};

cases! {
    /// **H9.** A host MUST read the target in the form that suits the method, and exactly one Host; it MUST
    /// refuse what is neither.
    ///
    /// *Why*: Who is asked for decides who answers, and what a cache in front stores.
    ///
    /// *Source*: RFC 9112 §3.2; RFC 9110 §7.2.
    H9 Http {
        once refuses_a_missing_host;
        once refuses_two_hosts;
        once refuses_a_malformed_host;
        once needs_no_host_in_http10;
        once takes_the_absolute_form;
        once an_absolute_form_with_another_host_never_serves_that_host;
        once takes_the_asterisk_of_options;
        once refuses_the_asterisk_of_others;
        once answers_connect_with_501;
        once refuses_targets_of_no_form;
    }

    /// **E11.** PATH_INFO MUST be the path of the target, percent-decoded to UTF-8, and QUERY_STRING the
    /// query as sent; a path that is no text MUST be refused.
    ///
    /// *Why*: Each application would decode for itself, and two of them differently.
    ///
    /// *Source*: RFC 3875 §4.1.5, §4.1.7; PEP 3333, "Unicode Issues".
    E11 Interface {
        both decodes_the_path;
        once keeps_the_query_as_sent;
        once refuses_paths_that_are_no_text;
    }
}

fn refuses_a_missing_host(stage: &Stage<'_>) -> Verdict {
    let requests = [
        "GET / HTTP/1.1\r\n\r\n",
        "GET http://x/ HTTP/1.1\r\n\r\n",
        "OPTIONS * HTTP/1.1\r\nA: b\r\n\r\n",
    ];
    stage.refuses(&requests, &[400])
}

fn refuses_two_hosts(stage: &Stage<'_>) -> Verdict {
    let requests = [
        request("GET /", &["Host: other.example"], ""),
        request("GET /", &["hOST: test.example"], ""),
        b"GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n".to_vec(),
    ];
    stage.refuses(&requests, &[400])
}

fn refuses_a_malformed_host(stage: &Stage<'_>) -> Verdict {
    let hosts = [
        "a b", "a,b", "a/b", "user@a", "a:port", "a:99999", "[::1", "[zz]", "a:1:2", "a?b", "a#b",
        "\u{e9}",
    ];
    let requests: Vec<String> = hosts
        .iter()
        .map(|host| format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n"))
        .collect();
    stage.refuses(&requests, &[400])
}

fn needs_no_host_in_http10(stage: &Stage<'_>) -> Verdict {
    let host = stage.serve(dump(stage.style()))?;
    let reply = host.client()?.exchange("GET /old HTTP/1.0\r\n\r\n")?;
    let dump = Dump::parse(&reply.body)?;
    assert_eq!(dump.var("SERVER_PROTOCOL"), Some("HTTP/1.0"));
    assert_eq!(dump.var("SERVER_NAME"), Some("127.0.0.1"));
    Ok(())
}

fn takes_the_absolute_form(stage: &Stage<'_>) -> Verdict {
    let host = stage.serve(dump(stage.style()))?;
    let mut client = host.client()?;
    let reply = client.exchange(request("GET http://test.example/a%20b?q", &[], ""))?;
    let dump = Dump::parse(&reply.body)?;
    assert_eq!(dump.var("SERVER_NAME"), Some("test.example"));
    assert_eq!(dump.var("PATH_INFO"), Some("/a b"));
    assert_eq!(dump.var("QUERY_STRING"), Some("q"));
    let reply = client.exchange(request("GET http://test.example", &[], ""))?;
    assert_eq!(Dump::parse(&reply.body)?.var("PATH_INFO"), Some("/"));
    Ok(())
}

/// RFC 9112 §3.2.2: the target wins. Refusing is as safe.
fn an_absolute_form_with_another_host_never_serves_that_host(stage: &Stage<'_>) -> Verdict {
    let host = stage.serve(dump(stage.style()))?;
    let bytes = request("GET http://other.example/", &[], "");
    let reply = host.client()?.exchange(bytes)?;
    if reply.status != 400 {
        let dump = Dump::parse(&reply.body)?;
        assert_eq!(dump.var("SERVER_NAME"), Some("other.example"));
    }
    Ok(())
}

fn takes_the_asterisk_of_options(stage: &Stage<'_>) -> Verdict {
    let host = stage.serve(dump(stage.style()))?;
    let reply = host.client()?.exchange(request("OPTIONS *", &[], ""))?;
    let dump = Dump::parse(&reply.body)?;
    assert_eq!(dump.var("PATH_INFO"), Some("*"));
    assert_eq!(dump.var("SCRIPT_NAME"), Some(""));
    Ok(())
}

fn refuses_the_asterisk_of_others(stage: &Stage<'_>) -> Verdict {
    let requests = [request("GET *", &[], ""), request("OPTIONS **", &[], "")];
    stage.refuses(&requests, &[400])
}

fn answers_connect_with_501(stage: &Stage<'_>) -> Verdict {
    let connect = "CONNECT test.example:443 HTTP/1.1\r\nHost: test.example:443\r\n\r\n";
    stage.refuses(&[connect], &[501])
}

fn refuses_targets_of_no_form(stage: &Stage<'_>) -> Verdict {
    let requests = [
        request("GET path", &[], ""),
        request("GET ?query", &[], ""),
        request("GET test.example:80", &[], ""),
        request("GET http://", &[], ""),
        request("GET http:///path", &[], ""),
        request("GET http://user@test.example/", &[], ""),
        request("GET ftp://test.example/", &[], ""),
        request("GET /a#fragment", &[], ""),
        request("GET /\u{e9}", &[], ""),
        request("GET /a\u{7f}", &[], ""),
        request("CONNECT /", &[], ""),
        request("CONNECT test.example", &[], ""),
    ];
    stage.refuses(&requests, &[400])
}

fn decodes_the_path(stage: &Stage<'_>) -> Verdict {
    let host = stage.serve(dump(stage.style()))?;
    let mut client = host.client()?;
    for (target, decoded) in [
        ("/plain+text", "/plain+text"),
        ("/a%20b%2Fc", "/a b/c"),
        ("/%EC%84%9C%ec%9a%b8", "/서울"),
        ("//double//slash", "//double//slash"),
        ("/a/../b/./c", "/a/../b/./c"),
    ] {
        let dump = Dump::parse(&client.get(target)?.body)?;
        assert_eq!(dump.var("PATH_INFO"), Some(decoded), "{target}");
        assert_eq!(dump.var("raw_path"), Some(target));
    }
    Ok(())
}

fn keeps_the_query_as_sent(stage: &Stage<'_>) -> Verdict {
    let host = stage.serve(dump(stage.style()))?;
    let mut client = host.client()?;
    for query in ["a=%00&b=%FF&c=%", "", "?", "a?b=/c", "a+b%20c"] {
        let dump = Dump::parse(&client.get(&format!("/?{query}"))?.body)?;
        assert_eq!(dump.var("QUERY_STRING"), Some(query));
    }
    Ok(())
}

fn refuses_paths_that_are_no_text(stage: &Stage<'_>) -> Verdict {
    let calls = crate::Log::new();
    let host = stage.serve(super::noted(stage.style(), &calls))?;
    for target in [
        "/%00",
        "/a%00b",
        "/%FF",
        "/%C0%AF",
        "/%ED%A0%80",
        "/%",
        "/%4",
        "/%zz",
    ] {
        let mut client = host.client()?;
        assert_eq!(client.get(target)?.status, 400, "{target}");
        assert!(calls.is_empty(), "{target}");
        // Its end is known all the same: the connection goes on.
        assert_eq!(client.get(target)?.status, 400, "{target}, again");
    }
    Ok(())
}

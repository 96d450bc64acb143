//! What the application is told about the request.

use super::{Listen, Stage, Verdict, request};
use crate::client::Client;
use crate::fixtures::{Dump, dump, mounted};

cases! {
    /// **E12.** The environ MUST tell the same by its CGI names as by its methods; a field MUST NOT pass for
    /// a variable, nor for another field.
    ///
    /// *Why*: `HTTP_PROXY` and the like are taken for settings by many programs.
    ///
    /// *Source*: RFC 3875 §4.1; CVE-2016-5385.
    E12 Interface {
        both tells_the_request_by_its_cgi_names;
        once joins_fields_of_the_same_name;
        once never_lets_a_header_pass_for_a_variable;
    }

    /// **E13.** The environ MUST name the server as the client did, and the two ends of the connection where
    /// there is one.
    ///
    /// *Why*: URLs are put together from the first, and access is decided by the second.
    ///
    /// *Source*: RFC 3875 §4.1.8, §4.1.14, §4.1.15; PEP 3333, "URL Reconstruction".
    E13 Interface {
        once names_the_server_as_the_client_does;
        once tells_who_the_ends_are;
    }

    E13 Listening {
        once knows_its_port_and_name_on_ipv6;
    }

    /// **E14.** The environ MUST tell when the request came and by when the answer is due, if the host has a
    /// limit.
    ///
    /// *Why*: The first tells the time in the queue; the second is what upstream calls have left.
    E14 Timeouts {
        once tells_when_the_request_came_and_when_the_answer_is_due;
    }

    E1 Interface {
        both splits_the_path_at_a_mount;
    }
}

fn tells_the_request_by_its_cgi_names(stage: &Stage<'_>) -> Verdict {
    let host = stage.serve(dump(stage.style()))?;
    let fields = ["Content-Type: text/x", "Content-Length: 2", "Accept: */*"];
    let reply = host
        .client()?
        .exchange(request("PUT /p?q=1", &fields, "hi"))?;
    let dump = Dump::parse(&reply.body)?;
    for (name, value) in [
        ("GATEWAY_INTERFACE", "CGI/1.1"),
        ("REQUEST_METHOD", "PUT"),
        ("SCRIPT_NAME", ""),
        ("PATH_INFO", "/p"),
        ("QUERY_STRING", "q=1"),
        ("REQUEST_URI", "/p?q=1"),
        ("SERVER_PROTOCOL", "HTTP/1.1"),
        ("SERVER_NAME", "test.example"),
        ("wsgi.url_scheme", "http"),
        ("CONTENT_TYPE", "text/x"),
        ("CONTENT_LENGTH", "2"),
        ("HTTP_ACCEPT", "*/*"),
        ("HTTP_HOST", "test.example"),
    ] {
        assert_eq!(dump.var(name), Some(value), "{name}");
    }
    assert_eq!(dump.var("HTTPS"), None);
    assert!(
        dump.var("SERVER_SOFTWARE")
            .is_some_and(|software| software.contains('/'))
    );
    assert_eq!(dump.body, b"hi");
    Ok(())
}

fn names_the_server_as_the_client_does(stage: &Stage<'_>) -> Verdict {
    let host = stage.serve(dump(stage.style()))?;
    let mut client = host.client()?;
    for (sent, name) in [
        ("example.com", "example.com"),
        ("EXAMPLE.com:8080", "EXAMPLE.com"),
        ("127.0.0.1:80", "127.0.0.1"),
        ("[::1]", "[::1]"),
        ("[2001:db8::1]:8080", "[2001:db8::1]"),
        ("a-b.xn--p1ai", "a-b.xn--p1ai"),
    ] {
        let reply = client.exchange(format!("GET /p?q HTTP/1.1\r\nHost: {sent}\r\n\r\n"))?;
        let dump = Dump::parse(&reply.body)?;
        assert_eq!(dump.var("SERVER_NAME"), Some(name));
        let url = format!("http://{sent}/p?q");
        assert_eq!(dump.var("url"), Some(&*url));
    }
    Ok(())
}

fn tells_who_the_ends_are(stage: &Stage<'_>) -> Verdict {
    let host = stage.serve(dump(stage.style()))?;
    let mut client = host.client()?;
    let dump = Dump::parse(&client.get("/")?.body)?;
    let listening = host.addresses()[0].to_string();
    assert_eq!(dump.var("local"), Some(&*listening));
    let Some(own) = client.local_addr() else {
        assert_eq!(dump.var("remote"), Some("unix:"));
        return Ok(());
    };
    assert_eq!(dump.var("remote"), Some(&*own.to_string()));
    let port = listening.rsplit(':').next();
    assert_eq!(dump.var("SERVER_PORT"), port);
    assert_eq!(dump.var("REMOTE_ADDR"), Some("127.0.0.1"));
    Ok(())
}

fn joins_fields_of_the_same_name(stage: &Stage<'_>) -> Verdict {
    let host = stage.serve(dump(stage.style()))?;
    let fields = [
        "X-A: 1",
        "Cookie: a=1",
        "x-a:  2\t",
        "Cookie: b=2",
        "X-Empty:",
    ];
    let reply = host.client()?.exchange(request("GET /", &fields, ""))?;
    let dump = Dump::parse(&reply.body)?;
    assert_eq!(dump.var("HTTP_X_A"), Some("1, 2"));
    assert_eq!(dump.var("HTTP_COOKIE"), Some("a=1; b=2"));
    assert_eq!(dump.var("HTTP_X_EMPTY"), Some(""));
    Ok(())
}

fn never_lets_a_header_pass_for_a_variable(stage: &Stage<'_>) -> Verdict {
    let host = stage.serve(dump(stage.style()))?;
    let fields = [
        "Proxy: http://evil.example",
        "Remote-Addr: 10.0.0.1",
        "Https: on",
    ];
    let mut client = host.client()?;
    let reply = client.exchange(request("GET /", &fields, ""))?;
    let dump = Dump::parse(&reply.body)?;
    assert_eq!(dump.var("HTTP_PROXY"), None); // CVE-2016-5385
    let own = client.local_addr().map(|address| address.ip().to_string());
    assert_eq!(dump.var("REMOTE_ADDR"), own.as_deref());
    assert_eq!(dump.var("HTTPS"), None);
    Ok(())
}

fn tells_when_the_request_came_and_when_the_answer_is_due(stage: &Stage<'_>) -> Verdict {
    let host = stage.serve(dump(stage.style()))?;
    let dump_of = |host: &super::Running| -> Result<Dump, super::Flaw> {
        Ok(Dump::parse(&host.client()?.get("/")?.body)?)
    };
    let told = dump_of(&host)?;
    assert_eq!(told.var("received"), Some("true"));
    assert_eq!(told.var("deadline"), Some("false")); // none by default
    let host = stage.serve_with(dump(stage.style()), |setup| {
        setup.timeouts.request = Some(std::time::Duration::from_secs(60));
    })?;
    assert_eq!(dump_of(&host)?.var("deadline"), Some("true"));
    Ok(())
}

fn splits_the_path_at_a_mount(stage: &Stage<'_>) -> Verdict {
    let host = stage.serve(mounted(stage.style()))?;
    let mut client = host.client()?;
    for (target, script_name, path_info) in [
        ("/mounted", "/mounted", ""),
        ("/mounted/x%20y", "/mounted", "/x y"),
        ("/mounted/deeper/x", "/mounted/deeper", "/x"),
        ("/%6Dounted/deep", "/mounted", "/deep"),
    ] {
        let dump = Dump::parse(&client.get(target)?.body)?;
        assert_eq!(dump.var("SCRIPT_NAME"), Some(script_name), "{target}");
        assert_eq!(dump.var("PATH_INFO"), Some(path_info), "{target}");
    }
    assert_eq!(client.get("/elsewhere")?.status, 404);
    assert_eq!(client.get("/mountedx")?.status, 404);
    Ok(())
}

fn knows_its_port_and_name_on_ipv6(stage: &Stage<'_>) -> Verdict {
    let Ok(listener) = std::net::TcpListener::bind("[::1]:0") else {
        return Ok(()); // a machine without IPv6
    };
    let address = listener.local_addr()?;
    let host = stage.serve_with(dump(stage.style()), |setup| {
        setup.listen = vec![Listen::TcpBound(listener)];
    })?;
    let mut client = Client::connect(&host.addresses()[0])?;
    let dump = Dump::parse(&client.exchange("GET /p HTTP/1.0\r\n\r\n")?.body)?;
    assert_eq!(dump.var("SERVER_NAME"), Some("[::1]"));
    let url = format!("http://[::1]:{}/p", address.port());
    assert_eq!(dump.var("url"), Some(&*url));
    Ok(())
}

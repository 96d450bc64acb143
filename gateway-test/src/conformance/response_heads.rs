//! Response heads: status, Date, and the fields of the application.

use http::{StatusCode, Version};

use super::{Stage, Verdict, request};
use crate::fixtures::{Kind, Script, answering, hello};

cases! {
    /// **H19.** A host MUST send the application's status and fields as they are, in order, and add Date
    /// where it is missing.
    ///
    /// *Why*: What an application says about its response is the application's.
    ///
    /// *Source*: RFC 9110 §6.6.1; RFC 9112 §4.
    H19 Interface {
        once dates_every_response;
        once keeps_the_date_of_the_application;
        once keeps_fields_of_the_same_name_apart_and_in_order;
        once sends_many_and_large_fields;
        once sends_any_final_status;
        once speaks_its_own_version_whatever_the_response_says;
        once sends_bytes_beyond_ascii_as_they_are;
    }
}

fn dates_every_response(stage: &Stage<'_>) -> Verdict {
    let host = stage.serve(hello(stage.style()))?;
    for line in ["GET /", "GET *", "GET  /"] {
        let reply = host.client()?.exchange(request(line, &[], ""))?;
        let dates = reply.all("date");
        assert!(
            matches!(dates[..], [date] if is_imf_fixdate(date)),
            "{reply:?}"
        );
    }
    Ok(())
}

/// `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110 §5.6.7).
fn is_imf_fixdate(date: &str) -> bool {
    let shape = "Aaa, 00 Aaa 0000 00:00:00 GMT";
    let fits = |(shape, byte): (u8, u8)| match shape {
        b'0' => byte.is_ascii_digit(),
        b'A' if byte.is_ascii_uppercase() => true,
        b'a' => byte.is_ascii_lowercase(),
        other => byte == other,
    };
    shape.len() == date.len() && shape.bytes().zip(date.bytes()).all(fits)
}

fn keeps_the_date_of_the_application(stage: &Stage<'_>) -> Verdict {
    let date = "Sun, 06 Nov 1994 08:49:37 GMT";
    let host = stage.serve(
        Script::new(Kind::Bytes, ["x"])
            .header("date", date)
            .app(stage.style()),
    )?;
    assert_eq!(host.client()?.get("/")?.all("date"), [date]);
    Ok(())
}

fn keeps_fields_of_the_same_name_apart_and_in_order(stage: &Stage<'_>) -> Verdict {
    let app = Script::new(Kind::Bytes, ["x"])
        .header("set-cookie", "a=1")
        .header("x-between", "y")
        .header("set-cookie", "b=2, c")
        .header("set-cookie", "");
    let host = stage.serve(app.app(stage.style()))?;
    let reply = host.client()?.get("/")?;
    assert_eq!(reply.all("set-cookie"), ["a=1", "b=2, c", ""]);
    Ok(())
}

fn sends_many_and_large_fields(stage: &Stage<'_>) -> Verdict {
    let long = "v".repeat(40_000);
    let sent = long.clone();
    let app = answering(stage.style(), move |_| {
        let mut response = gateway_core::text("x");
        for n in 0..200 {
            let name: http::HeaderName = format!("x-{n}").parse()?;
            response.headers_mut().append(name, n.into());
        }
        response.headers_mut().append("x-long", sent.parse()?);
        Ok(response)
    });
    let host = stage.serve(app)?;
    let reply = host.client()?.get("/")?;
    assert_eq!(reply.all("x-long"), [&*long]);
    for n in 0..200 {
        assert_eq!(reply.all(&format!("x-{n}")), [n.to_string()]);
    }
    Ok(())
}

fn sends_any_final_status(stage: &Stage<'_>) -> Verdict {
    for code in [200, 201, 299, 300, 404, 418, 499, 500, 599] {
        let status = StatusCode::from_u16(code)?;
        let host = stage.serve(
            Script::new(Kind::Bytes, ["x"])
                .status(status)
                .app(stage.style()),
        )?;
        let reply = host.client()?.get("/")?;
        assert_eq!((reply.status, reply.text()), (code, "x"));
    }
    Ok(())
}

/// The version of a response is the host's (RFC 9110 §2.5); an application that proxies may have
/// left another in it.
fn speaks_its_own_version_whatever_the_response_says(stage: &Stage<'_>) -> Verdict {
    for version in [
        Version::HTTP_09,
        Version::HTTP_10,
        Version::HTTP_2,
        Version::HTTP_3,
    ] {
        let app = answering(stage.style(), move |_| {
            let mut response = gateway_core::text("x");
            *response.version_mut() = version;
            Ok(response)
        });
        let host = stage.serve(app)?;
        let mut client = host.client()?;
        for _ in 0..2 {
            let reply = client.get("/")?;
            assert_eq!((reply.minor_version, reply.status), (1, 200), "{version:?}");
        }
    }
    Ok(())
}

fn sends_bytes_beyond_ascii_as_they_are(stage: &Stage<'_>) -> Verdict {
    let app = answering(stage.style(), |_| {
        let mut response = gateway_core::text("x");
        for (name, value) in [("x-utf8", &b"caf\xc3\xa9"[..]), ("x-latin1", b"caf\xe9")] {
            let value = http::HeaderValue::from_bytes(value)?;
            response.headers_mut().insert(name, value);
        }
        Ok(response)
    });
    let host = stage.serve(app)?;
    let mut client = host.client()?;
    client.send(request("GET /", &["Connection: close"], ""))?;
    let bytes = client.read_to_end()?;
    for line in [&b"x-utf8: caf\xc3\xa9\r\n"[..], b"x-latin1: caf\xe9\r\n"] {
        let found = bytes
            .windows(line.len())
            .any(|part| part.eq_ignore_ascii_case(line));
        assert!(found, "{}", bytes.escape_ascii());
    }
    Ok(())
}

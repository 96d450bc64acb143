//! Response heads: status, Date, and the fields of the application.

use http::StatusCode;

use super::{Stage, Verdict, request};
use crate::fixtures::{Kind, Script, answering, hello};

cases! {
    once dates_every_response;
    once keeps_the_date_of_the_application;
    once keeps_fields_of_the_same_name_apart_and_in_order;
    once sends_many_and_large_fields;
    once sends_any_final_status;
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

//! The fields an application sets: copied, honoured or refused.

use http::StatusCode;
use http::header::{
    CONNECTION, CONTENT_LENGTH, DATE, HeaderMap, HeaderName, HeaderValue, TE, TRANSFER_ENCODING,
    UPGRADE,
};

use crate::encode_error::EncodeError;
use crate::token;

/// What the application itself said about the things that are decided here.
#[derive(Default)]
pub(crate) struct Own {
    pub(crate) content_length: Option<u64>,
    pub(crate) close: bool,
    pub(crate) upgrade: bool,
    pub(crate) date: bool,
}

/// Copies the application's fields, but for those that are decided here.
pub(crate) fn write_application_fields(
    out: &mut Vec<u8>,
    status: StatusCode,
    headers: &HeaderMap,
) -> Result<Own, EncodeError> {
    let may_upgrade = matches!(
        status,
        StatusCode::SWITCHING_PROTOCOLS | StatusCode::UPGRADE_REQUIRED
    );
    let mut own = Own::default();
    for (name, value) in headers {
        match special(name) {
            Special::ContentLength => {
                own.content_length = Some(content_length(own.content_length, value)?);
                continue;
            }
            Special::Connection => {
                own.close |= asks_to_close(value, may_upgrade)?;
                continue;
            }
            Special::Upgrade if may_upgrade => own.upgrade = true,
            Special::Upgrade => return Err(EncodeError::HopByHop("upgrade")),
            Special::HopByHop(name) => return Err(EncodeError::HopByHop(name)),
            Special::Date => own.date = true,
            Special::No => {}
        }
        write_field(out, name, value);
    }
    Ok(own)
}

/// Refuses what an interim response may not have: fields of the connection, and a length.
pub(crate) fn check_interim(headers: &HeaderMap) -> Result<(), EncodeError> {
    headers.keys().try_for_each(|name| match special(name) {
        Special::ContentLength => Err(EncodeError::InvalidContentLength),
        Special::Connection => Err(EncodeError::HopByHop("connection")),
        Special::Upgrade => Err(EncodeError::HopByHop("upgrade")),
        Special::HopByHop(name) => Err(EncodeError::HopByHop(name)),
        Special::Date | Special::No => Ok(()),
    })
}

/// Writes `headers` as they are.
pub(crate) fn write_fields(out: &mut Vec<u8>, headers: &HeaderMap) {
    for (name, value) in headers {
        write_field(out, name, value);
    }
}

/// The types of the http crate hold no CR, LF or NUL, so that an application cannot inject a line.
fn write_field(out: &mut Vec<u8>, name: &HeaderName, value: &HeaderValue) {
    out.extend_from_slice(name.as_str().as_bytes());
    out.extend_from_slice(b": ");
    out.extend_from_slice(value.as_bytes());
    out.extend_from_slice(b"\r\n");
}

/// A field that is not simply copied.
enum Special {
    No,
    ContentLength,
    Connection,
    Upgrade,
    Date,
    HopByHop(&'static str),
}

/// RFC 9110 §7.6.1 has the list of what belongs to the connection.
fn special(name: &HeaderName) -> Special {
    if *name == CONTENT_LENGTH {
        return Special::ContentLength;
    }
    if *name == DATE {
        return Special::Date;
    }
    if *name == CONNECTION {
        return Special::Connection;
    }
    if *name == UPGRADE {
        return Special::Upgrade;
    }
    if *name == TRANSFER_ENCODING {
        return Special::HopByHop("transfer-encoding");
    }
    if *name == TE {
        return Special::HopByHop("te");
    }
    match name.as_str() {
        "keep-alive" => Special::HopByHop("keep-alive"),
        "proxy-connection" => Special::HopByHop("proxy-connection"),
        _ => Special::No,
    }
}

fn content_length(earlier: Option<u64>, value: &HeaderValue) -> Result<u64, EncodeError> {
    match (earlier, token::decimal(value.as_bytes())) {
        (None, Some(length)) => Ok(length),
        _ => Err(EncodeError::InvalidContentLength),
    }
}

/// Whether the application's Connection says `close`. Beside it, only `upgrade` may stand there, and only
/// where it belongs.
fn asks_to_close(value: &HeaderValue, may_upgrade: bool) -> Result<bool, EncodeError> {
    let mut close = false;
    for option in token::list(value.as_bytes()) {
        if option.eq_ignore_ascii_case(b"close") {
            close = true;
        } else if !(may_upgrade && option.eq_ignore_ascii_case(b"upgrade")) {
            return Err(EncodeError::HopByHop("connection"));
        }
    }
    Ok(close)
}

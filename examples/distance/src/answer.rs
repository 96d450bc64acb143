//! Answers: JSON, and problem documents (RFC 9457) where something is wrong.

use std::borrow::Cow;

use gateway_core::{Body, Response};
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;

use crate::{geocoder::GeocodeError, params::ParamError, place::Place};

/// An answer in JSON, which says how long it may be kept.
pub(crate) fn json(value: &impl Serialize, cache: &'static str) -> Response {
    let mut response = encode(value, "application/json");
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
    response
}

fn encode(value: &impl Serialize, content_type: &'static str) -> Response {
    // Fails for maps whose keys are no strings, of which there is none among our answers.
    let mut text = serde_json::to_vec(value).unwrap_or_default();
    text.push(b'\n');
    let mut response = Response::new(Body::from(text));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    response
}

/// What went wrong, for programs and people (RFC 9457).
///
/// `type` points to the section of `/about` that explains it; where the status says it all, it is
/// `about:blank`.
#[derive(Debug, Serialize)]
pub(crate) struct Problem {
    #[serde(rename = "type")]
    kind: &'static str,
    title: &'static str,
    #[serde(serialize_with = "number")]
    status: StatusCode,
    detail: Cow<'static, str>,
    /// The parameter at fault.
    #[serde(skip_serializing_if = "Option::is_none")]
    parameter: Option<&'static str>,
    /// Places whose names are nearest to the one asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    nearest: Option<Vec<Place>>,
}

impl Problem {
    /// 404: nothing has this path.
    pub(crate) fn no_such_resource() -> Self {
        Self::plain(
            StatusCode::NOT_FOUND,
            "Not Found",
            "There is nothing here. See /about.",
        )
    }

    /// 405: it can only be read.
    pub(crate) fn read_only() -> Self {
        let detail = "Everything here is read with GET or HEAD.";
        Self::plain(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed", detail)
    }

    /// 400: the value of `parameter` is not one it may have.
    pub(crate) fn bad_value(parameter: &'static str, why: impl std::fmt::Display) -> Self {
        Self {
            parameter: Some(parameter),
            ..Self::bad_request(format!("{parameter}: {why}."))
        }
    }

    /// 404, 500, 502 or 504: the place named by `parameter` was not found.
    pub(crate) fn geocoding(parameter: &'static str, asked: &str, error: GeocodeError) -> Self {
        match error {
            GeocodeError::NotFound(nearest) => Self {
                kind: "/about#unknown-place",
                parameter: Some(parameter),
                nearest: Some(nearest),
                ..Self::plain(
                    StatusCode::NOT_FOUND,
                    "Unknown place",
                    format!("There is no place called {asked:?} among those known here."),
                )
            },
            GeocodeError::TimedOut => Self {
                kind: "/about#geocoder-timed-out",
                ..Self::plain(
                    StatusCode::GATEWAY_TIMEOUT,
                    "The geocoder timed out",
                    "The service that knows where places are took too long.",
                )
            },
            GeocodeError::Upstream(complaint) => {
                tracing::warn!(complaint, "the geocoder failed");
                Self {
                    kind: "/about#geocoder-failed",
                    ..Self::plain(
                        StatusCode::BAD_GATEWAY,
                        "The geocoder failed",
                        "The service that knows where places are cannot be reached or understood.",
                    )
                }
            }
            GeocodeError::Database(error) => {
                tracing::error!(%error, "the city database failed");
                let detail = "The city database failed. The log has more.";
                Self::plain(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "Internal Server Error",
                    detail,
                )
            }
        }
    }

    fn bad_request(detail: impl Into<Cow<'static, str>>) -> Self {
        Self {
            kind: "/about#bad-parameter",
            ..Self::plain(StatusCode::BAD_REQUEST, "Bad parameter", detail)
        }
    }

    fn plain(
        status: StatusCode,
        title: &'static str,
        detail: impl Into<Cow<'static, str>>,
    ) -> Self {
        let detail = detail.into();
        Self {
            kind: "about:blank",
            title,
            status,
            detail,
            parameter: None,
            nearest: None,
        }
    }
}

impl From<ParamError> for Problem {
    fn from(error: ParamError) -> Self {
        let detail = format!("In the query string, {error}.");
        match error {
            ParamError::TooLong => Self::plain(StatusCode::URI_TOO_LONG, "URI Too Long", detail),
            ParamError::Missing(parameter) => Self {
                parameter: Some(parameter),
                ..Self::bad_request(detail)
            },
            _ => Self::bad_request(detail),
        }
    }
}

impl From<Problem> for Response {
    fn from(problem: Problem) -> Self {
        let mut response = encode(&problem, "application/problem+json");
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if problem.status == StatusCode::METHOD_NOT_ALLOWED {
            headers.insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
        }
        *response.status_mut() = problem.status;
        response
    }
}

fn number<S: serde::Serializer>(status: &StatusCode, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u16(status.as_u16())
}

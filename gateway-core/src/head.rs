//! [`Head`]: answers `HEAD` with the head of the answer to `GET`.

use http::header::CONTENT_LENGTH;
use http::{HeaderValue, Method};

use crate::{Application, Body, Capabilities, Environ, Result};

/// Answers `HEAD` with the head of the answer to `GET` (RFC 9110 §9.3.2), for applications that
/// know `GET` only.
#[derive(Clone, Debug)]
pub struct Head<A>(pub A);

impl<A: Application> Application for Head<A> {
    async fn call(&self, mut environ: Environ) -> Result {
        if environ.method() != Method::HEAD {
            return self.0.call(environ).await;
        }
        environ.0.request.method = Method::GET;
        let mut response = self.0.call(environ).await?;
        // Statuses without a body say nothing of its length (RFC 9110 §8.6).
        let has_body = !matches!(response.status().as_u16(), 100..=199 | 204 | 205 | 304);
        let length = response.body().length().filter(|_| has_body);
        if let Some(length) = length {
            response
                .headers_mut()
                .entry(CONTENT_LENGTH)
                .or_insert(HeaderValue::from(length));
        }
        Ok(response.map(|_| Body::empty()))
    }

    fn requires(&self) -> Capabilities {
        self.0.requires()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Input, server::block_on, text};

    #[test]
    fn answers_head_with_the_head_of_get() {
        let app = Head(|environ: Environ| async move {
            assert_eq!(environ.method(), Method::GET);
            Ok(text("12345"))
        });
        let request = http::Request::head("/").body(Input::empty()).unwrap();
        let response = block_on(app.call(Environ::from_request(request).unwrap())).unwrap();
        assert_eq!(response.headers()[CONTENT_LENGTH], "5");
        assert_eq!(response.body().length(), Some(0));
    }

    #[test]
    fn says_no_length_for_statuses_without_a_body() {
        let app = Head(|_: Environ| async { Ok(crate::status(http::StatusCode::NOT_MODIFIED)) });
        let request = http::Request::head("/").body(Input::empty()).unwrap();
        let response = block_on(app.call(Environ::from_request(request).unwrap())).unwrap();
        assert!(!response.headers().contains_key(CONTENT_LENGTH));
    }
}

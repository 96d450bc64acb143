//! What a host answers in an application's stead.

use std::error::Error as StdError;
use std::io;

use http::header::RETRY_AFTER;
use http::{HeaderMap, HeaderValue, StatusCode};

use super::{Panic, catch};
use crate::{InputError, Response, StatusError, UnblockError, response};

/// The status that an error names, wherever in its chain of sources; 500 if it names none.
pub fn status_of(error: &(dyn StdError + 'static)) -> StatusCode {
    find(error, status_named).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// The first error of type `E`, wherever in the chain of sources, and in what an [`io::Error`] wraps: an
/// application may pass on what its input or [`Gateway::unblock`](crate::Gateway::unblock) failed with as it is,
/// or inside an error of its own.
pub fn error_in<E: StdError + Copy + 'static>(error: &(dyn StdError + 'static)) -> Option<E> {
    find(error, |error| error.downcast_ref().copied())
}

/// The answer to an application's error: its status, the headers it asks for, a short text that
/// shows nothing of the error.
pub fn error_response(error: &(dyn StdError + 'static)) -> Response {
    let mut answer = response::status(status_of(error));
    let named = find(error, |error| {
        error
            .downcast_ref::<StatusError>()
            .map(|error| error.headers().clone())
    });
    set(answer.headers_mut(), named.unwrap_or_default());
    if error_in(error) == Some(UnblockError::Overloaded) {
        answer
            .headers_mut()
            .entry(RETRY_AFTER)
            .or_insert(HeaderValue::from_static("1"));
    }
    answer
}

/// Lets go of what the application has attached to its response, whose drop is the application's code. A host does
/// so before it sends anything, when it has looked at what it knows of it.
///
/// # Errors
///
/// The drop has panicked: the answer is 500.
pub fn drop_extensions(response: &mut Response) -> Result<(), Panic> {
    let extensions = std::mem::take(response.extensions_mut());
    catch(|| drop(extensions))
}

fn set(headers: &mut HeaderMap, named: HeaderMap) {
    let mut last = None;
    for (name, value) in named {
        if let Some(name) = name {
            headers.remove(&name);
            last = Some(name);
        }
        if let Some(name) = &last {
            headers.append(name, value);
        }
    }
}

fn status_named(error: &(dyn StdError + 'static)) -> Option<StatusCode> {
    if let Some(error) = error.downcast_ref::<StatusError>() {
        return Some(error.status());
    }
    if let Some(error) = error.downcast_ref::<InputError>() {
        return Some(error.status());
    }
    error
        .downcast_ref::<UnblockError>()
        .map(|error| error.status())
}

/// Looks along the chain of sources; what an `io::Error` wraps is not its source but itself.
fn find<T>(
    error: &(dyn StdError + 'static),
    look: impl Fn(&(dyn StdError + 'static)) -> Option<T>,
) -> Option<T> {
    let mut current = Some(error);
    while let Some(error) = current {
        if let Some(found) = look(error) {
            return Some(found);
        }
        current = match error
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref)
        {
            Some(inner) => Some(inner),
            None => error.source(),
        };
    }
    None
}

#[cfg(test)]
mod tests {
    use http::header::ALLOW;

    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("outer")]
    struct Outer(#[source] io::Error);

    #[test]
    fn finds_the_status_however_deep() {
        let input = InputError::TooLarge { limit: 1 };
        assert_eq!(status_of(&input), 413);
        assert_eq!(status_of(&io::Error::from(input)), 413);
        assert_eq!(status_of(&Outer(InputError::TimedOut.into())), 408);
        assert_eq!(status_of(&UnblockError::Cancelled), 503);
        assert_eq!(status_of(&io::Error::other("anything")), 500);
        let outer = Outer(InputError::TimedOut.into());
        assert_eq!(error_in(&outer), Some(InputError::TimedOut));
        assert_eq!(error_in::<UnblockError>(&outer), None);
    }

    #[test]
    fn shows_nothing_of_the_error_but_what_it_asks_for() {
        let error = StatusError::new(StatusCode::METHOD_NOT_ALLOWED, "secret")
            .header(ALLOW, HeaderValue::from_static("GET"))
            .header(ALLOW, HeaderValue::from_static("HEAD"));
        let answer = error_response(&error);
        assert_eq!(answer.status(), 405);
        assert_eq!(answer.headers().get_all(ALLOW).iter().count(), 2);
        assert_eq!(
            answer.body().length(),
            Some("405 Method Not Allowed\n".len() as u64)
        );
    }

    #[test]
    fn says_when_to_come_back() {
        let answer = error_response(&UnblockError::Overloaded);
        assert_eq!(
            (answer.status().as_u16(), &answer.headers()[RETRY_AFTER]),
            (503, &"1".parse().unwrap())
        );
    }
}

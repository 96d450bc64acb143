//! What goes wrong in the head of a response.

use gateway_core::{Body, BoxApplication, Environ, Response, text};
use gateway_test::fixtures::Kind;
use http::StatusCode;

use super::bombs::{Bomb, Unmeasured};
use super::in_body::body;

pub(super) fn sets_a_field_of_the_connection() -> BoxApplication {
    body(Kind::Bytes, &["a"], |it| {
        it.header("transfer-encoding", "chunked")
    })
}

pub(super) fn declares_no_number() -> BoxApplication {
    body(Kind::Iter, &["a"], |it| it.header("content-length", "abc"))
}

pub(super) fn declares_two_lengths() -> BoxApplication {
    body(Kind::Iter, &["a"], |it| {
        it.header("content-length", "1")
            .header("content-length", "2")
    })
}

pub(super) fn declares_another_length() -> BoxApplication {
    body(Kind::Bytes, &["a"], |it| it.header("content-length", "2"))
}

pub(super) fn answers_with_an_interim_status() -> BoxApplication {
    body(Kind::Bytes, &[], |it| it.status(StatusCode::PROCESSING))
}

pub(super) fn switches_protocols_unasked() -> BoxApplication {
    body(Kind::Bytes, &[], |it| {
        it.status(StatusCode::SWITCHING_PROTOCOLS)
            .header("upgrade", "x")
    })
}

pub(super) fn attaches_what_panics_when_dropped() -> BoxApplication {
    BoxApplication::new(|_: Environ| async {
        let mut response = text("whole");
        response.extensions_mut().insert(Bomb);
        Ok(response)
    })
}

pub(super) fn body_panics_when_asked_for_its_length() -> BoxApplication {
    BoxApplication::new(|_: Environ| async { Ok(Response::new(Body::stream(Unmeasured))) })
}

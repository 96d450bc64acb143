//! What goes wrong in the head of a response.

use gateway_core::BoxApplication;
use gateway_test::fixtures::Kind;
use http::StatusCode;

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

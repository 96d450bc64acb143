//! Defects in what the application is told of a request.

use std::sync::Arc;

use gateway_core::server::{Call, Host, Job};
use gateway_core::{
    CancelReason, Capabilities, Endpoint, Environ, Gateway, Input, Result, UnblockError,
};
use http::Request;
use http::header::{CONTENT_LENGTH, HOST, HeaderMap};

pub(super) fn path_as_sent(mut environ: Environ) -> Environ {
    let sent = environ.uri().to_string().replace('%', "%25"); // decoded again it is what was sent
    let mut request = Request::new(environ.take_input());
    *request.method_mut() = environ.method().clone();
    *request.headers_mut() = environ.headers().clone();
    let Ok(target) = sent.parse() else {
        return environ;
    };
    *request.uri_mut() = target;
    environ.with_request(request).unwrap_or(environ)
}

pub(super) fn one_field_of_a_name(mut environ: Environ) -> Environ {
    let mut last = HeaderMap::new();
    for (name, value) in environ.headers() {
        last.insert(name, value.clone());
    }
    *environ.headers_mut() = last;
    environ
}

pub(super) fn server_by_its_address(mut environ: Environ) -> Environ {
    environ.headers_mut().remove(HOST);
    environ
}

pub(super) fn no_deadline(environ: Environ) -> Environ {
    match environ.received_at() {
        Some(received_at) => environ.with_times(received_at, None),
        None => environ,
    }
}

pub(super) fn no_body_without_length(mut environ: Environ) -> Environ {
    if !environ.headers().contains_key(CONTENT_LENGTH) {
        environ.set_input(Input::empty());
    }
    environ
}

pub(super) fn no_trailers(mut environ: Environ) -> Environ {
    let input = environ.take_input().with_trailers(None);
    environ.set_input(input);
    environ
}

/// Of the call that the application sees nobody tells the end: only that it is over.
pub(super) fn another_call(environ: Environ) -> Environ {
    environ.with_call(&Call::new())
}

pub(super) fn cancelled_before(environ: Environ) -> Environ {
    let call = Call::new();
    call.cancel(CancelReason::Disconnected);
    environ.with_call(&call)
}

pub(super) fn nobody_who_unblocks(environ: Environ) -> Environ {
    let gateway = Gateway::new(Unhelpful);
    let mut ends = Endpoint::clone(environ.endpoint());
    ends.gateway = gateway;
    environ.with_endpoint(Arc::new(ends))
}

/// Drops the work that it is given.
struct Unhelpful;

impl Host for Unhelpful {
    fn software(&self) -> &str {
        "unhelpful/1"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::NONE
    }

    fn may_block(&self) -> bool {
        false
    }

    fn unblock(&self, job: Job) -> Result<(), UnblockError> {
        drop(job);
        Ok(())
    }
}

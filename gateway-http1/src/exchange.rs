//! What a response needs to know of its request.

use http::{Method, Version};

use crate::close::CloseReason;
use crate::error::Error;
use crate::head::RequestHead;

/// The request as the encoder of its response sees it. Small, and a copy of its own, so that the request
/// can go to the application.
#[derive(Clone, Copy, Debug)]
pub struct Exchange {
    head: bool,
    connect: bool,
    http10: bool,
    upgrade: bool,
    close: Option<CloseReason>,
}

impl Exchange {
    pub(crate) fn of_request(request: &RequestHead) -> Self {
        Self {
            head: request.method == Method::HEAD,
            connect: request.method == Method::CONNECT,
            http10: request.version == Version::HTTP_10,
            upgrade: request.upgrade,
            close: (!request.keep_alive).then_some(CloseReason::ClientAsked),
        }
    }

    /// For the answer to a request that could not be read; the connection closes after it.
    pub fn refused(error: Error) -> Self {
        Self::unread(CloseReason::Refused(error))
    }

    /// For the answer to a request that was not read to its end, as when it timed out; the connection
    /// closes after it, for `reason`.
    pub fn unread(reason: CloseReason) -> Self {
        Self {
            head: false,
            connect: false,
            http10: false,
            upgrade: false,
            close: Some(reason),
        }
    }

    /// Makes this the last exchange of its connection. The first reason given is the one that stays.
    pub fn close(&mut self, reason: CloseReason) {
        self.close.get_or_insert(reason);
    }

    /// Why this is the last exchange of its connection, if it is.
    pub fn closing(&self) -> Option<CloseReason> {
        self.close
    }

    /// Whether the request is HEAD, so that the response has no body.
    pub fn is_head(&self) -> bool {
        self.head
    }

    pub(crate) fn is_connect(&self) -> bool {
        self.connect
    }

    /// Whether the client speaks HTTP/1.0, which has neither chunks nor interim responses.
    pub fn is_http10(&self) -> bool {
        self.http10
    }

    pub(crate) fn offers_upgrade(&self) -> bool {
        self.upgrade
    }
}

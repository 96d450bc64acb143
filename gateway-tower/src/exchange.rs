//! [`Exchange`]: the host's side of a call that no gateway host makes.

use gateway_core::server::Call;
use gateway_core::{CancelReason, Ending, Outcome};
use http::StatusCode;

/// Tells an application how its call ended, and that nobody waits any more. Dropped before the end, the
/// response was given up: by a client that left, or by a layer on the way.
pub(crate) struct Exchange {
    call: Call,
    status: Option<StatusCode>,
    /// Bytes after which a response is whole, where that is known.
    length: Option<u64>,
    sent: u64,
    ended: bool,
}

impl Exchange {
    pub(crate) fn new(call: Call) -> Self {
        Self {
            call,
            status: None,
            length: None,
            sent: 0,
            ended: false,
        }
    }

    /// The application has answered.
    pub(crate) fn answered(&mut self, status: StatusCode, length: Option<u64>) {
        self.status = Some(status);
        self.length = length;
    }

    /// So many bytes of the body were handed on.
    pub(crate) fn sent(&mut self, bytes: usize) {
        self.sent += bytes as u64;
    }

    pub(crate) fn complete(&mut self) {
        self.end(Ending::Complete);
    }

    pub(crate) fn failed(&mut self) {
        self.end(Ending::Failed);
    }

    fn end(&mut self, ending: Ending) {
        if !std::mem::replace(&mut self.ended, true) {
            self.call
                .finish(&Outcome::new(self.status, self.sent, ending));
        }
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        if self.ended {
            return;
        }
        if self.status.is_some() && self.length == Some(self.sent) {
            return self.complete();
        }
        self.call.cancel(CancelReason::Disconnected);
        self.end(Ending::Abandoned);
    }
}

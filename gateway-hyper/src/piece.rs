//! [`Piece`]: a chunk of a response on its way through hyper.

use std::sync::Arc;

use bytes::{Buf, Bytes};

use crate::connection::Taking;

/// A chunk of a response on its way through hyper, and h2. Over HTTP/2 it tells what of it goes into
/// the socket, as neither of those does.
pub(crate) struct Piece {
    bytes: Bytes,
    taking: Option<Arc<Taking>>,
}

impl Piece {
    pub(crate) fn new(bytes: Bytes, taking: Option<&Arc<Taking>>) -> Self {
        if let Some(taking) = taking {
            taking.hand(bytes.len() as u64);
        }
        Self {
            bytes,
            taking: taking.cloned(),
        }
    }
}

impl Buf for Piece {
    fn remaining(&self) -> usize {
        self.bytes.len()
    }

    fn chunk(&self) -> &[u8] {
        &self.bytes
    }

    fn advance(&mut self, count: usize) {
        self.bytes.advance(count);
        if let Some(taking) = self.taking.as_ref().filter(|_| count > 0) {
            taking.take(count as u64);
        }
    }
}

/// What is left is never sent.
impl Drop for Piece {
    fn drop(&mut self) {
        let left = self.bytes.len() as u64;
        if let Some(taking) = self.taking.as_ref().filter(|_| left > 0) {
            taking.lose(left);
        }
    }
}

//! Where a request body ends: RFC 9112 §6.3, item by item.
//!
//! Whoever edits this file: what is unclear is refused, not guessed.

use gateway_core::server::Limits;

use super::lines::trim;
use crate::declared::decimal;
use crate::octets::is_token;
use crate::refusal::Refusal;

/// From here on hyper cannot count a body.
const MOST_COUNTED: u64 = u64::MAX - 2;

/// How a request body is delimited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    /// This many bytes, which may be none.
    Length(u64),
    Chunked,
}

/// What the fields of a head say about its body.
#[derive(Debug, Default)]
pub(super) struct Fields {
    lengths: usize,
    length: Option<u64>,
    codings: Option<Codings>,
    wrong: Option<Refusal>,
}

/// The transfer codings so far.
#[derive(Debug, Default)]
struct Codings {
    chunked_last: bool,
    unknown: bool,
}

impl Fields {
    /// Takes a field note of, if it is one of the two that matter here. They have names of 14 and 17
    /// bytes, as few others do.
    pub(super) fn note(&mut self, name: &[u8], value: &[u8]) {
        let noted = match name.len() {
            14 if name.eq_ignore_ascii_case(b"content-length") => self.note_length(trim(value)),
            17 if name.eq_ignore_ascii_case(b"transfer-encoding") => self.note_codings(trim(value)),
            _ => Ok(()),
        };
        if let Err(refusal) = noted {
            self.wrong.get_or_insert(refusal);
        }
    }

    /// Decides, when all fields are there.
    pub(super) fn decide(
        &self,
        http10: bool,
        connect: bool,
        limits: &Limits,
    ) -> Result<Framing, Refusal> {
        // Item 3: both at once is how a request is smuggled past a proxy. Before anything else: that
        // one of the two is malformed does not make it less of a conflict.
        if self.lengths > 0 && self.codings.is_some() {
            return Err(Refusal::ConflictingFraming);
        }
        if let Some(refusal) = self.wrong {
            return Err(refusal);
        }
        let framing = match &self.codings {
            // RFC 9112 §6.1: in HTTP/1.0 its framing is faulty by definition.
            Some(_) if http10 => Err(Refusal::TransferEncodingInHttp10),
            Some(codings) => codings.decide(),
            None => Ok(Framing::Length(self.length.unwrap_or(0))),
        }?;
        // Too large for hyper to count, which has another status for it. The limit on what it can
        // count is kept by the service, which knows the rest of the request too.
        if matches!(framing, Framing::Length(MOST_COUNTED..)) {
            return Err(Refusal::BodyTooLarge(limits.body));
        }
        // RFC 9110 §9.3.6: what follows the head of CONNECT belongs to the tunnel.
        if connect && framing != Framing::Length(0) {
            return Err(Refusal::BodyInConnect);
        }
        Ok(framing)
    }

    /// Item 5: one line of digits. `5, 5` could be taken for 5; only a broken intermediary sends it.
    fn note_length(&mut self, value: &[u8]) -> Result<(), Refusal> {
        self.lengths += 1;
        if self.lengths > 1 || value.contains(&b',') {
            return Err(Refusal::RepeatedContentLength);
        }
        self.length = decimal(value);
        self.length.map(|_| ()).ok_or(Refusal::InvalidContentLength)
    }

    fn note_codings(&mut self, value: &[u8]) -> Result<(), Refusal> {
        let codings = self.codings.get_or_insert_default();
        value
            .split(|byte| *byte == b',')
            .try_for_each(|coding| codings.note(trim(coding)))
    }
}

impl Codings {
    fn note(&mut self, coding: &[u8]) -> Result<(), Refusal> {
        let is_chunked = coding.eq_ignore_ascii_case(b"chunked");
        match (self.chunked_last, is_chunked) {
            (true, true) => return Err(Refusal::InvalidTransferEncoding),
            (true, false) => return Err(Refusal::ChunkedNotFinal),
            _ if !is_coding(coding) => return Err(Refusal::InvalidTransferEncoding),
            _ => {}
        }
        self.chunked_last = is_chunked;
        self.unknown |= !is_chunked;
        Ok(())
    }

    /// Item 4: the one list that is understood is `chunked`.
    fn decide(&self) -> Result<Framing, Refusal> {
        match (self.chunked_last, self.unknown) {
            (true, false) => Ok(Framing::Chunked),
            (true, true) => Err(Refusal::UnknownTransferCoding),
            (false, _) => Err(Refusal::ChunkedNotFinal),
        }
    }
}

/// A token, with parameters perhaps; but `chunked` has none (RFC 9112 §7).
fn is_coding(coding: &[u8]) -> bool {
    let end = coding.iter().position(|byte| *byte == b';');
    let name = trim(&coding[..end.unwrap_or(coding.len())]);
    let is_name = !name.is_empty() && name.iter().all(|byte| is_token(*byte));
    is_name && (end.is_none() || !name.eq_ignore_ascii_case(b"chunked"))
}

//! What a request asks of its connection: Connection and Expect.

use http::HeaderMap;
use http::header::{CONNECTION, EXPECT};

use crate::refusal::Refusal;

/// `100-continue` is the only expectation there is (RFC 9110 §10.1.1). HTTP/1.0 has it ignored, but
/// one that is unknown is refused all the same.
pub(super) fn expectation(headers: &HeaderMap) -> Result<(), Refusal> {
    let known = |value: &[u8]| value.eq_ignore_ascii_case(b"100-continue");
    match headers
        .get_all(EXPECT)
        .iter()
        .all(|value| known(value.as_bytes()))
    {
        true => Ok(()),
        false => Err(Refusal::UnknownExpectation),
    }
}

/// A list of tokens (RFC 9110 §7.6.1).
pub(super) fn connection(headers: &HeaderMap) -> Result<(), Refusal> {
    let is_option = |option: &[u8]| {
        let option = option.trim_ascii();
        !option.is_empty() && option.iter().all(|byte| crate::wire::is_token(*byte))
    };
    let mut lines = headers.get_all(CONNECTION).iter();
    match lines.all(|line| line.as_bytes().split(|byte| *byte == b',').all(is_option)) {
        true => Ok(()),
        false => Err(Refusal::InvalidConnection),
    }
}

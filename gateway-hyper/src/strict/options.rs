//! What a request asks of its connection: Connection and Expect.

use crate::octets::is_token;

/// `100-continue` is the only expectation there is (RFC 9110 §10.1.1). HTTP/1.0 has it ignored, but
/// one that is unknown is refused all the same.
pub(super) fn is_expectation(value: &[u8]) -> bool {
    value.eq_ignore_ascii_case(b"100-continue")
}

/// A list of tokens (RFC 9110 §7.6.1).
pub(super) fn is_connection(value: &[u8]) -> bool {
    let is_option = |option: &[u8]| {
        let option = option.trim_ascii();
        !option.is_empty() && option.iter().all(|byte| is_token(*byte))
    };
    value.split(|byte| *byte == b',').all(is_option)
}

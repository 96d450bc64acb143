//! The smallest pieces of the grammar: tokens, optional whitespace, lists, numbers.

use std::ops::Range;

/// One answer for each byte: a load, where the ranges of the grammar are many comparisons.
pub(crate) struct Set([bool; 256]);

impl Set {
    /// The bytes that stand in `members`.
    pub(crate) const fn of(members: &[u8]) -> Self {
        let mut set = [false; 256];
        let mut at = 0;
        while at < members.len() {
            set[members[at] as usize] = true;
            at += 1;
        }
        Self(set)
    }

    /// Whether `byte` is one of them.
    pub(crate) fn has(&self, byte: u8) -> bool {
        self.0[usize::from(byte)]
    }
}

/// `tchar` (RFC 9110 §5.6.2).
pub(crate) static TOKEN: Set =
    Set::of(b"!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");

/// `tchar` but for `_`, as nearly all field names have it.
pub(crate) static PLAIN: Set =
    Set::of(b"!#$%&'*+-.^`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");

/// Whether `byte` is a `tchar`.
pub(crate) fn is_token_byte(byte: u8) -> bool {
    TOKEN.has(byte)
}

/// Tab, or anything but a control character: what a field value and a quoted string may hold (RFC 9110
/// §5.5).
pub(crate) fn is_text_byte(byte: u8) -> bool {
    byte == b'\t' || (byte >= b' ' && byte != 0x7f)
}

/// Whether `bytes` is a `token`: at least one `tchar`, and nothing else.
pub(crate) fn is_token(bytes: &[u8]) -> bool {
    !bytes.is_empty() && bytes.iter().copied().all(is_token_byte)
}

/// What stands in `bytes` from `start`, without optional whitespace, which is space and tab (RFC 9110
/// §5.6.3), on either side.
pub(crate) fn trimmed(bytes: &[u8], mut start: usize) -> Range<usize> {
    let mut end = bytes.len();
    while start < end && matches!(bytes[start], b' ' | b'\t') {
        start += 1;
    }
    while start < end && matches!(bytes[end - 1], b' ' | b'\t') {
        end -= 1;
    }
    start..end
}

/// `bytes` without optional whitespace on either side.
pub(crate) fn trim(bytes: &[u8]) -> &[u8] {
    &bytes[trimmed(bytes, 0)]
}

/// The elements of a comma-separated list, trimmed; empty ones are not left out.
pub(crate) fn list(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|byte| *byte == b',').map(trim)
}

/// A number of digits and nothing else, not even a sign; `None` too if it does not fit 64 bits.
///
/// `str::parse` would take `+5`.
pub(crate) fn decimal(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0u64, |number, digit| {
        let digit = digit.is_ascii_digit().then(|| digit - b'0')?;
        number.checked_mul(10)?.checked_add(u64::from(digit))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decimal_is_digits_that_fit_64_bits() {
        assert_eq!(decimal(b"0"), Some(0));
        assert_eq!(decimal(b"007"), Some(7));
        assert_eq!(decimal(b"18446744073709551615"), Some(u64::MAX));
        for bad in [
            "",
            "+5",
            "-1",
            " 5",
            "5 ",
            "0x5",
            "5_0",
            "18446744073709551616",
        ] {
            assert_eq!(decimal(bad.as_bytes()), None, "{bad:?}");
        }
    }

    #[test]
    fn a_token_is_what_the_grammar_says() {
        let tchar = b"!#$%&'*+-.^_`|~";
        for byte in 0..=255u8 {
            let expected = byte.is_ascii_alphanumeric() || tchar.contains(&byte);
            assert_eq!(is_token_byte(byte), expected, "{byte:#x}");
            assert_eq!(PLAIN.has(byte), expected && byte != b'_', "{byte:#x}");
        }
        assert!(!is_token(b""));
    }

    #[test]
    fn a_list_keeps_its_empty_elements() {
        let elements: Vec<_> = list(b" a\t, ,b ").collect();
        assert_eq!(elements, [&b"a"[..], b"", b"b"]);
    }
}

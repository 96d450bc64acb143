//! The smallest pieces of the grammar: tokens, optional whitespace, lists, numbers.

/// Whether `byte` is a `tchar` (RFC 9110 §5.6.2).
pub(crate) fn is_token_byte(byte: u8) -> bool {
    matches!(byte,
        b'!' | b'#'..=b'\'' | b'*' | b'+' | b'-' | b'.' | b'^'..=b'`' | b'|' | b'~'
        | b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z')
}

/// Whether `bytes` is a `token`: at least one `tchar`, and nothing else.
pub(crate) fn is_token(bytes: &[u8]) -> bool {
    !bytes.is_empty() && bytes.iter().copied().all(is_token_byte)
}

/// `bytes` without optional whitespace, which is space and tab (RFC 9110 §5.6.3), on either side.
pub(crate) fn trim(mut bytes: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] = bytes {
        bytes = rest;
    }
    while let [rest @ .., b' ' | b'\t'] = bytes {
        bytes = rest;
    }
    bytes
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
        }
        assert!(!is_token(b""));
    }

    #[test]
    fn a_list_keeps_its_empty_elements() {
        let elements: Vec<_> = list(b" a\t, ,b ").collect();
        assert_eq!(elements, [&b"a"[..], b"", b"b"]);
    }
}

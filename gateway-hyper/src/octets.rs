//! Which octets may stand where. Tables: each is asked about every octet of a head.

/// Whether it may stand in a token (RFC 9110 §5.6.2).
pub(crate) fn is_token(byte: u8) -> bool {
    TOKEN[usize::from(byte)]
}

/// Whether it may stand in the name of a field that is let through: a token's octet, but for `_`.
pub(crate) fn is_in_name(byte: u8) -> bool {
    NAME[usize::from(byte)]
}

/// Whether it may stand in a target: visible ASCII but for `#`, which begins a fragment, and `"`, `<`,
/// `>`, which no URI holds and no browser sends (RFC 3986 §2).
pub(crate) fn is_target(byte: u8) -> bool {
    TARGET[usize::from(byte)]
}

/// Whether it is unreserved in a URI (RFC 3986 §2.3).
pub(crate) fn is_unreserved(byte: u8) -> bool {
    UNRESERVED[usize::from(byte)]
}

macro_rules! table {
    ($($octets:pat_param)|+) => {{
        let mut table = [false; 256];
        let mut octet = 0;
        while octet < 256 {
            table[octet] = matches!(octet as u8, $($octets)|+);
            octet += 1;
        }
        table
    }};
}

const TOKEN: [bool; 256] = table!(
    b'!' | b'#' | b'$' | b'%' | b'&' | b'\'' | b'*' | b'+' | b'-' | b'.' | b'^' | b'_' | b'`' | b'|'
        | b'~' | b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z'
);

const NAME: [bool; 256] = {
    let mut table = TOKEN;
    table[b'_' as usize] = false;
    table
};

const TARGET: [bool; 256] = table!(b'!' | b'$'..=b';' | b'=' | b'?'..=b'~');

const UNRESERVED: [bool; 256] =
    table!(b'-' | b'.' | b'_' | b'~' | b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z');

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_table_holds_what_its_section_names() {
        let count = |is: fn(u8) -> bool| (0..=255).filter(|octet| is(*octet)).count();
        assert_eq!(count(is_token), 15 + 10 + 52);
        assert_eq!(count(is_target), 94 - b"\"#<>".len());
        assert_eq!(count(is_unreserved), 4 + 10 + 52);
        assert_eq!(count(is_in_name), 14 + 10 + 52);
        assert!(is_token(b'_') && !is_in_name(b'_'));
        assert!(b"!#$%&'*+-.^_`|~".iter().all(|octet| is_token(*octet)));
        assert!(
            !b"\"#<> \r\n\0\x7f\xff"
                .iter()
                .any(|octet| is_target(*octet))
        );
        assert!(b"-._~".iter().all(|octet| is_unreserved(*octet)));
    }
}

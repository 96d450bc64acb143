//! The path of a request: as sent, decoded, and split into SCRIPT_NAME and PATH_INFO.

use std::borrow::Cow;

use http::{Method, StatusCode};

use crate::StatusError;

/// What is wrong with a path that is no text.
const NO_TEXT: &str = "bytes that are not UTF-8";

/// Decoded path and split. Where there is nothing to decode, the text is the one sent.
#[derive(Clone, Debug, Default)]
pub(crate) struct SplitPath {
    /// The decoded path, where it differs from the one sent.
    decoded: Option<Box<str>>,
    /// How much of the decoded path is SCRIPT_NAME.
    script_len: usize,
}

impl SplitPath {
    /// Decodes the path `sent`.
    ///
    /// # Errors
    ///
    /// 400 if it decodes to something that is not UTF-8 or holds NUL, or if an escape is broken.
    pub(crate) fn of(sent: &[u8], method: &Method) -> Result<Self, StatusError> {
        // CONNECT names an authority, not a path (RFC 9110 §9.3.6).
        if method == Method::CONNECT || !sent.contains(&b'%') {
            return Ok(Self::default());
        }
        let sent = std::str::from_utf8(sent).map_err(|_| refused(NO_TEXT))?;
        match decode(sent)? {
            Cow::Borrowed(_) => Ok(Self::default()),
            Cow::Owned(decoded) => Ok(Self {
                decoded: Some(decoded.into()),
                script_len: 0,
            }),
        }
    }

    /// Splits where a gateway in front has already split.
    pub(crate) fn with_script_len(mut self, script_len: usize) -> Self {
        self.script_len = script_len;
        self
    }

    pub(crate) fn script_name<'a>(&'a self, sent: &'a str) -> &'a str {
        self.whole(sent).get(..self.script_len).unwrap_or("")
    }

    pub(crate) fn path_info<'a>(&'a self, sent: &'a str) -> &'a str {
        self.whole(sent).get(self.script_len..).unwrap_or("")
    }

    /// Moves `prefix` from the front of PATH_INFO to the end of SCRIPT_NAME, if it matches whole
    /// segments. An index moves; no text is copied.
    pub(crate) fn shift(&mut self, sent: &str, prefix: &str) -> bool {
        let matches = match self.path_info(sent).strip_prefix(prefix) {
            Some(rest) => !prefix.is_empty() && (rest.is_empty() || rest.starts_with('/')),
            None => false,
        };
        if matches {
            self.script_len += prefix.len();
        }
        matches
    }

    fn whole<'a>(&'a self, sent: &'a str) -> &'a str {
        self.decoded.as_deref().unwrap_or(sent)
    }
}

/// Percent-decoding (RFC 3986 §2.1) to UTF-8. What needs no decoding is not copied.
///
/// # Errors
///
/// 400 if the outcome is not UTF-8 or holds NUL, or an escape is broken.
pub(crate) fn decode(path: &str) -> Result<Cow<'_, str>, StatusError> {
    if !path.contains('%') {
        return Ok(Cow::Borrowed(path));
    }
    let mut decoded = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte != b'%' {
            decoded.push(byte);
            continue;
        }
        let (high, low) = match after {
            [high, low, ..] => (hex(*high)?, hex(*low)?),
            _ => return Err(refused("a broken escape")),
        };
        decoded.push(high << 4 | low);
        rest = &after[2..];
    }
    if decoded.contains(&0) {
        return Err(refused("NUL"));
    }
    String::from_utf8(decoded)
        .map(Cow::Owned)
        .map_err(|_| refused(NO_TEXT))
}

/// Percent-encodes a path (RFC 3986 §3.3 `pchar` and `/` stay as they are).
pub(crate) fn encode(path: &str) -> Cow<'_, str> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/".contains(&byte);
    if path.bytes().all(plain) {
        return Cow::Borrowed(path);
    }
    let mut encoded = String::with_capacity(path.len() + 16);
    for byte in path.bytes() {
        if plain(byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    Cow::Owned(encoded)
}

fn hex(digit: u8) -> Result<u8, StatusError> {
    match char::from(digit).to_digit(16) {
        Some(value) => Ok(value as u8), // below 16
        None => Err(refused("a broken escape")),
    }
}

fn refused(what: &str) -> StatusError {
    StatusError::new(StatusCode::BAD_REQUEST, format!("the path holds {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(path: &str) -> SplitPath {
        SplitPath::of(path.as_bytes(), &Method::GET).unwrap()
    }

    #[test]
    fn decodes_only_what_is_encoded() {
        assert!(matches!(
            decode("/plain+text"),
            Ok(Cow::Borrowed("/plain+text"))
        ));
        assert_eq!(decode("/%EC%84%9C%ec%9a%b8%2F").unwrap(), "/서울/");
    }

    #[test]
    fn refuses_what_cannot_be_text() {
        for path in [
            "/%",
            "/%4",
            "/%zz",
            "/%+1",
            "/%00",
            "/%FF",
            "/%C0%AF",
            "/%ED%A0%80",
        ] {
            assert_eq!(decode(path).unwrap_err().status(), 400, "{path}");
        }
    }

    #[test]
    fn encoding_is_undone_by_decoding() {
        for path in ["/", "/a b", "/서울/%", "/q?x#y"] {
            assert_eq!(decode(&encode(path)).unwrap(), path);
        }
    }

    #[test]
    fn a_prefix_matches_whole_segments_only() {
        for (path, prefix, script_name, path_info) in [
            ("/api/v1", "/api", "/api", "/v1"),
            ("/api", "/api", "/api", ""),
            ("/api/", "/api", "/api", "/"),
            ("/apis", "/api", "", "/apis"),
            ("/%61pi/x%2Fy", "/api", "/api", "/x/y"),
            ("/x", "", "", "/x"),
            ("/", "/api", "", "/"),
        ] {
            let mut split = split(path);
            assert_eq!(
                split.shift(path, prefix),
                !script_name.is_empty(),
                "{path} {prefix}"
            );
            assert_eq!(split.script_name(path), script_name, "{path} {prefix}");
            assert_eq!(split.path_info(path), path_info, "{path} {prefix}");
        }
    }

    #[test]
    fn prefixes_shift_one_after_another() {
        let path = "/a/b/c";
        let mut split = split(path);
        assert!(split.shift(path, "/a"));
        assert!(split.shift(path, "/b"));
        assert_eq!(
            (split.script_name(path), split.path_info(path)),
            ("/a/b", "/c")
        );
    }
}

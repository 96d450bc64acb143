//! The parameters of a request, read strictly.
//!
//! A parameter that is given twice, misspelt or badly encoded is refused rather than guessed at: an
//! answer to another question than the one meant is worse than none.

use std::borrow::Cow;

/// Longest query string that is read, in bytes: two places of the longest kind, percent-encoded.
const LONGEST: usize = 2048;

/// The parameters of a query string.
pub(crate) struct Params<'a>(Vec<(Cow<'a, str>, Cow<'a, str>)>);

/// What is wrong with a query string.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ParamError {
    #[error("the query string is longer than {LONGEST} bytes")]
    TooLong,
    #[error("a percent sign is not followed by two hexadecimal digits")]
    Malformed,
    #[error("the percent-encoded bytes are not UTF-8")]
    NotUtf8,
    #[error("{0:?} is given more than once")]
    Repeated(String),
    #[error("{0:?} is no parameter of this resource")]
    Unknown(String),
    #[error("{0:?} is missing")]
    Missing(&'static str),
}

impl<'a> Params<'a> {
    /// Reads `application/x-www-form-urlencoded` (URL Standard §5.1), of which every name is one of
    /// `known` and given once.
    pub(crate) fn parse(query: &'a str, known: &[&str]) -> Result<Self, ParamError> {
        if query.len() > LONGEST {
            return Err(ParamError::TooLong);
        }
        let mut params: Vec<(Cow<'_, str>, Cow<'_, str>)> = Vec::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (name, value) = (decode(name)?, decode(value)?);
            if !known.contains(&&*name) {
                return Err(ParamError::Unknown(name.into_owned()));
            }
            if params.iter().any(|(given, _)| *given == name) {
                return Err(ParamError::Repeated(name.into_owned()));
            }
            params.push((name, value));
        }
        Ok(Self(params))
    }

    /// The value of `name`, if it is given.
    pub(crate) fn optional(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(given, _)| given == name)
            .map(|(_, value)| &**value)
    }

    /// The value of `name`, which must be given.
    pub(crate) fn required(&self, name: &'static str) -> Result<&str, ParamError> {
        self.optional(name).ok_or(ParamError::Missing(name))
    }
}

fn decode(text: &str) -> Result<Cow<'_, str>, ParamError> {
    if !text.contains(['%', '+']) {
        return Ok(Cow::Borrowed(text));
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let (digits, after) = rest.split_at_checked(2).ok_or(ParamError::Malformed)?;
                rest = after;
                hex(digits).ok_or(ParamError::Malformed)?
            }
            byte => byte,
        });
    }
    String::from_utf8(bytes)
        .map(Cow::Owned)
        .map_err(|_| ParamError::NotUtf8)
}

fn hex(digits: &[u8]) -> Option<u8> {
    let value = digits.iter().try_fold(0, |value, digit| {
        Some(value * 16 + char::from(*digit).to_digit(16)?)
    })?;
    u8::try_from(value).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn base(query: &str) -> Result<Option<String>, ParamError> {
        let params = Params::parse(query, &["base", "target"])?;
        Ok(params.optional("base").map(str::to_owned))
    }

    #[test]
    fn decodes() {
        for (query, value) in [
            ("base=Seoul", "Seoul"),
            ("base=Sao+Paulo", "Sao Paulo"),
            ("base=S%C3%A3o%20Paulo", "São Paulo"),
            ("base=%ec%84%9c울", "서울"),
            ("b%61se=a%3Db=c%26", "a=b=c&"),
            ("base=1%2B1", "1+1"),
            ("&target=&&base=", ""),
            ("base", ""),
        ] {
            assert_eq!(base(query), Ok(Some(value.to_owned())), "{query}");
        }
        assert_eq!(base(""), Ok(None));
    }

    #[test]
    fn refuses_what_would_have_to_be_guessed() {
        let named = str::to_owned;
        for (query, error) in [
            ("base=%", ParamError::Malformed),
            ("base=%4", ParamError::Malformed),
            ("base=%zz", ParamError::Malformed),
            ("base=%+1", ParamError::Malformed),
            ("base=%F0%28", ParamError::NotUtf8),
            ("base=%C3", ParamError::NotUtf8),
            ("base=a&base=b", ParamError::Repeated(named("base"))),
            ("base=a&b%61se=a", ParamError::Repeated(named("base"))),
            ("Base=a", ParamError::Unknown(named("Base"))),
            ("base=a&=b", ParamError::Unknown(named(""))),
        ] {
            assert_eq!(base(query), Err(error), "{query}");
        }
    }

    #[test]
    fn refuses_what_is_too_long() {
        assert!(base(&format!("base={}", "a".repeat(LONGEST - 5))).is_ok());
        assert_eq!(
            base(&format!("base={}", "a".repeat(LONGEST - 4))),
            Err(ParamError::TooLong)
        );
    }

    #[test]
    fn tells_what_is_missing() {
        let params = Params::parse("base=Seoul", &["base", "target"]).unwrap();
        assert_eq!(params.required("base"), Ok("Seoul"));
        assert_eq!(
            params.required("target"),
            Err(ParamError::Missing("target"))
        );
    }

    proptest::proptest! {
        #[test]
        fn what_is_encoded_is_read(value in "\\PC{0,200}") {
            let encoded: String = value.bytes().map(|byte| format!("%{byte:02x}")).collect();
            let query = format!("base={encoded}");
            if query.len() <= LONGEST {
                proptest::prop_assert_eq!(base(&query), Ok(Some(value)));
            }
        }

        #[test]
        fn any_text_is_read_or_refused(query in ".*") {
            let _ = base(&query);
        }
    }
}

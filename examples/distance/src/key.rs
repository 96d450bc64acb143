//! The key a name is looked up by: what stays of it when case, accents and punctuation are
//! forgotten.
//!
//! `build.rs` compiles this file as well, so that the database is keyed by the very function that
//! reads it. It may therefore name nothing else of this crate.

use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

/// Folds a name so that ways of writing the same one meet: `São Paulo`, `sao paulo`, `SAO-PAULO`.
///
/// Compatibility-decomposed (NFKD), case-folded, without the marks that Latin, Greek, Cyrillic,
/// Hebrew and Arabic writers leave out, without apostrophes, and with every other run of
/// punctuation as one blank. Marks that make another letter stay: vowel signs of the Indic scripts,
/// the dakuten of kana.
///
/// Decomposed rather than composed, because then 서우 is a prefix of 서울: a syllable that is still
/// being typed completes like a Latin word. Folding twice changes nothing.
pub(crate) fn key(name: &str) -> String {
    let bare: String = name.nfkd().filter(|c| !is_optional_mark(*c)).collect();
    let folded = unicase::UniCase::new(bare).to_folded_case();
    let mut key = String::with_capacity(folded.len());
    // Folding may compose anew (ΐ is one such), so what it gives is decomposed once more.
    for c in folded.nfkd().filter(|c| !is_optional_mark(*c)) {
        match c {
            'ø' => key.push('o'),
            'ł' => key.push('l'),
            'đ' | 'ð' => key.push('d'),
            'ı' => key.push('i'),
            'æ' => key.push_str("ae"),
            'œ' => key.push_str("oe"),
            'þ' => key.push_str("th"),
            c if is_apostrophe(c) => {}
            c if c.is_alphanumeric() || is_combining_mark(c) || is_joiner(c) => key.push(c),
            _ if key.is_empty() || key.ends_with(' ') => {}
            _ => key.push(' '),
        }
    }
    key.truncate(key.trim_end().len());
    key
}

/// Marks that are a matter of care rather than of spelling.
fn is_optional_mark(c: char) -> bool {
    matches!(c,
        // On Latin, Greek and Cyrillic.
        '\u{300}'..='\u{36f}' | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}'
        // Hebrew points.
        | '\u{591}'..='\u{5bd}' | '\u{5bf}' | '\u{5c1}' | '\u{5c2}' | '\u{5c4}' | '\u{5c5}' | '\u{5c7}'
        // Arabic vowels, hamza above, kashida.
        | '\u{64b}'..='\u{65f}' | '\u{670}' | '\u{6d6}'..='\u{6dc}' | '\u{640}'
    )
}

/// Written in five ways and left out in as many: Xi’an, Xi'an, Xian.
fn is_apostrophe(c: char) -> bool {
    matches!(
        c,
        '\'' | '’' | '‘' | '`' | '´' | 'ʼ' | 'ʻ' | 'ʹ' | 'ʿ' | 'ʾ' | '׳' | '״'
    )
}

/// Joiners tell letters apart in Persian and in the Indic scripts.
fn is_joiner(c: char) -> bool {
    matches!(c, '\u{200c}' | '\u{200d}')
}

#[cfg(test)]
mod tests {
    use super::key;

    #[test]
    fn ways_of_writing_a_name_meet() {
        for (one, other) in [
            ("São Paulo", "sao paulo"),
            ("SÃO-PAULO", "Sa\u{303}o  Paulo "),
            ("Łódź", "Lodz"),
            ("Tromsø", "TROMSO"),
            ("İzmir", "izmir"),
            ("Iğdır", "Igdir"),
            ("Weißenfels", "WEISSENFELS"),
            ("Αθήνα", "ΑΘΗΝΑ"),
            ("Ιωάννινα", "ΙΩΑΝΝΙΝΑ"),
            ("Κως", "ΚΩΣ"),
            ("Королёв", "королев"),
            ("Xi’an", "Xian"),
            ("N'Djamena", "n djamena".replace(' ', "").as_str()),
            ("St. John's", "St Johns"),
            ("Washington, D.C.", "washington d c"),
            ("Seoul", "Ｓｅｏｕｌ"),
            ("ｿｳﾙ", "ソウル"),
            ("القاهرة", "القَاهِرَة"),
            ("서울", "\u{1109}\u{1165}\u{110b}\u{116e}\u{11af}"),
        ] {
            assert_eq!(key(one), key(other), "{one} and {other}");
        }
    }

    #[test]
    fn marks_that_make_another_letter_stay() {
        assert_ne!(key("か"), key("が"));
        assert_ne!(key("ハ"), key("パ"));
        assert_ne!(key("सोल"), key("सल"));
    }

    #[test]
    fn a_syllable_still_being_typed_is_a_prefix() {
        for prefix in ["ㅅ", "서", "서우", "서울"] {
            assert!(key("서울").starts_with(&key(prefix)), "{prefix}");
        }
    }

    #[test]
    fn nothing_but_punctuation_has_an_empty_key() {
        assert_eq!(key(" -.,()’/ "), "");
    }

    proptest::proptest! {
        #[test]
        fn folding_twice_changes_nothing(name in "\\PC*") {
            let once = key(&name);
            proptest::prop_assert_eq!(key(&once), once);
        }
    }
}

//! Numbers as people read them.

/// Three significant digits or so, with a narrow space between thousands; `–` for none.
pub(crate) fn number(figure: Option<f64>) -> String {
    let Some(figure) = figure.filter(|figure| figure.is_finite()) else {
        return "–".to_owned();
    };
    match figure.abs() {
        size if size >= 99.95 => thousands(figure.round()),
        size if size >= 9.995 => format!("{figure:.1}"),
        _ => format!("{figure:.2}"),
    }
}

/// `×1.02`; nothing where there is none.
pub(crate) fn times(ratio: Option<f64>) -> String {
    ratio
        .filter(|ratio| ratio.is_finite())
        .map_or_else(String::new, |ratio| format!("×{ratio:.2}"))
}

/// `12 %`; `–` for none.
pub(crate) fn percent(share: Option<f64>) -> String {
    share.map_or_else(|| "–".to_owned(), |share| format!("{:.0} %", share * 100.0))
}

fn thousands(figure: f64) -> String {
    let digits = format!("{:.0}", figure.abs());
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    if figure < 0.0 {
        format!("−{text}")
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_numbers_as_people_read_them() {
        let cases = [
            (None, "–"),
            (Some(f64::NAN), "–"),
            (Some(0.0), "0.00"),
            (Some(6.526), "6.53"),
            (Some(9.996), "10.0"),
            (Some(12.34), "12.3"),
            (Some(99.96), "100"),
            (Some(1234.5), "1\u{202f}235"),
            (Some(150_284.2), "150\u{202f}284"),
            (Some(-1_000_000.0), "−1\u{202f}000\u{202f}000"),
        ];
        for (figure, expected) in cases {
            assert_eq!(number(figure), expected, "{figure:?}");
        }
    }

    #[test]
    fn says_ratios_and_shares() {
        assert_eq!(times(Some(0.854)), "×0.85");
        assert_eq!(times(None), "");
        assert_eq!(percent(Some(0.123)), "12 %");
        assert_eq!(percent(None), "–");
    }
}

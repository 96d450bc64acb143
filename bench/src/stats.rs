//! Medians and what goes with them.

/// The middle of the figures; the mean of the two in the middle where their number is even. `None`
/// if there are none. What is not a number is left out.
pub(crate) fn median(figures: impl IntoIterator<Item = f64>) -> Option<f64> {
    quantile(figures, 0.5)
}

/// The value below which a share of the figures lies, between two neighbours in proportion. `None`
/// if there are no figures. What is not a number is left out.
pub(crate) fn quantile(figures: impl IntoIterator<Item = f64>, share: f64) -> Option<f64> {
    let mut figures: Vec<f64> = figures.into_iter().filter(|f| !f.is_nan()).collect();
    figures.sort_by(f64::total_cmp);
    let last = figures.len().checked_sub(1)?;
    let place = share.clamp(0.0, 1.0) * last as f64;
    let (below, above) = (
        figures[place.floor() as usize],
        figures[place.ceil() as usize],
    );
    Some(below + (above - below) * place.fract())
}

/// How far the figures lie apart: greatest less smallest, as a share of the median. `None` with
/// fewer than two figures, or a median of nothing.
pub(crate) fn spread(figures: &[f64]) -> Option<f64> {
    if figures.len() < 2 {
        return None;
    }
    let middle = median(figures.iter().copied()).filter(|middle| *middle > 0.0)?;
    Some(
        (quantile(figures.iter().copied(), 1.0)? - quantile(figures.iter().copied(), 0.0)?)
            / middle,
    )
}

/// `figure` as a multiple of `of`; `None` if either is missing, or `of` is nothing.
pub(crate) fn ratio(figure: Option<f64>, of: Option<f64>) -> Option<f64> {
    Some(figure? / of.filter(|of| *of > 0.0)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_middle() {
        let cases: [(&[f64], Option<f64>); 5] = [
            (&[], None),
            (&[f64::NAN], None),
            (&[3.0], Some(3.0)),
            (&[9.0, 1.0, 2.0], Some(2.0)),
            (&[4.0, 1.0, f64::NAN, 2.0, 3.0], Some(2.5)),
        ];
        for (figures, expected) in cases {
            assert_eq!(median(figures.iter().copied()), expected, "{figures:?}");
        }
    }

    #[test]
    fn finds_any_share() {
        let figures = [10.0, 20.0, 30.0, 40.0, 50.0];
        let cases = [
            (0.0, 10.0),
            (0.25, 20.0),
            (0.9, 46.0),
            (1.0, 50.0),
            (7.0, 50.0),
        ];
        for (share, expected) in cases {
            assert_eq!(quantile(figures, share), Some(expected), "{share}");
        }
    }

    #[test]
    fn says_how_far_figures_lie_apart() {
        let cases: [(&[f64], Option<f64>); 4] = [
            (&[], None),
            (&[1.0], None),
            (&[0.0, 0.0], None),
            (&[9.0, 10.0, 12.0], Some(0.3)),
        ];
        for (figures, expected) in cases {
            assert_eq!(spread(figures), expected, "{figures:?}");
        }
    }

    #[test]
    fn a_ratio_needs_both_figures() {
        let cases = [
            (Some(3.0), Some(2.0), Some(1.5)),
            (None, Some(2.0), None),
            (Some(3.0), None, None),
            (Some(3.0), Some(0.0), None),
        ];
        for (figure, of, expected) in cases {
            assert_eq!(ratio(figure, of), expected, "{figure:?} {of:?}");
        }
    }
}

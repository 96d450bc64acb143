//! [`Figures`]: numbers with names, as processes tell them to each other; and what is made of them.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use crate::Result;

/// Numbers with names: `requests=12 p99=3.5`.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Figures(BTreeMap<String, f64>);

impl Figures {
    /// The number of this name; 0 if there is none.
    pub(crate) fn of(&self, name: &str) -> f64 {
        self.0.get(name).copied().unwrap_or_default()
    }

    /// Adds a number.
    #[must_use]
    pub(crate) fn with(mut self, name: &str, number: f64) -> Self {
        self.0.insert(name.to_owned(), number);
        self
    }

    /// All of them, by name.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, f64)> {
        self.0.iter().map(|(name, number)| (name.as_str(), *number))
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: Vec<_> = self
            .iter()
            .map(|(name, number)| format!("{name}={number}"))
            .collect();
        f.write_str(&words.join(" "))
    }
}

impl FromStr for Figures {
    type Err = Box<dyn std::error::Error + Send + Sync>;

    fn from_str(text: &str) -> Result<Self> {
        let mut figures = Self::default();
        for word in text.split_ascii_whitespace() {
            let (name, number) = word
                .split_once('=')
                .ok_or_else(|| format!("no figures: {text}"))?;
            figures.0.insert(name.to_owned(), number.parse()?);
        }
        Ok(figures)
    }
}

/// The middle of some numbers. Sorts them.
pub(crate) fn median(numbers: &mut [f64]) -> f64 {
    quantile(numbers, 0.5)
}

/// The number below which a share of them is. Sorts them.
pub(crate) fn quantile(numbers: &mut [f64], share: f64) -> f64 {
    numbers.sort_by(f64::total_cmp);
    let last = numbers.len().saturating_sub(1);
    let at = (last as f64 * share).round() as usize;
    numbers.get(at).copied().unwrap_or(f64::NAN)
}

/// By what share of itself the median of some numbers may be wrong, in 95 cases of 100: 1.57 times what lies between
/// the lowest and the highest quarter, by the root of how many there are (McGill, Tukey and Larsen, *Variations of Box
/// Plots*, 1978). Sorts them.
pub(crate) fn notch(numbers: &mut [f64]) -> f64 {
    let [low, middle, high] = [0.25, 0.5, 0.75].map(|share| quantile(numbers, share));
    1.57 * (high - low) / (numbers.len() as f64).sqrt() / middle
}

/// Bytes in MiB, as tables have them.
pub(crate) fn mib(bytes: u64) -> String {
    format!("{:.1}", bytes as f64 / (1024.0 * 1024.0))
}

/// Prints a table in Markdown.
pub(crate) fn print_table(head: &[&str], rows: &[Vec<String>]) {
    println!("\n| {} |", head.join(" | "));
    println!("|---|{}", "---:|".repeat(head.len() - 1));
    for row in rows {
        println!("| {} |", row.join(" | "));
    }
    println!();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_read_as_they_are_told() {
        let figures = Figures::default().with("rate", 1.5).with("errors", 0.0);
        assert_eq!(figures.to_string(), "errors=0 rate=1.5");
        assert_eq!(figures.to_string().parse::<Figures>().unwrap(), figures);
        assert_eq!(figures.of("rate"), 1.5);
        assert_eq!(figures.of("else"), 0.0);
        assert!("rate".parse::<Figures>().is_err());
    }

    #[test]
    fn the_median_of_what_does_not_swing_is_right() {
        assert_eq!(notch(&mut [10.0; 4]), 0.0);
        let mut numbers = [8.0, 9.0, 10.0, 11.0, 12.0];
        assert!((notch(&mut numbers) - 0.1404).abs() < 0.001);
        assert!(notch(&mut []).is_nan());
    }

    #[test]
    fn quantiles_are_numbers_that_were_there() {
        let mut numbers = [5.0, 1.0, 4.0, 2.0, 3.0];
        assert_eq!(quantile(&mut numbers, 0.0), 1.0);
        assert_eq!(quantile(&mut numbers, 0.5), 3.0);
        assert_eq!(quantile(&mut numbers, 1.0), 5.0);
        assert_eq!(median(&mut [2.0]), 2.0);
        assert!(median(&mut []).is_nan());
    }
}

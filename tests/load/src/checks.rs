//! [`Checks`]: what must hold, and whether it does.

use crate::Result;
use crate::figures::print_table;

/// By what share of itself a figure may swing for anything to be shown by it: as much as what is looked for.
const MOST_NOISE: f64 = 0.1;

/// What a figure must be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Bound {
    AtLeast(f64),
    AtMost(f64),
}

/// What a check came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Pass,
    Fail,
    /// What is measured swings so much by itself that nothing is shown, either way: quiet the machine, or take
    /// more rounds.
    Noise,
}

/// A figure, and what it must be.
#[derive(Clone, Debug)]
struct Check {
    server: String,
    what: &'static str,
    found: f64,
    bound: Bound,
    /// By what share of itself the figure swings, where that was measured.
    noise: f64,
}

/// What a program checks.
#[derive(Debug, Default)]
pub(crate) struct Checks(Vec<Check>);

impl Checks {
    /// A figure of a server must be within a bound.
    pub(crate) fn add(&mut self, server: &str, what: &'static str, found: f64, bound: Bound) {
        self.add_noisy(server, what, found, bound, 0.0);
    }

    /// The same of a figure that swings by this share of itself between rounds.
    pub(crate) fn add_noisy(
        &mut self,
        server: &str,
        what: &'static str,
        found: f64,
        bound: Bound,
        noise: f64,
    ) {
        self.0.push(Check {
            server: server.to_owned(),
            what,
            found,
            bound,
            noise,
        });
    }

    /// Prints all of them as a table, and as a line of JSON.
    ///
    /// # Errors
    ///
    /// One of them does not hold.
    pub(crate) fn conclude(&self, program: &str) -> Result {
        let head = ["server", "what", "found", "must be", "noise", "verdict"];
        print_table(&head, &self.0.iter().map(Check::row).collect::<Vec<_>>());
        println!("{}", self.json(program));
        match self.failed() {
            0 => Ok(()),
            failed => Err(format!("{failed} of {} checks do not hold", self.0.len()).into()),
        }
    }

    fn failed(&self) -> usize {
        let failed = |check: &&Check| check.verdict() != Verdict::Pass;
        self.0.iter().filter(failed).count()
    }

    fn json(&self, program: &str) -> String {
        let checks: Vec<_> = self.0.iter().map(Check::json).collect();
        let verdict = if self.failed() == 0 { "pass" } else { "fail" };
        let checks = checks.join(",");
        format!(r#"{{"program":"{program}","verdict":"{verdict}","checks":[{checks}]}}"#)
    }
}

impl Check {
    fn verdict(&self) -> Verdict {
        // What was not measured holds in no case: a comparison with it is false.
        let holds = |found: f64| match self.bound {
            Bound::AtLeast(bound) => found >= bound,
            Bound::AtMost(bound) => found <= bound,
        };
        if self.noise > MOST_NOISE {
            return Verdict::Noise;
        }
        let swing = match self.bound {
            Bound::AtLeast(_) => 1.0 + self.noise,
            Bound::AtMost(_) => 1.0 - self.noise,
        };
        match (holds(self.found), holds(self.found * swing)) {
            (true, _) => Verdict::Pass,
            (false, true) => Verdict::Noise,
            (false, false) => Verdict::Fail,
        }
    }

    fn row(&self) -> Vec<String> {
        let bound = match self.bound {
            Bound::AtLeast(bound) => format!("≥ {bound}"),
            Bound::AtMost(bound) => format!("≤ {bound}"),
        };
        vec![
            self.server.clone(),
            self.what.to_owned(),
            format!("{:.2}", self.found),
            bound,
            format!("± {:.0} %", self.noise * 100.0),
            self.verdict().word().to_owned(),
        ]
    }

    fn json(&self) -> String {
        let (bound, limit) = match self.bound {
            Bound::AtLeast(bound) => ("at_least", bound),
            Bound::AtMost(bound) => ("at_most", bound),
        };
        let (server, what, verdict) = (&self.server, self.what, self.verdict().word());
        let (found, noise) = (number(self.found), number(self.noise));
        format!(
            r#"{{"server":"{server}","what":"{what}","found":{found},"{bound}":{limit},"noise":{noise},"verdict":"{verdict}"}}"#
        )
    }
}

impl Verdict {
    fn word(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "FAIL",
            Self::Noise => "within the noise",
        }
    }
}

/// JSON has no word for what is no number.
fn number(value: f64) -> String {
    match value.is_finite() {
        true => format!("{value:.4}"),
        false => "null".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_beyond_its_bound_fails_unless_it_swings_by_more() {
        let most = Bound::AtMost(1.1);
        let least = Bound::AtLeast(0.9);
        for (found, bound, noise, verdict) in [
            (1.1, most, 0.0, Verdict::Pass),
            (1.2, most, 0.0, Verdict::Fail),
            (1.2, most, 0.05, Verdict::Fail),
            (1.2, most, 0.1, Verdict::Noise),
            (0.5, most, 0.2, Verdict::Noise),
            (0.9, least, 0.0, Verdict::Pass),
            (0.8, least, 0.05, Verdict::Fail),
            (0.85, least, 0.09, Verdict::Noise),
            (f64::NAN, most, 0.05, Verdict::Fail),
            (f64::NAN, least, 0.05, Verdict::Fail),
        ] {
            let check = Check {
                server: "sync:2".to_owned(),
                what: "p99",
                found,
                bound,
                noise,
            };
            assert_eq!(check.verdict(), verdict, "{found} {bound:?} {noise}");
        }
    }

    #[test]
    fn the_last_line_is_json() {
        let mut checks = Checks::default();
        checks.add("sync:2", "p99", 1.0, Bound::AtMost(1.1));
        checks.add("sync:2", "rate", f64::NAN, Bound::AtLeast(0.9));
        assert_eq!(
            checks.json("slow"),
            concat!(
                r#"{"program":"slow","verdict":"fail","checks":["#,
                r#"{"server":"sync:2","what":"p99","found":1.0000,"at_most":1.1,"noise":0.0000,"verdict":"pass"},"#,
                r#"{"server":"sync:2","what":"rate","found":null,"at_least":0.9,"noise":0.0000,"verdict":"FAIL"}]}"#
            )
        );
    }
}

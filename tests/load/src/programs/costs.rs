//! [`Costs`]: what slow clients cost normal ones and the server, measured in turn with there being none.

use super::started::Started;
use super::swarms::Swarms;
use crate::Result;
use crate::checks::{Bound, Checks};
use crate::figures::{Figures, median, mib, notch, print_table};

/// Measured in turn: without slow clients, with them at a server that does nothing else, with them at
/// the same server. The second is what the clients and the kernel cost by themselves.
const PLACES: [Place; 3] = [Place::Nowhere, Place::Elsewhere, Place::Here];

/// By what share throughput and p99 of normal clients may be worse beside slow ones.
const WORSE: f64 = 0.1;

/// By how much slow clients may be behind their pace, in seconds: a turn of theirs.
const BEHIND: f64 = 0.5;

/// Requests a second for the times to an answer: what leaves the machine room.
const RATE: f64 = 2000.0;

/// Nobody is to be cut while it is measured; the rate is watched all the same, when all have come.
const OPTIONS: &str = "--min-rate 1 --rate-grace 30 --head 3600 --write-stall 3600";

/// Where the slow clients are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Nowhere,
    Elsewhere,
    Here,
}

/// How it is measured.
pub(super) struct Plan {
    /// How many slow clients.
    pub(super) clients: usize,
    /// How often they come.
    pub(super) rounds: usize,
    /// How many samples are taken each time.
    pub(super) samples: usize,
    /// How long each takes, in seconds.
    pub(super) seconds: f64,
}

/// What normal clients saw: as fast as they come, of calls that compute, where the server's core is what bounds
/// them; and at a rate that leaves room, of calls that do nothing.
struct Sample {
    work: Figures,
    paced: Figures,
}

/// One of the figures of a sample.
type Figure = fn(&Sample) -> f64;

/// What was measured of a server, place by place.
#[derive(Default)]
pub(super) struct Costs {
    server: String,
    samples: [Vec<Sample>; 3],
    /// Processor time a second with no normal client there, in milliseconds.
    alone: [Vec<f64>; 3],
    /// The most of the server's memory, in bytes.
    memory: u64,
    /// Slow clients that had ended before they were called off.
    gone: f64,
    /// By how much slow clients were behind their pace at most, in seconds.
    behind: f64,
}

impl Plan {
    /// Measures a server.
    pub(super) fn measure(&self, server: &str) -> Result<Costs> {
        let started = Started::new(server, OPTIONS)?;
        let sink = Started::new("sink", "")?;
        started.drive("/work", 64, 1.0, 0.0)?; // warms up
        let descriptors = started.process.descriptors()?;
        let mut costs = Costs {
            server: server.to_owned(),
            ..Costs::default()
        };
        for round in 0..self.rounds {
            let mut order = [0, 1, 2];
            if round % 2 == 1 {
                order.reverse(); // what drifts is in all of them
            }
            for number in order {
                let place = PLACES[number];
                let round = round + 1;
                eprintln!(
                    "{server}: round {round}/{}, slow clients {place:?}",
                    self.rounds
                );
                let mut swarms = match place {
                    Place::Nowhere => Swarms::default(),
                    Place::Elsewhere => Swarms::start(&sink, self.clients)?,
                    Place::Here => Swarms::start(&started, self.clients)?,
                };
                sink.come_to_rest()?;
                started.come_to_rest()?;
                swarms.behind()?;
                costs.alone[number].push(started.share_of_core(2.0)?);
                for _ in 0..self.samples {
                    costs.samples[number].push(Sample {
                        work: started.drive("/work", 64, self.seconds, 0.0)?,
                        paced: started.drive("/hello", 64, self.seconds, RATE)?,
                    });
                }
                costs.behind = costs.behind.max(swarms.behind()?);
                costs.memory = costs.memory.max(started.process.memory()?);
                costs.gone += swarms.ended(server)?;
                drop(swarms);
                started.let_go(descriptors)?;
            }
        }
        Ok(costs)
    }

    /// Prints what was measured of each server.
    pub(super) fn print(&self, costs: &[Costs]) {
        println!(
            "\n{} slow clients beside 64 normal ones: medians of {} samples of {} s. Requests a second of what takes \
             50 µs to compute, as fast as they come; times to an answer so, and at {RATE} requests a second of what \
             takes nothing.",
            self.clients,
            self.rounds * self.samples,
            self.seconds
        );
        let columns = ["elsewhere", "here", "here ÷ without"];
        let mut head = vec!["server"];
        for figure in ["requests/s", "p99 ms", "p99 ms at 2000/s"] {
            head.push(figure);
            head.extend(columns);
        }
        head.extend(["core ms/s alone", "elsewhere", "here", "MiB with", "errors"]);
        print_table(&head, &costs.iter().map(Costs::row).collect::<Vec<_>>());
    }
}

impl Sample {
    fn rate(&self) -> f64 {
        self.work.of("rate")
    }

    fn p99(&self) -> f64 {
        self.work.of("p99")
    }

    fn paced(&self) -> f64 {
        self.paced.of("p99")
    }

    fn errors(&self) -> f64 {
        self.work.of("errors") + self.paced.of("errors")
    }
}

impl Costs {
    /// Throughput and times beside slow clients, against those without any.
    pub(super) fn check(&self, checks: &mut Checks) {
        let server = &self.server;
        let (least, most) = (Bound::AtLeast(1.0 - WORSE), Bound::AtMost(1.0 + WORSE));
        let figures: [(&str, Figure, Bound); 3] = [
            ("throughput, here ÷ without", Sample::rate, least),
            ("p99 at full speed, here ÷ without", Sample::p99, most),
            ("p99 at 2000/s, here ÷ without", Sample::paced, most),
        ];
        for (what, of, bound) in figures {
            let [without, _, here] = self.each(of);
            let (ratio, noise) = compare(without, here);
            checks.add_noisy(server, what, ratio, bound, noise);
        }
        let none = Bound::AtMost(0.0);
        checks.add(server, "errors of normal clients", self.errors(), none);
        checks.add(server, "slow clients lost meanwhile", self.gone, none);
        let most = Bound::AtMost(BEHIND);
        checks.add(
            server,
            "slow clients behind their pace, s",
            self.behind,
            most,
        );
    }

    fn each(&self, of: impl Fn(&Sample) -> f64) -> [Vec<f64>; 3] {
        self.samples
            .each_ref()
            .map(|samples| samples.iter().map(&of).collect())
    }

    fn errors(&self) -> f64 {
        self.samples.iter().flatten().map(Sample::errors).sum()
    }

    fn row(&self) -> Vec<String> {
        let mut row = vec![self.server.clone()];
        row.extend(cells(self.each(Sample::rate), 0));
        row.extend(cells(self.each(Sample::p99), 2));
        row.extend(cells(self.each(Sample::paced), 2));
        let alone = self.alone.clone().map(|mut shares| median(&mut shares));
        row.extend(alone.map(|share| format!("{share:.0}")));
        row.extend([mib(self.memory), self.errors().to_string()]);
        row
    }
}

/// The second against the first, median against median; and by what share of itself that may be wrong.
fn compare(mut without: Vec<f64>, mut here: Vec<f64>) -> (f64, f64) {
    let noise = notch(&mut without).hypot(notch(&mut here));
    (median(&mut here) / median(&mut without), noise)
}

/// What it is at each place, and by what it differs here.
fn cells(figures: [Vec<f64>; 3], digits: usize) -> [String; 4] {
    let [without, elsewhere, here] = figures.map(|mut figures| median(&mut figures));
    let [first, second, third] =
        [without, elsewhere, here].map(|figure| format!("{figure:.digits$}"));
    [first, second, third, format!("{:.2}", here / without)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_compared_is_as_wrong_as_both_are() {
        assert_eq!(compare(vec![2.0; 4], vec![3.0; 4]), (1.5, 0.0));
        let spread: Vec<_> = (1..=99).map(f64::from).collect(); // 50 ± 25
        let (ratio, noise) = compare(spread.clone(), spread);
        assert_eq!(ratio, 1.0);
        assert!((noise - 1.57 * 49.0 / 50.0 / 99_f64.sqrt() * 2_f64.sqrt()).abs() < 0.01);
    }
}

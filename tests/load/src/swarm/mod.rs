//! `swarm`: thousands of slow or idle clients in one thread, which cost little themselves.
//!
//! There is no poller: each client gets its turn by the clock, and its socket is asked then.

mod client;

use std::net::SocketAddr;
use std::sync::mpsc::{Receiver, TryRecvError, channel};
use std::thread;
use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};

use crate::Result;
use crate::figures::{Figures, quantile};
use client::{Client, End};

/// In how many groups the clients get their turns, so that they do not come at once but spread over the time, as
/// strangers do. With as many clients each has a turn of its own, a fifth of a millisecond or two after the one before.
const GROUPS: usize = 2500;

/// Many clients. Tells when all are connected and have said what they say at once; then answers each
/// line of standard input, and ends with it.
#[derive(Args)]
pub(crate) struct Swarm {
    /// The server.
    #[arg(long)]
    address: SocketAddr,
    /// What each client does.
    #[arg(long, value_enum)]
    manner: Manner,
    /// How many clients.
    #[arg(long)]
    clients: usize,
}

/// What a client does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Manner {
    /// Sends a request head that has no end, a byte every half second.
    Head,
    /// Sends a request body, a byte every half second.
    Body,
    /// Asks for 1 MiB that the application has at once, and takes 1 KiB a second of it.
    Large,
    /// The same, of a response that is made piece by piece.
    Pieces,
    /// Asks nothing until it is told to ask once.
    Idle,
}

impl Manner {
    /// As the argument of a process.
    pub(crate) fn name(self) -> String {
        self.to_possible_value()
            .map_or_else(String::new, |value| value.get_name().to_owned())
    }

    /// The time between two turns of a client.
    fn period(self) -> Duration {
        Duration::from_millis(match self {
            Self::Head | Self::Body => 500,
            Self::Large | Self::Pieces | Self::Idle => 1000,
        })
    }
}

impl Swarm {
    /// The command line of a process that does this.
    pub(crate) fn command(address: SocketAddr, manner: Manner, clients: usize) -> Vec<String> {
        let name = manner.name();
        let line = format!("swarm --address {address} --manner {name} --clients {clients}");
        line.split(' ').map(str::to_owned).collect()
    }

    pub(crate) fn run(self) -> Result {
        let begun = Instant::now();
        let mut clients = Vec::new();
        for number in 0..self.clients {
            clients.push(Client::connect(self.address, self.manner, number)?);
        }
        let took = begun.elapsed().as_secs_f64();
        println!(
            "{}",
            Figures::default()
                .with("connected", clients.len() as f64)
                .with("seconds", took)
        );
        let words = words();
        let turn = self.manner.period() / GROUPS as u32;
        let mut next = Instant::now();
        let mut behind = Duration::ZERO;
        for group in (0..GROUPS).cycle() {
            match words.try_recv() {
                Ok(word) if word == "ask" => println!("{}", ask_all(&mut clients)),
                Ok(word) if word == "behind" => {
                    let seconds = std::mem::take(&mut behind).as_secs_f64();
                    println!("{}", Figures::default().with("behind", seconds));
                }
                Ok(_) => println!("{}", report(&clients)),
                Err(TryRecvError::Empty) => {}
                Err(TryRecvError::Disconnected) => break,
            }
            for client in clients.iter_mut().skip(group).step_by(GROUPS) {
                client.turn();
            }
            next += turn;
            let now = Instant::now();
            behind = behind.max(now.saturating_duration_since(next));
            thread::sleep(next.saturating_duration_since(now));
        }
        Ok(())
    }
}

/// The lines of standard input; disconnected at its end.
fn words() -> Receiver<String> {
    let (tell, words) = channel();
    thread::spawn(move || {
        for line in std::io::stdin().lines().map_while(std::result::Result::ok) {
            if tell.send(line).is_err() {
                return;
            }
        }
    });
    words
}

/// Has each client ask once.
fn ask_all(clients: &mut [Client]) -> Figures {
    let answered = clients
        .iter_mut()
        .filter_map(|client| client.ask().ok())
        .count();
    Figures::default().with("answered", answered as f64)
}

/// How many clients are still there, and how the others have ended; when, in seconds since they began.
fn report(clients: &[Client]) -> Figures {
    let mut figures = Figures::default();
    let mut ends = Vec::new();
    for client in clients {
        let name = match client.end {
            None => "alive".to_owned(),
            Some((End::Status(status), _)) => format!("status_{status}"),
            Some((End::Whole, _)) => "whole".to_owned(),
            Some((End::Closed, _)) => "closed".to_owned(),
            Some((End::Reset, _)) => "reset".to_owned(),
        };
        let count = figures.of(&name);
        figures = figures.with(&name, count + 1.0);
        ends.extend(client.end.map(|(_, after)| after.as_secs_f64()));
    }
    for (name, share) in [("first", 0.0), ("median", 0.5), ("last", 1.0)] {
        figures = figures.with(name, quantile(&mut ends, share));
    }
    figures
}

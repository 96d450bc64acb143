//! `drive`: normal clients, each of which asks again as soon as it has its answer.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use clap::Args;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::Result;
use crate::figures::{Figures, quantile};

/// How long a client waits for an answer, or for a connection.
const PATIENCE: Duration = Duration::from_secs(20);

/// Normal clients. Tells `requests`, `refused` (503), `errors`, the `rate` of answers a second, and
/// quantiles of the time to an answer and to a refusal, in milliseconds.
#[derive(Args)]
pub(crate) struct Drive {
    /// The server.
    #[arg(long)]
    address: SocketAddr,
    /// The path asked for.
    #[arg(long, default_value = "/hello")]
    path: String,
    /// How many clients.
    #[arg(long, default_value_t = 64)]
    clients: usize,
    /// For how long.
    #[arg(long, default_value_t = 4.0)]
    seconds: f64,
    /// Requests a second, of all clients together; as many as they can if it is 0.
    #[arg(long, default_value_t = 0.0)]
    rate: f64,
}

/// What a client has seen, in milliseconds each.
#[derive(Default)]
struct Seen {
    answers: Vec<f64>,
    refusals: Vec<f64>,
    errors: u64,
}

impl Drive {
    /// The command line of a process that does this.
    pub(crate) fn command(&self) -> Vec<String> {
        let Self {
            address,
            path,
            clients,
            seconds,
            rate,
        } = self;
        let line = format!(
            "drive --address {address} --path {path} --clients {clients} --seconds {seconds} --rate {rate}"
        );
        line.split(' ').map(str::to_owned).collect()
    }

    pub(crate) fn new(
        address: SocketAddr,
        path: &str,
        clients: usize,
        seconds: f64,
        rate: f64,
    ) -> Self {
        Self {
            address,
            path: path.to_owned(),
            clients,
            seconds,
            rate,
        }
    }

    pub(crate) fn run(self) -> Result {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        println!("{}", runtime.block_on(self.figures()));
        Ok(())
    }

    async fn figures(self) -> Figures {
        let start = Instant::now();
        let until = start + Duration::from_secs_f64(self.seconds);
        let pause = Duration::from_secs_f64(match self.rate > 0.0 {
            true => self.clients as f64 / self.rate,
            false => 0.0,
        });
        let request = format!("GET {} HTTP/1.1\r\nHost: load.example\r\n\r\n", self.path);
        let clients: Vec<_> = (0..self.clients)
            .map(|number| {
                let first = start + pause.mul_f64(number as f64 / self.clients as f64);
                tokio::spawn(ask(self.address, request.clone(), first, pause, until))
            })
            .collect();
        let mut all = Seen::default();
        for client in clients {
            let seen = client.await.unwrap_or_default();
            all.answers.extend(seen.answers);
            all.refusals.extend(seen.refusals);
            all.errors += seen.errors;
        }
        all.figures(start.elapsed())
    }
}

impl Seen {
    fn figures(mut self, time: Duration) -> Figures {
        let mut figures = Figures::default()
            .with("requests", self.answers.len() as f64)
            .with("refused", self.refusals.len() as f64)
            .with("errors", self.errors as f64)
            .with("rate", self.answers.len() as f64 / time.as_secs_f64());
        for (name, share) in [("p50", 0.5), ("p99", 0.99), ("max", 1.0)] {
            figures = figures.with(name, quantile(&mut self.answers, share));
        }
        for (name, share) in [
            ("refused_p50", 0.5),
            ("refused_p99", 0.99),
            ("refused_max", 1.0),
        ] {
            figures = figures.with(name, quantile(&mut self.refusals, share));
        }
        figures
    }
}

/// One client.
async fn ask(
    address: SocketAddr,
    request: String,
    first: Instant,
    pause: Duration,
    until: Instant,
) -> Seen {
    let mut seen = Seen::default();
    let mut kept = None;
    let mut next = first;
    while Instant::now() < until {
        if !pause.is_zero() {
            tokio::time::sleep_until(next.into()).await;
            next += pause;
        }
        let begun = Instant::now();
        let asked = tokio::time::timeout(PATIENCE, exchange(kept.take(), address, &request));
        match asked.await {
            Ok(Ok((stream, status))) => {
                let time = begun.elapsed().as_secs_f64() * 1e3;
                kept = stream;
                match status {
                    503 => {
                        seen.refusals.push(time);
                        // Retry-After says a second or more; a tenth of that is impatient enough.
                        tokio::time::sleep(Duration::from_millis(100)).await;
                    }
                    200 => seen.answers.push(time),
                    _ => seen.errors += 1,
                }
            }
            _ => {
                seen.errors += 1;
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
    seen
}

/// Asks once; gives the connection back if another request can follow, and the status.
async fn exchange(
    kept: Option<TcpStream>,
    address: SocketAddr,
    request: &str,
) -> std::io::Result<(Option<TcpStream>, u16)> {
    let mut stream = match kept {
        Some(stream) => stream,
        None => {
            let stream = TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            stream
        }
    };
    stream.write_all(request.as_bytes()).await?;
    let mut space = [0; 4096];
    let mut filled = 0;
    loop {
        let length = stream.read(&mut space[filled..]).await?;
        if length == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        filled += length;
        if let Some(answer) = Answer::read(&space[..filled]) {
            return Ok((answer.keeps.then_some(stream), answer.status));
        }
    }
}

/// What is to be known of an answer whose length is given.
#[derive(Debug, PartialEq, Eq)]
struct Answer {
    status: u16,
    keeps: bool,
}

impl Answer {
    /// `None` if it is not whole.
    fn read(bytes: &[u8]) -> Option<Self> {
        let end = bytes.windows(4).position(|end| end == b"\r\n\r\n")?;
        let head = std::str::from_utf8(&bytes[..end]).ok()?;
        let mut answer = Self {
            status: head.get(9..12)?.parse().ok()?,
            keeps: true,
        };
        for line in head.lines().skip(1) {
            let (name, value) = line.split_once(':')?;
            if name.eq_ignore_ascii_case("content-length") {
                let length: usize = value.trim().parse().ok()?;
                if bytes.len() < end + 4 + length {
                    return None;
                }
            } else if name.eq_ignore_ascii_case("connection") {
                answer.keeps = !value.trim().eq_ignore_ascii_case("close");
            }
        }
        Some(answer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_whole_with_its_body() {
        let bytes = b"HTTP/1.1 503 Busy\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno";
        assert_eq!(Answer::read(&bytes[..bytes.len() - 1]), None);
        let closes = Answer {
            status: 503,
            keeps: false,
        };
        assert_eq!(Answer::read(bytes), Some(closes));
    }
}

//! [`Streams`]: clients that keep HTTP/2 connections, and ask on several streams of each all the time; and a
//! count of what became of their requests.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use gateway_test::PATIENCE;
use h2::client::{ResponseFuture, SendRequest};
use http::{Request, StatusCode};
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

/// Requests at once on a connection.
const AT_ONCE: usize = 4;

/// What is asked for, in turn: of the applications of [`answers_the_crowd`](crate::answers_the_crowd).
const TARGETS: [&str; 4] = ["/now", "/soon", "/wait", "/large"];

/// The time between two rounds of requests: the machine is not to be busy with these alone.
const REST: Duration = Duration::from_millis(2);

/// What became of all requests.
#[derive(Clone, Debug, Default)]
pub struct StreamTally {
    /// Requests that were answered, and well.
    pub answered: u64,
    /// Requests that the host said it did not look at: above the last stream of its GOAWAY, or reset with
    /// `REFUSED_STREAM`. They were asked again on another connection (RFC 9113 §8.7).
    pub refused: u64,
    /// Connections that were made.
    pub connections: u64,
    /// The others, in words.
    pub lost: Vec<String>,
}

impl fmt::Display for StreamTally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            answered,
            refused,
            connections,
            lost,
        } = self;
        write!(f, "{answered} answered on {connections} connections, ")?;
        write!(f, "{refused} refused and asked again, {} lost", lost.len())?;
        lost.iter()
            .take(10)
            .try_for_each(|story| write!(f, "\n  {story}"))
    }
}

/// Clients that ask until they are called off.
#[derive(Debug)]
pub struct Streams {
    runtime: Runtime,
    shared: Arc<Shared>,
    clients: Vec<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    address: SocketAddr,
    called_off: AtomicBool,
    next: AtomicU64,
    tally: Mutex<StreamTally>,
}

impl Streams {
    /// So many clients, who begin at once, each with a connection.
    ///
    /// # Errors
    ///
    /// If there are no threads for them.
    pub fn gather(address: SocketAddr, clients: usize) -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()?;
        let shared = Arc::new(Shared {
            address,
            called_off: AtomicBool::new(false),
            next: AtomicU64::new(0),
            tally: Mutex::default(),
        });
        let client = |_| runtime.spawn(Arc::clone(&shared).ask());
        let clients = (0..clients).map(client).collect();
        Ok(Self {
            runtime,
            shared,
            clients,
        })
    }

    /// Has the clients finish what they have begun, and tells what became of everything.
    ///
    /// # Panics
    ///
    /// If a client did.
    pub fn call_off(self) -> StreamTally {
        self.shared.called_off.store(true, Ordering::Relaxed);
        for client in self.clients {
            let ended = self.runtime.block_on(client);
            ended.expect("a client panicked");
        }
        self.shared.tally().clone()
    }
}

/// What became of a request.
enum Fate {
    Answered,
    /// It may be asked again.
    Refused,
    Lost(String),
}

impl Shared {
    /// The life of a client: a connection for as long as the host lets it ask there.
    async fn ask(self: Arc<Self>) {
        let mut again = Vec::new();
        while !self.is_over(&again) {
            match self.connect().await {
                Ok(asks) => self.keep_asking(asks, &mut again).await,
                Err(story) => self.tally().lost.push(story),
            }
        }
    }

    /// Nothing is left behind that was refused and is to be asked again.
    fn is_over(&self, again: &[u64]) -> bool {
        self.called_off.load(Ordering::Relaxed) && again.is_empty()
    }

    async fn connect(&self) -> Result<SendRequest<Bytes>, String> {
        let connecting = async {
            let stream = TcpStream::connect(self.address).await?;
            stream.set_nodelay(true)?;
            h2::client::handshake(stream)
                .await
                .map_err(io::Error::other)
        };
        let (asks, connection) = match timeout(PATIENCE, connecting).await {
            Ok(connected) => connected.map_err(|error| format!("no connection: {error}"))?,
            Err(_) => return Err("no connection in time".to_owned()),
        };
        // How the connection ends, each of its requests is told.
        tokio::spawn(async { drop(connection.await) });
        self.tally().connections += 1;
        Ok(asks)
    }

    /// Asks on a connection until the host takes no further request there, which loses none.
    async fn keep_asking(&self, asks: SendRequest<Bytes>, again: &mut Vec<u64>) {
        while !self.is_over(again) {
            let Ok(mut asks) = asks.clone().ready().await else {
                return;
            };
            let numbers: Vec<u64> = (0..AT_ONCE)
                .map(|_| {
                    again
                        .pop()
                        .unwrap_or_else(|| self.next.fetch_add(1, Ordering::Relaxed))
                })
                .collect();
            // Read at once, each in a task of its own: they share a window.
            let mut answers = Vec::new();
            for number in numbers {
                match asks.send_request(request(self.address, number), true) {
                    Ok((answer, _)) => answers.push((number, tokio::spawn(fate(number, answer)))),
                    Err(_) => again.push(number), // never sent
                }
            }
            for (number, answer) in answers {
                let fate = answer.await.expect("no panic in it");
                self.note(number, fate, again);
            }
            sleep(REST).await;
        }
    }

    fn note(&self, number: u64, fate: Fate, again: &mut Vec<u64>) {
        let mut tally = self.tally();
        match fate {
            Fate::Answered => tally.answered += 1,
            Fate::Refused => {
                tally.refused += 1;
                again.push(number);
            }
            Fate::Lost(story) => tally.lost.push(format!("{}: {story}", target(number))),
        }
    }

    fn tally(&self) -> MutexGuard<'_, StreamTally> {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn target(number: u64) -> String {
    format!("{}/{number}", TARGETS[number as usize % TARGETS.len()])
}

fn request(address: SocketAddr, number: u64) -> Request<()> {
    let mut request = Request::new(());
    let uri = format!("http://{address}{}", target(number));
    *request.uri_mut() = uri.parse().expect("an address and a path are a URI");
    request
}

async fn fate(number: u64, answer: ResponseFuture) -> Fate {
    match timeout(PATIENCE, read(answer)).await {
        Err(_) => Fate::Lost("no answer in time".to_owned()),
        Ok(Err(error)) if may_be_asked_again(&error) => Fate::Refused,
        Ok(Err(error)) => Fate::Lost(error.to_string()),
        Ok(Ok((status, body))) => {
            let text = String::from_utf8_lossy(&body);
            match text.split(' ').next() == Some(&number.to_string()) && status == 200 {
                true => Fate::Answered,
                false => Fate::Lost(format!("another answer: {status}")),
            }
        }
    }
}

async fn read(answer: ResponseFuture) -> Result<(StatusCode, Vec<u8>), h2::Error> {
    let (head, mut stream) = answer.await?.into_parts();
    let mut body = Vec::new();
    while let Some(piece) = stream.data().await {
        let piece = piece?;
        stream.flow_control().release_capacity(piece.len())?;
        body.extend(piece);
    }
    Ok((head.status, body))
}

/// Whether the host has said that it has not looked at the request (RFC 9113 §8.7).
fn may_be_asked_again(error: &h2::Error) -> bool {
    let is_refused = error.is_reset() && error.reason() == Some(h2::Reason::REFUSED_STREAM);
    error.is_remote() && (is_refused || error.is_go_away())
}

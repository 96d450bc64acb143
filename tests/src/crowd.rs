//! [`Crowd`]: clients that ask all the time, each in its own way, and a count of what became of
//! their requests.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use gateway_core::{Address, Body, BoxApplication, Environ, Mount, Response, blocking, text};
use gateway_test::client::{Client, ReadError, Reply};
use http::Method;

/// The pieces in which slow clients send a request, and the time between them.
const PIECES: usize = 5;
const PAUSE: Duration = Duration::from_millis(4);

/// What is asked for, in turn.
const TARGETS: [&str; 4] = ["/now", "/soon", "/wait", "/large"];

/// How large `/large` is, in bytes: more than one piece, and more than one packet.
const LARGE: usize = 200_000;

/// How a client behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Manner {
    /// A connection for each request, which says that it is the last.
    Once,
    /// The same, without a word about it: the client closes.
    OnceSilent,
    /// A connection for each request, whose head comes in pieces.
    OnceSlow,
    /// One connection for many requests.
    Kept,
    /// The same, with a while between two requests.
    Seldom,
    /// One connection for many uploads, whose heads and bodies come in pieces.
    KeptSlow,
}

impl Manner {
    const ALL: [Self; 6] = [
        Self::Once,
        Self::OnceSilent,
        Self::OnceSlow,
        Self::Kept,
        Self::Seldom,
        Self::KeptSlow,
    ];

    fn keeps(self) -> bool {
        matches!(self, Self::Kept | Self::Seldom | Self::KeptSlow)
    }

    /// The time between two requests: the machine is not to be busy with these alone.
    fn rest(self) -> Duration {
        Duration::from_millis(match self {
            Self::Seldom => 40,
            _ => 3,
        })
    }
}

/// What became of a request, other than an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fate {
    /// The connection was refused, or could not be made.
    Refused,
    /// The connection was reset before or within the answer.
    Reset,
    /// The connection ended within the answer.
    Truncated,
    /// The connection ended before a byte of the answer to its first request, or to one whose
    /// answer had been promised.
    Unanswered,
    /// A kept connection ended before a byte of the answer to a further request. The client asks
    /// again on a new one, as RFC 9112 §9.3.1 has it; that this comes to pass is counted all the
    /// same.
    Crossed,
    /// Nothing came, and the connection stayed open.
    Silence,
    /// An answer, but not to this request.
    Wrong,
}

/// What became of all requests.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Requests that were answered, and well.
    pub answered: BTreeMap<Manner, u64>,
    /// The others.
    pub fates: BTreeMap<Fate, u64>,
    /// The first of the others, in words.
    pub stories: Vec<String>,
}

impl Tally {
    /// How many requests met this fate.
    pub fn of(&self, fate: Fate) -> u64 {
        self.fates.get(&fate).copied().unwrap_or_default()
    }

    /// How many requests were lost.
    pub fn lost(&self) -> u64 {
        self.fates.values().sum::<u64>() - self.of(Fate::Crossed)
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let answered: u64 = self.answered.values().sum();
        writeln!(f, "{answered} answered {:?}", self.answered)?;
        write!(f, "{} lost, others: {:?}", self.lost(), self.fates)?;
        self.stories
            .iter()
            .try_for_each(|story| write!(f, "\n  {story}"))
    }
}

/// Clients that ask until they are called off.
#[derive(Debug)]
pub struct Crowd {
    shared: Arc<Shared>,
    clients: Vec<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    address: Address,
    called_off: AtomicBool,
    next: AtomicU64,
    tally: Mutex<Tally>,
}

impl Crowd {
    /// So many clients of each manner, who begin at once.
    pub fn gather(address: Address, of_each: usize) -> Self {
        let shared = Arc::new(Shared {
            address,
            called_off: AtomicBool::new(false),
            next: AtomicU64::new(0),
            tally: Mutex::default(),
        });
        let client = |manner| {
            let shared = Arc::clone(&shared);
            thread::spawn(move || shared.ask(manner))
        };
        let manners = Manner::ALL
            .into_iter()
            .cycle()
            .take(of_each * Manner::ALL.len());
        let clients = manners.map(client).collect();
        Self { shared, clients }
    }

    /// Has the clients finish what they have begun, and tells what became of everything.
    ///
    /// # Panics
    ///
    /// If a client did.
    pub fn call_off(self) -> Tally {
        self.shared.called_off.store(true, Ordering::Relaxed);
        for client in self.clients {
            client.join().expect("a client panicked");
        }
        let tally = self.shared.tally.lock();
        tally.unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Shared {
    /// The life of a client.
    fn ask(&self, manner: Manner) {
        let mut kept = None;
        while !self.called_off.load(Ordering::Relaxed) {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            let target = TARGETS[number as usize % TARGETS.len()];
            let request = Request {
                manner,
                target,
                number,
            };
            let is_further = kept.is_some();
            match self.exchange(kept.take(), &request) {
                Ok(client) => {
                    kept = client;
                    *self.tally().answered.entry(manner).or_default() += 1;
                }
                Err(Failure::Cannot(error)) => self.note(Fate::Refused, &request, &error),
                Err(Failure::Read(error)) => {
                    self.note(fate(&error, is_further), &request, &error);
                }
                Err(Failure::Wrong(reply)) => self.note(Fate::Wrong, &request, &reply),
            }
            thread::sleep(manner.rest());
        }
    }

    /// Asks once. What is given back can be asked again.
    fn exchange(&self, kept: Option<Client>, request: &Request) -> Result<Option<Client>, Failure> {
        let mut client = match kept {
            Some(client) => client,
            None => Client::connect(&self.address).map_err(Failure::Cannot)?,
        };
        request.send(&mut client);
        let reply = client.read_final(&Method::GET).map_err(Failure::Read)?;
        if !request.is_answered_by(&reply) {
            return Err(Failure::Wrong(Box::new(reply)));
        }
        let goes_on = request.manner.keeps() && !reply.says_close();
        Ok(goes_on.then_some(client))
    }

    fn note(&self, fate: Fate, request: &Request, story: &dyn fmt::Debug) {
        let mut tally = self.tally();
        *tally.fates.entry(fate).or_default() += 1;
        if fate != Fate::Crossed && tally.stories.len() < 10 {
            tally
                .stories
                .push(format!("{fate:?}: {request:?}: {story:?}"));
        }
    }

    fn tally(&self) -> std::sync::MutexGuard<'_, Tally> {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Why there is no answer.
enum Failure {
    Cannot(io::Error),
    Read(ReadError),
    Wrong(Box<Reply>),
}

fn fate(error: &ReadError, is_further: bool) -> Fate {
    match error {
        ReadError::Closed if is_further => Fate::Crossed,
        ReadError::Closed => Fate::Unanswered,
        ReadError::Reset { .. } => Fate::Reset,
        ReadError::Truncated { .. } => Fate::Truncated,
        ReadError::TimedOut(_) => Fate::Silence,
        _ => Fate::Wrong,
    }
}

#[derive(Debug)]
struct Request {
    manner: Manner,
    target: &'static str,
    number: u64,
}

impl Request {
    /// Sends it. Whether it can be sent shows when the answer is read.
    fn send(&self, client: &mut Client) {
        let Self {
            target,
            number,
            manner,
        } = self;
        let head = format!("{target}/{number} HTTP/1.1\r\nHost: test.example\r\n");
        let _ = match manner {
            Manner::Once => client.send(format!("GET {head}Connection: close\r\n\r\n")),
            Manner::OnceSilent | Manner::Kept | Manner::Seldom => {
                client.send(format!("GET {head}\r\n"))
            }
            Manner::OnceSlow => slowly(client, &format!("GET {head}\r\n")),
            Manner::KeptSlow => slowly(
                client,
                &format!("POST {head}Content-Length: 50\r\n\r\n{:50}", number),
            ),
        };
    }

    fn is_answered_by(&self, reply: &Reply) -> bool {
        let text = String::from_utf8_lossy(&reply.body);
        let (number, rest) = text.split_once(' ').unwrap_or((&text, ""));
        let length = if self.target == "/large" { LARGE } else { 0 };
        reply.status == 200 && number == self.number.to_string() && rest.len() == length
    }
}

fn slowly(client: &mut Client, request: &str) -> io::Result<()> {
    for piece in request.as_bytes().chunks(request.len().div_ceil(PIECES)) {
        client.send(piece)?;
        thread::sleep(PAUSE);
    }
    Ok(())
}

/// What the crowd asks: each answer begins with the number of its request. `calls` counts them.
pub fn answers_the_crowd(calls: &Arc<AtomicU64>) -> BoxApplication {
    let counted = calls.clone();
    let number = move |environ: &Environ| {
        counted.fetch_add(1, Ordering::Relaxed);
        environ.path_info().trim_start_matches('/').to_owned()
    };
    let (now, soon, wait) = (number.clone(), number.clone(), number.clone());
    let now = move |environ: Environ| {
        let answer = text(now(&environ));
        async move { Ok(answer) }
    };
    let wait = move |environ: Environ| {
        thread::sleep(Duration::from_millis(5));
        Ok(text(wait(&environ)))
    };
    BoxApplication::new(
        Mount::new()
            .at("/now", now)
            .at(
                "/soon",
                blocking(move |environ: Environ| Ok(text(soon(&environ)))),
            )
            .at("/wait", blocking(wait))
            .at(
                "/large",
                blocking(move |environ: Environ| Ok(large(number(&environ)))),
            ),
    )
}

fn large(number: String) -> Response {
    let piece = "x".repeat(LARGE / 10);
    let pieces = std::iter::once(format!("{number} ")).chain(std::iter::repeat_n(piece, 10));
    Response::new(Body::iter(pieces.map(Ok::<_, std::convert::Infallible>)))
}

//! Many connections that do little: idle ones, slow senders, slow readers.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::process::on_core;

/// What the connections of a crowd do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Manner {
    /// Ask once, and then for nothing more.
    Idle,
    /// Send a request head that does not end, a byte every 100 ms.
    SlowSender,
    /// Ask for 1 MiB, and read 1 KiB every 50 ms: 20 KiB a second, which is no attack.
    SlowReader,
}

/// How long a connection may take to come about, and an idle one's answer.
const PATIENCE: Duration = Duration::from_secs(20);

/// Connections that are made at once.
const AT_ONCE: usize = 128;

/// Connections at their work, on a thread of their own.
pub(crate) struct Crowd {
    stop: oneshot::Sender<()>,
    thread: JoinHandle<()>,
    lost: Arc<AtomicUsize>,
}

impl Crowd {
    /// Makes `count` connections, and returns when each is at its work, or has failed.
    /// They are on one core if it is given.
    pub(crate) fn gather(
        address: SocketAddr,
        manner: Manner,
        count: usize,
        core: Option<usize>,
    ) -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let (stop, stopped) = oneshot::channel::<()>();
        let (ready, gathered) = std::sync::mpsc::channel::<()>();
        let lost = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&lost);
        let thread = std::thread::spawn(move || {
            let work = async {
                let members = assemble(address, manner, count, counter).await;
                drop(ready);
                // Told or forgotten: either way it is over.
                let _ = stopped.await;
                drop(members);
                Ok(())
            };
            // A core that is not there has stopped the server's start already.
            let _ = on_core(core, || runtime.block_on(work));
        });
        // Nothing is ever sent: the end of the channel is the news.
        let _ = gathered.recv();
        Ok(Self { stop, thread, lost })
    }

    /// Closes all connections. Says how many had failed, or were cut by the server, before.
    pub(crate) fn disperse(self) -> usize {
        let lost = self.lost.load(Ordering::Relaxed);
        drop(self.stop);
        // A crowd that panicked has closed its connections as well.
        let _ = self.thread.join();
        lost
    }
}

async fn assemble(
    address: SocketAddr,
    manner: Manner,
    count: usize,
    lost: Arc<AtomicUsize>,
) -> JoinSet<()> {
    let door = Arc::new(Semaphore::new(AT_ONCE));
    let (started, mut arrivals) = mpsc::unbounded_channel();
    let mut members = JoinSet::new();
    for _ in 0..count {
        let (door, lost, started) = (Arc::clone(&door), Arc::clone(&lost), started.clone());
        members.spawn(async move {
            let stream = {
                // Never closed, so it lets in whoever comes.
                let _turn = door.acquire().await;
                timeout(PATIENCE, begin(address, manner)).await
            };
            // Whoever failed has arrived as well; nobody listens any more if all is over.
            let _ = started.send(());
            if let Ok(Ok(stream)) = stream {
                go_on(stream, manner).await;
            }
            lost.fetch_add(1, Ordering::Relaxed);
        });
    }
    for _ in 0..count {
        arrivals.recv().await;
    }
    members
}

async fn begin(address: SocketAddr, manner: Manner) -> io::Result<TcpStream> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    if manner == Manner::SlowReader {
        // What the kernel takes in at once is not slow.
        socket.set_recv_buffer_size(4096)?;
    }
    let mut stream = socket.connect(address).await?;
    let (path, end) = match manner {
        Manner::Idle => ("/hello", "\r\n"),
        Manner::SlowSender => ("/hello", "X-Slow: "),
        Manner::SlowReader => ("/big", "\r\n"),
    };
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\n{end}");
    stream.write_all(request.as_bytes()).await?;
    if manner == Manner::Idle && stream.read(&mut [0; 1024]).await? == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(stream)
}

/// Does its work for as long as the server lets it.
async fn go_on(mut stream: TcpStream, manner: Manner) {
    let mut buffer = [0; 1024];
    loop {
        let done = match manner {
            Manner::Idle => stream.read(&mut buffer).await,
            Manner::SlowSender => {
                sleep(Duration::from_millis(100)).await;
                stream.write(b"x").await
            }
            Manner::SlowReader => {
                sleep(Duration::from_millis(50)).await;
                stream.read(&mut buffer).await
            }
        };
        if !done.is_ok_and(|bytes| bytes > 0) {
            return;
        }
    }
}

//! A client of a few lines: one request, one answer.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// How long the load before the measured one lasts at most.
const WARM: Duration = Duration::from_millis(400);

/// The connections of that load.
const KEPT: usize = 8;

/// Connects anew, asks, and reads to the end of the answer: of its length if it says one, for not every
/// server closes when it is asked to.
///
/// # Errors
///
/// If it does not come in time, or is not a 2xx.
pub(super) fn ask(address: SocketAddr, path: &str, patience: Duration) -> io::Result<()> {
    let mut stream = connect(address, patience)?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes())?;
    let mut answer = Vec::new();
    let mut piece = [0; 64 * 1024];
    while !is_whole(&answer) {
        match stream.read(&mut piece)? {
            0 => break,
            read => answer.extend_from_slice(&piece[..read]),
        }
    }
    require_success(&answer)
}

/// Asks until the server answers.
///
/// # Errors
///
/// The last answer's, when `patience` is over or `is_alive` says that it never will.
pub(crate) fn wait_until_answering(
    address: SocketAddr,
    path: &str,
    patience: Duration,
    mut is_alive: impl FnMut() -> bool,
) -> io::Result<()> {
    let until = Instant::now() + patience;
    loop {
        let Err(error) = ask(address, path, patience) else {
            return Ok(());
        };
        if Instant::now() > until || !is_alive() {
            return Err(error);
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Asks for a while over a few connections, so that the server has been everywhere once. A server
/// that closes them is asked over new ones.
pub(crate) fn warm_up(address: SocketAddr, path: &str) -> io::Result<()> {
    let until = Instant::now() + WARM;
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\n\r\n");
    let mut kept: Vec<TcpStream> = Vec::new();
    while Instant::now() < until {
        while kept.len() < KEPT {
            kept.push(connect(address, WARM)?);
        }
        kept.retain_mut(|stream| stream.write_all(request.as_bytes()).is_ok());
        kept.retain_mut(|stream| stream.read(&mut [0; 4096]).is_ok_and(|read| read > 0));
    }
    Ok(())
}

fn connect(address: SocketAddr, patience: Duration) -> io::Result<TcpStream> {
    let stream = TcpStream::connect_timeout(&address, patience)?;
    stream.set_read_timeout(Some(patience))?;
    stream.set_write_timeout(Some(patience))?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// Whether an answer that says its length has come to its end.
fn is_whole(answer: &[u8]) -> bool {
    let Some(end) = answer.windows(4).position(|four| four == b"\r\n\r\n") else {
        return false;
    };
    let (head, body) = (&answer[..end], answer.len() - end - 4);
    let length = String::from_utf8_lossy(head).lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        let is_length = name.eq_ignore_ascii_case("content-length");
        is_length.then(|| value.trim().parse::<usize>().ok())?
    });
    length.is_some_and(|length| body >= length)
}

fn require_success(answer: &[u8]) -> io::Result<()> {
    let status = answer
        .split(|byte| *byte == b' ')
        .nth(1)
        .unwrap_or_default();
    if answer.starts_with(b"HTTP/1.") && status.starts_with(b"2") {
        return Ok(());
    }
    let start = String::from_utf8_lossy(&answer[..answer.len().min(80)]).into_owned();
    Err(io::Error::other(format!("answered {start:?}")))
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn knows_an_answer_that_is_good() {
        let cases: [(&[u8], bool); 5] = [
            (b"HTTP/1.1 200 OK\r\n\r\n", true),
            (b"HTTP/1.0 204 No Content\r\n\r\n", true),
            (b"HTTP/1.1 503 Service Unavailable\r\n\r\n", false),
            (b"SSH-2.0-x 200", false),
            (b"", false),
        ];
        for (answer, good) in cases {
            assert_eq!(require_success(answer).is_ok(), good, "{answer:?}");
        }
    }

    #[test]
    fn knows_where_an_answer_ends() {
        let cases: [(&[u8], bool); 7] = [
            (b"", false),
            (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n\xff", false),
            (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n", false),
            (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nx", false),
            (b"HTTP/1.1 200 OK\r\ncontent-length:2\r\n\r\nxy", true),
            (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", true),
            (b"HTTP/1.1 200 OK\r\n\r\nxy", false),
        ];
        for (answer, whole) in cases {
            assert_eq!(is_whole(answer), whole, "{answer:?}");
        }
    }

    #[test]
    fn waits_for_nobody_who_is_gone() {
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = free.local_addr().unwrap();
        drop(free);
        let patience = Duration::from_secs(3600);
        assert!(wait_until_answering(address, "/", patience, || false).is_err());
    }
}

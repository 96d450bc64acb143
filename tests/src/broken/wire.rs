//! Defects on the wire: a relay before the host that puts one text in the place of another.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use gateway_test::conformance::Running;

/// A text, and what stands in its place.
type Rewrite = (&'static str, &'static str);

/// A relay before `host`, and the host, as one host.
pub(super) fn relayed(host: Running, received: Rewrite, sent: Rewrite) -> io::Result<Running> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let (host, stopping) = (Arc::new(host), Arc::new(AtomicBool::new(false)));
    let (stopped, is_stopping) = (Arc::clone(&host), Arc::clone(&stopping));
    let stop = move || {
        is_stopping.store(true, Ordering::SeqCst);
        stopped.stop();
        let _ = TcpStream::connect(address); // wakes the relay, if it is still there
    };
    Ok(Running::spawn([address.into()], stop, move || {
        for client in listener.incoming() {
            if stopping.load(Ordering::SeqCst) {
                break;
            }
            relay(client?, &host, received, sent)?;
        }
        drop(listener);
        host.ended().map_err(io::Error::other)
    }))
}

fn relay(client: TcpStream, host: &Running, received: Rewrite, sent: Rewrite) -> io::Result<()> {
    let address = host.addresses().first().and_then(|host| host.socket());
    let upstream = TcpStream::connect(address.ok_or(io::ErrorKind::Unsupported)?)?;
    let (from, to) = (client.try_clone()?, upstream.try_clone()?);
    thread::spawn(move || pass(from, to, received));
    thread::spawn(move || pass(upstream, client, sent));
    Ok(())
}

/// Passes on what comes, rewritten. What is rewritten is short and sent at once, so that it comes in one piece.
fn pass(mut from: TcpStream, mut to: TcpStream, rewrite: Rewrite) {
    let mut piece = [0; 64 * 1024];
    while let Ok(length @ 1..) = from.read(&mut piece) {
        if to.write_all(&rewritten(&piece[..length], rewrite)).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Write); // nobody may be there any more
}

fn rewritten(bytes: &[u8], (text, other): Rewrite) -> Vec<u8> {
    if text.is_empty() {
        return bytes.to_vec();
    }
    let latin1: String = bytes.iter().copied().map(char::from).collect(); // a char for each byte
    latin1
        .replace(text, other)
        .chars()
        .map(|byte| byte as u8)
        .collect()
}

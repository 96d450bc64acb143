//! The floor: a thread a core, each with an epoll set, that sends a canned answer whenever an empty
//! line has come. It parses nothing, and knows no limits, no deadlines and no bodies.

#![forbid(unsafe_code)]

use std::collections::HashMap;
use std::io;
use std::net::{TcpListener, TcpStream};
use std::os::fd::{AsRawFd, RawFd};
use std::thread;

use gateway_bench_peers::address;
use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, bind, listen, recv, send,
    socket_with, sockopt,
};

const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\n\
    Content-Length: 13\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\nHello, world\n";

/// To a client that asks for it; without that word, it would take the end of the connection for an error.
const LAST: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\n\
    Content-Length: 13\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nConnection: close\r\n\r\nHello, world\n";

/// What marks the listener among the events.
const LISTENER: u64 = u64::MAX;

fn main() -> io::Result<()> {
    let socket = socket_with(
        AddressFamily::INET,
        SocketType::STREAM,
        SocketFlags::CLOEXEC,
        None,
    )?;
    sockopt::set_socket_reuseaddr(&socket, true)?;
    bind(&socket, &address())?;
    listen(&socket, 1024)?;
    let listener = TcpListener::from(socket);
    listener.set_nonblocking(true)?;
    let cores = thread::available_parallelism()?.get();
    thread::scope(|scope| {
        let threads: Vec<_> = (0..cores).map(|_| scope.spawn(|| run(&listener))).collect();
        for thread in threads {
            thread.join().expect("it does not panic")?;
        }
        Ok(())
    })
}

fn run(listener: &TcpListener) -> io::Result<()> {
    let set = epoll::create(CreateFlags::CLOEXEC)?;
    let readable = EventFlags::IN | EventFlags::EXCLUSIVE;
    epoll::add(&set, listener, EventData::new_u64(LISTENER), readable)?;
    let mut connections: HashMap<RawFd, TcpStream> = HashMap::new();
    let mut events = Vec::with_capacity(64);
    loop {
        events.clear();
        epoll::wait(&set, rustix::buffer::spare_capacity(&mut events), None)?;
        for event in &events {
            // A copy: on some systems the fields are not aligned.
            let Event { data, .. } = *event;
            if data.u64() == LISTENER {
                accept(listener, &set, &mut connections)?;
                continue;
            }
            let descriptor = data.u64() as RawFd;
            let Some(stream) = connections.get(&descriptor) else {
                continue;
            };
            if turn(stream).is_err() {
                connections.remove(&descriptor);
            }
        }
    }
}

fn accept(
    listener: &TcpListener,
    set: impl std::os::fd::AsFd,
    connections: &mut HashMap<RawFd, TcpStream>,
) -> io::Result<()> {
    // One at a time, so that the threads share them.
    let Ok((stream, _)) = listener.accept() else {
        return Ok(());
    };
    stream.set_nonblocking(true)?;
    stream.set_nodelay(true)?;
    let descriptor = stream.as_raw_fd();
    let events = EventFlags::IN | EventFlags::RDHUP;
    epoll::add(set, &stream, EventData::new_u64(descriptor as u64), events)?;
    connections.insert(descriptor, stream);
    Ok(())
}

/// Answers each head in what is there. An error ends the connection.
fn turn(stream: &TcpStream) -> io::Result<()> {
    let mut buffer = [0; 4096];
    let (_, length) = recv(stream, &mut buffer[..], RecvFlags::empty())?;
    let request = &buffer[..length];
    if length == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    let mut windows = request.windows(17);
    let is_last = windows.any(|window| window == b"Connection: close");
    if request.ends_with(b"\r\n\r\n") {
        send(
            stream,
            if is_last { LAST } else { ANSWER },
            SendFlags::NOSIGNAL,
        )?;
    }
    match is_last {
        true => Err(io::ErrorKind::ConnectionAborted.into()),
        false => Ok(()),
    }
}

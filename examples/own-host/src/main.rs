//! Hello over a Unix socket: `cargo run -p own-host -- /tmp/hello.sock`, then
//! `curl --unix-socket /tmp/hello.sock http://localhost/`.

#![forbid(unsafe_code)]

use std::os::unix::net::UnixListener;
use std::sync::atomic::AtomicBool;
use std::{env, io};

use gateway_core::{Environ, Result, text};

async fn hello(environ: Environ) -> Result {
    Ok(text(format!("Hello from {}\n", environ.path_info())))
}

fn main() -> io::Result<()> {
    let path = env::args_os().nth(1).unwrap_or_else(|| "hello.sock".into());
    own_host::serve(&UnixListener::bind(path)?, hello, &AtomicBool::new(false))
}

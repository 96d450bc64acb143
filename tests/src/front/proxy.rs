//! A proxy as a child process, with a configuration of its own in a folder of its own.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Instant;
use std::{env, fs, io, thread};

use gateway_core::Address;
use gateway_test::PATIENCE;
use gateway_test::client::Client;
use tempfile::TempDir;

use super::Front;

/// A proxy that runs in front of a host. Dropping it ends it, also in a panic.
#[derive(Debug)]
pub struct Proxy {
    child: Child,
    folder: TempDir,
}

/// Where the program is, in PATH or where Debian has servers.
pub fn installed(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let sbin = ["/usr/sbin", "/usr/local/sbin"].map(PathBuf::from);
    env::split_paths(&path)
        .chain(sbin)
        .map(|folder| folder.join(program))
        .find(|file| file.is_file())
}

impl Proxy {
    /// Starts `front` before `host`, and waits until it listens: at a Unix socket, so that no port is
    /// taken from anyone.
    ///
    /// # Errors
    ///
    /// It is not installed, or does not come up; the error has what it said.
    pub fn start(front: Front, host: SocketAddr) -> io::Result<Self> {
        let program = front.program().and_then(installed);
        let program = program.ok_or(io::ErrorKind::NotFound)?;
        let folder = tempfile::tempdir()?;
        let text = match front {
            Front::NginxBuffered => nginx(folder.path(), host, "on"),
            Front::NginxStreamed => nginx(folder.path(), host, "off"),
            Front::HaproxyShared => haproxy(folder.path(), host, "always"),
            Front::None | Front::Haproxy => haproxy(folder.path(), host, "safe"),
        };
        let configuration = folder.path().join("configuration");
        fs::write(&configuration, text)?;
        let log = fs::File::create(folder.path().join("log"))?;
        let mut command = Command::new(program);
        match front.program() {
            Some("nginx") => command
                .arg("-p")
                .arg(folder.path())
                .args(["-e", "stderr", "-c"]),
            _ => command.args(["-db", "-f"]), // in the foreground
        };
        let child = command
            .arg(&configuration)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()?;
        let mut proxy = Self { child, folder };
        proxy.comes_up()?;
        Ok(proxy)
    }

    /// Where it listens.
    pub fn address(&self) -> Address {
        Address::Unix(Some(self.folder.path().join(SOCKET).into()))
    }

    /// What it has logged.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    fn comes_up(&mut self) -> io::Result<()> {
        let until = Instant::now() + PATIENCE;
        while Client::connect(&self.address()).is_err() {
            if self.child.try_wait()?.is_some() || Instant::now() > until {
                return Err(io::Error::other(format!(
                    "does not come up: {}",
                    self.log()
                )));
            }
            thread::yield_now();
        }
        Ok(())
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Where in its folder a proxy listens.
const SOCKET: &str = "front";

/// One process, one connection kept to the host: what is left over on it meets the next request.
/// The time-outs for clients are short because some cases wait for what never comes.
fn nginx(folder: &Path, host: SocketAddr, buffering: &str) -> String {
    let folder = folder.display();
    format!(
        "daemon off;
master_process off;
pid {folder}/pid;
error_log stderr error;
events {{ worker_connections 512; }}
http {{
    access_log off;
    client_body_temp_path {folder}/client;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    client_max_body_size 0;
    client_header_timeout 2s;
    client_body_timeout 2s;
    upstream host {{
        server {host};
        keepalive 1;
    }}
    server {{
        listen unix:{folder}/{SOCKET};
        location / {{
            proxy_pass http://host;
            proxy_http_version 1.1;
            proxy_set_header Connection \"\";
            proxy_set_header Host $host;
            proxy_buffering {buffering};
            proxy_request_buffering {buffering};
        }}
    }}
}}
"
    )
}

/// One thread, for the same reason.
fn haproxy(folder: &Path, host: SocketAddr, reuse: &str) -> String {
    let folder = folder.display();
    format!(
        "global
    nbthread 1
    maxconn 256
defaults
    mode http
    http-reuse {reuse}
    timeout connect 20s
    timeout server 60s
    timeout client 2s
    timeout http-request 2s
    timeout http-keep-alive 2s
listen front
    bind unix@{folder}/{SOCKET}
    server host {host}
"
    )
}

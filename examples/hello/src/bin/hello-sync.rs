//! Hello on the threaded server: `cargo run -p hello --bin hello-sync [ADDRESS]`.

#![forbid(unsafe_code)]

fn main() -> std::io::Result<()> {
    let app = gateway_core::blocking(hello::hello_blocking);
    let address = std::env::args().nth(1);
    gateway_sync::Server::bind(address.as_deref().unwrap_or("127.0.0.1:8000"))?.serve(app)
}

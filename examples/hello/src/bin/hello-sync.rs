//! Hello on the threaded server: `cargo run -p hello --bin hello-sync`.

#![forbid(unsafe_code)]

fn main() -> std::io::Result<()> {
    let app = gateway_core::blocking(hello::hello_blocking);
    gateway_sync::Server::bind("127.0.0.1:8000")?.serve(app)
}

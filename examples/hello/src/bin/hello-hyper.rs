//! Hello on hyper and tokio: `cargo run -p hello --bin hello-hyper [ADDRESS]`.

#![forbid(unsafe_code)]

fn main() -> std::io::Result<()> {
    let address = std::env::args().nth(1);
    gateway_hyper::Server::bind(address.as_deref().unwrap_or("127.0.0.1:8000"))?.run(hello::hello)
}

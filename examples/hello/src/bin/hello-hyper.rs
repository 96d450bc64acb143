//! Hello on hyper and tokio: `cargo run -p hello --bin hello-hyper`.

#![forbid(unsafe_code)]

fn main() -> std::io::Result<()> {
    gateway_hyper::Server::bind("127.0.0.1:8000")?.run(hello::hello)
}

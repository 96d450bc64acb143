//! The least that any server must do for slow clients: the work of the kernel, and a task for each.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::Result;

/// What `/large` is answered with.
const LARGE: &[u8] = &[b'x'; 1024 * 1024];

/// Takes whatever comes; sends 1 MiB to who asks for `/large` or `/pieces`.
pub(super) fn run() -> Result {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let socket = tokio::net::TcpSocket::new_v4()?;
        socket.bind(([127, 0, 0, 1], 0).into())?;
        let listener: TcpListener = socket.listen(4096)?;
        super::tell(listener.local_addr().ok());
        loop {
            let (stream, _) = listener.accept().await?;
            tokio::spawn(serve(stream)); // its errors are its client's
        }
    })
}

async fn serve(mut stream: TcpStream) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut space = [0; 4096];
    let mut start = Vec::new();
    loop {
        let length = stream.read(&mut space).await?;
        if length == 0 {
            return Ok(());
        }
        if start.len() < 16 {
            start.extend_from_slice(&space[..length]);
            if start.starts_with(b"GET /large") || start.starts_with(b"GET /pieces") {
                stream
                    .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1048576\r\n\r\n")
                    .await?;
                stream.write_all(LARGE).await?;
            }
        }
    }
}

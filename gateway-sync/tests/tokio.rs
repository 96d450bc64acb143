//! Async applications that need tokio, on the threaded server.

#![allow(clippy::unwrap_used, reason = "tests say by panicking what went wrong")]

use std::time::Duration;

use gateway_core::{Capabilities, Environ, Result, requiring, text};
use gateway_sync::Server;
use gateway_test::client::Client;

async fn sleeps(_environ: Environ) -> Result {
    tokio::time::sleep(Duration::from_millis(1)).await;
    Ok(text("slept"))
}

#[test]
fn tokios_timers_work_in_an_async_application() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_time()
        .build()
        .unwrap();
    let server = Server::bind("127.0.0.1:0").unwrap().threads(2);
    let server = server.tokio(runtime.handle().clone());
    let (address, handle) = (server.local_addrs()[0].clone(), server.handle());
    let serving = std::thread::spawn(|| server.serve(requiring(Capabilities::TOKIO, sleeps)));
    let mut client = Client::connect(&address).unwrap();
    assert_eq!(client.get("/").unwrap().text(), "slept");
    handle.stop();
    serving.join().unwrap().unwrap();
}

#[test]
fn an_application_that_needs_tokio_is_refused_without_it() {
    let server = Server::bind("127.0.0.1:0").unwrap();
    let error = server
        .serve(requiring(Capabilities::TOKIO, sleeps))
        .unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::Unsupported);
    assert!(error.to_string().ends_with("tokio"));
}

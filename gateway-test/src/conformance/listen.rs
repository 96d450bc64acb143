//! Where a host listens, and what keeps it from starting.

use std::net::TcpListener;

use gateway_core::{Address, Capabilities, requiring};

use super::{Listen, Stage, Verdict, post};
use crate::client::Client;
use crate::fixtures::{Dump, dump, hello};

cases! {
    /// **H30.** A host SHOULD listen on several addresses, on Unix sockets, and on listeners that are bound
    /// already, and MUST fail to start where it cannot.
    ///
    /// *Why*: Sockets are handed over by whatever starts services.
    H30 Listening {
        once listens_on_several_addresses;
        once takes_a_listener_that_is_bound_already;
        once does_not_start_on_an_address_in_use;
        both serves_unix_sockets;
        once takes_a_unix_listener_that_is_bound_already;
        once replaces_a_stale_unix_socket;
        once does_not_take_a_unix_socket_over_from_a_live_host;
    }

    H1 Interface {
        once does_not_start_an_application_that_needs_more_than_it_can;
    }
}

fn listens_on_several_addresses(stage: &Stage<'_>) -> Verdict {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("socket");
    let host = stage.serve_with(hello(stage.style()), |setup| {
        setup.listen = vec![Listen::Tcp, Listen::Unix(path), Listen::Tcp];
    })?;
    assert_eq!(host.addresses().len(), 3);
    for address in host.addresses() {
        for _ in 0..2 {
            let reply = Client::connect(address)?.get("/")?;
            assert_eq!(reply.text(), "Hello, world!", "{address}");
        }
    }
    Ok(())
}

fn takes_a_listener_that_is_bound_already(stage: &Stage<'_>) -> Verdict {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = Address::from(listener.local_addr()?);
    let mut early = Client::connect(&address)?; // before the host starts
    let host = stage.serve_with(hello(stage.style()), |setup| {
        setup.listen = vec![Listen::TcpBound(listener)];
    })?;
    assert_eq!(host.addresses(), [address]);
    assert_eq!(early.get("/")?.status, 200);
    assert_eq!(host.client()?.get("/")?.status, 200);
    Ok(())
}

fn does_not_start_on_an_address_in_use(stage: &Stage<'_>) -> Verdict {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let started = stage.serve_with(hello(stage.style()), |setup| {
        setup.listen = vec![Listen::TcpAt(address)];
    });
    assert!(started.is_err(), "started on an address in use");
    Ok(())
}

fn serves_unix_sockets(stage: &Stage<'_>) -> Verdict {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("socket");
    let host = stage.serve_with(dump(stage.style()), |setup| {
        setup.listen = vec![Listen::Unix(path.clone())];
    })?;
    let mut client = host.client()?;
    for _ in 0..2 {
        let dump = Dump::parse(&client.exchange(post("/p", "hello"))?.body)?;
        assert_eq!(dump.body, b"hello");
        assert_eq!(dump.var("REMOTE_ADDR"), None);
        assert_eq!(dump.var("remote"), Some("unix:"));
        let local = format!("unix:{}", path.display());
        assert_eq!(dump.var("local"), Some(&*local));
        assert_eq!(dump.var("SERVER_NAME"), Some("test.example"));
        assert_eq!(dump.var("SERVER_PORT"), Some("80"));
    }
    Ok(())
}

fn takes_a_unix_listener_that_is_bound_already(stage: &Stage<'_>) -> Verdict {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("socket");
    let listener = std::os::unix::net::UnixListener::bind(&path)?;
    let host = stage.serve_with(hello(stage.style()), |setup| {
        setup.listen = vec![Listen::UnixBound(listener)];
    })?;
    let address = Address::Unix(Some(path.into()));
    assert_eq!(Client::connect(&address)?.get("/")?.status, 200);
    assert_eq!(host.addresses(), [address]);
    Ok(())
}

fn replaces_a_stale_unix_socket(stage: &Stage<'_>) -> Verdict {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("socket");
    drop(std::os::unix::net::UnixListener::bind(&path)?); // the file stays
    let host = stage.serve_with(hello(stage.style()), |setup| {
        setup.listen = vec![Listen::Unix(path)];
    })?;
    assert_eq!(host.client()?.get("/")?.status, 200);
    Ok(())
}

fn does_not_take_a_unix_socket_over_from_a_live_host(stage: &Stage<'_>) -> Verdict {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("socket");
    let listen_there = |setup: &mut super::Setup| setup.listen = vec![Listen::Unix(path.clone())];
    let first = stage.serve_with(hello(stage.style()), listen_there)?;
    let second = stage.serve_with(hello(stage.style()), listen_there);
    assert!(second.is_err(), "took the socket of a live host");
    assert_eq!(first.client()?.get("/")?.status, 200);
    Ok(())
}

fn does_not_start_an_application_that_needs_more_than_it_can(stage: &Stage<'_>) -> Verdict {
    // Nothing can do both: a process that ends after one request has no threads.
    let impossible = Capabilities::RUN_ONCE | Capabilities::MULTITHREAD;
    let app = requiring(impossible, hello(stage.style()));
    let Ok(host) = stage.serve(gateway_core::BoxApplication::new(app)) else {
        return Ok(());
    };
    let ended = host.ended();
    assert!(
        ended.is_err(),
        "serves an application that needs {impossible}"
    );
    Ok(())
}

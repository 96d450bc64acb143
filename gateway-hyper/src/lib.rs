//! An async server for gateway applications, on hyper and tokio.

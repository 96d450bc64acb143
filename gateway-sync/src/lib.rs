//! A threaded server for gateway applications that slow clients cannot hold up.

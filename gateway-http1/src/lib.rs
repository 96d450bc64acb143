//! HTTP/1.1 as seen by a server, on bytes.

//! One small interface between Rust web applications and the servers that host them.

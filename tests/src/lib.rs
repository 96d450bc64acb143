//! What holds across the crates of gateway.

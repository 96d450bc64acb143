//! Side-by-side measurements of gateway hosts.

fn main() {}
